# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What was used between the readings of a register that only grows.

Use is the difference of two readings, over the last digit of the register and through
its factor. Between two readings it is even: where a day or a factor begins in between,
the register stands at whole 10⁻⁹ there. Or the day of the later one has all of it.
"""

import datetime
from dataclasses import dataclass
from fractions import Fraction
from zoneinfo import ZoneInfo

from .exact import rounded

_MICROSECOND = datetime.timedelta(microseconds=1)


@dataclass(frozen=True)
class Reading:
    """What a register showed.

    :ivar kind: `normal`, `rollover`, `closing`; `opening` begins anew
    """

    at: datetime.datetime
    value: Fraction
    kind: str = "normal"


def moved(before, after, digits):
    """How far a register moved between two readings.

    :param digits: before the point; a lower reading went over the last one
    """
    if after.kind == "opening":
        return Fraction(0)
    difference = after.value - before.value
    return difference if difference >= 0 else difference + 10**digits


def used_by_day(readings, digits, zone, factors, daily=True):
    """What was used: dict date -> Fraction.

    :param readings: all that were read, by time; the first one is no use
    :param zone: IANA name of the zone in which the days of the customer begin
    :param factors: list of (moment, None for always, Fraction), by time
    :param daily: whether each day has its share
    """
    readings = sorted(readings, key=lambda one: (one.at, one.kind == "opening"))
    found = {}
    for before, after in zip(readings, readings[1:], strict=False):
        whole, span = moved(before, after, digits), after.at - before.at
        if not whole or not span:
            continue
        cuts = {before.at, after.at}
        cuts |= {at for at, _factor in factors if at and before.at < at < after.at}
        if daily:
            cuts |= set(_midnights(before.at, after.at, zone))
        cuts = sorted(cuts)
        for begin, end in zip(cuts, cuts[1:], strict=False):
            part = _moved_until(end, before, span, whole)
            part -= _moved_until(begin, before, span, whole)
            factor = [of for at, of in factors if at is None or at <= begin][-1]
            day = (end - _MICROSECOND).astimezone(ZoneInfo(zone)).date()
            if part:
                found[day] = found.get(day, Fraction(0)) + part * factor
    return {day: quantity for day, quantity in found.items() if quantity}


def _moved_until(moment, before, span, whole):
    if moment - before.at == span:
        return whole
    share = Fraction((moment - before.at) // _MICROSECOND, span // _MICROSECOND)
    return rounded(whole * share, 9, "down")


def _midnights(begin, end, zone):
    day = begin.astimezone(ZoneInfo(zone)).date()
    while True:
        day += datetime.timedelta(days=1)
        at = day_start(day, zone)
        if at >= end:
            return
        if at > begin:
            yield at


def day_start(day, zone):
    """When a day begins, in UTC."""
    local = datetime.datetime.combine(day, datetime.time.min, ZoneInfo(zone))
    return local.astimezone(datetime.UTC)
