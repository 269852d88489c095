# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A part of a period, exactly: shares of days or seconds, and what they cost.

Days are calendar days of a timezone, so one with a change of clocks is a day too.
Nothing is rounded before it becomes an amount of money.
"""

import datetime
from fractions import Fraction

from .bands import zone_of
from .exact import exact, rounded


def calendar_days(start, end, timezone="UTC"):
    """Return the number of local midnights from one instant to another.

    :param start, end: aware datetimes
    :param timezone: IANA name
    """
    zone = zone_of(timezone)
    return (end.astimezone(zone).date() - start.astimezone(zone).date()).days


def share_of_days(first, last, change):
    """Return the share of a period that is left from a day on, that day included.

    :param first, last: dates, both within the period
    :param change: date; outside of the period it counts as its nearer end
    :return: Fraction, 0..1
    """
    day = datetime.timedelta(days=1)
    change = min(max(change, first), last + day)
    return Fraction((last + day - change).days, (last + day - first).days)


def share_of_time(start, end, change):
    """Return the share of [start, end) that is left from an instant on.

    :param start, end, change: datetimes, or integers of any unit
    :return: Fraction, 0..1
    """
    change = min(max(change, start), end)
    left, whole = end - change, end - start
    if isinstance(whole, datetime.timedelta):
        unit = datetime.timedelta(microseconds=1)
        left, whole = left // unit, whole // unit
    if whole <= 0:
        raise ValueError("The period ends before it begins")
    return Fraction(left, whole)


def prorate(amount, share, decimals, rounding="half_up"):
    """Return the rounded share of an amount, a Decimal."""
    return rounded(exact(amount) * exact(share), decimals, rounding)


def change_of_price(old, new, share, decimals, rounding="half_up"):
    """Return what a change of price costs for the rest of a period.

    :param old, new: amounts of the whole period; None for nothing
    :param share: of the period that is left
    :return: (credit <= 0, charge, net), Decimals, each rounded by itself and therefore
        adding up
    """
    credit = -prorate(old or 0, share, decimals, rounding)
    charge = prorate(new or 0, share, decimals, rounding)
    return credit, charge, charge + credit


def limited_credit(credit, paid, credited_before=0):
    """Return a credit, lowered to what was paid and not yet credited; never below 0."""
    left = exact(paid) - exact(credited_before)
    return max(Fraction(0), min(exact(credit), left))
