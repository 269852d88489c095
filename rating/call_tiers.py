# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tiers within a call: the first minute at one price, the rest at another.

The tiers of a rate begin at seconds of the call. Level 0 is the rate's own price and
increments, from second 0 on; each further level says from which second it holds, its
price and its increment. As at a change of time band (`split`), an increment belongs to
the level in which it *starts*, so one that runs over a boundary is charged where it
began, the next level begins where it ends, and no second is charged twice or left out.
"""

import numpy as np
import pandas as pd

from .increments import billed_seconds, started

COLUMNS = {
    "rate_id": (-(2**62), 2**62),
    "from_second": (1, 10**9),
    "price_e8": (-(2**62), 2**62),
    "per_seconds": (1, 10**9),
    "increment": (1, 10**9),
}
"""Columns of the frame of tiers with the lowest and highest value of each."""

NEVER = 2**62


class CallTiers:
    """The tiers of all rates of a table.

    Arrays of shape (levels, rates): `from_second` (`NEVER` where a rate has no such
    level), `price_e8`, `per_seconds`, `increment`; level 0 is the rate itself.

    - `depth`: levels above 0 of the rate that has most
    """

    def __init__(self, table, tiers=None):
        """
        :param table: the `RateTable`
        :param tiers: DataFrame with `COLUMNS` (integers), None for none
        :raise ValueError: naming the rate whose tiers are wrong
        """
        if tiers is None:
            tiers = pd.DataFrame(columns=list(COLUMNS), dtype="int64")
        values = {}
        for name, (lowest, highest) in COLUMNS.items():
            column = tiers[name]
            if len(column) and not pd.api.types.is_integer_dtype(column.dtype):
                raise ValueError(f"{name} of the tiers is {column.dtype}, not integer")
            values[name] = column.to_numpy(dtype=np.int64)
            wrong = (values[name] < lowest) | (values[name] > highest)
            if wrong.any():
                row = int(np.argmax(wrong))
                raise ValueError(
                    f"Rate {tiers['rate_id'].iloc[row]}: {name} {values[name][row]} of"
                    f" a tier is not between {lowest} and {highest}"
                )
        order = np.lexsort((values["from_second"], values["rate_id"]))
        values = {name: column[order] for name, column in values.items()}
        rate_id, from_second = values["rate_id"], values["from_second"]
        repeated = (np.diff(rate_id) == 0) & (np.diff(from_second) == 0)
        if repeated.any():
            row = int(np.argmax(repeated))
            raise ValueError(
                f"Rate {rate_id[row]}: two tiers begin at second {from_second[row]}"
            )
        first = np.searchsorted(rate_id, rate_id, side="left")
        level = np.arange(len(rate_id)) - first + 1
        self.depth = int(level.max(initial=0))
        shape = (self.depth + 1, len(table))
        self.from_second = np.full(shape, NEVER, dtype=np.int64)
        self.from_second[0] = 0
        for name in ("price_e8", "per_seconds", "increment"):
            setattr(self, name, np.tile(getattr(table, name), (self.depth + 1, 1)))
        places = np.argsort(table.rate_id, kind="stable")
        place = np.searchsorted(table.rate_id, rate_id, sorter=places)
        row = places.take(np.minimum(place, len(places) - 1)) if len(places) else place
        unknown = table.rate_id[row] != rate_id if len(places) else rate_id == rate_id
        if unknown.any():
            raise ValueError(f"Rate {rate_id[np.argmax(unknown)]} of a tier is unknown")
        for name in ("from_second", "price_e8", "per_seconds", "increment"):
            getattr(self, name)[level, row] = values[name]
        self.longest_step = int(values["increment"].max(initial=0))
        self._set_begins(table)

    def _set_begins(self, table):
        """Set where in a call that goes on beyond it each level begins.

        An increment that runs over a boundary ends in the next level, so this is not
        always `from_second`; but it depends on the rate only.
        """
        self.begins = np.full_like(self.from_second, NEVER)
        self.begins[0] = 0
        for level in range(1, self.depth + 1):
            rows = np.flatnonzero(self.from_second[level] < NEVER)
            end = self.from_second[level, rows]
            self.begins[level, rows] = self.begins[level - 1, rows] + (
                self._billed_at(level - 1, table, rows, end)
            )

    def _billed_at(self, level, table, rate, end):
        """Return the seconds billed at a level, of calls that end there or are cut."""
        if not level:
            return billed_seconds(
                end, table.initial_increment.take(rate), table.increment.take(rate)
            )
        step = self.increment[level].take(rate)
        return started(np.maximum(end - self.begins[level].take(rate), 0), step) * step

    def begun(self, rate, seconds):
        """Say of each call whether it is longer than level 0; bool, shape (n,)."""
        if not self.depth:
            return np.zeros(len(rate), dtype=bool)
        return self.from_second[1].take(rate) < seconds

    def level_at(self, rate, position):
        """Return the level that holds at a second of the call, int64, shape (n,)."""
        level = np.zeros(len(rate), dtype=np.int64)
        for number in range(1, self.depth + 1):
            level += self.from_second[number].take(rate) <= position
        return level

    def next_level_from(self, rate, position):
        """Return the second at which the next level begins, `NEVER` for none."""
        above = np.full(len(rate), NEVER, dtype=np.int64)
        for number in range(self.depth, 0, -1):
            begins = self.from_second[number].take(rate)
            above = np.where(begins > position, begins, above)
        return above

    def billed_by_level(self, table, rate, seconds):
        """Return the seconds billed at each level, a list of int64 arrays (n,).

        :param rate: rows of the table, shape (n,)
        :param seconds: durations >= 1, shape (n,)
        """
        billed = []
        for level in range(self.depth):
            following = self.from_second[level + 1].take(rate)
            beyond = following < seconds
            if beyond.all():
                # the usual case: those of level 0 only are charged without levels
                full = self.begins[level + 1] - self.begins[level]
                billed.append(full.take(rate))
            else:
                end = np.minimum(seconds, following)
                billed.append(self._billed_at(level, table, rate, end))
        billed.append(self._billed_at(self.depth, table, rate, seconds))
        return billed
