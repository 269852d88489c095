# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rates and decks, and which rate a call has.

Of the first deck of the customer's that has any, the rate with the longest prefix that
is in force and whose time band holds. Among those of one prefix: one of the call's own
type before one of any type, one with a time band before one without (bands in their
order), the one that came into force last, the lowest number.
"""

import datetime
import re
from dataclasses import dataclass, field
from fractions import Fraction
from zoneinfo import ZoneInfo

from .time_bands import holds

_INTERNATIONAL = re.compile(r"\+[0-9]{1,15}", re.ASCII)
_SHORT = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True)
class Tier:
    """The price from a second of the call on."""

    from_second: int
    price: Fraction
    per_seconds: int
    increment: int


@dataclass(frozen=True)
class Rate:
    """What a call costs.

    :ivar meter: call type that it is for, 0 for all
    :ivar band: time band that it is for, 0 for all times
    :ivar first, after: days in the deck's time zone, from `first` until before
        `after`; None is open
    :ivar initial: first increment, 0 for the same as the following ones
    :ivar grace: shorter calls are free
    :ivar minimum: of the charge, 0 for none
    :ivar maximum: None for none
    :ivar tiers: of :class:`Tier`, in order
    """

    id: int
    deck: int
    price: Fraction
    prefixes: tuple = ("",)
    meter: int = 0
    band: int = 0
    first: datetime.date | None = None
    after: datetime.date | None = None
    per_seconds: int = 60
    fee: Fraction = Fraction(0)
    minimum: Fraction = Fraction(0)
    maximum: Fraction | None = None
    initial: int = 0
    increment: int = 1
    grace: int = 0
    tiers: tuple = ()

    def is_in_force(self, day):
        """Whether it is on a day."""
        return (self.first is None or self.first <= day) and (
            self.after is None or day < self.after
        )


@dataclass
class Deck:
    """Rates that belong together.

    :ivar crossing: `start`: a call has the rate of its start; `split`: each of its
        increments the one that it starts in
    :ivar rounding, decimals: of the charge of a call
    :ivar by_prefix: dict prefix -> list of :class:`Rate`
    """

    id: int
    name: str = ""
    timezone: str = "UTC"
    rounding: str = "half_up"
    decimals: int = 6
    crossing: str = "start"
    currency: int = 0
    holidays: frozenset = frozenset()
    by_prefix: dict = field(default_factory=dict)

    def add(self, rate):
        """Take a rate in."""
        for prefix in rate.prefixes:
            self.by_prefix.setdefault(prefix, []).append(rate)

    def local(self, moment):
        """A moment on the deck's clock."""
        return moment.astimezone(ZoneInfo(self.timezone))


@dataclass
class RateBook:
    """All decks and time bands.

    :ivar decks: dict id -> :class:`Deck`
    :ivar bands: dict id -> list of `time_bands.Hours`, the band that wins first
    """

    decks: dict
    bands: dict = field(default_factory=dict)

    def __post_init__(self):
        self._order = {band: place for place, band in enumerate(self.bands)}

    def candidates(self, call):
        """The rates of a call's number, type and day, the first choice first."""
        return [
            rate
            for deck in call.decks
            for prefix in prefixes_of(call.number)
            for rate in self._of_prefix(self.decks[deck], prefix, call)
        ]

    def _of_prefix(self, deck, prefix, call):
        day = deck.local(call.start).date()
        rates = [
            rate
            for rate in deck.by_prefix.get(prefix, ())
            if rate.meter in (0, call.meter) and rate.is_in_force(day)
        ]
        return sorted(rates, key=self._preference)

    def _preference(self, rate):
        began = rate.first.toordinal() if rate.first else 0
        place = self._order[rate.band] if rate.band else len(self._order)
        return rate.meter == 0, place, -began, rate.id

    def first(self, candidates, moment):
        """The first rate whose time band holds at a moment, None for none."""
        for rate in candidates:
            deck = self.decks[rate.deck]
            if not rate.band or holds(
                self.bands[rate.band], deck.local(moment), deck.holidays
            ):
                return rate
        return None


def prefixes_of(number):
    """What a number can begin with, the longest first.

    A short code is `=` and all of it. All numbers begin with nothing.
    """
    if number and _INTERNATIONAL.fullmatch(number):
        digits = number[1:]
        return [digits[:length] for length in range(len(digits), -1, -1)]
    if number and _SHORT.fullmatch(number):
        return [f"={number}", ""]
    return [""]
