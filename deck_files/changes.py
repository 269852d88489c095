# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a deck's file changes in a deck: a difference by scope and day.

The scope of a rate is its prefix, call type and time band. From its day on, a row of
the file is what its scope costs: another rate in force ends there, and rates that were
planned for later give way. Nothing that was in force before is touched.
"""

import numpy as np
import pandas as pd

from ..rating.errors import _lt
from .cells import WrongCell
from .rate_rows import TERMS, Problem

SCOPE = ["prefix", "meter_id", "band_id"]
#: days, as ordinals, of rates that always held and that hold until further notice
ALWAYS, OPEN = 0, 10**7
#: what becomes of a row, in the order in which it is shown
#: what is compared: the terms, and the tiers by their number
COMPARED = (*TERMS, "tiers_number")
STATUSES = ("new", "dearer", "cheaper", "terms", "closed", "prolonged", "unchanged")

_USED = _lt(
    "Calls were already rated with the rate for %(prefix)s that starts on this day or "
    "later. Apply the file from a later day."
)
_ALL_USED = _lt(
    "Calls were already rated with the rate for all numbers that starts on this day "
    "or later. Apply the file from a later day."
)


class Changes:
    """What a file changes.

    - `rows`: DataFrame, a row per rate of the file and per rate that ends for want of
      a row: `line` (0 for the latter), the scope, `name`, the terms, `tiers`, `day`,
      `until` (ordinals), `status` of `STATUSES`, `rate_id` and `old_price_e8`,
      `old_per_seconds`, `old_tiers` of the rate in force before (0, -1, 1 and empty
      without one)
    - `ends`: DataFrame `rate_id`, `day`: rates in force whose end moves, to that day
    - `gone`: ids of rates that were planned for later and give way
    - `added`: the rows of `rows` that become rates
    - `problems`: list of `Problem`
    """

    def __init__(self, rows, ends, gone, added, problems):
        self.rows = rows
        self.ends = ends
        self.gone = gone
        self.added = added
        self.problems = problems

    @property
    def counts(self):
        """Return dict status -> number of rates."""
        found = self.rows["status"].value_counts()
        return {status: int(found.get(status, 0)) for status in STATUSES}


def compare(current, new, day, whole=False):
    """Say what a file changes in a deck.

    :param current: DataFrame `rate_id`, the scope, `TERMS`, `tiers`, `name`,
        `date_from`, `date_to` (ordinals, `ALWAYS` and `OPEN`), `used`: the deck's rates
        by prefix
    :param new: DataFrame of `parse.parse_deck` with `meter_id` and `band_id` (0 for
        none) instead of their names, `valid_from` and `valid_until` as ordinals
    :param int day: ordinal: the first day of rates without a date, or an earlier one
    :param whole: whether rates that the file does not name end on that day
    :return: `Changes`
    """
    rows = new.copy()
    rows["day"] = np.maximum(rows.pop("valid_from").to_numpy(np.int64), day)
    rows["until"] = rows.pop("valid_until").to_numpy(np.int64)
    rows = rows.sort_values([*SCOPE, "day"], kind="stable").reset_index(drop=True)
    scope_of = _scope_numbers(current, rows)
    current = current.assign(scope=scope_of[: len(current)])
    rows = rows.assign(scope=scope_of[len(current) :])
    texts = _number_tiers(current, rows)
    rows = _without_repeats(rows)
    _chain_days(rows)
    _match(rows, current)
    _judge(rows, texts)
    if whole:
        rows = pd.concat([rows, _missing(rows, current, day)], ignore_index=True)
    ends, gone, problems = _give_way(rows, current)
    becomes = ~rows["status"].isin(("unchanged", "prolonged", "closed"))
    return Changes(
        rows=rows.drop(columns="scope"),
        ends=ends,
        gone=gone,
        added=rows[becomes].drop(columns="scope"),
        problems=problems,
    )


def _scope_numbers(current, rows):
    """Number the scopes of both, so that they are compared as integers."""
    both = pd.concat([current[SCOPE], rows[SCOPE]], ignore_index=True)
    codes, _unique = pd.factorize(both["prefix"])
    keys = np.column_stack([codes, both["meter_id"], both["band_id"]])
    return np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)


def _number_tiers(current, rows):
    """Number the different tiers of both, so that they are compared as integers.

    :return: array of the texts, by number
    """
    both = pd.concat([current["tiers"], rows["tiers"]], ignore_index=True)
    numbers, texts = pd.factorize(both)
    current["tiers_number"] = numbers[: len(current)].astype(np.int64)
    rows["tiers_number"] = numbers[len(current) :].astype(np.int64)
    return np.append(texts, [""])


def _without_repeats(rows):
    """Take rows that only go on with what the row before them says as one."""
    same = rows["until"].shift(1).fillna(0) >= rows["day"]
    for name in ("scope", "closed", *COMPARED):
        same &= rows[name] == rows[name].shift(1)
    run = (~same).cumsum()
    rows = rows.assign(until=rows.groupby(run)["until"].transform("last"))
    return rows[~same].reset_index(drop=True)


def _chain_days(rows):
    """A later row of the same scope ends the one before it."""
    following = rows["scope"].shift(-1) == rows["scope"]
    next_day = rows["day"].shift(-1).fillna(OPEN).astype(np.int64)
    rows["until"] = np.where(
        following, np.minimum(rows["until"], next_day), rows["until"]
    )
    rows["first"] = (rows["scope"].shift(1) != rows["scope"]).to_numpy()


def _match(rows, current):
    """Find what each row follows: the rate in force on its day, or the row before."""
    firsts = rows.loc[rows["first"], ["scope", "day"]].reset_index(names="row")
    found = firsts.merge(current, on="scope", suffixes=("", "_old"))
    found = found[
        (found["date_from"] <= found["day"]) & (found["day"] < found["date_to"])
    ]
    found = found.set_index("row")
    rows["rate_id"] = found["rate_id"].reindex(rows.index).fillna(0).astype(np.int64)
    rows["old_end"] = found["date_to"].reindex(rows.index).fillna(OPEN).astype(np.int64)
    has = (rows["rate_id"] > 0).to_numpy()
    for name in COMPARED:
        before = rows[name].shift(1).fillna(-1).astype(np.int64)
        old = found[name].reindex(rows.index).fillna(-1).astype(np.int64)
        rows[f"old_{name}"] = np.where(rows["first"], old, before)
    closed_before = rows["closed"].shift(1, fill_value=False).to_numpy(bool)
    rows["known"] = np.where(rows["first"], has, ~closed_before)


def _judge(rows, tiers_texts):
    known = rows.pop("known").to_numpy(bool)
    closed = rows["closed"].to_numpy(bool)
    same = np.ones(len(rows), bool)
    for name in COMPARED:
        same &= (rows[name] == rows[f"old_{name}"]).to_numpy()
    # Prices of different units: cross-multiplied, in Python's integers.
    mine = rows["price_e8"].to_numpy(object) * rows["old_per_seconds"].to_numpy(object)
    theirs = rows["old_price_e8"].to_numpy(object) * rows["per_seconds"].to_numpy(
        object
    )
    dearer, cheaper = (mine > theirs).astype(bool), (mine < theirs).astype(bool)
    longer = same & (rows["until"] > rows["old_end"]).to_numpy()
    rows["status"] = np.select(
        [closed & known, closed, ~known, longer, same, dearer, cheaper],
        ["closed", "unchanged", "new", "prolonged", "unchanged", "dearer", "cheaper"],
        "terms",
    )
    rows.loc[~known, "old_price_e8"] = -1
    rows.loc[~known, "old_per_seconds"] = 1
    # The number of no tiers, -1, is the last text.
    rows["old_tiers"] = tiers_texts[np.where(known, rows["old_tiers_number"], -1)]
    shown = ("price_e8", "per_seconds")
    rows.drop(
        columns=[
            "tiers_number",
            *(f"old_{name}" for name in COMPARED if name not in shown),
        ],
        inplace=True,
    )


def _missing(rows, current, day):
    """The rates in force on a day, or planned for later, that are not in the file."""
    left = current[(day < current["date_to"]) & ~current["scope"].isin(rows["scope"])]
    left = left.sort_values("date_from").drop_duplicates("scope")
    in_force = (left["date_from"] <= day).to_numpy()
    left = left.assign(
        old_price_e8=left["price_e8"],
        old_per_seconds=left["per_seconds"],
        old_tiers=left["tiers"],
        old_end=left["date_to"],
        rate_id=np.where(in_force, left["rate_id"], 0),
        line=0,
        day=day,
        until=OPEN,
        status="closed",
        closed=True,
        first=True,
    )
    return left[[name for name in rows.columns if name in left]]


def _give_way(rows, current):
    """Rates in force whose end moves, rates planned for later that go, and problems."""
    firsts = rows[rows["first"]]
    stays = firsts["status"].isin(("unchanged", "prolonged")) & ~firsts["closed"]
    kept = firsts.loc[stays, "rate_id"]
    ends = firsts.assign(day=np.where(stays, firsts["until"], firsts["day"]))
    ends = ends.loc[ends["rate_id"] > 0, ["rate_id", "day"]]
    ends = ends.merge(current[["rate_id", "date_from", "date_to"]], on="rate_id")
    ends = ends[(ends["date_from"] < ends["day"]) & (ends["date_to"] != ends["day"])]
    of_scope = firsts.set_index("scope")[["day", "line"]]
    planned = current[current["scope"].isin(of_scope.index)]
    planned = planned.assign(
        day=of_scope["day"].reindex(planned["scope"]).to_numpy(),
        line=of_scope["line"].reindex(planned["scope"]).to_numpy(),
    )
    planned = planned[
        (planned["date_from"] >= planned["day"]) & ~planned["rate_id"].isin(kept)
    ]
    problems = [
        Problem(
            int(row.line),
            WrongCell(_USED if row.prefix else _ALL_USED, prefix=row.prefix),
        )
        for row in planned[planned["used"]].itertuples()
    ]
    return (
        ends[["rate_id", "day"]].reset_index(drop=True),
        planned.loc[~planned["used"], "rate_id"].to_numpy(np.int64),
        problems,
    )
