# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is held rather than used: levels, and calls at one time.

A piece of time has a height; the level is the sum of the pieces that there are. A
sample is there until the next one of its series, or, where a gap counts as nothing, no
longer than a sample may hold. A call is there from its answer until before its end.
"""

from fractions import Fraction


def pieces_of_samples(samples, end, longest=None):
    """Pieces (begin, end, height) of samples.

    :param samples: list of (series, moment, number, value): of the same moment of a
        series, the one with the highest number counts
    :param longest: for how long a sample holds; None: until the next one
    """
    by_series = {}
    for series, at, _number, value in sorted(samples, key=lambda s: s[:3]):
        by_series.setdefault(series, {})[at] = value
    pieces = []
    for told in by_series.values():
        begins = sorted(told)
        for begin, until in zip(begins, [*begins[1:], end], strict=True):
            if longest is not None:
                until = min(until, begin + longest)
            pieces.append((begin, until, told[begin]))
    return pieces


def pieces_of_calls(calls):
    """Pieces of calls, of which each counts once, whatever legs it has.

    :param calls: list of (begin, end, the call that it is a leg of, None for itself)
    """
    pieces, legs = [], {}
    for begin, end, call in calls:
        if not call:
            pieces.append((begin, end, Fraction(1)))
        else:
            legs.setdefault(call, []).append((begin, end))
    for of_call in legs.values():
        joined = []
        for begin, end in sorted(leg for leg in of_call if leg[0] < leg[1]):
            if joined and begin <= joined[-1][1]:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([begin, end])
        pieces += [(begin, end, Fraction(1)) for begin, end in joined]
    return pieces


def level(pieces, first, end, how, percent=95):
    """What the level of a period comes to.

    :param first, end: moments
    :param how: `max`, `min`, `last`, `time_average`, `percentile`: the lowest level
        that was not exceeded for so many percent of the time
    :return: Fraction
    """
    changes = {first: Fraction(0), end: Fraction(0)}
    for begin, until, height in pieces:
        begin, until = max(begin, first), min(until, end)
        if begin < until:
            changes[begin] = changes.get(begin, 0) + height
            changes[until] = changes.get(until, 0) - height
    moments, steps, height = sorted(changes), [], Fraction(0)
    for begin, until in zip(moments, moments[1:], strict=False):
        height += changes[begin]
        steps.append((height, _microseconds(until - begin)))
    if how in ("max", "min"):
        return (max if how == "max" else min)(height for height, _time in steps)
    if how == "last":
        return steps[-1][0]
    whole = sum(time for _height, time in steps)
    if how == "time_average":
        return sum(height * time for height, time in steps) / whole
    passed = 0
    for height, time in sorted(steps):
        passed += time
        if passed * 100 >= whole * percent:
            return height
    raise ValueError(f"{percent} percent of the time are more than all of it")


def _microseconds(time):
    return (time.days * 86_400 + time.seconds) * 10**6 + time.microseconds
