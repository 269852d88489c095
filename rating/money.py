# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Money as integers, and the one place where an amount is rounded.

Prices are integers in 1e-8 of the currency (`*_e8`), charges in 1e-6 (`*_micro`). An
unrounded amount is a ratio of integers, so nothing is lost before the one rounding
of a call. The functions take int64 arrays, or object arrays of Python ints where
int64 could overflow; the arithmetic is the same.
"""

import numpy as np

PRICE_DECIMALS = 8
CHARGE_DECIMALS = 6

ROUNDINGS = ("half_up", "up", "down", "half_even")
"""A rounding's code is its position here. As in the `decimal` module, rounding acts
on the amount without its sign: `up` is away from zero."""
HALF_UP, UP, DOWN, HALF_EVEN = range(len(ROUNDINGS))

INT64_MAX = 2**63 - 1
# Headroom of two bits, so that sums and doubled remainders still fit.
SAFE = 2**61

_CARRIES = {
    HALF_UP: lambda quotient, rest, denominator: 2 * rest >= denominator,
    UP: lambda quotient, rest, denominator: rest > 0,
    HALF_EVEN: lambda quotient, rest, denominator: (
        2 * rest + (quotient & 1) > denominator
    ),
}


def round_ratio(numerator, denominator, rounding):
    """Round numerator / denominator to an integer, exactly.

    :param numerator: integers, shape (n,), int64 or object
    :param denominator: positive integers, shape (n,) or scalar
    :param rounding: codes of `ROUNDINGS`, shape (n,) or scalar
    :return: integers of the numerator's dtype, shape (n,)
    """
    negative = (numerator < 0).astype(bool)
    signed = negative.any()
    size = np.where(negative, -numerator, numerator) if signed else numerator
    quotient = size // denominator
    rest = size - quotient * denominator
    for code, carries in _CARRIES.items():
        chosen = np.equal(rounding, code)
        if chosen.any():
            carry = carries(quotient, rest, denominator).astype(bool) & chosen
            quotient = quotient + carry
    return np.where(negative, -quotient, quotient) if signed else quotient


def round_charge(numerator, denominator, decimals, rounding):
    """Round an amount of numerator / denominator (in e8) to a charge in micro-units.

    :param decimals: 0..6 places that the charge keeps, shape (n,) or scalar
    :param rounding: codes of `ROUNDINGS`, shape (n,) or scalar
    """
    dropped = _powers_of_ten(PRICE_DECIMALS - decimals, numerator.dtype)
    units = round_ratio(numerator, denominator * dropped, rounding)
    return units * _powers_of_ten(CHARGE_DECIMALS - decimals, numerator.dtype)


def _powers_of_ten(exponents, dtype):
    table = np.array([10**exponent for exponent in range(PRICE_DECIMALS + 1)])
    return table.astype(dtype)[exponents]
