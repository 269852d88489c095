# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is kept of a level's hours, sample by sample: a slow reference."""

from fractions import Fraction

import pandas as pd

HOUR_US = 3_600_000_000
COLUMNS = [
    "series",
    "samples",
    "first_us",
    "last_us",
    "lowest",
    "highest",
    "last",
    "last_id",
    "area",
    "lapsed_area",
    "lapsed_us",
]


def hours_by_hand(samples, longest_us, per_unit):
    """Rows as ``rating.level_hours`` takes them.

    :param samples: DataFrame as ``rating.levels`` takes it
    """
    counting = {}
    for row in sorted(samples.itertuples(), key=lambda row: row.id):
        counting[row.series, row.at_us] = row
    hours = {}
    for (series, at), row in sorted(counting.items()):
        hours.setdefault((series, at // HOUR_US), []).append(row)
    rows = []
    for (series, _hour), some in hours.items():
        levels = [int(Fraction(row.value) * per_unit) for row in some]
        area = lapsed_area = lapsed_us = 0
        for level, row, after in zip(levels, some, some[1:], strict=False):
            lasts = after.at_us - row.at_us
            lapsed = 0 if longest_us is None else max(lasts - longest_us, 0)
            area += level * lasts
            lapsed_area += level * lapsed
            lapsed_us += lapsed
        last = some[-1]
        rows.append(
            (
                series,
                len(some),
                some[0].at_us,
                last.at_us,
                min(levels),
                max(levels),
                levels[-1],
                last.id,
                area,
                lapsed_area,
                lapsed_us,
            )
        )
    integers = dict.fromkeys(
        ("samples", "first_us", "last_us", "last_id", "lapsed_us"), "int64"
    )
    return pd.DataFrame(rows, columns=COLUMNS).astype(integers)
