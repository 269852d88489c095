# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading a cell of a deck's file: prefixes, prices, increments, flags.

Each reader takes a text and returns its value, or raises `WrongCell`.
"""

import re
from decimal import Decimal, InvalidOperation

from ..rating.errors import TranslatableError, _lt

#: what `change` says of a rate that ends; the first letters count
CLOSING = ("clos", "delet", "discont", "withdr", "remov", "block")
YES = {"1", "y", "yes", "true", "x", "t"}
PRICE_DECIMALS = 8
MAX_PRICE = Decimal(10) ** 9
#: of one cell; a range that spans more is a slip of the pen
MAX_PREFIXES = 10_000
MAX_DIGITS = 15  # of a number, and so of a prefix with its country code
#: what a database's integer holds
MAX_SECONDS = 2**31 - 1
SHOWN_CHARACTERS = 100
PREFIXES = "prefixes"
# What `prefix` may be besides digits: nothing (all numbers), a short code.
_ANY = {"", "*", "any", "default"}
_SHORT_CODE = re.compile(r"=[0-9]{1,9}")
_RANGE = re.compile(r"([0-9]{1,15})\s*-\s*([0-9]{1,15})")
_WHOLE = re.compile(r"([0-9]+)(?:\.0+)?")


class WrongCell(TranslatableError):
    """A cell that cannot be read; the sentence says why."""

    def __init__(self, text, /, **values):
        super().__init__(text, **{name: _shown(v) for name, v in values.items()})


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


def prefixes(text, budget=None):
    """The prefixes of a cell.

    :param budget: `connectors.budget.Budget` that `PREFIXES` are spent of
    """
    if text.lower() in _ANY:
        return [""]
    found = []
    for part in re.split(r"[,;]", text):
        part = part.strip().lstrip("+").strip()
        if not part:
            continue
        if budget is not None:
            budget.spend(PREFIXES)
        if _SHORT_CODE.fullmatch(part):
            found.append(part)
            continue
        # Blanks group digits: "336 07". Excel makes 44.0 of a number.
        part = re.sub(r"\.0$", "", re.sub(r"(?<=\d)\s+(?=\d)", "", part))
        span = _RANGE.fullmatch(part)
        if span:
            found += _range(*span.groups(), text, budget)
            continue
        if not part.isdigit() or not part.isascii():
            raise _no_prefix(text)
        if len(part) > MAX_DIGITS:
            raise too_long(part)
        found.append(part)
    if not found:
        raise _no_prefix(text)
    return found


def too_long(prefix):
    """The `WrongCell` of a prefix with more digits than a number has."""
    return WrongCell(
        _lt("The prefix %(prefix)s has more than 15 digits."), prefix=prefix
    )


def _no_prefix(text):
    return WrongCell(
        _lt("'%(text)s' is no prefix: digits, ranges or a list of these."), text=text
    )


def _range(first, last, text, budget):
    if len(last) < len(first):
        # 7400-09 is 7400-7409.
        last = first[: len(first) - len(last)] + last
    if len(first) != len(last) or int(first) > int(last):
        raise WrongCell(
            _lt("'%(text)s' is no range of prefixes: it begins after its end."),
            text=text,
        )
    if int(last) - int(first) >= MAX_PREFIXES:
        raise WrongCell(
            _lt("The range %(first)s-%(last)s has more than %(most)s prefixes."),
            first=first,
            last=last,
            most=MAX_PREFIXES,
        )
    if budget is not None:
        budget.spend(PREFIXES, int(last) - int(first))
    return [str(n).zfill(len(first)) for n in range(int(first), int(last) + 1)]


def country_code(text):
    """A country code before prefixes, without its plus; empty without one."""
    digits = re.sub(r"\.0$", "", text).lstrip("+").replace(" ", "")
    if digits and whole(digits) is None:
        raise WrongCell(_lt("'%(text)s' is no country code."), text=text)
    return digits


def price(text):
    """A price in 1e-8; a comma is a decimal sign where there is no dot."""
    plain = re.sub(r"[^0-9.,eE+-]", "", text)
    if "," in plain:
        plain = plain.replace(",", "") if "." in plain else plain.replace(",", ".", 1)
    try:
        price = Decimal(plain)
    except InvalidOperation as error:
        raise WrongCell(_lt("'%(text)s' is no price."), text=text) from error
    if not price.is_finite() or price < 0 or price > MAX_PRICE:
        raise WrongCell(
            _lt("The price %(text)s is below 0 or beyond all measure."), text=text
        )
    if not price:
        return 0
    # Arithmetic of Decimal rounds, and takes what is small enough for nothing.
    _sign, places, exponent = price.as_tuple()
    digits = "".join(map(str, places))
    plain = digits.rstrip("0")
    exponent += len(digits) - len(plain)
    if exponent < -PRICE_DECIMALS:
        raise WrongCell(
            _lt("The price %(text)s has more than %(most)s decimals."),
            text=text,
            most=PRICE_DECIMALS,
        )
    return int(plain) * 10 ** (exponent + PRICE_DECIMALS)


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
        if number is None or not least <= number <= MAX_SECONDS:
            raise WrongCell(_lt("'%(text)s' is no number of seconds."), text=text)
        return number

    return read


def increments(text):
    """`60/1`, `1/1/1` or `60`: (first, next)."""
    if not text:
        return None
    parts = [part.strip() for part in re.split(r"[/+:\-]", text)]
    if len(parts) == 3 and parts[0] in ("0", parts[1]):
        # Minimum, first, next: the minimum adds nothing.
        parts = parts[1:]
    numbers = [whole(part) for part in parts]
    if not 1 <= len(parts) <= 2 or not all(
        number is not None and number <= MAX_SECONDS for number in numbers
    ):
        raise WrongCell(
            _lt("'%(text)s' are no increments: 60/6 means 60 s, then steps of 6 s."),
            text=text,
        )
    return numbers[0], numbers[-1]


def flag(text):
    """Whether the cell says yes."""
    return text.lower() in YES


def closing(text):
    """Whether the cell says that the rate ends."""
    return text.lower().startswith(CLOSING)
