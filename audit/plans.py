# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calling plans decided again: what each call of a period takes, and what is left.

What a period begins with is what its balance says that it was granted, and what the
period before left. A call that came in when its period was billed takes what the billed
ones left. Not decided are such periods where something rolls over, because what later
ones took of it is theirs, and customers of whose family several subscriptions have
plans.
"""

import json
from dataclasses import replace

from .allowances import About, Balance, Term, take
from .call_charge import Call
from .calls import COLUMNS, StoredCall
from .customers import decks_of_customers
from .exact import exact, rounded, text
from .findings import Difference

SUBJECT = "plans"
BALANCES = "balances of allowances"

_TERMS = """
    SELECT allowance.id, allowance.sequence, allowance.unit, allowance.scope,
           allowance.increment, allowance.factor, allowance.price::text,
           allowance.overage_price::text, allowance.overage, allowance.waive_fee,
           allowance.free_calls, coalesce(allowance.rollover_periods, 0),
           allowance.rollover_limited, allowance.rollover_limit::text,
           allowance.unlimited, allowance.fair_use::text, plan.currency_id,
           ARRAY(SELECT meter_id FROM metered_allowance_meter_rel
                  WHERE allowance_id = allowance.id),
           ARRAY(SELECT destination_id FROM metered_allowance_destination_rel
                  WHERE allowance_id = allowance.id),
           ARRAY(SELECT band_id FROM metered_allowance_band_rel
                  WHERE allowance_id = allowance.id)
      FROM metered_calling_plan_allowance allowance
      JOIN metered_calling_plan plan ON plan.id = allowance.plan_id
     ORDER BY allowance.id
"""
_BALANCES = """
    SELECT balance.subscription_id, owner.commercial_partner_id, balance.date_from,
           balance.date_to, balance.allowance_id, coalesce(balance.identifier_id, 0),
           balance.granted::text, balance.rolled_in::text, balance.used::text,
           balance.left::text, balance.lots::text, balance.unlimited
      FROM metered_allowance_balance balance
      JOIN sale_subscription subscription ON subscription.id = balance.subscription_id
      JOIN res_partner owner ON owner.id = subscription.partner_id
     WHERE balance.company_id = %(company)s
     ORDER BY balance.date_from, balance.subscription_id, balance.allowance_id,
              balance.identifier_id
"""
# Everybody below the topmost parent of somebody.
_FAMILY = """
    WITH RECURSIVE up AS (
        SELECT id, parent_id FROM res_partner WHERE id = %s
         UNION ALL
        SELECT partner.id, partner.parent_id
          FROM up JOIN res_partner partner ON partner.id = up.parent_id
    ), down AS (
        SELECT id FROM up WHERE parent_id IS NULL
         UNION ALL
        SELECT partner.id
          FROM down JOIN res_partner partner ON partner.parent_id = down.id
    )
    SELECT partner.id, partner.commercial_partner_id
      FROM down JOIN res_partner partner ON partner.id = down.id
"""
_USAGE = """
    SELECT usage.id, usage.subscription_id, line.move_id,
           usage.details_gone IS NOT NULL, usage.partner_id
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id AND meter.kind = 'call'
      LEFT JOIN account_move_line line ON line.id = usage.invoice_line_id
     WHERE usage.company_id = %(company)s AND usage.partner_id = ANY(%(partners)s)
       AND usage.day >= %(begin)s AND usage.day < %(until)s
"""
_CALLS = f"""
    SELECT coalesce(cdr.identifier_id, 0), coalesce(cdr.destination_id, 0),
           cdr.call_id || '/' || cdr.source_id, {COLUMNS}
      FROM metered_cdr cdr
      JOIN metered_usage usage ON usage.id = cdr.usage_id
      LEFT JOIN metered_batch batch ON batch.id = cdr.batch_id
     WHERE cdr.usage_id = ANY(%(usage)s) AND cdr.state = 'rated'
       AND cdr.rate_id IS NOT NULL
"""  # noqa: S608 - ours
_SMALLEST = {"minutes": 60, "money": 10**6}


class Plans:
    """The calling plans of a company's subscriptions, period by period."""

    def __init__(self, cursor, scope, book, rates):
        self.cursor, self.scope, self.book, self.rates = cursor, scope, book, rates
        self.decks = decks_of_customers(cursor, scope.company)
        self.terms = self._read_terms()

    def compare(self):
        """Decide every period of the days again."""
        self.cursor.execute(_BALANCES, self.scope.values)
        periods, owners = {}, {}
        for subscription, owner, begin, until, *balance in self.cursor.fetchall():
            owners[subscription] = owner
            periods.setdefault((subscription, begin, until), []).append(balance)
        lots = {}
        for (subscription, begin, until), balances in periods.items():
            lots[subscription, until] = {
                (row[0], row[1]): json.loads(row[6] or "[]") for row in balances
            }
            if until > self.scope.values["first"] and begin < self.scope.values["end"]:
                before = lots.get((subscription, begin), {})
                self._compare_period(
                    subscription, owners, begin, until, balances, before
                )

    def _compare_period(self, subscription, owners, begin, until, balances, before):
        self.cursor.execute(_FAMILY, (owners[subscription],))
        family = dict(self.cursor.fetchall())
        usage = self._usage(family, begin, until)
        tally = self.scope.findings.of(self.scope.name, BALANCES, "all call types")
        reason = self._why_not(subscription, owners, family, usage, balances)
        if reason:
            tally.left_out[reason] += len(balances)
            return
        terms = [
            term
            for allowance in dict.fromkeys(row[0] for row in balances)
            for term in self.terms[allowance]
        ]
        found = self._opening(balances, before, terms)
        for term in terms:
            if term.id < 0:
                found[term.id, 0] = Balance(None)
                for row in balances:
                    found[term.id, row[1]] = Balance(None)
        self._take_all(subscription, owners, family, usage, terms, found)
        units = {term.id: term for term in terms}
        for row in balances:
            term = units[row[0]]
            problem = _balance_differs(row, term, found[row[0], row[1]])
            if problem:
                name = f"allowance {row[0]} of subscription {subscription}, {begin}"
                tally.differ(Difference(name, *problem))
            else:
                tally.equal += 1

    def _usage(self, family, begin, until):
        values = {"partners": list(family), "begin": begin, "until": until}
        self.cursor.execute(_USAGE, {**self.scope.values, **values})
        return {row[0]: row[1:] for row in self.cursor.fetchall()}

    def _why_not(self, subscription, owners, family, usage, balances):
        others = [
            number
            for number, owner in owners.items()
            if owner in family and number != subscription
        ]
        if others:
            return "of customers with several subscriptions with plans"
        if any(row[0] not in self.terms for row in balances):
            return "of allowances that were deleted"
        if any(is_gone for _named, _move, is_gone, _partner in usage.values()):
            return "of periods whose calls were deleted or masked"
        moves = {move for _named, move, _gone, _partner in usage.values()}
        if len(moves) > 1 and any(self.terms[row[0]][0].rolls for row in balances):
            return "that roll over, of periods with calls that came in late"
        owner = owners[subscription]
        if any(family[partner] != owner for *_some, partner in usage.values()):
            return "of customers with companies below or above them"
        return None

    def _opening(self, balances, before, terms):
        """What a period begins with: dict (allowance, identifier) -> Balance."""
        term_of, found = {term.id: term for term in terms}, {}
        for allowance, identifier, granted, *_sums, unlimited in balances:
            term = term_of[allowance]
            if unlimited:
                found[allowance, identifier] = Balance(None)
                continue
            rolled = [
                [amount, periods - 1]
                for amount, periods in before.get((allowance, identifier), ())
            ]
            amount = int(rounded(exact(granted) * _SMALLEST.get(term.unit, 1), 0))
            found[allowance, identifier] = Balance([*rolled, [amount, term.rolls]])
        return found

    def _take_all(self, subscription, owners, family, usage, terms, balances):
        self.cursor.execute(_CALLS, {"usage": list(usage)})
        calls = [
            (identifier, destination, identity, StoredCall(*row))
            for identifier, destination, identity, *row in self.cursor.fetchall()
        ]
        shares = any(term.scope == "customer" for term in terms)

        def order(call):
            """Those of the first invoice first, and those of none as yet at last."""
            move = usage[call[3].usage][1]
            return move is None, move or 0, call[3].start, call[2]

        for identifier, destination, _identity, stored in sorted(calls, key=order):
            named = usage[stored.usage][0]
            if named not in (None, subscription) and not shares:
                continue
            about = About(
                stored.meter,
                destination,
                stored.band,
                stored.currency,
                identifier,
                named in (None, subscription),
            )
            call = Call(
                stored.number,
                stored.start,
                stored.seconds,
                stored.meter,
                self.decks.get(stored.partner, ()),
            )
            self._compare_call(stored, call, terms, balances, about)

    def _compare_call(self, stored, call, terms, balances, about):
        decided = self.book.first(self.book.candidates(call), call.start)
        rate = None
        if decided is None or decided.id != stored.rate:
            rate = self.rates.get(stored.rate)
        tally = self.scope.tally(SUBJECT, stored.meter)
        if decided is None and rate is None:
            tally.left_out["calls without a rate"] += 1
            return
        found = take(self.book, call, terms, balances, about, rate)
        taken = {
            int(key): list(amounts)
            for key, amounts in json.loads(stored.taken or "{}").items()
        }
        if (taken, stored.charge) == (found.entries, found.charge):
            tally.equal += 1
            return
        tally.differ(
            Difference(
                f"call {stored.id} ({stored.call_id})",
                f"{text(stored.charge)}, taken {taken}",
                f"{text(found.charge)}, taken {found.entries}",
                found.charge - stored.charge,
                found.steps,
            )
        )

    def _read_terms(self):
        """Allowances: dict id -> [Term, that of its own price when it is used up]."""
        self.cursor.execute(_TERMS)
        found = {}
        for row in self.cursor.fetchall():
            number, sequence, unit, scope, increment, factor, price, overage = row[:8]
            how, waives, free_calls, rolls, limited, limit, unlimited, fair = row[8:16]
            currency, meters, destinations, bands = row[16:]
            most = None
            if limited and rolls:
                most = int(rounded(exact(limit) * _SMALLEST.get(unit, 1), 0))
            term = Term(
                number,
                sequence,
                unit,
                scope,
                currency if unit == "money" or exact(price) else 0,
                frozenset(meters),
                frozenset(destinations),
                frozenset(bands),
                increment,
                factor,
                exact(price),
                bool(waives),
                bool(free_calls),
                rolls,
                most,
            )
            found[number] = [term]
            ends = not unlimited or exact(fair)
            if how == "own" and unit != "money" and ends:
                found[number].append(
                    replace(
                        term,
                        id=-number,
                        currency=currency,
                        factor=1,
                        price=exact(overage),
                        rolls=0,
                        limit=None,
                    )
                )
        return found


def _balance_differs(row, term, balance):
    """(stored, found) of a balance; None where they are equal."""
    _allowance, _identifier, granted, rolled_in, used, left, lots, unlimited = row
    unit = _SMALLEST.get(term.unit, 1)

    def smallest(value):
        return int(rounded(exact(value) * unit, 0))

    stored = [smallest(used)]
    found = [balance.used]
    if not unlimited:
        opening = sum(amount for amount, _periods in balance.lots)
        stored += [smallest(granted) + smallest(rolled_in), smallest(left)]
        stored.append(json.loads(lots or "[]"))
        found += [opening, balance.left, balance.rolled(term.limit)]
    if stored == found:
        return None
    names = ("used", "opening", "left", "rolls over")
    return tuple(
        ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=False))
        for values in (stored, found)
    )
