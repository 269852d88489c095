# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Time bands: named hours of some days, on the clock of the deck's time zone."""

import datetime
from dataclasses import dataclass

HOLIDAY = 7
MINUTES_OF_DAY = 24 * 60


@dataclass(frozen=True)
class Hours:
    """Hours of some days.

    :ivar days: 0 is Monday, 6 is Sunday, 7 a holiday. A holiday is no weekday.
    :ivar begin, end: minutes since midnight. An end that is not after the beginning
        lies on the next day; all of it belongs to the day on which it begins.
    """

    days: frozenset
    begin: int = 0
    end: int = MINUTES_OF_DAY


def kind_of_day(day, holidays):
    """Which of the days of :class:`Hours` a date is."""
    return HOLIDAY if day in holidays else day.weekday()


def holds(band, local, holidays):
    """Whether a time band holds.

    :param band: list of :class:`Hours`
    :param local: datetime on the deck's clock
    :param holidays: dates
    """
    today = kind_of_day(local.date(), holidays)
    before = kind_of_day(local.date() - datetime.timedelta(days=1), holidays)
    minute = local.hour * 60 + local.minute
    for hours in band:
        if hours.begin < hours.end:
            if today in hours.days and hours.begin <= minute < hours.end:
                return True
        elif today in hours.days and minute >= hours.begin:
            return True
        elif before in hours.days and minute < hours.end:
            return True
    return False
