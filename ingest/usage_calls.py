# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Finding the records that usage rows are the sums of.

A record names its usage, but no index is kept on that: it cost an eighth of every
import. A record and its usage have the customer in common, and the record began on the
usage's day in that customer's time zone, so that the index on (customer, start) finds
them as well.
"""

from datetime import datetime, time, timedelta

#: how far a day's records may be from that day in UTC: no time zone is further away
MARGIN = timedelta(days=1)

#: records (`cdr`) of the usage in the array `%(usage)s`, for the FROM of a query. The
#: days of a customer are read in one stretch: rows of several call types share them.
USAGE_CDRS = """
    (SELECT partner_id, min(day) - interval '1 day' AS begin,
            max(day) + interval '2 days' AS finish
       FROM metered_usage WHERE id = ANY(%(usage)s)
      GROUP BY partner_id) span
    JOIN metered_cdr cdr
      ON cdr.partner_id = span.partner_id AND cdr.start_time >= span.begin
     AND cdr.start_time < span.finish AND cdr.usage_id = ANY(%(usage)s)
"""

#: what joins a record (`cdr`) to the one usage row (`usage`) that it belongs to
OF_USAGE = """
    cdr.usage_id = usage.id AND cdr.partner_id = usage.partner_id
    AND cdr.start_time >= usage.day - interval '1 day'
    AND cdr.start_time < usage.day + interval '2 days'
"""


def cdr_domain(usage):
    """Domain of the CDRs that usage is the sum of.

    :param usage: ``metered.usage`` records
    """
    if not usage:
        return [("id", "=", False)]
    days = usage.mapped("day")
    return [
        ("partner_id", "in", usage.partner_id.ids),
        ("start_time", ">=", datetime.combine(min(days), time()) - MARGIN),
        ("start_time", "<", datetime.combine(max(days), time()) + 2 * MARGIN),
        ("usage_id", "in", usage.ids),
    ]
