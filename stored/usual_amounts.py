# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a subscription's invoices usually come to, learned from those of before."""

from dataclasses import dataclass
from decimal import Decimal
from statistics import median

#: earlier invoices that are needed to know what is usual, and those looked at at most
LEAST_HISTORY, MOST_HISTORY = 4, 24
#: spreads around the median that are usual
WIDTH = 3
#: of a normal distribution: its standard deviation in median absolute deviations
SIGMA = Decimal("1.4826")
#: of the median, and amounts of the currency's smallest unit, that are always usual:
#: a subscription that came to the same amount every month has no spread at all
LEAST_SHARE, LEAST_UNITS = Decimal("0.2"), 100


@dataclass(frozen=True, slots=True)
class UsualRange:
    """What is usual.

    :ivar middle: median of the earlier amounts
    :ivar low, high: the ends, which belong to it
    """

    middle: Decimal
    low: Decimal
    high: Decimal

    def holds(self, amount):
        """Whether an amount is usual."""
        return self.low <= amount <= self.high


def usual_range(history, unit):
    """What invoices with this history usually come to.

    Median and median absolute deviation: up to half of the history may be odd itself,
    a month of fraud for instance, without moving what is usual.

    :param history: amounts of earlier invoices in one currency, ``Decimal``, in any
        order; those beyond :data:`MOST_HISTORY` are the caller's to leave out
    :param unit: smallest amount of the currency, ``Decimal``, such as 0.01
    :return: :class:`UsualRange`; None with fewer than :data:`LEAST_HISTORY` amounts
    """
    if len(history) < LEAST_HISTORY:
        return None
    middle = median(history)
    spread = median(abs(amount - middle) for amount in history)
    width = max(WIDTH * SIGMA * spread, LEAST_SHARE * abs(middle), LEAST_UNITS * unit)
    return UsualRange(middle, middle - width, middle + width)
