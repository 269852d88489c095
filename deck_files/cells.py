# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading a cell of a deck's file: increments, seconds, flags.

Each reader takes a text and returns its value, or raises `WrongCell`.
"""

import re
from decimal import Decimal

from ..connectors.workbook_cells import MarkedText, TypedText
from ..rating.errors import TranslatableError, _lt

PRICE_DECIMALS = 8
MAX_PRICE = Decimal(10) ** 9
MAX_DIGITS = 15  # of a number, and so of a prefix with its country code
#: what a database's integer holds
MAX_SECONDS = 2**31 - 1
SHOWN_CHARACTERS = 100
PREFIXES = "prefixes"
_WHOLE = re.compile(r"([0-9]+)(?:\.0+)?")


# 6-Jan, Jan-06, 2001-01-06, 06.01.2001
_SHOWN_DATE = re.compile(
    r"[0-9]{1,2}[- ](?!sec|min)[A-Za-z]{3}|[A-Za-z]{3}[- ][0-9]{1,2}$"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{2,4}$"
)
_OF_UNIT = re.compile(r"per\s+(second|minute)", re.IGNORECASE)
_WITH_UNIT = re.compile(
    r"([0-9]+)\s*(?:s|secs?|seconds?|(min|mins|minutes?))\.?", re.IGNORECASE
)
_SPREADSHEET_DATE = _lt(
    "'%(text)s' is a date, not increments: spreadsheets convert values such as 1/6 to "
    "dates. Format the column as text."
)


class WrongCell(TranslatableError):
    """A cell that cannot be read; the sentence says why."""

    def __init__(self, text, /, **values):
        super().__init__(text, **{name: _shown(v) for name, v in values.items()})


class TwoWays(WrongCell):
    """A cell that is understood as soon as a person has said how its kind is meant.

    - `key`: the kind, a field of `choices.Choices`
    """

    def __init__(self, key, text, /, **values):
        super().__init__(text, **values)
        self.key = key


def _shown(value):
    """A value as a sentence shows it: a cell may hold a book."""
    if isinstance(value, str) and len(value) > SHOWN_CHARACTERS:
        return value[:SHOWN_CHARACTERS] + "…"
    return value


def whole(text):
    """A whole number of ASCII digits, None when it is none.

    `.0` after it is what Excel makes of one. Numbers beyond `MAX_SECONDS` are one more
    than that: all are too large, and some have thousands of digits.
    """
    match = _WHOLE.fullmatch(text)
    if not match:
        return None
    digits = match[1].lstrip("0") or "0"
    return int(digits) if len(digits) <= MAX_DIGITS else MAX_SECONDS + 1


def optional(reader):
    """The same reader for cells that may be empty: None."""

    def read(text):
        return reader(text) if text else None

    return read


def seconds(default, least=0):
    """A reader of whole seconds.

    :param default: value of an empty cell
    :param least: the smallest number that is right
    """

    def read(text):
        if not text:
            return default
        number = whole(text)
        if number is None and _WITH_UNIT.fullmatch(text):
            number = _length(text)
        if number is None or not least <= number <= MAX_SECONDS:
            raise WrongCell(_lt("'%(text)s' is not a number of seconds."), text=text)
        return number

    return read


def _is_date(parts):
    """Whether numbers look like a day: 1/6 that a spreadsheet took for one."""
    numbers = [whole(part) for part in parts]
    if None in numbers or len(set(numbers)) == 1 or not 2 <= len(parts) <= 3:
        return False
    if len(parts) == 2:
        return 1 <= numbers[0] <= 12 and 1900 <= numbers[1] <= 2200
    first, second, third = numbers
    is_day = 1 <= min(first, second) <= 12 and max(first, second) <= 31
    is_year = len(parts[2]) == 2 and third > 6 or 1900 <= third <= 2200
    return is_day and is_year or 1900 <= first <= 2200


def increments(text):
    """`60/1`, `60s/6s`, `1/1/1`, `60 sec` or `per minute`: (first, next)."""
    if not text:
        return None
    is_number = isinstance(text, MarkedText) or whole(text) is not None
    is_typed = isinstance(text, TypedText) and not is_number
    if is_typed or _SHOWN_DATE.match(text):
        raise WrongCell(_SPREADSHEET_DATE, text=text)
    parts = [part.strip() for part in re.split(r"[/+:\-]", text)]
    if _is_date(parts):
        raise WrongCell(_SPREADSHEET_DATE, text=text)
    if len(parts) == 3 and parts[0] in ("0", parts[1]):
        # Minimum, first, next: the minimum adds nothing.
        parts = parts[1:]
    numbers = [_length(part) for part in parts]
    if not 1 <= len(parts) <= 2 or not all(
        number is not None and number <= MAX_SECONDS for number in numbers
    ):
        raise WrongCell(
            _lt(
                "'%(text)s' is not valid for increments: 60/6 means 60 s, "
                "then steps of 6 s."
            ),
            text=text,
        )
    return numbers[0], numbers[-1]


def _length(text):
    """The seconds of one increment: `60`, `60 sec`, `1 min`, `per minute`."""
    named = _OF_UNIT.fullmatch(text)
    if named:
        return 60 if named[1].lower() == "minute" else 1
    match = _WITH_UNIT.fullmatch(text)
    if not match:
        return whole(text)
    number = whole(match[1])
    return number * 60 if match[2] and number is not None else number
