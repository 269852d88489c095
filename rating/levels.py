# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is held rather than used: seats, channels, gigabytes stored, Mbit/s.

A sample says how high the level of a series (a device, a contact) is from its instant
on. It holds until the next sample of the same series, and the levels of all series
together are the level that is priced. So it means nothing how often, in which order,
or how many times a level is told: only when it changes.

==============  ================================================================
`max`, `min`    the highest, the lowest level of the period, however short
`last`          the level at its end
`time_average`  each level weighted with the time for which it held
`percentile`    the lowest level that was not exceeded for so many percent of the
                time. For samples at equal distances this is the nearest rank, as
                "95th percentile" is understood where bandwidth is sold: of 8,640
                samples of five minutes the 8,208th in ascending order
==============  ================================================================

Where a sample is missing for longer than it may hold, there is a gap, in which

==============  ================================================================
`hold`          the level is assumed to be what it was
`zero`          it is 0
`leave_out`     it is unknown: that time belongs to no level, whatever other series
                say. A series is there from its first sample until its last one is
                over: a device that is added later or was removed hides nothing of
                the others. Where none is there, nothing is known
==============  ================================================================

With `hold` and `zero` the level is 0 before the first sample.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .errors import TranslatableError, _lt
from .exact import exact, places_of

OF_LEVELS = ("max", "min", "last", "time_average", "percentile")
"""What a level can come to."""

GAPS = ("hold", "zero", "leave_out")

_SAFE = 2**62


@dataclass(frozen=True)
class Levels:
    """The level of a period, as steps in order of time.

    - `from_us`, `until_us`: int64 arrays, microseconds UTC, half-open; no two steps
      overlap, and time that belongs to none is unknown
    - `units`: array of ints, int64 where they fit; `per_unit` of them are 1
    - `gap_us`: time of the period in which some series had no sample that held
    """

    from_us: np.ndarray
    until_us: np.ndarray
    units: np.ndarray
    per_unit: int = 1
    gap_us: int = 0

    @property
    def known_us(self):
        """Return the time for which the level is known, in microseconds."""
        return int((self.until_us - self.from_us).sum())

    def comes_to(self, how, percent=95):
        """Return what the level comes to, and since when it was reached.

        :param how: one of `OF_LEVELS`
        :param percent: of the time, for `percentile`: int, above 0, up to 100
        :return: (Fraction, microseconds UTC at which a step of that level first began;
            None for a level that is no step's); (0, None) where nothing is known
        :raise ValueError: when it is unknown what it is to come to
        """
        if how not in OF_LEVELS:
            raise TranslatableError(_lt("Aggregation '%(how)s' is unknown"), how=how)
        if not len(self.units):
            return Fraction(0), None
        lasting = self.until_us - self.from_us
        if how == "time_average":
            steps = zip(self.units.tolist(), lasting.tolist(), strict=True)
            total = sum(unit * time for unit, time in steps)
            return Fraction(total, self.known_us * self.per_unit), None
        if how == "last":
            at = len(self.units) - 1
        else:
            at = int(np.flatnonzero(self.units == self._decides(how, percent))[0])
        return Fraction(int(self.units[at]), self.per_unit), int(self.from_us[at])

    def _decides(self, how, percent):
        """Return the level that is the highest, the lowest or the percentile."""
        if how != "percentile":
            return self.units.max() if how == "max" else self.units.min()
        order = np.argsort(self.units, kind="stable")
        passed = np.cumsum((self.until_us - self.from_us)[order])
        needed = -(-self.known_us * percent // 100)
        return self.units[order[np.searchsorted(passed, needed)]]


def levels_of(samples, start_us, end_us, longest_us=None, gap="hold"):
    """Return the level of a period from samples of its series.

    :param samples: DataFrame with `series` and `id` (of any types that sort), `at_us`
        (int64, microseconds UTC) and `value` (int, Decimal or Fraction): those of the
        period, and of each series the last one before it. Later ones mean nothing.
        Of the same instant of a series, that with the highest id counts
    :param start_us, end_us: the period, half-open
    :param longest_us: for how long a sample holds; None: until the next
    :param gap: one of `GAPS`: what holds after that
    :return: `Levels`
    :raise ValueError: when it is unknown what holds in a gap
    """
    if gap not in GAPS:
        raise TranslatableError(_lt("Gap policy '%(gap)s' is unknown"), gap=gap)
    samples = samples[samples["at_us"] < end_us]
    samples = samples.sort_values(["series", "at_us", "id"], kind="stable")
    samples = samples.drop_duplicates(["series", "at_us"], keep="last")
    units, per_unit = _whole_units([exact(value) for value in samples["value"]])
    began = samples["at_us"].to_numpy(np.int64)
    is_last = _is_last(samples["series"])
    until = np.where(is_last, end_us, np.roll(began, -1)) if len(began) else began
    held = until
    if longest_us is not None:
        held = np.minimum(until, began + longest_us)
    period = (start_us, end_us)
    if gap == "leave_out":
        pieces = (began, held, until, units)
        return _known_levels(pieces, is_last, period, per_unit)
    ends = until if gap == "hold" else held
    times, level, _holding = _swept(began, ends, units, period)
    late, _level, missing = _swept(held, until, units, period)
    return Levels(
        times[:-1], times[1:], level, per_unit, int(np.diff(late)[missing > 0].sum())
    )


def _known_levels(pieces, is_last, period, per_unit):
    """Return the level without the time in which it is unknown.

    :param pieces: (begins, until when each sample holds, until the next one, units)
    :param is_last: which samples are the last of their series
    """
    began, held, until, units = pieces
    # One number counts those that hold, that wait for a sample, and that are over.
    many = int(is_last.sum()) + 1
    weights = np.where(is_last, many**2, many)
    times, level, count = _swept(
        np.concatenate([began, held]),
        np.concatenate([held, until]),
        np.concatenate([units, np.zeros(len(units), units.dtype)]),
        period,
        np.concatenate([np.ones(len(units), np.int64), weights]),
    )
    known = (count % many > 0) & (count // many % many == 0)
    missing = ~known & (count >= many)
    lasted = np.diff(times)
    return Levels(
        times[:-1][known],
        times[1:][known],
        level[known],
        per_unit,
        int(lasted[missing].sum()),
    )


def _swept(begins, ends, units, period, weights=None):
    """Return what pieces of time come to together.

    :param begins, ends: int64 arrays, of the pieces, which are cut to the period; one
        that does not last is passed over
    :param units: array of ints: how much each adds to the level
    :param period: (start, end)
    :param weights: int64 array: what each piece counts; None: 1
    :return: (times: the boundaries of the period's steps, level of each step, number of
        the pieces in it)
    """
    start, end = period
    weights = np.ones(len(begins), np.int64) if weights is None else weights
    begins, ends = np.clip(begins, start, end), np.clip(ends, start, end)
    lasts = begins < ends
    begins, ends, units = begins[lasts], ends[lasts], units[lasts]
    weights, none = weights[lasts], np.zeros(1, np.int64)
    at = np.concatenate([[start], begins, ends, [end]]).astype(np.int64)
    nothing = np.zeros(1, units.dtype)
    change = np.concatenate([nothing, units, -units, nothing])
    count = np.concatenate([none, weights, -weights, none])
    order = np.argsort(at, kind="stable")
    at, change, count = at[order], np.cumsum(change[order]), np.cumsum(count[order])
    # Of an instant, what holds after all that happens in it.
    closes = np.append(at[1:] != at[:-1], True)
    return at[closes], change[closes][:-1], count[closes][:-1]


def _is_last(series):
    """Return which rows, sorted by series, are the last of theirs."""
    if not len(series):
        return np.zeros(0, bool)
    values = series.to_numpy()
    return np.append(values[1:] != values[:-1], True)


def _whole_units(values):
    """Return Fractions as ints of a common unit, and how many of it are 1."""
    places = [places_of(value) for value in values]
    if None in places:
        per_unit = math.lcm(*(value.denominator for value in values))
    else:
        per_unit = 10 ** max(places, default=0)
    units = [int(value * per_unit) for value in values]
    fits = sum(abs(unit) for unit in units) < _SAFE
    return np.array(units, np.int64 if fits else object), per_unit
