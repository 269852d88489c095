# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Counters: from what a register shows to what was used, and when.

A register only grows. What is used between two readings is their difference, over its
last digit and through its factor. Everything here is a function of the readings as a
set: whatever the order in which they came, and with which others, they give the same.

- The first reading opens the register and is no use; so is one of the kind `opening`.
- Of an estimated reading counts what lies between the readings around it that were
  read: one above the next that was read is lowered to it. So what it billed too much is
  taken back, and what too little comes with the next.
- Between two readings use is even. Where the register is cut within them (at the end
  of a day, a change of owner or factor), it stands at whole 10⁻⁹ there.

Units: registers and factors are integers of 10⁻⁹ (`NANO`), what was used of 10⁻¹⁸
(`ATTO`); moments are microseconds since 1970 UTC.
"""

import datetime
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

NANO = 10**9
ATTO = 10**18

KINDS = ("normal", "opening", "rollover", "closing")
"""Of a reading: `opening` begins anew, `rollover` says that the register went over its
last digit since the one before, `closing` is the last of a device."""

DAY_US = 86_400 * 10**6
SECOND_US = 10**6
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a register showed.

    - `at_us`: when
    - `value`: in 10⁻⁹
    - `estimated`: whether nobody read it
    - `kind`: of `KINDS`
    - `key`: what the caller knows it by
    """

    at_us: int
    value: int
    estimated: bool = False
    kind: str = "normal"
    key: object = None

    @property
    def order(self):
        """Return what readings are ordered by; two of the same are of one moment."""
        return self.at_us, self.kind == "opening", self.estimated


@dataclass(frozen=True, slots=True)
class Dial:
    """How a register goes over its last digit.

    - `digits`: before the point, 0 for one that never does
    - `most_percent`: of its range: what it may have moved for a lower reading to be
      taken for that
    - `most_per_day`: the same by the day, in 10⁻⁹; None for the percentage alone
    """

    digits: int = 0
    most_percent: int = 10
    most_per_day: int | None = None

    @property
    def range(self):
        """Return where it begins anew, in 10⁻⁹; 0 for never."""
        return 10**self.digits * NANO if self.digits else 0

    def shows(self, value):
        """Return whether a register can show a value."""
        return value >= 0 and (not self.digits or value < self.range)

    def increase(self, before, after):
        """Return how far it moved from one reading to the next.

        :param before, after: `Reading`s
        :return: int; None where it can only have gone back
        """
        moved = after.value - before.value
        if after.kind == "opening":
            return 0
        if after.kind == "rollover" and self.digits:
            return moved if moved >= 0 else moved + self.range
        if moved >= 0:
            return moved
        if not self.digits:
            return None
        moved += self.range
        if self.most_per_day is not None:
            span = after.at_us - before.at_us
            plausible = moved * DAY_US <= self.most_per_day * span
        else:
            plausible = moved * 100 <= self.range * self.most_percent
        return moved if plausible else None

    def moved(self, before, after):
        """Return how far it moved between two readings that were taken.

        A lower one was found plausible then, or said to be a roll-over.
        """
        if after.kind == "opening":
            return 0
        moved = after.value - before.value
        return moved + self.range if moved < 0 else moved


@dataclass(frozen=True, slots=True)
class Refused:
    """A reading that cannot stand beside another one.

    - `reading`: the one that came later
    - `other`: the one that it contradicts; None where the register cannot show it
    - `reason`: `repeated` (the same once more), `other_reading` (another value at the
      same moment), `negative_increase` or `no_reading`
    """

    reading: Reading
    other: Reading | None
    reason: str


def take_in(known, new, dial):
    """Say which new readings a register takes.

    :param known: `Reading`s that it has, which stand
    :param new: `Reading`s, in any order
    :param dial: `Dial`
    :return: (list of those that are taken, list of `Refused`)
    """
    taken = {reading.order: reading for reading in known}
    added, refused = [], []
    for reading in sorted(new, key=lambda one: (one.order, one.value)):
        other = taken.get(reading.order)
        if not dial.shows(reading.value):
            refused.append(Refused(reading, None, "no_reading"))
        elif other is not None:
            same = other.value == reading.value
            reason = "repeated" if same else "other_reading"
            refused.append(Refused(reading, other, reason))
        else:
            taken[reading.order] = reading
            added.append(reading)
    # Estimates bend to what was read: they are no reason to refuse anything.
    read = sorted(
        (one for one in taken.values() if not one.estimated), key=lambda one: one.order
    )
    ours = {reading.order for reading in added}
    kept = []
    for reading in read:
        while kept and dial.increase(kept[-1], reading) is None:
            if reading.order in ours:
                refused.append(Refused(reading, kept[-1], "negative_increase"))
                reading = None
                break
            if kept[-1].order not in ours:
                break  # both stood before
            refused.append(Refused(kept.pop(), reading, "negative_increase"))
        if reading is not None:
            kept.append(reading)
    gone = {one.reading.order for one in refused if one.reason == "negative_increase"}
    return [one for one in added if one.order not in gone], refused


@dataclass(frozen=True, slots=True)
class Point:
    """Where a register stood.

    - `total`: counts on since its first reading, whatever it shows
    - `shown`: what it shows; both in 10⁻⁹
    - `estimated`: whether nobody read it there
    - `begins`, `ends`: whether a device begins or ends there
    - `key`: of the reading; None where there is none
    """

    at_us: int
    total: int
    shown: int
    estimated: bool = False
    begins: bool = False
    ends: bool = False
    key: object = None


def points(readings, dial):
    """Return a register's way: a `Point` for each reading that counts, by time.

    :param readings: `Reading`s that it took (`take_in`), in any order
    :param dial: `Dial`
    """
    readings = sorted(readings, key=lambda one: one.order)
    read_at = {one.order[:2] for one in readings if not one.estimated}
    way, waiting, last, base = [], [], None, 0
    for reading in readings:
        begins = reading.kind == "opening"
        if reading.estimated and reading.order[:2] in read_at:
            continue  # Nobody looks at an estimate where somebody read.
        if reading.estimated and last is not None and not begins:
            waiting.append(reading)
            continue
        if last is not None:
            limit = None if begins else base + dial.moved(last, reading)
            way += _estimated(waiting, last, base, dial, limit)
            base = way[-1].total if begins else limit
        way.append(
            Point(
                reading.at_us,
                base,
                reading.value,
                reading.estimated,
                begins or last is None,
                reading.kind == "closing",
                reading.key,
            )
        )
        last, waiting = reading, []
    return way + _estimated(waiting, last, base, dial, None)


def _estimated(estimates, last, base, dial, limit):
    """Points of estimates: none behind the one before, nor beyond `limit`."""
    reached, found = base, []
    for estimate in estimates:
        moved = dial.increase(last, estimate)
        told = reached if moved is None else base + moved
        total = max(told, reached)
        if limit is not None:
            total = min(total, limit)
        shown = estimate.value
        if moved is None or total != told:
            shown = _shown(last.value + total - base, dial)
        found.append(
            Point(
                estimate.at_us,
                total,
                shown,
                True,
                ends=estimate.kind == "closing",
                key=estimate.key,
            )
        )
        reached = total
    return found


def _shown(value, dial):
    return value % dial.range if dial.digits else value


def projected(way, dial, until_us):
    """Return a way that goes on to a moment, as fast as it went last.

    One whose device ended, or of whose device there is a single reading, stays as it
    is: nobody knows how fast it goes.
    """
    if not way or until_us <= way[-1].at_us or way[-1].ends:
        return way
    last = way[-1]
    for before, after in zip(way[-2::-1], way[:0:-1], strict=True):
        if after.begins:
            return way
        if before.at_us < last.at_us:
            moved = (
                (last.total - before.total)
                * (until_us - last.at_us)
                // (last.at_us - before.at_us)
            )
            shown = _shown(last.shown + moved, dial)
            return [*way, Point(until_us, last.total + moved, shown, estimated=True)]
    return way


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a register is, half-open.

    - `zone`: in which the owner's days begin, an IANA name
    - `key`: what the caller knows the owner by
    """

    from_us: int
    to_us: int
    zone: str = "UTC"
    key: object = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one owner used on one day, between two moments.

    - `day`: days since 1970-01-01 in the owner's time zone
    - `owner`: `Owner`, None for what was nobody's
    - `quantity`: in 10⁻¹⁸ of the unit
    - `before`, `after`: `Point`s at its ends
    - `keys`: of the readings that it lies between
    """

    day: int
    owner: Owner | None
    quantity: int
    before: Point
    after: Point
    keys: tuple


def used(way, dial, owners, factors=((None, NANO),), daily=True):
    """Return what was used along a way, as `Part`s in the order of time.

    :param way: `Point`s as `points` returns them
    :param owners: `Owner`s, not overlapping
    :param factors: (from when on, factor in 10⁻⁹) by time, the first from None
    :param daily: True: each day has its share of what was used between two readings;
        False: the day of the later one has all of it
    """
    parts = []
    for before, after in zip(way, way[1:], strict=False):
        if before.total == after.total or before.at_us == after.at_us:
            continue
        step = _Step(before, after, dial)
        for owner, start, end in _owned(owners, before.at_us, after.at_us):
            cuts = {start, end}
            cuts.update(at for at, _ in factors if at is not None and start < at < end)
            zone = owner.zone if owner else "UTC"
            if daily and owner:
                cuts.update(midnights(zone, start, end))
            cuts = sorted(cuts)
            for begin, stop in zip(cuts, cuts[1:], strict=False):
                one, two = step.at(begin), step.at(stop)
                quantity = (two.total - one.total) * _factor_at(factors, begin)
                if quantity:
                    day = local_day(zone, stop - 1)
                    keys = (before.key, after.key)
                    parts.append(Part(day, owner, quantity, one, two, keys))
    return parts


@dataclass(frozen=True, slots=True)
class _Step:
    """Two points that follow each other, and any moment between them."""

    before: Point
    after: Point
    dial: Dial

    def at(self, at_us):
        before, after = self.before, self.after
        for point in (before, after):
            if point.at_us == at_us:
                return point
        moved = (
            (after.total - before.total)
            * (at_us - before.at_us)
            // (after.at_us - before.at_us)
        )
        shown = _shown(before.shown + moved, self.dial)
        return Point(at_us, before.total + moved, shown, estimated=True)


def _owned(owners, start, end):
    """Yield (owner, start, end) from one moment to another; None is nobody."""
    at = start
    for owner in sorted(owners, key=lambda one: one.from_us):
        begin, stop = max(owner.from_us, at), min(owner.to_us, end)
        if begin >= stop:
            continue
        if at < begin:
            yield None, at, begin
        yield owner, begin, stop
        at = stop
    if at < end:
        yield None, at, end


def _factor_at(factors, at_us):
    begun = [factor for since, factor in factors if since is None or since <= at_us]
    return begun[-1]


def midnights(zone, start_us, end_us):
    """Return the moments within an interval at which days of a time zone begin."""
    day = local_day(zone, start_us) + 1
    found = []
    while (at_us := day_start(zone, day)) < end_us:
        if at_us > start_us:
            found.append(at_us)
        day += 1
    return found


def local_day(zone, at_us):
    """Return the day of a moment in a time zone, days since 1970-01-01."""
    day = at_us // DAY_US
    if zone == "UTC":
        return day
    while day_start(zone, day) > at_us:
        day -= 1
    while day_start(zone, day + 1) <= at_us:
        day += 1
    return day


@lru_cache(maxsize=16_384)
def day_start(zone, day):
    """Return when a day begins in a time zone, microseconds UTC."""
    if zone == "UTC":
        return day * DAY_US
    date = datetime.date.fromordinal(_EPOCH.toordinal() + day)
    local = datetime.datetime.combine(date, datetime.time(), ZoneInfo(zone))
    delta = local.astimezone(datetime.UTC) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND_US
