# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the usage of a running period will come to at its end.

Usage has a rhythm of the week: an office makes no calls on Sundays. So each day that is
left is forecast as its weekday was in the last eight weeks, times the level of the
running period: what its days came to, in times of what their weekdays usually do.

Both are steadied, since a forecast that follows every single day is worse than none:

- no day counts for more than `MOST` times what days with usage come to without the
  highest tenth of them, or, where that is more, what at least half of its weekdays do;
- a weekday's mean is drawn towards that of its group (Monday to Friday, or the weekend)
  by as much as `SHARED` days of it would;
- the level is drawn towards 1 by as much as `STEADY` days of the usual level would, and
  no single day counts for more than `MOST` times its weekday's mean.

Today is not over: it is forecast like a day that is left, and comes to at least what
was used of it. Holidays are not known.

==========  ========================================================================
`how`       of a :class:`Forecast`
==========  ========================================================================
`profile`   by the weekdays
`line`      less than a week is known: each day left is as the mean day was
`so_far`    fewer than `LEAST` days are known: what was used so far
`over`      the period is over: what was used
`holds`     a level, mean or last value: it is expected to stay what it is
==========  ========================================================================

Everything is exact: a forecast does not depend on the order of records, or on how a
day's usage is divided into them.
"""

from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

from .exact import exact, places_of, rounded

WEEKS = 8
"""Weeks that tell how weekdays are."""

LEAST = 3
"""Whole days without which nothing is forecast."""

WEEK = 7
"""Whole days without which weekdays are not told apart."""

SHARED = 4
STEADY = 5
MOST = 3
PERIODS = 6
"""Past periods in which a forecast is tried."""

_DAY = timedelta(days=1)
_WEEKEND = (5, 6)


@dataclass(frozen=True)
class Forecast:
    """A quantity of a period.

    - `so_far`, `rest`: Fractions: what was used, and what is expected on top of it
    - `how`: see the table of this module
    """

    so_far: Fraction
    rest: Fraction
    how: str

    @property
    def quantity(self):
        """Return what the period is expected to come to."""
        return self.so_far + self.rest


def daily(rows):
    """Return the usage of each day.

    :param rows: (day, exact number) pairs, in any order
    :return: dict day -> Fraction
    """
    days = {}
    for day, value in rows:
        days[day] = days.get(day, Fraction(0)) + exact(value)
    return days


def forecast_sum(days, begin, end, today):
    """Return the forecast of what is added up: records, seconds, gigabytes.

    :param dict days: as :func:`daily` returns them, of the period and of the weeks
        before it; days without usage may be missing, and the first one begins what is
        known
    :param begin, end: the period, half-open days
    :param today: the day that is not over
    :return: :class:`Forecast`
    """
    so_far = sum((days[day] for day in days if begin <= day < end), Fraction(0))
    if today >= end:
        return Forecast(so_far, Fraction(0), "over")
    known = _known(days, today)
    left = _span(max(begin, today), end)
    if len(known) < LEAST:
        return Forecast(so_far, Fraction(0), "so_far")
    if len(known) < WEEK:
        mean = max(sum(days.get(day, 0) for day in known) / Fraction(len(known)), 0)
        expected, how = dict.fromkeys(left, mean), "line"
    else:
        usual = _profile(_limited(days, known), known)
        level = _level(days, [day for day in known if day >= begin], usual)
        expected = {day: usual[day.weekday()] * level for day in left}
        how = "profile"
    rest = sum(
        (max(expected[day] - days.get(day, 0), Fraction(0)) for day in left),
        Fraction(0),
    )
    return Forecast(so_far, rest, how)


def expected_high(highs, end, today):
    """Return the highest value that the days left of a period are expected to have.

    :param dict highs: day -> Fraction, the highest of each day, as :func:`forecast_sum`
        takes them; days without a sample are missing
    :param end: first day after the period
    :param today: the day that is not over
    :return: Fraction: of the weekdays left the highest median; 0 where none is known
    """
    known = [day for day in _known(highs, today) if day in highs]
    left = {day.weekday() for day in _span(today, end)}
    medians = [
        median([highs[day] for day in known if day.weekday() == weekday])
        for weekday in left
    ]
    return max((value for value in medians if value is not None), default=Fraction(0))


def in_steps_of(quantity, values):
    """Return a quantity with as many decimals as the given ones have.

    :param quantity: Fraction
    :param values: Fractions
    :return: Decimal; half up
    """
    places = max((places_of(value) or 0 for value in values), default=0)
    return rounded(quantity, places)


def median(values):
    """Return the median of Fractions; None of none."""
    values = sorted(values)
    if not values:
        return None
    middle = len(values) // 2
    if len(values) % 2:
        return Fraction(values[middle])
    return Fraction(values[middle - 1] + values[middle]) / 2


def was_off_by(series, worth, periods, passed):
    """Return how far off the same forecast was in past periods.

    Each is tried with what was known on the same day of the period.

    :param dict series: key -> days as :func:`daily` returns them
    :param worth: (key, (begin, end)) -> number, what a unit came to in that period, so
        that usage of several meters can be compared; where all of it was free, units
        count alike
    :param periods: (begin, end) of each, half-open days
    :param passed: whole days of the period that have passed
    :return: list of Fractions, for each period with usage that was long enough: how
        far off, as a share of what was used
    """
    errors = []
    for begin, end in list(periods)[-PERIODS:]:
        today = begin + passed * _DAY
        if today >= end:
            continue
        found = []
        for key, days in series.items():
            before = {day: value for day, value in days.items() if day < today}
            expected = forecast_sum(before, begin, end, today)
            used = sum((days[d] for d in days if begin <= d < end), Fraction(0))
            found.append((exact(worth(key, (begin, end))), expected, used))
        if all(expected.how == "so_far" for _worth, expected, _used in found):
            continue
        if not any(unit for unit, _expected, _used in found):
            found = [(1, expected, used) for _worth, expected, used in found]
        used = sum(unit * used for unit, _expected, used in found)
        told = sum(unit * expected.quantity for unit, expected, _used in found)
        if used > 0:
            errors.append(abs(told - used) / used)
    return errors


def _span(begin, end):
    return [begin + _DAY * count for count in range((end - begin).days)]


def _known(days, today):
    """Return the whole days of the last weeks of which the usage is known."""
    first = min((day for day in days if day < today), default=today)
    return _span(max(first, today - timedelta(weeks=WEEKS)), today)


def _limited(days, known):
    """Return the usage of known days without what is far beyond the usual."""
    found = {day: days.get(day, Fraction(0)) for day in known}
    used = sorted(value for value in found.values() if value > 0)
    if len(used) < LEAST:
        return found
    used = used[: -max(len(used) // 10, 1)]
    mean = sum(used) / len(used)
    limits = []
    for weekday in range(WEEK):
        own = sorted(found[day] for day in known if day.weekday() == weekday)
        # Of two the lower one: a single day is no rhythm.
        middle = own[(len(own) - 1) // 2] if len(own) > 1 else 0
        limits.append(MOST * max(mean, middle))
    return {day: min(value, limits[day.weekday()]) for day, value in found.items()}


def _profile(days, known):
    """Return the usual usage of each weekday."""
    groups = {False: [], True: []}
    for day in known:
        groups[day.weekday() in _WEEKEND].append(day)
    usual = []
    for weekday in range(WEEK):
        group = groups[weekday in _WEEKEND]
        mean = sum(days.get(day, 0) for day in group) / Fraction(len(group))
        own = [days.get(day, 0) for day in group if day.weekday() == weekday]
        usual.append(max((sum(own) + SHARED * mean) / (len(own) + SHARED), 0))
    return usual


def _level(days, passed, usual):
    """Return the level of the days that passed, in times of the usual one."""
    steady = STEADY * sum(usual) / WEEK
    expected = sum(usual[day.weekday()] for day in passed) + steady
    if not expected:
        return Fraction(1)
    used = sum(
        min(max(days.get(day, 0), 0), MOST * usual[day.weekday()]) for day in passed
    )
    return (used + steady) / expected
