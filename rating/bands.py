# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which time bands hold at an instant, and until when.

Within one local day the bands change at few minutes only. A *calendar* numbers the
combinations of bands that occur (its *classes*), and lays out, for the span of time
that is asked for, the UTC instants at which the class changes. Asking a million
calls for their class is then one binary search in a short array, exact over changes
to and from summer time, whose skipped hour never was and whose repeated hour has its
band twice.
"""

import datetime
import math
import zoneinfo

import numpy as np

from .decks import DAY_MINUTES, HOLIDAY

SECOND_US = 1_000_000
DAY_SECONDS = DAY_MINUTES * 60
DAY_US = DAY_SECONDS * SECOND_US
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
NEVER_US = 2**62

# 1970-01-01 was a Thursday.
_EPOCH_WEEKDAY = 3


def zone_of(timezone):
    """Return the ZoneInfo of an IANA name; ValueError when there is none."""
    try:
        return zoneinfo.ZoneInfo(timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"Timezone {timezone!r} is unknown") from error


def offset_us(zone, instant_us):
    """Return local time minus UTC at one instant, in microseconds."""
    instant = EPOCH + datetime.timedelta(microseconds=int(instant_us))
    return instant.astimezone(zone).utcoffset() // datetime.timedelta(microseconds=1)


def offset_periods(zone, low_us, high_us):
    """Return the periods of constant offset within [low, high).

    Found by looking once a day and halving where two days differ, so two changes
    that cancel each other within a day would be missed; no zone has them.

    :return: list of (start_us, end_us, offset_us)
    """
    periods = []
    start, offset = low_us, offset_us(zone, low_us)
    for day_end in range(low_us + DAY_US, high_us + DAY_US, DAY_US):
        next_offset = offset_us(zone, day_end)
        if next_offset != offset:
            change = _change_of_offset(zone, day_end - DAY_US, day_end, offset)
            periods.append((start, change, offset))
            start, offset = change, next_offset
    periods.append((start, high_us, offset))
    return [(low, min(high, high_us), o) for low, high, o in periods if low < high_us]


def _change_of_offset(zone, before_us, after_us, offset):
    """Return the first whole second at which the offset is another one."""
    low, high = before_us // SECOND_US, -(-after_us // SECOND_US)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_us(zone, middle * SECOND_US) == offset:
            low = middle
        else:
            high = middle
    return high * SECOND_US


class Calendar:
    """Time bands in one timezone with one set of holidays.

    Attributes:

    - `active`: bool, shape (classes, bands + 1): whether a band holds in a class;
      column 0 stands for "any time" and is always true, column i + 1 for band i
    """

    def __init__(self, timezone, holidays, slots_of_bands):
        """
        :param timezone: IANA name
        :param holidays: dates that count as day 7
        :param slots_of_bands: for each band the tuple of its `Slot`s
        :raise ValueError: when the timezone is unknown
        """
        self.zone = zone_of(timezone)
        epoch = EPOCH.date()
        self._holidays = np.array(
            sorted((day - epoch).days for day in holidays), dtype=np.int64
        )
        slots = [slot for band in slots_of_bands for slot in band]
        seconds = {0} | {s for slot in slots for s in (slot.start, slot.end)}
        self._cuts = np.array(sorted(seconds - {DAY_SECONDS}), dtype=np.int64)
        self._type_days(slots)
        self._number_classes(self._holds(slots_of_bands))
        self._low_us = self._high_us = 0
        self._starts = np.zeros(0, dtype=np.int64)

    def _type_days(self, slots):
        """Number the kinds of day that the slots tell apart.

        A kind is a weekday or holiday, as long as no slot asks for the date; then it
        is which of the slots' conditions on the day are met.
        """
        conditions = list(dict.fromkeys(slot.dates for slot in slots))
        self._years = sorted({year for dates in conditions for year in dates[3]})
        self._by_date = any(any(dates[1:]) for dates in conditions)
        shape = (HOLIDAY + 1, 1, 1, 1)
        if self._by_date:
            # one year more for all those that nobody asks for
            shape = (HOLIDAY + 1, 12, 31, len(self._years) + 1)
        met = np.ones((len(conditions), *shape), dtype=bool)
        values = (range(HOLIDAY + 1), range(1, 13), range(1, 32), [*self._years, None])
        for number, dates in enumerate(conditions):
            for axis, (wanted, of_axis) in enumerate(zip(dates, values, strict=True)):
                if not wanted or (axis and not self._by_date):
                    continue
                holds = np.array([value in wanted for value in of_axis])
                met[number] &= holds.reshape([-1 if a == axis else 1 for a in range(4)])
        patterns = met.reshape(len(conditions), math.prod(shape)).T
        if self._by_date:
            patterns, kind = np.unique(patterns, axis=0, return_inverse=True)
        else:
            kind = np.arange(HOLIDAY + 1)
        self._kind_of_day = kind.reshape(shape)
        self._met = dict(zip(conditions, patterns.T, strict=True))
        self._kinds = len(patterns)

    def _holds(self, slots_of_bands):
        """Return bool (bands + 1, kind of the day before, of the day, its piece)."""
        shape = (len(slots_of_bands) + 1, self._kinds, self._kinds, len(self._cuts))
        holds = np.zeros(shape, dtype=bool)
        holds[0] = True
        for band, slots in enumerate(slots_of_bands, start=1):
            for slot in slots:
                days = np.flatnonzero(self._met[slot.dates])
                if slot.end > slot.start:
                    pieces = (self._cuts >= slot.start) & (self._cuts < slot.end)
                    holds[band][:, days] |= pieces
                else:
                    holds[band][:, days] |= self._cuts >= slot.start
                    holds[band][days] |= self._cuts < slot.end
        return holds

    def _number_classes(self, holds):
        patterns = holds.reshape(len(holds), -1).T
        classes, class_of = np.unique(patterns, axis=0, return_inverse=True)
        self.active = classes
        self._class_of = class_of.reshape(holds.shape[1:])

    def _day_kinds(self, days):
        """Return the kind of each day (days since 1970)."""
        weekday = (days + _EPOCH_WEEKDAY) % 7
        weekday = np.where(np.isin(days, self._holidays), HOLIDAY, weekday)
        if not self._by_date:
            return self._kind_of_day[weekday, 0, 0, 0]
        date = days.astype("datetime64[D]")
        month = date.astype("datetime64[M]")
        year = month.astype("datetime64[Y]").astype(np.int64) + EPOCH.year
        place = np.full(len(days), len(self._years))
        for number, wanted in enumerate(self._years):
            place[year == wanted] = number
        of_month = (date - month).astype(np.int64)
        return self._kind_of_day[weekday, month.astype(np.int64) % 12, of_month, place]

    def _classes_at(self, local_us):
        days = local_us // DAY_US
        seconds = (local_us - days * DAY_US) // SECOND_US
        pieces = np.searchsorted(self._cuts, seconds, side="right") - 1
        before, today = self._day_kinds(days - 1), self._day_kinds(days)
        return self._class_of[before, today, pieces]

    def cover(self, low_us, high_us):
        """Lay out the changes of class for every instant in [low, high]."""
        if len(self.active) == 1:
            return
        if self._low_us <= low_us and high_us < self._high_us:
            return
        if self._low_us < self._high_us:
            low_us, high_us = min(low_us, self._low_us), max(high_us, self._high_us)
        self._low_us = low_us // DAY_US * DAY_US
        self._high_us = (high_us // DAY_US + 1) * DAY_US
        starts, classes = [], []
        for start, end, offset in offset_periods(
            self.zone, self._low_us, self._high_us
        ):
            days = np.arange((start + offset) // DAY_US, (end + offset) // DAY_US + 1)
            local = (days[:, None] * DAY_US + self._cuts * SECOND_US).ravel()
            local = local[(local > start + offset) & (local < end + offset)]
            local = np.insert(local, 0, start + offset)
            starts.append(local - offset)
            classes.append(self._classes_at(local))
        starts, classes = np.concatenate(starts), np.concatenate(classes)
        changes = np.append(True, classes[1:] != classes[:-1])
        self._starts, self._classes = starts[changes], classes[changes]
        self._ends = np.append(self._starts[1:], NEVER_US)

    def class_at(self, instants_us):
        """Return the class at each instant within the span given to `cover`."""
        if len(self.active) == 1:
            return np.zeros(len(instants_us), dtype=np.int64)
        return self._classes.take(self._position(instants_us))

    def next_change(self, instants_us):
        """Return when the class next changes, `NEVER_US` if not within the span."""
        if len(self.active) == 1:
            return np.full(len(instants_us), NEVER_US, dtype=np.int64)
        return self._ends.take(self._position(instants_us))

    def _position(self, instants_us):
        return np.searchsorted(self._starts, instants_us, side="right") - 1


def local_time(timezone, instant_us):
    """Return one instant as an aware local datetime, for people to read."""
    instant = EPOCH + datetime.timedelta(microseconds=int(instant_us))
    return instant.astimezone(zone_of(timezone))
