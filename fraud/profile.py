# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is usual for a customer, learned from the days that are kept.

A limit that is exceeded once a month is no use, so what is learned of a day is its
busiest hour, not its average. Days and quiet times (nights and weekends) are told
apart. Older days count less. A single odd day does not decide: what is usual is what
nine days of ten stay below, or six tenths of the busiest one if that is more.

The same days give the same profile, in whatever order they were stored.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .traffic import KEYS, QUARTER

#: days that are kept and learned from
MOST_DAYS = 56
#: after as many days a day counts half
HALF_LIFE = 42
QUANTILE = 0.9
SHARE_OF_BUSIEST = 0.6
#: quarters of an hour
HOUR_QUARTERS = 4
#: days in which a slow leak is looked for
LEAK_DAYS = 21
LEAK_QUIET_SHARE = 0.8

LEVELS = ("hour_busy", "hour_quiet", "day", "lines_busy", "lines_quiet")


@dataclass
class Profiles:
    """What is usual for several customers.

    :ivar levels: DataFrame indexed by customer: `days` with calls, `first_day`, and
        :data:`LEVELS`: most charge in an hour and a day, and most calls at one time (in
        thousandths, averaged over a quarter hour)
    :ivar zones: dict customer -> set of zones that it has called
    :ivar leaks: dict customer -> dict range -> (days, calls, charge, quiet calls) of
        recent ranges that are called at quiet times
    """

    levels: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(
            columns=["days", "first_day", *LEVELS], dtype=np.int64
        )
    )
    zones: dict = field(default_factory=dict)
    leaks: dict = field(default_factory=dict)


def hour_sums(quarters):
    """Charge of the hour that ends with each quarter, and of its dearest call.

    :param quarters: DataFrame ordered by customer and quarter, each once
    :return: two int64 arrays
    """
    charge, top = quarters["charge"].to_numpy(), quarters["top"].to_numpy()
    # One number for customer and quarter, in the same order.
    at = quarters["partner_id"].to_numpy() << 24 | quarters["quarter"].to_numpy()
    sums, tops = charge.copy(), top.copy()
    for back in range(1, HOUR_QUARTERS):
        # Quarters are there once: what is so far back is at most so many rows above.
        for rows in range(1, back + 1):
            is_it = at[rows:] - at[:-rows] == back
            sums[rows:] += np.where(is_it, charge[:-rows], 0)
            tops[rows:] = np.maximum(tops[rows:], np.where(is_it, top[:-rows], 0))
    return sums, tops


def learn(quarters, ranges, today, left_out=()):
    """Learn what is usual.

    :param quarters, ranges: as of :func:`~.traffic.tally`
    :param today: day number that ages are counted from
    :param left_out: set of (customer, day) that are suspicious: none of them is usual
    :return: :class:`Profiles`
    """
    quarters = _without(quarters, left_out, today)
    ranges = _without(ranges, left_out, today)
    if not len(quarters):
        return Profiles()
    profiles = Profiles(_levels(quarters, today))
    called = ranges[ranges["calls"] > 0]
    profiles.zones = called.groupby("partner_id")["zone"].agg(set).to_dict()
    # What is left of today is added when it is checked.
    past = called[called["day"] < today]
    profiles.leaks = _leaks(past, profiles.levels["first_day"], today)
    return profiles


def _without(frame, left_out, today):
    frame = frame[frame["day"] > today - MOST_DAYS]
    if left_out and len(frame):
        keys = pd.MultiIndex.from_frame(frame[list(KEYS)])
        frame = frame[~keys.isin(list(left_out))]
    return frame


def _levels(quarters, today):
    quarters = quarters.sort_values(["partner_id", "quarter"], ignore_index=True)
    quarters = quarters.assign(
        hour=hour_sums(quarters)[0], lines=quarters["talk"] * 1000 // QUARTER
    )
    days = quarters.groupby("partner_id")["day"].agg(["nunique", "min"])
    levels = days.rename(columns={"nunique": "days", "min": "first_day"})
    for quiet, name in enumerate(("busy", "quiet")):
        part = quarters[quarters["quiet"] == quiet]
        peaks = part.groupby(list(KEYS))[["hour", "lines"]].max()
        for column in ("hour", "lines"):
            levels[f"{column}_{name}"] = _usual(peaks[column], today)
    levels["day"] = _usual(quarters.groupby(list(KEYS))["charge"].sum(), today)
    return levels.fillna(0).astype(np.int64)[["days", "first_day", *LEVELS]]


def _usual(peaks, today):
    """What peaks of days, by customer and day, say is usual for each customer."""
    age = today - peaks.index.get_level_values("day").to_numpy()
    aged = peaks * 0.5 ** (np.maximum(age, 0) / HALF_LIFE)
    grouped = aged.groupby(level="partner_id")
    return np.maximum(grouped.quantile(QUANTILE), grouped.max() * SHARE_OF_BUSIEST)


def _leaks(ranges, first_day, today):
    """Ranges that may be leaking: at quiet times, and not called from the beginning."""
    grouped = ranges.groupby(["partner_id", "range"])
    sums = grouped[["calls", "charge", "quiet_calls"]].sum()
    sums["days"], sums["begun"] = grouped["day"].nunique(), grouped["day"].min()
    customers = sums.index.get_level_values("partner_id")
    known_for = sums["begun"] - first_day.reindex(customers).to_numpy()
    kept = sums[
        (sums["begun"] > today - LEAK_DAYS)
        & (known_for >= 7)
        & (sums["quiet_calls"] >= LEAK_QUIET_SHARE * sums["calls"])
    ]
    leaks = {}
    values = kept[["days", "calls", "charge", "quiet_calls"]].to_numpy().tolist()
    for (partner, number_range), row in zip(kept.index, values, strict=True):
        leaks.setdefault(partner, {})[number_range] = tuple(row)
    return leaks
