# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Exact numbers, and their rounding."""

from decimal import Decimal
from fractions import Fraction


def exact(value):
    """What a number of the database is, None as 0.

    :param value: a text, as queries ask for: some cursors make binary floats of numbers
    """
    if isinstance(value, float):
        raise TypeError(f"{value} is a binary float")
    return Fraction(value or 0)


def rounded(amount, decimals, how="half_up"):
    """An amount with so many digits after the point.

    The sign has no part in it: -0.5 is rounded as 0.5 is.

    :param amount: Fraction
    :param decimals: below 0 for tens and hundreds
    :param how: `half_up`, `half_even`, `up` (away from zero), `down`
    :return: Fraction
    """
    scale = Fraction(10) ** decimals
    whole, rest = divmod(abs(amount) * scale, 1)
    half = Fraction(1, 2)
    more = {
        "half_up": rest >= half,
        "half_even": rest > half or (rest == half and whole % 2 == 1),
        "up": rest > 0,
        "down": False,
    }[how]
    found = (whole + more) / scale
    return -found if amount < 0 else found


def text(amount):
    """An amount as people write it; what has no end, as a ratio and shortened."""
    amount = Fraction(amount)
    try:
        exactly = Decimal(amount.numerator) / Decimal(amount.denominator)
    except ArithmeticError:
        return str(amount)
    if Fraction(exactly) == amount:
        return f"{exactly.normalize():f}"
    return f"{amount} (about {exactly:.8f})"
