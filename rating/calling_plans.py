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

from .allowances import MONEY, close, totals
from .charges import Cover
from .engine import BLOCK, TOO_LARGE
from .plan_block import PlanBlock, no_cover
from .pools import Pools, blocks_by_start


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
    :param calls: DataFrame with `rate_search.INPUT_COLUMNS`, `id`, and the columns that
        the allowances ask for: their pools, meter_id, destination_id. Each record
        once; one that is given again takes nothing more.
    :param rated: frame of `RatedCalls`, row by row of the same calls
    :param allowances: the `Allowance`s
    :param opening: balances of this period, see `allowances.balances`
    :return: `PlannedCalls`
    :raise ValueError: when an allowance is given twice or a balance has none
    """
    ordered = _in_priority(allowances, opening)
    work = _Work(engine, calls, rated, ordered, opening)
    for rows in blocks_by_start(work.calls.start_us, BLOCK):
        work.take(rows)
    work.repeat()
    frame = pd.DataFrame(
        {
            "status": work.status,
            "charge_micro": work.charge,
            "covered_seconds": work.cover.seconds,
            "money_micro": work.money,
            "reason": work.reason,
        },
        index=calls.index,
        copy=False,
    )
    return PlannedCalls(
        frame, work.taken_frame(), close(ordered, opening, work.used()), work.cover
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
    """The calls of a period, with what allowances took of those before.

    What is left of each allowance goes on from block to block.
    """

    def __init__(self, engine, calls, rated, allowances, opening):
        self.engine, self.allowances = engine, allowances
        self.calls = engine.prepared(calls)
        self.ids = calls["id"]
        self.rated = {
            name: rated[name].to_numpy()
            for name in ("rate_id", "band_id", "billed_seconds", "status")
        }
        names = {"meter_id", "destination_id"} & set(calls.columns)
        self.columns = {name: calls[name].to_numpy() for name in names} | self.rated
        self.columns["seconds"] = self.calls.seconds
        self.denominator = _common_units(allowances)
        self.pools = {
            kind: Pools(calls[kind].to_numpy(dtype=np.int64))
            for kind in {allowance.pool for allowance in allowances}
        }
        self.had = {
            a.id: self.pools[a.pool].aligned(*totals(opening, a.id)) for a in allowances
        }
        self.left = {number: amounts.copy() for number, amounts in self.had.items()}
        self.charge = rated["charge_micro"].to_numpy(dtype=np.int64).copy()
        self.reason = rated["reason"].to_numpy().copy()
        self.status = rated["status"].to_numpy().copy()
        count = len(calls)
        self.money = np.zeros(count, dtype=np.int64)
        self.cover = no_cover(count, self.denominator)
        self._taken, self._again = {a.id: [] for a in allowances}, {}

    def take(self, rows):
        """Let calls take from their allowances, and charge them.

        :param rows: of a block, see `blocks_by_start`
        """
        block = PlanBlock(self, rows)
        for allowance in self.allowances:
            if allowance.unit != MONEY:
                block.take_quantity(allowance, self.left[allowance.id])
        self._charge(block)
        for allowance in self.allowances:
            if allowance.unit == MONEY:
                block.take_money(allowance, self.left[allowance.id])
        self.charge[rows] = block.charge - block.money
        self.money[rows] = block.money
        for number, places, quantity, covered in block.taken:
            self._taken[number].append((block.rows_at(places), quantity, covered))
        self._again |= block.again

    def _charge(self, block):
        """Charge the calls anew that have a cover."""
        rows, cover = block.rows, block.cover
        reason = self.reason[rows]
        too_large = self.engine.charge_left(
            self.calls,
            block.rows_at(np.arange(len(reason))),
            self.rated["rate_id"][rows],
            block.billed,
            cover,
            block.charge,
            reason,
        )
        self.reason[rows] = reason
        if too_large.any():
            self.status[block.rows_at(np.flatnonzero(too_large))] = TOO_LARGE
        if cover.amount.dtype == object:
            self.cover.amount = self.cover.amount.astype(object)
        self.cover.seconds[rows] = cover.seconds
        self.cover.fee[rows] = cover.fee
        self.cover.amount[rows] = cover.amount

    def repeat(self):
        """Give records that are there again what the first of them has."""
        again = np.array(sorted(self._again), dtype=np.int64)
        first = np.array([self._again[row] for row in again.tolist()], dtype=np.int64)
        cover = self.cover
        for column in (
            *(self.charge, self.money, self.reason, self.status),
            *(cover.seconds, cover.fee, cover.amount),
        ):
            column[again] = column[first]

    def used(self):
        """Return what each allowance gave, see `allowances.close`."""
        return {
            a.id: (self.pools[a.pool].keys, self.had[a.id] - self.left[a.id])
            for a in self.allowances
        }

    def taken_frame(self):
        """Return `PlannedCalls.taken`."""
        empty = [np.zeros(0, dtype=np.int64)]
        parts = [part for parts in self._taken.values() for part in parts]
        rows, quantity, seconds = (
            np.concatenate(empty + [part[place] for part in parts])
            for place in range(3)
        )
        sizes = [sum(len(part[0]) for part in of) for of in self._taken.values()]
        ids = np.array(list(self._taken), dtype=np.int64)
        columns = {
            "row": rows,
            "allowance_id": np.repeat(ids, sizes),
            "quantity": quantity,
            "seconds": seconds,
        }
        return pd.DataFrame(columns, copy=False)
