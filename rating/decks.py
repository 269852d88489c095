# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a rate deck and its time bands say, apart from the prices."""

import datetime
from dataclasses import dataclass

from .money import CHARGE_DECIMALS, ROUNDINGS

HOLIDAY = 7
DAY_MINUTES = 1440

AT_START, SPLIT_AT_BOUNDARY = CROSSINGS = ("start", "split")


@dataclass(frozen=True)
class Slot:
    """Hours of some days, in local time.

    - `days`: 0 = Monday .. 6 = Sunday, 7 = the deck's holidays. A holiday is day 7
      only, whatever its weekday.
    - `start_minute`, `end_minute`: 0..1440, half-open. An end that is not after the
      start lies on the next day; the whole slot belongs to the day it starts on.
    - `start_second`, `end_second`: 0..59, past that minute: an end of 15:00 that is
      itself within the slot ends one second later
    - `months` (1..12), `month_days` (1..31), `years`: of the day; empty for any
    """

    days: frozenset
    start_minute: int = 0
    end_minute: int = DAY_MINUTES
    months: frozenset = frozenset()
    month_days: frozenset = frozenset()
    years: frozenset = frozenset()
    start_second: int = 0
    end_second: int = 0

    def __post_init__(self):
        for name in ("days", "months", "month_days", "years"):
            object.__setattr__(self, name, frozenset(getattr(self, name)))
        if not self.days or not self.days <= set(range(HOLIDAY + 1)):
            raise ValueError(f"Days {sorted(self.days)} are not some of 0 to 7")
        if not self.months <= set(range(1, 13)):
            raise ValueError(f"Months {sorted(self.months)} are not some of 1 to 12")
        if not self.month_days <= set(range(1, 32)):
            raise ValueError(f"Days {sorted(self.month_days)} are not some of 1 to 31")
        for minute in (self.start_minute, self.end_minute):
            if not 0 <= minute <= DAY_MINUTES:
                raise ValueError(f"Minute {minute} is not between 0 and {DAY_MINUTES}")
        for second in (self.start_second, self.end_second):
            if not 0 <= second <= 59:
                raise ValueError(f"Second {second} is not between 0 and 59")
        if max(self.start, self.end) > DAY_MINUTES * 60:
            raise ValueError("A slot does not go beyond midnight and some seconds")

    @property
    def start(self):
        """Return the second of the day at which it starts."""
        return self.start_minute * 60 + self.start_second

    @property
    def end(self):
        """Return the second of the day at which it ends, half-open."""
        return self.end_minute * 60 + self.end_second

    @property
    def dates(self):
        """Return what it says about the day: (days, months, month days, years)."""
        return self.days, self.months, self.month_days, self.years


@dataclass(frozen=True)
class TimeBand:
    """A named set of hours (peak, off-peak, weekend): the union of its slots."""

    id: int
    slots: tuple = ()


@dataclass(frozen=True)
class Deck:
    """How the rates of a deck are applied.

    - `timezone`: IANA name; bands and holidays are in this local time
    - `rounding`, `decimals`: of each call's charge, see `money.ROUNDINGS`; 0..6
    - `crossing`: a call over the boundary of a time band is rated by the band at
      its `start`, or `split` there
    - `holidays`: dates that count as day 7
    - `bands`: ids of the time bands that its rates use, the one that wins first
    """

    id: int
    timezone: str = "UTC"
    rounding: str = "half_up"
    decimals: int = CHARGE_DECIMALS
    crossing: str = AT_START
    holidays: frozenset = frozenset()
    bands: tuple = ()

    def __post_init__(self):
        object.__setattr__(self, "holidays", frozenset(self.holidays))
        object.__setattr__(self, "bands", tuple(self.bands))
        if self.rounding not in ROUNDINGS:
            raise ValueError(f"Deck {self.id}: rounding {self.rounding!r} is unknown")
        if self.crossing not in CROSSINGS:
            raise ValueError(f"Deck {self.id}: crossing {self.crossing!r} is unknown")
        if not 0 <= self.decimals <= CHARGE_DECIMALS:
            raise ValueError(f"Deck {self.id}: {self.decimals} decimals, not 0 to 6")
        if len(set(self.bands)) != len(self.bands):
            raise ValueError(f"Deck {self.id}: a time band is given twice")
        if not all(type(day) is datetime.date for day in self.holidays):
            raise ValueError(f"Deck {self.id}: a holiday is not a date")
