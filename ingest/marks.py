# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Marking what records touch: plans and alerts that wait, levels, rates in use.

Marks of plans, of alerts and of levels are only added, so that imports beside each
other wait for nothing.
"""

from datetime import UTC, datetime

_MARK = """
    INSERT INTO metered_plan_mark (company_id, partner_id, day_from, day_to)
    SELECT * FROM unnest(%s::int[], %s::int[], %s::date[], %s::date[])
"""
_DAYS_OF_USAGE = """
    SELECT usage.company_id, marked.partner_id, min(usage.day), max(usage.day)
      FROM metered_usage usage,
           unnest(usage.partner_id || %s::int[]) AS marked (partner_id)
     WHERE usage.id = ANY(%s) AND EXISTS (SELECT 1 FROM metered_calling_plan)
     GROUP BY usage.company_id, marked.partner_id
"""
_MARK_ALERTS = """
    INSERT INTO metered_alert_mark (company_id, partner_id, moment)
    SELECT %s, partner_id, date_trunc('second', now() AT TIME ZONE 'UTC')
      FROM unnest(%s::int[]) AS partner_id
"""
# Who is told looks at which of them concern an alert.
_MARK_ALERTS_OF_USAGE = """
    INSERT INTO metered_alert_mark (company_id, partner_id, moment)
    SELECT DISTINCT company_id, partner_id,
           date_trunc('second', now() AT TIME ZONE 'UTC')
      FROM metered_usage
     WHERE id = ANY(%s) AND EXISTS (SELECT 1 FROM metered_alert WHERE active)
"""
_LEVELS = """
    INSERT INTO metered_level_mark (company_id, usage_id)
    SELECT usage.company_id, usage.id
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id
     WHERE usage.id = ANY(%s::int[]) AND meter.kind = 'gauge'
"""
# What is not sealed yet is sealed as it is. A day that is old enough may be sealed by
# another transaction before this one is committed: whether it was is found out later.
_SEALED = """
    INSERT INTO metered_seal_note (company_id, day, invoice_id, reason, about, moment)
    SELECT DISTINCT usage.company_id, usage.day, line.move_id, %(reason)s, %(about)s,
           date_trunc('second', now() AT TIME ZONE 'UTC')
      FROM metered_usage usage
      JOIN res_company company
        ON company.id = usage.company_id AND company.metered_sealing
      LEFT JOIN account_move_line line ON line.id = usage.invoice_line_id
     WHERE usage.id = ANY(%(usage)s::int[])
       AND (usage.day <= greatest(
                company.metered_sealed_until,
                %(today)s + 1 - coalesce(company.metered_seal_days, 1))
            OR line.id IS NOT NULL)
"""
_USED = "UPDATE metered_rate SET used = TRUE WHERE id = ANY(%s) AND used IS NOT TRUE"


def store_marks(cr, rows):
    """Have calling plans applied to usage of customers and days.

    :param rows: list of (company id, partner id, first day, last day)
    """
    if rows:
        cr.execute(_MARK, [list(column) for column in zip(*rows, strict=True)])


def mark_plans(cr, usage, settings):
    """Mark the customers of a chunk that have plans, with the days of their records.

    :param usage: DataFrame as in ``outcome.Prepared``
    :param settings: :class:`~.settings.ImportSettings`
    """
    usage = usage[usage["partner_id"].isin(settings.plan_partners)]
    days = usage.groupby("partner_id")["day"].agg(["min", "max"])
    bounds = days.to_numpy().astype("datetime64[D]").tolist()
    found = zip(days.index.tolist(), bounds, strict=True)
    store_marks(cr, [(settings.company_id, partner, *both) for partner, both in found])


def mark_usage(cr, usage_ids, payer_ids=()):
    """Mark usage whose records changed, where there is a calling plan or an alert.

    :param usage_ids: ids of ``metered.usage``
    :param payer_ids: customers to be marked beside their own
    """
    cr.execute(_DAYS_OF_USAGE, (list(payer_ids), list(usage_ids)))
    store_marks(cr, cr.fetchall())
    mark_alerts_of_usage(cr, usage_ids)


def mark_alerts_of_usage(cr, usage_ids):
    """Have alerts look at usage that changed, where there is any.

    :param usage_ids: ids of ``metered.usage``
    """
    cr.execute(_MARK_ALERTS_OF_USAGE, (list(usage_ids),))


def store_alert_marks(cr, company_id, partner_ids):
    """Have the alerts of customers checked: their usage changed.

    :param partner_ids: iterable of ids
    """
    partner_ids = sorted(partner_ids)
    if partner_ids:
        cr.execute(_MARK_ALERTS, (company_id, partner_ids))


def mark_alerts(cr, usage, settings):
    """Mark the customers of a chunk whose usage an alert looks at.

    :param usage: DataFrame as in ``outcome.Prepared``
    :param settings: :class:`~.settings.ImportSettings`
    """
    found = set(usage["partner_id"].unique().tolist()) & settings.alert_partners
    store_alert_marks(cr, settings.company_id, found)


def mark_levels(cr, usage_ids):
    """Have the hours of levels found again for usage whose samples changed.

    :param usage_ids: ids of ``metered.usage``; those of other meters are passed over
    """
    if len(usage_ids):
        cr.execute(_LEVELS, (list(usage_ids),))


def note_change(cr, usage_ids, reason, about=None):
    """Note why usage changed, for the seals of those companies that seal it.

    It stands in the transaction that changes the usage, and before usage is deleted.

    :param usage_ids: ids of ``metered.usage``
    :param str reason: one of ``metered.seal``'s
    :param str about: what changed it, such as the name of a file
    """
    if len(usage_ids):
        values = {
            "usage": list(usage_ids),
            "reason": reason,
            "about": about,
            "today": datetime.now(UTC).date(),
        }
        cr.execute(_SEALED, values)


def mark_rates(cr, rate_ids):
    """Note that calls were rated with these: their price cannot change any more."""
    if rate_ids:
        cr.execute(_USED, (sorted(rate_ids),))
