# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What allowances take of a block of calls."""

import numpy as np

from .allowances import DURATION, RECORDS, take
from .charges import DECK_FEE, Cover
from .engine import RATED
from .increments import started
from .pools import pool_calls


def no_cover(count, denominator):
    """Return the `Cover` of calls of which nothing is taken.

    :param denominator: of the amounts
    """
    return Cover(
        np.zeros(count, dtype=np.int64),
        np.full(count, DECK_FEE, dtype=np.int64),
        np.zeros(count, dtype=np.int64),
        np.broadcast_to(np.int64(denominator), count),
    )


class PlanBlock:
    """Calls that follow each other, and what allowances took of them.

    Its calls are named by their place in it; all arrays have the shape (n,).

    - `rows`: of the calls among all, a slice or array
    - `billed`: seconds
    - `charge`: micro-units, before allowances in money
    - `cover`: `Cover` of the calls
    - `money`: micro-units that allowances paid
    - `taken`: (allowance's id, places, quantities, seconds covered)
    - `again`: rows of records that are there again -> row of the first
    """

    def __init__(self, work, rows):
        """
        :param work: all calls, see `calling_plans`
        :param rows: of the block's calls among these
        """
        self._work, self.rows = work, rows
        self.billed = work.rated["billed_seconds"][rows]
        self.charge = work.charge[rows].copy()
        count = len(self.billed)
        self.money = np.zeros(count, dtype=np.int64)
        self.cover = no_cover(count, work.denominator)
        # Unanswered, free of charge by a grace period, or without a rate: such calls
        # take nothing.
        self._takes = (work.rated["status"][rows] == RATED) & (self.billed > 0)
        self._is_free = self.charge == 0
        self._asked, self.taken, self.again = {}, [], {}
        start_us, ids = work.calls.start_us[rows], work.ids.iloc[rows]
        self._pools = {}
        for kind, pools in work.pools.items():
            calls, again, first = pool_calls(pools.number[rows], start_us, ids)
            self._pools[kind] = calls
            if len(again):
                again, first = self.rows_at(again), self.rows_at(first)
                self.again |= dict(zip(again.tolist(), first.tolist(), strict=True))

    def rows_at(self, places):
        """Return the rows of places among all calls."""
        if isinstance(self.rows, slice):
            return places + self.rows.start
        return self.rows.take(places)

    def take_quantity(self, allowance, has):
        """Let calls take seconds, units or records.

        :param has: what pools have of it, see `allowances.take`
        """
        cover = self.cover
        whole = allowance.unit == RECORDS
        real = allowance.measure == DURATION and not whole
        calls = self._calls_for(allowance)
        places = calls.rows
        before = cover.seconds.take(places)
        billed_left = self.billed.take(places) - before
        left = billed_left
        if real:
            left = self._column("seconds").take(places) - before
        need = left
        if whole:
            need = (billed_left > 0).astype(np.int64)
        elif real or allowance.increment > 1:
            need = started(np.maximum(left, 0), allowance.increment)
            need[billed_left <= 0] = 0
        taken = take(allowance, calls, need, has)
        chosen, places, covered = taken.places, taken.rows, taken.quantity
        before = before.take(chosen)
        if whole or real or allowance.increment > 1:
            # the last real second of a call covers what its last increment adds
            all_of_it = (covered >= left.take(chosen)) | whole
            covered = np.where(all_of_it, billed_left.take(chosen), covered)
        if allowance.fee_e8 != DECK_FEE:
            cover.fee[places[before == 0]] = allowance.fee_e8
        cover.seconds[places] = before + covered
        if allowance.price_e8:
            self._add_amount(allowance, taken)
        self._note(allowance, taken, covered)

    def take_money(self, allowance, has):
        """Let calls take of what is left to pay for them.

        :param has: as for `take_quantity`
        """
        calls = self._calls_for(allowance)
        before = self.money.take(calls.rows)
        need = np.maximum(self.charge.take(calls.rows) - before, 0)
        if allowance.factor > 1:
            need //= allowance.factor
        taken = take(allowance, calls, need, has)
        self.money[taken.rows] = before.take(taken.places) + taken.quantity
        self._note(allowance, taken, np.zeros(len(taken.rows), dtype=np.int64))

    def _calls_for(self, allowance):
        """Return the `PoolCalls` that fit an allowance."""
        asked = (
            allowance.pool,
            allowance.free_calls,
            allowance.meter_ids,
            allowance.destination_ids,
            allowance.band_ids,
        )
        if asked not in self._asked:
            calls = self._pools[allowance.pool]
            fits = self._fits(*asked[1:])
            self._asked[asked] = calls.take(np.flatnonzero(fits.take(calls.rows)))
        return self._asked[asked]

    def _fits(self, free_calls, meter_ids, destination_ids, band_ids):
        fits = self._takes
        if not free_calls:
            fits = fits & ~self._is_free
        for name, ids in (
            ("meter_id", meter_ids),
            ("destination_id", destination_ids),
            ("band_id", band_ids),
        ):
            if ids:
                fits = fits & _is_in(self._column(name), ids)
        return fits

    def _column(self, name):
        return self._work.columns[name][self.rows]

    def _add_amount(self, allowance, taken):
        cover = self.cover
        units = self._work.denominator // allowance.per_units
        most = abs(allowance.price_e8) * units * int(taken.quantity.max(initial=0))
        if most + int(np.abs(cover.amount).max(initial=0)) >= 2**62:
            cover.amount = cover.amount.astype(object)
        quantity = taken.quantity.astype(cover.amount.dtype)
        cover.amount[taken.rows] += quantity * (allowance.price_e8 * units)

    def _note(self, allowance, taken, covered):
        self.taken.append((allowance.id, taken.rows, taken.quantity, covered))


def _is_in(values, ids):
    """Say of each value whether it is one of the ids, bool, shape (n,)."""
    least, most = int(values.min(initial=0)), int(values.max(initial=0))
    if least < 0 or most > 4 * len(values) + 1_000:
        return np.isin(values, sorted(ids))
    # one look-up in a table, instead of a search
    table = np.zeros(most + 1, dtype=bool)
    table[[number for number in ids if 0 <= number <= most]] = True
    return table.take(values)
