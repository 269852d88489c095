# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The calls of pools, in the order in which they take from their allowances.

That is the order of (start, id), so that neither order nor batches of a frame have a
meaning. A record that is given twice is there once.

Calls are taken block by block in the order of their start, so that what belongs to a
block stays in the processor's cache; what starts together is never in two blocks.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

DIGIT = 16
"""Bits of the integers that are sorted without comparing them."""


class Pools:
    """The pools of one kind, and which of them each call of a frame belongs to.

    - `keys`: of the pools, ascending
    - `number`: of each call's pool among them, shape (n,)
    """

    def __init__(self, keys):
        """
        :param keys: of each call's pool, int64, shape (n,); 0 = none
        """
        low, high = (int(keys.min()), int(keys.max())) if len(keys) else (0, 0)
        if high - low > len(keys):
            number, self.keys = pd.factorize(keys, sort=True)
            self.number = number.astype(_small(len(self.keys)))
            return
        # one look-up in a table, instead of a search
        found = np.zeros(high - low + 1, dtype=bool)
        found[keys - low] = True
        self.keys = np.flatnonzero(found) + low
        number = np.zeros(len(found), dtype=_small(len(self.keys)))
        number[self.keys - low] = np.arange(len(self.keys))
        self.number = number.take(keys - low)

    def aligned(self, keys, amounts):
        """Return what each pool has of a balance, int64, shape (pools,).

        :param keys: pools that have any, sorted
        :param amounts: of each of them
        """
        found = np.zeros(len(self.keys), dtype=np.int64)
        if len(keys):
            place = np.minimum(np.searchsorted(keys, self.keys), len(keys) - 1)
            has = (keys[place] == self.keys) & (self.keys != 0)
            found[has] = amounts[place[has]]
        return found


@dataclass
class PoolCalls:
    """Calls in the order of (pool, start, id).

    - `rows`: of the calls in their block, shape (n,)
    - `first`: where in `rows` the calls of each pool begin, and n; shape (pools + 1,)
    - `pools`: their numbers, ascending, shape (pools,)
    """

    rows: np.ndarray
    first: np.ndarray
    pools: np.ndarray

    def take(self, places):
        """Return those at some places, ascending."""
        first = np.searchsorted(places, self.first)
        return PoolCalls(self.rows.take(places), first, self.pools)


def blocks_by_start(start_us, size):
    """Return the rows of calls in the order of their start, in blocks.

    :param start_us: int64, shape (n,)
    :param size: of a block, unless more calls start at once
    :return: list of slices, or of arrays of rows where they are not in this order
    """
    count, order = len(start_us), None
    if not (start_us[1:] >= start_us[:-1]).all():
        order = np.argsort(start_us, kind="stable")
        start_us = start_us[order]
    found, begin = [], 0
    while begin < count:
        end = min(begin + size, count)
        if end < count:
            end = int(np.searchsorted(start_us, start_us[end]))
        if end <= begin:
            end = int(np.searchsorted(start_us, start_us[begin], side="right"))
        block = slice(begin, end)
        found.append(block if order is None else order[block])
        begin = end
    return found


def pool_calls(number, start_us, ids):
    """Return the calls of a block in the order in which they take.

    :param number: of each call's pool, uint16 or uint32, shape (n,)
    :param start_us: shape (n,), ascending
    :param ids: Series of the records' own names, of any type that sorts
    :return: `PoolCalls` with each record once; rows of records that are there again,
        row of the first of each
    """
    order = np.argsort(number.astype(np.uint16), kind="stable")
    if number.dtype != np.uint16:
        high = (number >> DIGIT).astype(np.uint16).take(order)
        order = order.take(np.argsort(high, kind="stable"))
    number, start = number.take(order), start_us.take(order)
    first = group_starts(number)
    calls = PoolCalls(order, np.append(first, len(order)), number.take(first))
    return _order_ties(calls, start, ids)


def _order_ties(calls, start, ids):
    """Order by id where pool and start are the same; leave out what is repeated."""
    same = np.zeros(len(start) + 1, dtype=bool)
    np.equal(start[1:], start[:-1], out=same[1:-1])
    same[calls.first] = False
    tied = np.flatnonzero(same[1:] | same[:-1])
    none = np.zeros(0, dtype=np.int64)
    if not len(tied):
        return calls, none, none
    rows, ties = calls.rows.copy(), calls.rows[tied]
    number = np.searchsorted(calls.first, tied, side="right")
    code = pd.factorize(ids.iloc[ties], sort=True)[0]
    order = np.lexsort((ties, code, start[tied], number))
    ties = ties[order]
    rows[tied] = ties
    group = group_starts(number, start[tied], code[order])
    again = np.ones(len(tied), dtype=bool)
    again[group] = False
    calls = PoolCalls(rows, calls.first, calls.pools)
    if not again.any():
        return calls, none, none
    first = np.repeat(group, np.diff(np.append(group, len(tied))))
    kept = np.ones(len(rows), dtype=bool)
    kept[tied[again]] = False
    return calls.take(np.flatnonzero(kept)), ties[again], ties[first[again]]


def group_starts(*columns):
    """Return where a row differs from the one before in any of the columns."""
    new = np.zeros(len(columns[0]), dtype=bool)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


def _small(count):
    """Return the type for so many different numbers."""
    return np.uint16 if count <= 2**DIGIT else np.uint32
