# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A part of a period, exactly: whole days, whatever the clocks do on them."""

import datetime
from fractions import Fraction


def share_of_days(first, last, change):
    """Return the share of a period that is left from a day on, that day included.

    :param first, last: dates, both within the period
    :param change: date; outside of the period it counts as its nearer end
    :return: Fraction, 0..1
    """
    day = datetime.timedelta(days=1)
    change = min(max(change, first), last + day)
    return Fraction((last + day - change).days, (last + day - first).days)
