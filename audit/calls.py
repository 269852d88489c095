# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The stored calls, charged once more.

First by the deck, with the settings of today. Where these lead to another rate than is
stored, a setting may have been changed since the call came in; then the call is charged
with the rate that it has. If nothing that is looked at was changed since, this is a
difference all the same.
"""

import datetime

from .call_charge import Call, charge_call
from .customers import decks_of_customers
from .exact import exact, text
from .findings import Difference
from .plan_taken import cover_of

SUBJECT = "calls"
PORTION = 10_000

#: of `StoredCall`, in a query with `cdr`, `usage` and `batch`
COLUMNS = """
           cdr.id, cdr.call_id, cdr.callee, cdr.start_time,
           cdr.quantity::text, cdr.billed_quantity::text, cdr.charge::text,
           cdr.deck_charge::text, cdr.rate_id, cdr.band_id, cdr.currency_id,
           cdr.plan_taken::text, cdr.plan_quantity::text, cdr.meter_id,
           usage.partner_id, usage.id, batch.create_date
"""
_CALLS = f"""
    SELECT {COLUMNS}
      FROM metered_cdr cdr
      JOIN metered_meter meter ON meter.id = cdr.meter_id AND meter.kind = 'call'
      JOIN metered_usage usage ON usage.id = cdr.usage_id
      LEFT JOIN metered_batch batch ON batch.id = cdr.batch_id
     WHERE cdr.id > %(after)s AND cdr.state = 'rated' AND usage.company_id = %(company)s
       AND usage.day >= %(first)s AND usage.day < %(end)s
       AND usage.details_gone IS NULL
     ORDER BY cdr.id LIMIT %(portion)s
"""  # noqa: S608 - ours
_GONE = """
    SELECT usage.meter_id, sum(usage.records)
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id AND meter.kind = 'call'
     WHERE usage.company_id = %(company)s AND usage.details_gone IS NOT NULL
       AND usage.day >= %(first)s AND usage.day < %(end)s
     GROUP BY usage.meter_id
"""
# When something that decides which rate a call has was last changed.
_CHANGED = """
    SELECT greatest(
        (SELECT max(greatest(rate.write_date, deck.write_date))
           FROM metered_rate rate
           JOIN metered_rate_deck deck ON deck.id = rate.deck_id
          WHERE rate.id = ANY(%(rates)s)),
        (SELECT max(write_date) FROM metered_customer_group
          WHERE company_id = %(company)s),
        (SELECT write_date FROM res_company WHERE id = %(company)s),
        (SELECT greatest(partner.write_date, owner.write_date)
           FROM res_partner partner
           JOIN res_partner owner ON owner.id = partner.commercial_partner_id
          WHERE partner.id = %(partner)s))
"""


_WITHOUT_USAGE = """
    SELECT cdr.meter_id, count(*)
      FROM metered_cdr cdr
      JOIN metered_meter meter ON meter.id = cdr.meter_id AND meter.kind = 'call'
     WHERE cdr.company_id = %(company)s AND cdr.state = 'rated'
       AND cdr.usage_id IS NULL
       AND cdr.start_time >= %(first)s AND cdr.start_time < %(end)s
     GROUP BY cdr.meter_id
"""


class Calls:
    """The calls of a company on some days.

    :param scope: `run.Scope`
    :ivar charges: dict id of usage -> what its calls come to: [records, quantity,
        billed quantity, charge]
    """

    def __init__(self, cursor, scope, book, rates, allowances):
        self.cursor, self.scope = cursor, scope
        self.book, self.rates, self.allowances = book, rates, allowances
        self.charges = {}
        self.decks = decks_of_customers(cursor, scope.company)

    def compare(self):
        """Charge them all, and note what came of it."""
        self.cursor.execute(_GONE, self.scope.values)
        for meter, records in self.cursor.fetchall():
            tally = self.scope.tally(SUBJECT, meter)
            tally.left_out["deleted or masked under a retention rule"] += records
        self.cursor.execute(_WITHOUT_USAGE, self.scope.values)
        for meter, records in self.cursor.fetchall():
            self.scope.tally(SUBJECT, meter).left_out["without usage"] += records
        after = 0
        while True:
            values = {**self.scope.values, "after": after, "portion": PORTION}
            self.cursor.execute(_CALLS, values)
            rows = self.cursor.fetchall()
            for row in rows:
                self._compare(StoredCall(*row))
            if len(rows) < PORTION:
                return
            after = rows[-1][0]

    def _compare(self, stored):
        tally = self.scope.tally(SUBJECT, stored.meter)
        try:
            cover = cover_of(stored.taken, stored.covered, self.allowances)
        except LookupError:
            tally.left_out["calls of an allowance that was deleted"] += 1
            self._add(stored, None)
            return
        call = Call(
            stored.number,
            stored.start,
            stored.seconds,
            stored.meter,
            self.decks.get(stored.partner, ()),
        )
        found = charge_call(self.book, call, cover)
        problem = self._differs(stored, call, found)
        if not problem:
            tally.equal += 1
            self._add(stored, found.charge)
            return
        rate = self.rates.get(stored.rate)
        again = rate and charge_call(self.book, call, cover, rate)
        was_changed = self._was_changed(stored, found.rate)
        if again and was_changed and not self._differs(stored, call, again, rate):
            tally.changed += 1
            self._add(stored, again.charge)
            return
        if not rate and was_changed:
            tally.left_out["the rate that they have was deleted"] += 1
            self._add(stored, None)
            return
        self._add(stored, found.charge)
        what, was, now = problem
        tally.differ(
            Difference(
                f"call {stored.id} ({stored.call_id}), {what}",
                was,
                now,
                found.charge - stored.charge,
                found.steps,
            )
        )

    def _differs(self, stored, call, found, with_rate=None):
        """(what, stored, found) of the first thing that differs; None for nothing."""
        rate = found.rate
        if not rate:
            return "rate", str(stored.rate), "none"
        for what, was, now in (
            ("rate", stored.rate, rate.id),
            ("time band", stored.band, rate.band),
            ("currency", stored.currency, self.book.decks[rate.deck].currency),
            ("billed seconds", stored.billed, found.billed),
            ("charge", stored.charge, found.charge),
        ):
            if was != now:
                return what, text(was), text(now)
        if stored.deck_charge is not None:
            deck_charge = charge_call(self.book, call, rate=with_rate).charge
            if deck_charge != stored.deck_charge:
                return (
                    "charge before plans",
                    text(stored.deck_charge),
                    text(deck_charge),
                )
        return None

    def _was_changed(self, stored, rate):
        """Whether what decides its rate was changed after it came in."""
        rates = [stored.rate, rate.id if rate else 0]
        values = {**self.scope.values, "rates": rates, "partner": stored.partner}
        self.cursor.execute(_CHANGED, values)
        (changed,) = self.cursor.fetchone()
        return stored.came is None or (changed and changed > stored.came)

    def _add(self, stored, charge):
        """Add a call to what its usage comes to; None: its charge is not known."""
        sums = self.charges.setdefault(stored.usage, [0, 0, 0, exact(0)])
        sums[0] += 1
        sums[1] += stored.seconds
        sums[2] += stored.billed
        if charge is None or sums[3] is None:
            sums[3] = None
        else:
            sums[3] += charge


class StoredCall:
    """A record as it is stored."""

    def __init__(self, *row):
        (self.id, self.call_id, self.number, start, seconds, billed, charge) = row[:7]
        deck_charge, rate, band, currency, self.taken, covered, self.meter = row[7:14]
        self.partner, self.usage, self.came = row[14:]
        self.start = start.replace(tzinfo=datetime.UTC)
        self.seconds, self.billed = int(exact(seconds)), int(exact(billed))
        self.charge = exact(charge)
        self.deck_charge = None if deck_charge is None else exact(deck_charge)
        self.rate, self.band, self.currency = rate or 0, band or 0, currency or 0
        self.covered = int(exact(covered))
