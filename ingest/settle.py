# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Applying calling plans to stored calls, customer by customer.

Calls are stored at the price of their rate deck. Here a subscription's allowances are
given to the calls of its billing periods in the order of (start, identity), and the
CDRs whose charge changes are written, together with the sums of their usage and the
balances. It may be done any number of times: the outcome depends on the calls only.

What is on an invoice is left as it is: what its calls took counts as used, and what
they took of amounts that were rolled over is kept for them in the periods before.
"""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd

from ..rating import RATED
from ..rating.allowances import balances, close, grant, opening_of_next
from ..rating.calling_plans import apply_plans
from ..rating.reserves import less, reserves
from .balance_store import balance_rows, read_lots, store_balances
from .load_rates import deck_chain, load_engine
from .plan_calls import Candidate, anchor, read_calls, read_usage
from .plan_terms import OWN_CALLS, load_terms, pool_column
from .usage_calls import USAGE_CDRS
from .usage_store import as_array

DAY = timedelta(days=1)
#: key of an allowance that all calls of a subscription share
EVERYBODY = 1

_FIXED = f"""
    SELECT taken.key::int, coalesce(cdr.identifier_id, 0),
           sum((taken.value->>0)::bigint)::bigint
      FROM {USAGE_CDRS} CROSS JOIN jsonb_each(cdr.plan_taken) AS taken
     WHERE cdr.plan_taken IS NOT NULL
     GROUP BY 1, 2
"""
_WRITE_CDRS = """
    UPDATE metered_cdr cdr
       SET charge = new.charge_micro * 0.000001,
           deck_charge = CASE WHEN new.taken != ''
                              THEN new.deck_micro * 0.000001 END,
           plan_quantity = CASE WHEN new.taken != '' THEN new.covered END,
           plan_taken = nullif(new.taken, '')::jsonb
      FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
           AS new (id, charge_micro, deck_micro, covered, taken)
     WHERE cdr.id = new.id
"""
_ADD_TO_USAGE = """
    UPDATE metered_usage usage
       SET amount = usage.amount + new.charge_micro * 0.000001
      FROM unnest(%s::int[], %s::bigint[]) AS new (id, charge_micro)
     WHERE usage.id = new.id
"""
_IDENTIFIERS = """
    SELECT identifier.id
      FROM metered_identifier identifier
      JOIN res_partner partner ON partner.id = identifier.partner_id
     WHERE partner.commercial_partner_id = %(owner)s AND identifier.active
       AND identifier.company_id = %(company)s
       AND coalesce(identifier.subscription_id, %(subscription)s) = %(subscription)s
       AND coalesce(identifier.date_from, '-infinity') < %(end)s
       AND coalesce(identifier.date_to, 'infinity') > %(begin)s
"""


class Engines:
    """Rating engines, made once for each set of rate decks.

    :param env: environment with rights to read all decks
    """

    def __init__(self, env):
        self.env = env
        self._engines = {}

    def get(self, chains):
        """The engine for chains of decks.

        :param chains: list of tuples of deck ids
        """
        decks = frozenset(deck for chain in chains for deck in chain)
        if decks not in self._engines:
            self._engines[decks], _currencies = load_engine(self.env, chains)
        return self._engines[decks].with_chains(chains)


class Stored:
    """What settling does with its outcome: it writes it.

    :param cr: cursor
    """

    def __init__(self, cr):
        self.cr = cr

    def charges(self, calls, charge, outcome):
        """Keep what calls cost; see :func:`_write`."""
        return _write(self.cr, calls, charge, outcome)

    def balances(self, *closing):
        """Keep the balances of a period; see ``balance_store.store_balances``."""
        store_balances(self.cr, *closing)


class Told:
    """What settling does where it only tells what would come of it.

    :ivar charge_of: dict CDR id -> micro-units, of the calls that it looked at
    """

    def __init__(self):
        self.charge_of = {}

    def charges(self, calls, charge, _outcome):
        """Remember what calls would cost."""
        self.charge_of.update(
            zip(calls["cdr_id"].tolist(), charge.tolist(), strict=True)
        )
        return 0

    def balances(self, *_closing):
        """Balances are of no interest."""


def settle(company, owner, subscriptions, first, last, engines, keep=None):
    """Apply the plans that usage of a customer and some days may take from.

    :param company: ``res.company`` record, with all rights
    :param owner: ``res.partner`` record, the customer whose usage changed
    :param subscriptions: ``sale.subscription`` records whose plans it may take from,
        locked by the caller
    :param first, last: dates: the first and the last day with changes
    :param engines: :class:`Engines`
    :param keep: :class:`Told` to write nothing; None: :class:`Stored`
    :return: number of CDRs that were written
    """
    env = company.env
    env.flush_all()
    keep = keep or Stored(env.cr)
    written = 0
    for subscription in subscriptions:
        work = Settling(company, subscription, engines)
        written += work.run(first, last, keep)
    written += _reset_the_others(company, owner, subscriptions, first, last, keep)
    if isinstance(keep, Told):
        return 0
    for model, names in (
        ("metered.cdr", ["charge", "deck_charge", "plan_quantity", "plan_taken"]),
        ("metered.usage", ["amount"]),
        ("metered.allowance.balance", None),
    ):
        env[model].invalidate_model(names, flush=False)
    return written


def untouched_balances(company, subscription, period):
    """The balances of a period in which there are no calls yet.

    :param period: ``PlanPeriod`` of the subscription
    :return: list of dicts, see :func:`~.balance_store.balance_rows`
    """
    work = Settling(company, subscription, None)
    # Periods without balances had no calls either: all of them rolls over.
    before = [
        earlier
        for earlier in work.periods(period.date_from, period.date_from)
        if earlier.date_from < period.date_from
    ]
    periods = [*before, period]
    lots = work.stored_lots(periods[0].date_from)
    for each in periods:
        lots = close(work.allowances, work.opening(each, lots), {})
    return balance_rows(subscription, period, work.terms, lots)


def _reset_the_others(company, owner, subscriptions, first, last, keep):
    """Give calls that no plan is for any more the charge of their rate deck."""
    cr = company.env.cr
    family = _partners(company.env, [("commercial_partner_id", "=", owner.id)])
    candidates = [candidate_of(subscription) for subscription in subscriptions]
    rows = read_usage(cr, company.id, family, first, last + DAY)
    ids = [
        row.usage_id for row in rows if not row.invoiced and not anchor(row, candidates)
    ]
    if not ids:
        return 0
    calls = read_calls(cr, np.array(ids, np.int64), everything=False)
    return keep.charges(calls, calls["deck_micro"].to_numpy(), _nothing(calls))


def _nothing(calls):
    return np.zeros(len(calls), np.int64), np.full(len(calls), "", object)


def _partners(env, domain):
    return env["res.partner"].with_context(active_test=False).search(domain).ids


def candidate_of(subscription, shared=None):
    """A subscription as one whose plans calls may take from.

    :param shared: whether it shares an allowance with all of its customer; None: as
        its plans say
    """
    if shared is None:
        shared = subscription._metered_is_shared()
    return Candidate(
        subscription.id,
        subscription.partner_id.commercial_partner_id.id,
        subscription.date_start or None,
        subscription._metered_plan_until(),
        shared,
    )


@dataclass
class _Part:
    """A billing period on its way.

    :ivar period: ``PlanPeriod`` of the subscription
    :ivar open_ids, fixed_ids: usage that can change, and that is invoiced
    :ivar fixed: dict (allowance id, key) -> amount that invoiced calls took
    """

    period: object
    open_ids: list
    fixed_ids: list
    fixed: dict


class Settling:
    """One subscription, period by period.

    :param plans: dict plan id -> quantity; None: the plans that it has
    """

    def __init__(self, company, subscription, engines, plans=None):
        self.env = company.env
        self.cr = company.env.cr
        self.company = company
        self.subscription = subscription.with_env(self.env)
        self.engines = engines
        self.owner = subscription.partner_id.commercial_partner_id
        if plans is None:
            known = subscription._metered_plans()
            plans = {plan.id: quantity for plan, quantity in known.items()}
        self.terms = self._load_terms(plans)
        self.allowances = [term.allowance for term in self.terms]
        self.term_of = {term.allowance.id: term for term in self.terms}
        self.rollover = max((a.rollover_periods for a in self.allowances), default=0)
        self.rows = []
        self.chains = {}
        #: dict first day of a period -> what it has to leave for invoiced calls
        self.reserve_of = {}
        self._granted = {}

    def _load_terms(self, plans):
        return load_terms(self.cr, plans)

    def find_partners(self):
        """Customers whose calls may take from its plans."""
        shared = any(term.scope == "customer" for term in self.terms)
        family = (
            [("id", "child_of", self.owner.ids)]
            if shared
            else [("commercial_partner_id", "=", self.owner.id)]
        )
        return _partners(self.env, family)

    def _find_candidates(self, partners):
        """Subscriptions with plans among those whose calls may take from these."""
        subscriptions = self.env["sale.subscription"]
        found = subscriptions.search(
            [
                *subscriptions._metered_plan_domain(self.company),
                ("partner_id", "in", partners),
            ],
            order="id",
        )
        return [candidate_of(subscription) for subscription in found]

    def run(self, first, last, keep):
        """Settle the periods that have days of an interval, and what follows of it.

        :param keep: :class:`Stored` or :class:`Told`
        :return: number of CDRs that were written
        """
        periods = self.periods(first, last)
        if not periods:
            return 0
        self._read_usage(periods)
        parts = [self._part(period) for period in periods]
        found = reserves(
            [part.fixed for part in parts],
            [self.granted(part.period) for part in parts],
            self.allowances,
        )
        for part, reserve in zip(parts, found, strict=True):
            self.reserve_of[part.period.date_from] = reserve
        lots = self.stored_lots(periods[0].date_from)
        written = 0
        for part in parts:
            opening = self.opening(part.period, lots)
            reserve = self.reserve_of[part.period.date_from]
            changed, closing = self._settle_part(part, opening, reserve, keep)
            written += changed
            keep.balances(
                self.subscription, self.owner, part.period, self.terms, closing
            )
            lots = closing
        return written

    # ---- periods

    def periods(self, first, last, following=True):
        """The periods to settle, with those whose balances depend on them.

        :param following: with those after it, too
        """
        subscription = self.subscription
        periods = subscription._metered_plan_periods(first, last)
        if not periods or not self.rollover:
            return periods
        known = set(
            self.env["metered.allowance.balance"]
            .search([("subscription_id", "=", subscription.id)])
            .mapped("date_from")
        )
        latest = last
        if following:
            latest = max([*known, last, subscription.company_id._metered_today()])
        begin = periods[0].date_from
        for _step in range(self.rollover):
            earlier = subscription._metered_plan_periods(begin - DAY, begin - DAY)
            if not earlier or earlier[0].date_from in known:
                break
            begin = earlier[0].date_from
        return subscription._metered_plan_periods(begin, latest)

    def _read_usage(self, periods):
        partners = self.find_partners()
        rows = read_usage(
            self.cr,
            self.company.id,
            partners,
            periods[0].date_from,
            periods[-1].date_to,
        )
        self.take_rows(self.rows_of(rows, partners))

    def rows_of(self, rows, partners):
        """The usage whose calls take from its plans.

        :param rows: list of ``plan_calls.UsageRow`` of these partners
        """
        candidates = self._find_candidates(partners)
        number = self.subscription.id
        return [row for row in rows if anchor(row, candidates) == number]

    def take_rows(self, rows):
        """Set the usage whose calls take from its plans."""
        number = self.subscription.id
        self.rows = rows
        self._granted = {}
        self.own = {
            row.usage_id
            for row in self.rows
            if row.subscription_id == number
            or (not row.subscription_id and row.owners[0] == self.owner.id)
        }

    def _part(self, period):
        rows = [r for r in self.rows if period.date_from <= r.day < period.date_to]
        fixed_ids = [row.usage_id for row in rows if row.invoiced]
        open_ids = [row.usage_id for row in rows if not row.invoiced]
        return _Part(period, open_ids, fixed_ids, self.fixed(fixed_ids))

    def taken_of(self, usage_ids):
        """What calls took, of whatever plan, before factors.

        :return: dict (allowance id, identifier id) -> quantity
        """
        if not usage_ids:
            return {}
        self.cr.execute(_FIXED, {"usage": usage_ids})
        return {(row[0], row[1]): row[2] for row in self.cr.fetchall()}

    def fixed(self, usage_ids):
        """What invoiced calls took: dict (allowance id, key) -> amount."""
        fixed = {}
        taken = self.taken_of(usage_ids)
        for (allowance_id, identifier_id), quantity in taken.items():
            term = self.term_of.get(allowance_id)
            if term:
                key = identifier_id if term.scope == "identifier" else EVERYBODY
                place = (allowance_id, key)
                amount = quantity * term.allowance.factor
                fixed[place] = fixed.get(place, 0) + amount
        return fixed

    # ---- balances

    def stored_lots(self, date_from):
        """What the period before left, as balances after it."""
        if not self.rollover:
            return None
        before = date_from - DAY
        periods = self.subscription._metered_plan_periods(before, before)
        if not periods:
            return None
        return read_lots(
            self.cr, self.subscription.id, periods[0].date_from, self.allowances
        )

    def opening(self, period, lots):
        """The balances that a period begins with.

        :param lots: what the period before left, None for nothing
        """
        grants = self.granted(period)
        if lots is None or not len(lots):
            return grants
        return opening_of_next(lots, grants)

    def granted(self, period):
        """The balances that are granted for a period; remembered."""
        if period.date_from not in self._granted:
            identifiers = ()
            if any(term.scope == "identifier" for term in self.terms):
                identifiers = self._identifiers(period)
            self._granted[period.date_from] = balances(
                grant(term.allowance, key, term.quantity, period.share)
                for term in self.terms
                for key in (identifiers if term.scope == "identifier" else [EVERYBODY])
            )
        return self._granted[period.date_from]

    def _identifiers(self, period):
        """Identifiers that have an allowance for themselves in a period."""
        self.cr.execute(
            _IDENTIFIERS,
            {
                "owner": self.owner.id,
                "company": self.company.id,
                "subscription": self.subscription.id,
                "begin": period.date_from,
                "end": period.date_to,
            },
        )
        found = {number for (number,) in self.cr.fetchall()}
        ids = [
            row.usage_id
            for row in self.rows
            if period.date_from <= row.day < period.date_to
        ]
        if ids:
            self.cr.execute(
                f"SELECT DISTINCT cdr.identifier_id FROM {USAGE_CDRS}"  # noqa: S608
                " WHERE cdr.identifier_id IS NOT NULL",
                {"usage": ids},
            )
            found |= {number for (number,) in self.cr.fetchall()}
        return sorted(found)

    # ---- calls

    def _settle_part(self, part, opening, reserve, keep):
        """Settle one period.

        :return: (number of CDRs that were written, balances after the period)
        """
        used = dict(part.fixed)
        changed = 0
        if part.open_ids:
            calls = read_calls(self.cr, np.array(part.open_ids, np.int64))
            if len(calls):
                self.add_pools(calls)
                rated, engine = as_rated(calls), self.engine_for(calls)
                planned = apply_plans(
                    engine,
                    calls,
                    rated,
                    self.allowances,
                    less(opening, part.fixed, reserve),
                )
                for place, amount in used_of(planned.balances).items():
                    used[place] = used.get(place, 0) + amount
                charge = planned.frame["charge_micro"].to_numpy()
                changed = keep.charges(calls, charge, _taken(planned))
        return changed, close(self.allowances, opening, by_allowance(used))

    def add_pools(self, calls):
        """Set the columns that say from whose allowances calls take.

        :param calls: as ``plan_calls.read_calls`` returns them
        """
        own = calls["usage_id"].isin(self.own).to_numpy()
        currency = calls["currency_id"].to_numpy()
        for allowance, term in zip(self.allowances, self.terms, strict=True):
            if allowance.pool in calls:
                continue
            key = np.full(len(calls), EVERYBODY, np.int64)
            if term.scope == "identifier":
                key = calls["identifier_id"].to_numpy().copy()
            if term.scope in OWN_CALLS:
                key[~own] = 0
            wanted = int(allowance.pool.rpartition("_")[2])
            assert allowance.pool == pool_column(term.scope, wanted)
            if wanted:
                key[currency != wanted] = 0
            calls[allowance.pool] = key

    def engine_for(self, calls):
        """The engine that charges these calls; sets the column `chain`."""
        rates = np.unique(calls["rate_id"].to_numpy())
        self.cr.execute(
            "SELECT id, deck_id FROM metered_rate WHERE id = ANY(%s) ORDER BY id",
            (as_array(rates),),
        )
        deck_of = dict(self.cr.fetchall())
        decks = np.array([deck_of[rate] for rate in rates.tolist()], np.int64)
        deck = decks[np.searchsorted(rates, calls["rate_id"].to_numpy())]
        partner = calls["partner_id"].to_numpy()
        pairs, of_call = np.unique(
            np.stack([partner, deck], axis=1), axis=0, return_inverse=True
        )
        chains = [self._chain(*pair) for pair in pairs.tolist()]
        distinct = sorted(set(chains))
        position = np.array([distinct.index(chain) for chain in chains], np.int64)
        calls["chain"] = position[of_call.reshape(-1)]
        return self.engines.get(distinct)

    def _chain(self, partner_id, deck_id):
        """The customer's decks; first the one that priced the call, if it is no more
        among them."""
        if partner_id not in self.chains:
            partner = self.env["res.partner"].with_company(self.company)
            self.chains[partner_id] = deck_chain(
                partner.browse(partner_id), self.company
            )
        chain = self.chains[partner_id]
        return chain if deck_id in chain else (deck_id, *chain)


# ---- small change


def as_rated(calls):
    """Calls as their decks rated them when they came in.

    :param calls: as ``plan_calls.read_calls`` returns them
    :return: DataFrame as `RatedCalls` has it
    """
    return pd.DataFrame(
        {
            "status": np.full(len(calls), RATED, np.int8),
            "rate_id": calls["rate_id"],
            "band_id": calls["band_id"],
            "billed_seconds": calls["billed_seconds"],
            "charge_micro": calls["deck_micro"],
            "reason": np.zeros(len(calls), np.int8),
        }
    )


def used_of(closing):
    """Amounts taken, from balances with one row for each: dict place -> amount."""
    used = closing[closing["used"] > 0]
    return dict(
        zip(
            zip(used["allowance_id"].tolist(), used["key"].tolist(), strict=True),
            used["used"].tolist(),
            strict=True,
        )
    )


def by_allowance(used):
    """Amounts as `allowances.close` takes them."""
    of_allowance = {}
    for (allowance_id, key), amount in sorted(used.items()):
        keys, amounts = of_allowance.setdefault(allowance_id, ([], []))
        keys.append(key)
        amounts.append(amount)
    return {
        allowance_id: (np.array(keys, np.int64), np.array(amounts, np.int64))
        for allowance_id, (keys, amounts) in of_allowance.items()
    }


def _taken(planned):
    """(billed seconds covered, what was taken as PostgreSQL writes JSON) per call."""
    covered = planned.frame["covered_seconds"].to_numpy()
    texts = np.full(len(covered), "", object)
    taken = planned.taken
    entries = [
        f'"{allowance_id}": [{quantity}, {seconds}]'
        for allowance_id, quantity, seconds in zip(
            taken["allowance_id"].tolist(),
            taken["quantity"].tolist(),
            taken["seconds"].tolist(),
            strict=True,
        )
    ]
    several = {}
    for row, entry in zip(taken["row"].tolist(), entries, strict=True):
        if texts[row]:
            several.setdefault(row, [texts[row]]).append(entry)
        else:
            texts[row] = entry
    for row, of_row in several.items():
        # jsonb orders its keys by length, then by their characters
        texts[row] = ", ".join(sorted(of_row, key=_key_order))
    filled = np.flatnonzero(texts != "")
    texts[filled] = ["{" + text + "}" for text in texts[filled].tolist()]
    return covered, texts


def _key_order(entry):
    key = entry.partition(":")[0]
    return len(key), key


def _write(cr, calls, charge, outcome):
    """Write the CDRs whose charge, or what was taken, is not as it is stored.

    :param calls: as :func:`read_calls` returns them
    :param charge: micro-units of each, int64
    :param outcome: (billed seconds covered, JSON texts) of each
    :return: number of CDRs that were written
    """
    covered, taken = outcome
    before = calls["taken"].fillna("").to_numpy()
    stored = calls["charge_micro"].to_numpy()
    differs = charge != stored
    differs |= covered != calls["covered_seconds"].to_numpy()
    differs |= taken != before
    rows = np.flatnonzero(differs)
    if not len(rows):
        return 0
    cr.execute(
        _WRITE_CDRS,
        (
            as_array(calls["cdr_id"].to_numpy()[rows]),
            as_array(charge[rows]),
            as_array(calls["deck_micro"].to_numpy()[rows]),
            as_array(covered[rows]),
            taken[rows].tolist(),
        ),
    )
    usage = calls["usage_id"].to_numpy()[rows]
    ids, of_row = np.unique(usage, return_inverse=True)
    change = np.zeros(len(ids), np.int64)
    np.add.at(change, of_row, (charge - stored)[rows])
    moved = np.flatnonzero(change)
    if len(moved):
        cr.execute(_ADD_TO_USAGE, (as_array(ids[moved]), as_array(change[moved])))
    return len(rows)
