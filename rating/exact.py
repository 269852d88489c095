# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Exact numbers: taken in, rounded once, written down.

Amounts and quantities that are priced one by one (not in columns of a million) are
`Fraction`s: a third of a period or 0.1 a minute has no last digit, and nothing may be
lost before the one rounding. Binary floats are refused at the door.
"""

import numbers
from decimal import Decimal
from fractions import Fraction

# Enough to see which way an endless amount is rounded.
ENDLESS_PLACES = 12

SHOWN_PLACES = 6
"""Decimals of an endless number on an invoice or a screen."""

MICRO = Decimal("0.000001")
"""A micro-unit: charges of records are whole numbers of them."""

ROUNDINGS = ("half_up", "up", "down", "half_even", "ceil", "floor")
"""`up` and `down` are away from and towards zero, `ceil` and `floor` are not."""


def exact(value):
    """Return a number as a Fraction.

    :param value: int, Decimal, Fraction, or a decimal text
    :raise TypeError: for a binary float, whose digits nobody wrote down
    :raise ValueError: for a text that is no finite number
    """
    if isinstance(value, bool):
        raise TypeError(f"{value!r} is not a number")
    if isinstance(value, numbers.Integral):
        # int() for numpy's integers, which would overflow within a Fraction
        return Fraction(int(value))
    if isinstance(value, numbers.Rational):
        return Fraction(value)
    if isinstance(value, numbers.Real):
        raise TypeError(f"{value!r} is a binary float: give a Decimal or its text")
    try:
        decimal = Decimal(value)
        return Fraction(decimal)
    except (ArithmeticError, ValueError):
        raise ValueError(f"{value!r} is not a decimal number") from None


def number(value):
    """Return a number as a user wrote it: the shortest text of the stored one.

    :param value: float of a database's field that keeps all digits, or empty
    :return: Decimal
    """
    return Decimal(repr(value or 0.0))


def in_micro(amount):
    """Return an amount in micro-units.

    :param amount: as `exact` takes it
    :return: int; half a micro-unit to the even one
    """
    return round(exact(amount) / exact(MICRO))


def rounded(value, decimals, rounding="half_up"):
    """Round a Fraction to decimals.

    :param decimals: places that are kept; negative ones round to tens, hundreds, ..
    :param rounding: one of `ROUNDINGS`
    :return: Decimal, exact
    """
    if rounding not in ROUNDINGS:
        raise ValueError(f"Rounding {rounding!r} is unknown")
    scaled = exact(value) * Fraction(10) ** decimals
    size = abs(scaled)
    whole, rest = divmod(size.numerator, size.denominator)
    carries = {
        "half_up": 2 * rest >= size.denominator,
        "up": rest > 0,
        "down": False,
        "half_even": 2 * rest + (whole & 1) > size.denominator,
        "ceil": rest > 0 and scaled > 0,
        "floor": rest > 0 and scaled < 0,
    }
    whole += carries[rounding]
    return _decimal(scaled < 0 and whole > 0, whole, decimals)


def _decimal(negative, digits, places):
    # not scaleb(), which would round to the precision of the context
    if places < 0:
        digits, places = digits * 10**-places, 0
    return Decimal((int(negative), tuple(map(int, str(digits))), -places))


def places_of(value):
    """Return how many decimals a Fraction has, None where they never end."""
    places = 0
    rest = value.denominator
    while rest % 10 == 0:
        places, rest = places + 1, rest // 10
    for factor in (2, 5):
        while rest % factor == 0:
            places, rest = places + 1, rest // factor
    return places if rest == 1 else None


def to_decimal(value):
    """Return a Fraction as an exact Decimal, None where its digits never end."""
    places = places_of(value)
    return None if places is None else rounded(value, places)


def exact_text(value):
    """Return a number as a decimal text, with `…` where its digits never end.

    The only place that formats exact numbers: not every Python knows how to format a
    Fraction, `str` writes it as `4/3`, and small Decimals as `1E-8`.

    :param value: int, Fraction, or Decimal, which keeps the decimals that it has
    :return: str: all digits, without separators and exponents
    """
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    value = exact(value)
    places = places_of(value)
    if places is None:
        return f"{exact_text(rounded(value, ENDLESS_PLACES, 'down'))}…"
    return exact_text(rounded(value, places))


def shown(value):
    """Return a number as it is shown: with all its digits where they end.

    One without end is rounded half up to `SHOWN_PLACES`, and only where nothing would
    be left of it to `ENDLESS_PLACES`. Nothing is reckoned with it.

    :param value: int, Fraction or Decimal
    :return: Decimal
    """
    value = exact(value)
    decimal = to_decimal(value)
    if decimal is None:
        decimal = rounded(value, SHOWN_PLACES) or rounded(value, ENDLESS_PLACES)
    return decimal
