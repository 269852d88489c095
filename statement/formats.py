# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Values as people of a language write them."""

import itertools
from dataclasses import dataclass
from decimal import Decimal

from ..rating.exact import exact_text, shown


@dataclass(frozen=True, slots=True)
class Formats:
    """How a language writes values.

    - `decimal_point`, `thousands`: texts
    - `grouping`: sizes of the groups of digits from the right, the last one again and
      again; 0 or less ends grouping
    - `day`, `time`: patterns of `strftime`
    """

    decimal_point: str = "."
    thousands: str = ","
    grouping: tuple = (3,)
    day: str = "%m/%d/%Y"
    time: str = "%H:%M:%S"

    def text(self, column, value):
        """A value as it is printed.

        :param column: `content.Column`
        :param value: as its kind holds it, None for none; a text stays what it is
        """
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        kind = column.kind
        if kind == "seconds":
            return duration(value)
        if kind == "money":
            return self.number(value, column.decimals)
        if kind == "number":
            return self.number(value, 0)
        if kind == "day":
            return value.strftime(self.day)
        return value.strftime(f"{self.day} {self.time}")

    def number(self, value, least):
        """An exact number with at least so many decimals.

        :param value: Decimal or Fraction; an endless one is rounded
        :param least: int
        """
        text = exact_text(value if isinstance(value, Decimal) else shown(value))
        whole, _point, fraction = text.lstrip("-").partition(".")
        fraction = fraction.rstrip("0").ljust(least, "0")
        sign = "-" if text.startswith("-") and value else ""
        return f"{sign}{self._grouped(whole)}" + (
            f"{self.decimal_point}{fraction}" if fraction else ""
        )

    def _grouped(self, digits):
        if not self.thousands or len(digits) <= 3:
            return digits
        groups, sizes = (
            [],
            itertools.chain(
                self.grouping,
                itertools.repeat(self.grouping[-1] if self.grouping else 0),
            ),
        )
        for size in sizes:
            if size <= 0 or len(digits) <= size:
                break
            groups.insert(0, digits[-size:])
            digits = digits[:-size]
        return self.thousands.join([digits, *groups])


def duration(seconds):
    """Seconds as hours, minutes, and seconds: 75 is 0:01:15.

    :param seconds: int, or an exact number, whose fractions are shown
    """
    if isinstance(seconds, int):
        whole, rest = seconds, ""
    else:
        whole = int(seconds)
        rest = Formats(".", "", ()).number(abs(seconds - whole), 0)[1:]
    minutes, second = divmod(abs(whole), 60)
    hours, minute = divmod(minutes, 60)
    sign = "-" if seconds < 0 else ""
    return f"{sign}{hours}:{minute:02d}:{second:02d}{rest}"
