# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""An amount shared out, so that the shares come to it exactly."""

from decimal import Decimal
from fractions import Fraction

from .exact import places_of, rounded

#: decimals of what has no end, in a currency that is converted once later
ENDLESS_DECIMALS = 12


def shares(total, weights):
    """Split a total by weights into Decimals that come to it, exactly.

    :param total: Fraction with an end
    :param weights: list of Fractions, none below 0, not all 0
    """
    places = max(places_of(total), 6)
    whole, reached, found = sum(weights), Decimal(0), []
    for weight in running(weights):
        upto = rounded(total * weight / whole, places)
        found.append(upto - reached)
        reached = upto
    return found


def running(amounts):
    """Yield the sums up to each amount, as Fractions."""
    total = Fraction(0)
    for amount in amounts:
        total += amount
        yield total


def finite(value):
    """A quantity as a database keeps it, as a Fraction."""
    return Fraction(rounded(value, ENDLESS_DECIMALS))


def finite_amount(amount):
    """An amount that a decimal holds: what has no end is cut far behind the point.

    :param amount: Fraction
    :return: Fraction
    """
    return amount if places_of(amount) is not None else finite(amount)
