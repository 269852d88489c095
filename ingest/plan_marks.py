# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Marking what a chunk brought to customers with calling plans.

Rows are only added, so that imports beside each other wait for nothing.
"""

from .usage_store import as_array

_MARK = """
    INSERT INTO metered_plan_mark (company_id, partner_id, day_from, day_to)
    SELECT %s, new.partner_id, date '1970-01-01' + new.first,
           date '1970-01-01' + new.last
      FROM unnest(%s::int[], %s::int[], %s::int[]) AS new (partner_id, first, last)
"""


def mark_plans(cr, usage, settings):
    """Mark the customers of a chunk that have plans, with the days of their records.

    :param usage: DataFrame as in ``outcome.Prepared``
    :param settings: :class:`~.settings.ImportSettings`
    """
    usage = usage[usage["partner_id"].isin(settings.plan_partners)]
    if len(usage):
        days = usage.groupby("partner_id")["day"].agg(["min", "max"])
        cr.execute(
            _MARK,
            (
                settings.company_id,
                as_array(days.index),
                as_array(days["min"]),
                as_array(days["max"]),
            ),
        )
