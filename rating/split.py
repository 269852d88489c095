# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls that are split where their time band changes.

A call is a succession of increments: the initial one, then further ones of the rate
(and its tier within the call, see `call_tiers`) then in force, until the call is
covered. Each increment is charged at the rate of
the band in which it *starts*, so one that runs over a boundary belongs to where it
began, and no second is charged twice. What is said once a call (grace, connection
fee, minimum, maximum, rounding) is taken from the rate at its start.

The rate of an increment is looked up anew, in the whole chain of decks, with the
bands of that instant and the prices that were in force when the call began. Where
nothing at all is found, the rate of the increment before goes on. Whether a call is
split at all is said by the deck of the rate at its start.

Between two changes of the bands of all these decks the rate stays the same, so a
call takes as many steps here as it sees changes, however small its increments.
"""

import math
from dataclasses import dataclass

import numpy as np

from .bands import SECOND_US
from .increments import started


@dataclass(frozen=True)
class Part:
    """Increments of one call that follow each other at one price of a rate.

    `level` is the tier within the call, 0 = the rate's own price.
    """

    rate_id: int
    deck_id: int
    band_id: int
    start_us: int
    billed_seconds: int
    level: int = 0


@dataclass
class Parts:
    """Parts of several calls, ordered by call and time; arrays of shape (parts,).

    - `call`: which call, 0..calls - 1
    - `rate`: row of the rate
    - `from_second`: seconds since the start of the call
    - `billed`: seconds
    - `level`: tier of the rate within the call
    """

    call: np.ndarray
    rate: np.ndarray
    from_second: np.ndarray
    billed: np.ndarray
    level: np.ndarray

    def prices(self, table):
        """Return (price in e8, per seconds) of each part."""
        tiers = table.tiers
        where = (self.level, self.rate)
        return tiers.price_e8[where], tiers.per_seconds[where]

    def usage(self, table, cover=None):
        """Return (numerators, denominators) of each call's usage, Python integers.

        Rates with different `per_seconds` are added over their common multiple.

        :param cover: `charges.Cover` of the calls; what it covers is left out
        """
        price, per_seconds = self.prices(table)
        common = math.lcm(*np.unique(per_seconds).tolist())
        seconds = self.billed
        if cover is not None:
            covered = cover.take(self.call)
            seconds = seconds - covered.of_piece(self.from_second, seconds)
        shares = (
            price.astype(object)
            * seconds.astype(object)
            * (common // per_seconds.astype(object))
        )
        first = self._first_of_call()
        numerators = np.add.reduceat(shares, first)
        return numerators, np.full(len(first), common, dtype=object)

    def billed_of_call(self):
        """Return the seconds billed in all, int64, shape (calls,)."""
        return np.add.reduceat(self.billed, self._first_of_call())

    def differ(self, column):
        """Say of each call whether its parts differ in a column; bool, (calls,)."""
        first = self._first_of_call()
        lowest = np.minimum.reduceat(column, first)
        return lowest < np.maximum.reduceat(column, first)

    def _first_of_call(self):
        return np.flatnonzero(np.diff(self.call, prepend=-1))


def split_calls(table, start_us, seconds, rate, find, next_change):
    """Cut calls into parts at the changes of their time bands.

    :param table: the `RateTable`
    :param start_us, seconds: of the calls, int64, shape (n,), seconds >= 1
    :param rate: row of the rate at the start of each call, shape (n,)
    :param find: function (calls, instants_us) -> row of the rate, -1 for none
    :param next_change: function (calls, instants_us) -> instant_us
    :return: `Parts`, at least one of each call
    """
    tiers = table.tiers
    rate = rate.copy()
    calls = np.arange(len(rate))
    initial = table.initial_increment[rate]
    position = np.where(initial > 0, initial, table.increment[rate])
    zero = np.zeros_like(position)
    pieces = [(calls, rate.copy(), zero, position.copy(), zero)]
    calls = calls[position < seconds]
    while len(calls):
        at = start_us[calls] + position[calls] * SECOND_US
        found = find(calls, at)
        rate[calls] = np.where(found >= 0, found, rate[calls])
        level = tiers.level_at(rate[calls], position[calls])
        step = tiers.increment[level, rate[calls]]
        end = np.minimum(
            seconds[calls], tiers.next_level_from(rate[calls], position[calls])
        )
        until_end = started(end - position[calls], step)
        until_change = started(next_change(calls, at) - at, step * SECOND_US)
        billed = np.minimum(until_end, until_change) * step
        pieces.append((calls, rate[calls], position[calls], billed, level))
        position[calls] += billed
        calls = calls[position[calls] < seconds[calls]]
    return _joined(pieces)


def _joined(pieces):
    """Order the pieces by call and time, and join neighbours at the same price."""
    columns = (np.concatenate(column) for column in zip(*pieces, strict=True))
    call, rate, from_second, billed, level = columns
    order = np.argsort(call, kind="stable")
    call, rate, level = call[order], rate[order], level[order]
    new = np.ones(len(call), dtype=bool)
    new[1:] = (call[1:] != call[:-1]) | (rate[1:] != rate[:-1])
    new[1:] |= level[1:] != level[:-1]
    first = np.flatnonzero(new)
    return Parts(
        call[first],
        rate[first],
        from_second[order][first],
        np.add.reduceat(billed[order], first),
        level[first],
    )
