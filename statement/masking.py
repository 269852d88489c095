# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which digits of a telephone number a customer does not see.

Laws ask for it: Germany shortens by three digits what callers did not agree to show
(TDDDG § 11), Austria hides the last three of what was called, but for short and premium
numbers. What is hidden becomes `x`, so that numbers line up and are seen to be masked.
"""

import re
from dataclasses import asdict, dataclass, fields
from functools import lru_cache

#: what stands for a digit
HIDDEN = "x"
#: what of a customer's calls is listed one by one
ITEMS = ("all", "charged", "none")
_DIGIT = re.compile(r"\d")
#: digits of the longest number that is dialed as it is, 116117
_MOST_OF_SHORT = 6


@dataclass(frozen=True, slots=True)
class Masking:
    """How the numbers on a statement are masked.

    - `items`: one of `ITEMS`
    - `digits`: hidden at the end of a called number
    - `caller_digits`: hidden at the end of the number of who called the customer
    - `short_in_full`: short codes are shown whatever `digits` says
    - `full_prefixes`: numbers with these beginnings are shown, too: premium numbers
    - `never_shown`: beginnings of numbers of which not even the call is listed, such as
      helplines; with `=` in front a whole number

    Numbers are digits without plus, with their country codes.
    """

    items: str = "all"
    digits: int = 0
    caller_digits: int = 0
    short_in_full: bool = True
    full_prefixes: tuple = ()
    never_shown: tuple = ()

    def __post_init__(self):
        if self.items not in ITEMS:
            raise ValueError(f"{self.items!r} is none of {', '.join(ITEMS)}")
        if self.digits < 0 or self.caller_digits < 0:
            raise ValueError("a number cannot hide fewer than no digits")

    @classmethod
    def from_json(cls, values):
        """Read what `as_json` gave."""
        known = {one.name for one in fields(cls)}
        found = {name: value for name, value in values.items() if name in known}
        for name in ("full_prefixes", "never_shown"):
            found[name] = tuple(found.get(name, ()))
        return cls(**found)

    def as_json(self):
        """Return the values, as JSON has them."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    def ends(self, caller, callee, is_inbound):
        """Both numbers of a call, as they are shown: whatever shows a call asks this.

        :param caller, callee: texts; may be empty
        :param is_inbound: whether the customer was called, and did not call
        :return: (from, to)
        """
        if is_inbound:
            return self.caller(caller or ""), callee or ""
        return caller or "", self.called(callee or "")

    def called(self, number):
        """A number that the customer called, as it is shown.

        :param number: text, `+49301234567`; may be empty
        """
        if not self.digits:
            return number
        digits = _digits(number)
        if self.short_in_full and len(digits) <= _MOST_OF_SHORT:
            return number
        if self.full_prefixes and digits.startswith(self.full_prefixes):
            return number
        return hide(number, self.digits)

    def caller(self, number):
        """The number of who called the customer, as it is shown."""
        return hide(number, self.caller_digits)

    def lists(self, number, is_charged):
        """Whether a call is listed, and not only counted.

        :param number: of the other party
        :param is_charged: whether it costs anything
        """
        if self.items == "none" or (self.items == "charged" and not is_charged):
            return False
        return not self.never_shows(number)

    def never_shows(self, number):
        """Whether a number must not be recognized at all."""
        whole, begins = split(self.never_shown)
        digits = _digits(number)
        return digits in whole or digits.startswith(begins)


def hide(text, count):
    """A text whose last digits are hidden.

    Of a number with fewer digits all are hidden; what is no digit stays, so that the
    text is as long as before.

    >>> hide("+49 30 1234567", 3)
    '+49 30 1234xxx'
    """
    if count <= 0 or not text:
        return text
    if text[-count:].isdecimal():
        return text[:-count] + HIDDEN * min(count, len(text))
    places = [found.start() for found in _DIGIT.finditer(text)][-count:]
    shown = list(text)
    for place in places:
        shown[place] = HIDDEN
    return "".join(shown)


@lru_cache(8)
def split(never_shown):
    """What is never shown: (whole numbers, frozenset; beginnings of numbers, tuple)."""
    whole = frozenset(one[1:] for one in never_shown if one[:1] == "=")
    return whole, tuple(one for one in never_shown if one[:1] != "=")


def _digits(number):
    number = (number or "").removeprefix("+")
    return number if number.isdecimal() else "".join(_DIGIT.findall(number))
