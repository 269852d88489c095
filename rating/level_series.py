# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A level as it is drawn: its steps, or what it was in spans of time, and its gaps.

Nothing is charged by it: `levels.Levels.comes_to` says what a level comes to.
"""

from fractions import Fraction

import numpy as np

from .levels import Levels

#: what units times microseconds may come to together
_SAFE = 2**62


def moments(at_us, units, per_unit=1):
    """Return samples that do not continue, each as a level of one microsecond.

    So they are looked at as levels are, and all weigh the same.

    :param at_us: int64 array, microseconds UTC
    :param units: array of ints; `per_unit` of them are 1
    :return: `levels.Levels` in the order of time; two of the same instant overlap
    """
    order = np.argsort(at_us, kind="stable")
    at_us = at_us[order]
    return Levels(at_us, at_us + 1, units[order], per_unit)


def steps_of(levels, end_us):
    """Return the steps of a level, with None from where on it is unknown.

    :param levels: `levels.Levels`
    :param end_us: microseconds UTC up to which it was looked at
    :return: list of (microseconds UTC from which on, Fraction or None)
    """
    begins, ends = levels.from_us.tolist(), levels.until_us.tolist()
    found = []
    for at, (begin, unit) in enumerate(zip(begins, levels.units.tolist(), strict=True)):
        if at and ends[at - 1] < begin:
            found.append((ends[at - 1], None))
        found.append((begin, Fraction(unit, levels.per_unit)))
    if found and ends[-1] < end_us:
        found.append((ends[-1], None))
    return found


def spans_of(levels, bounds_us):
    """Return what a level was in spans of time that follow each other.

    :param levels: `levels.Levels`
    :param bounds_us: list of microseconds UTC in ascending order: the spans are between
        them, half-open
    :return: list, one a span, of (lowest, highest, average weighted by time) as
        Fractions; None where nothing is known of the level
    """
    begins, ends, units = levels.from_us, levels.until_us, levels.units
    largest = int(np.abs(units).max()) if len(units) else 0
    if largest * (bounds_us[-1] - bounds_us[0]) >= _SAFE:
        units = units.astype(object)
    firsts = np.searchsorted(ends, bounds_us[:-1], "right")
    lasts = np.searchsorted(begins, bounds_us[1:], "left")
    found = []
    for at, (first, last) in enumerate(zip(firsts, lasts, strict=True)):
        own = units[first:last]
        lasting = np.minimum(ends[first:last], bounds_us[at + 1]) - np.maximum(
            begins[first:last], bounds_us[at]
        )
        known = int(lasting.sum())
        if not known:
            found.append(None)
            continue
        weighed = int((own * lasting).sum())
        per = levels.per_unit
        found.append(
            (
                Fraction(int(own.min()), per),
                Fraction(int(own.max()), per),
                Fraction(weighed, known * per),
            )
        )
    return found


def gaps_of(samples, start_us, end_us, longest_us, gap="hold"):
    """Return the time in which a sample of some series was missing.

    :param samples: as of `levels.levels_of`
    :param start_us, end_us: the period, half-open
    :param longest_us: for how long a sample holds; None: until the next, without gaps
    :param gap: one of `levels.GAPS`: with `leave_out` no sample is missing of a series
        that is over, as long as others go on
    :return: list of (microseconds UTC from, until), in order and apart
    """
    samples = samples[samples["at_us"] < end_us]
    if longest_us is None or samples.empty:
        return []
    samples = samples.sort_values(["series", "at_us"], kind="stable")
    following = samples.groupby("series", sort=False)["at_us"].shift(-1)
    begins = samples["at_us"].to_numpy(np.int64) + longest_us
    ends = following.fillna(end_us).to_numpy(np.int64)
    if gap == "leave_out":
        is_last = following.isna().to_numpy()
        begins[is_last] = begins.max()
    begins, ends = np.maximum(begins, start_us), np.minimum(ends, end_us)
    missing = begins < ends
    found = []
    for begin, end in sorted(
        zip(begins[missing].tolist(), ends[missing].tolist(), strict=True)
    ):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found
