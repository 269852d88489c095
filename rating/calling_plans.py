# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calling plans: rated calls, and what they cost after allowances and tiers.

`apply_plans` takes calls that the engine has rated, lets them take from their
allowances (`allowances`), and charges those that did again, for what is left of them,
by the code that charged them first. The rest keeps its charge.

The order for a call is: its seconds, units or records are taken, in the order of
priority; what is taken is charged at the plan's price; what is left is charged by the
deck, at the prices that hold at that position of the call; the deck's minimum and
maximum hold for what the deck charges; the connection fee is the deck's or the plan's;
all this is added and rounded once, as the deck says; at last money allowances pay.

All of it depends on the calls of a pool and period only. To bill again after a late
record, apply the plans to all calls of its pool and period, and write what `changed`.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .allowances import (
    DURATION,
    MONEY,
    RECORDS,
    Records,
    close,
    take,
    totals,
)
from .charges import DECK_FEE, Cover
from .engine import RATED, TOO_LARGE
from .increments import started


@dataclass
class PlannedCalls:
    """What `apply_plans` returns.

    - `frame`: DataFrame with the index of the calls: charge_micro (after all),
      covered_seconds (of the seconds billed), money_micro (paid by allowances in
      money), status, reason (as `RatedCalls`)
    - `taken`: DataFrame of who took what, in order of the allowances: row (position
      of the call), allowance_id, quantity (in the allowance's unit, before its
      factor), seconds (billed seconds that it covered)
    - `balances`: as `allowances.close` returns them
    - `cover`: `Cover` of all calls, for explanations
    """

    frame: pd.DataFrame
    taken: pd.DataFrame
    balances: pd.DataFrame
    cover: Cover

    def of_call(self, row, allowances):
        """Return the `PlanOfCall` of the call at a position, for its explanation.

        :param allowances: those that were applied
        """
        by_id = {allowance.id: allowance for allowance in allowances}
        own = self.taken[self.taken["row"] == row]
        taken = [
            (by_id[number], quantity, seconds)
            for number, quantity, seconds in zip(
                own["allowance_id"].tolist(),
                own["quantity"].tolist(),
                own["seconds"].tolist(),
                strict=True,
            )
        ]
        return PlanOfCall(
            self.cover.take(slice(row, row + 1)),
            [entry for entry in taken if entry[0].unit != MONEY],
            [(a.id, paid) for a, paid, _seconds in taken if a.unit == MONEY],
        )


@dataclass
class PlanOfCall:
    """What allowances took of one call.

    - `cover`: `Cover` of the one call
    - `taken`: (allowance, quantity, billed seconds covered), in their order
    - `money`: (allowance id, micro-units paid)
    """

    cover: Cover
    taken: list
    money: list


def apply_plans(engine, calls, rated, allowances, opening):
    """Apply allowances to the rated calls of a period.

    :param engine: the `RatingEngine` that rated them
    :param calls: DataFrame with `engine.INPUT_COLUMNS`, `id`, and the columns that the
        allowances ask for: their pools, meter_id, destination_id. Each record once;
        one that is given again takes nothing more.
    :param rated: frame of `RatedCalls`, row by row of the same calls
    :param allowances: the `Allowance`s
    :param opening: balances of this period, see `allowances.balances`
    :return: `PlannedCalls`
    :raise ValueError: when an allowance is given twice or a balance has none
    """
    ordered = _in_priority(allowances, opening)
    records = Records(calls)
    rated = rated.reset_index(drop=True)
    work = _Work(records, rated, _common_units(ordered))
    for allowance in ordered:
        if allowance.unit != MONEY:
            work.take_quantity(allowance, totals(opening, allowance.id))
    work.repeat()
    charge, reason, status = _charge(engine, calls, rated, work)
    money = np.zeros(len(calls), dtype=np.int64)
    for allowance in ordered:
        if allowance.unit == MONEY:
            work.take_money(allowance, totals(opening, allowance.id), charge, money)
    again, first = records.repeated()
    money[again], charge[again] = money[first], charge[first]
    frame = pd.DataFrame(
        {
            "status": status,
            "charge_micro": charge - money,
            "covered_seconds": work.cover.seconds,
            "money_micro": money,
            "reason": reason,
        },
        index=calls.index,
    )
    return PlannedCalls(
        frame, work.taken_frame(), close(ordered, opening, work.used), work.cover
    )


def changed(stored, new, key="id", columns=("charge_micro", "covered_seconds")):
    """Return the records whose charge changes, to be written; nothing else.

    :param stored: DataFrame of what is stored, one row per record
    :param new: DataFrame of what is computed now
    :param key: column that names a record in both
    :param columns: of both frames, that are compared
    :return: (rows of `new` that differ from `stored` or are not there, keys of the
        rows of `stored` that are not in `new`)
    """
    before = stored.set_index(key)[list(columns)]
    if before.index.has_duplicates or new[key].duplicated().any():
        raise ValueError("A record is given twice")
    aligned = before.reindex(new[key])
    known = new[key].isin(before.index).to_numpy()
    same = known.copy()
    for name in columns:
        same &= aligned[name].to_numpy() == new[name].to_numpy()
    gone = before.index[~before.index.isin(new[key])]
    return new[~same], gone


def _in_priority(allowances, opening):
    ids = [allowance.id for allowance in allowances]
    if len(set(ids)) != len(ids):
        raise ValueError("An allowance is given twice")
    unknown = set(opening["allowance_id"].unique().tolist()) - set(ids)
    if unknown:
        raise ValueError(f"Balance of an unknown allowance: {min(unknown)}")
    return sorted(allowances, key=lambda allowance: (allowance.priority, allowance.id))


def _common_units(allowances):
    return math.lcm(1, *(a.per_units for a in allowances if a.price_e8))


class _Work:
    """What the allowances have taken so far."""

    def __init__(self, records, rated, denominator):
        count = records.count
        self.records, self.rated = records, rated
        self.billed = rated["billed_seconds"].to_numpy(dtype=np.int64)
        self.seconds = records.column("seconds")
        # Unanswered, free of charge by a grace period, or without a rate: such calls
        # take nothing.
        self.takes = (rated["status"].to_numpy() == RATED) & (self.billed > 0)
        self.is_free = rated["charge_micro"].to_numpy() == 0
        self.cover = Cover(
            np.zeros(count, dtype=np.int64),
            np.full(count, DECK_FEE, dtype=np.int64),
            np.zeros(count, dtype=np.int64),
            np.full(count, denominator, dtype=np.int64),
        )
        self.taken, self.used = [], {}

    def _fits(self, allowance):
        fits = self.takes
        if not allowance.free_calls:
            fits = fits & ~self.is_free
        for name, ids, frame in (
            ("meter_id", allowance.meter_ids, self.records.frame),
            ("destination_id", allowance.destination_ids, self.records.frame),
            ("band_id", allowance.band_ids, self.rated),
        ):
            if ids:
                fits = fits & np.isin(frame[name].to_numpy(), sorted(ids))
        return fits

    def take_quantity(self, allowance, balance):
        cover = self.cover
        whole = allowance.unit == RECORDS
        real = allowance.measure == DURATION and not whole
        calls = self.records.of(allowance.pool, self._fits(allowance))
        rows = calls.rows
        billed_left = self.billed[rows] - cover.seconds[rows]
        left = self.seconds[rows] - cover.seconds[rows] if real else billed_left
        need = np.ones_like(left) if whole else left
        if allowance.increment > 1:
            need = started(np.maximum(left, 0), allowance.increment)
        need = np.where((billed_left > 0) & (left > 0), need, 0)
        taken = take(allowance, calls, need, *balance)
        chosen, rows = taken.places, taken.rows
        left, billed_left = left[chosen], billed_left[chosen]
        # the last real second of a call covers what its last increment adds
        all_of_it = (taken.quantity >= left) | whole
        covered = np.where(all_of_it, billed_left, taken.quantity)
        if allowance.fee_e8 != DECK_FEE:
            untouched = cover.seconds[rows] == 0
            cover.fee[rows[untouched]] = allowance.fee_e8
        cover.seconds[rows] += covered
        if allowance.price_e8:
            self._add_amount(allowance, taken)
        self._note(allowance, taken, covered)

    def _add_amount(self, allowance, taken):
        cover = self.cover
        units = int(cover.denominator[0]) // allowance.per_units
        most = abs(allowance.price_e8) * units * int(taken.quantity.max(initial=0))
        if most + int(np.abs(cover.amount).max(initial=0)) >= 2**62:
            cover.amount = cover.amount.astype(object)
        quantity = taken.quantity.astype(cover.amount.dtype)
        cover.amount[taken.rows] += quantity * allowance.price_e8 * units

    def take_money(self, allowance, balance, charge, money):
        calls = self.records.of(allowance.pool, self._fits(allowance))
        left = charge[calls.rows] - money[calls.rows]
        need = np.maximum(left, 0) // allowance.factor
        taken = take(allowance, calls, need, *balance)
        money[taken.rows] += taken.quantity
        self._note(allowance, taken, np.zeros(len(taken.rows), dtype=np.int64))

    def _note(self, allowance, taken, covered):
        self.used[allowance.id] = (taken.keys, taken.used)
        self.taken.append((allowance.id, taken.rows, taken.quantity, covered))

    def repeat(self):
        """Give records that are there again what the first of them has."""
        again, first = self.records.repeated()
        for column in (self.cover.seconds, self.cover.fee, self.cover.amount):
            column[again] = column[first]

    def taken_frame(self):
        columns = {
            "row": [rows for _id, rows, _quantity, _seconds in self.taken],
            "allowance_id": [
                np.full(len(rows), number) for number, rows, _q, _s in self.taken
            ],
            "quantity": [quantity for _id, _rows, quantity, _seconds in self.taken],
            "seconds": [seconds for _id, _rows, _quantity, seconds in self.taken],
        }
        empty = [np.zeros(0, dtype=np.int64)]
        return pd.DataFrame(
            {name: np.concatenate(empty + parts) for name, parts in columns.items()}
        )


def _charge(engine, calls, rated, work):
    """Return (charge, reason, status) of all calls, those with a cover anew."""
    charge = rated["charge_micro"].to_numpy(dtype=np.int64).copy()
    reason = rated["reason"].to_numpy().copy()
    status = rated["status"].to_numpy().copy()
    rows = np.flatnonzero(work.cover.seconds)
    if len(rows):
        found = engine.charge_covered(calls, rows, rated, work.cover.take(rows))
        charge[rows], reason[rows] = found[0], found[1]
        status[rows[found[2]]] = TOO_LARGE
    return charge, reason, status
