# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class MeteredPeriod(models.Model):
    """One interval of a subscription, billed once.

    The unique index is what keeps two renewals that run at the same time from
    billing one period twice: the second waits for the first, and then fails.
    """

    _name = "metered.period"
    _description = "Billing Period"
    _order = "subscription_id, date_from desc"
    _check_company_auto = True

    subscription_id = fields.Many2one(
        "sale.subscription", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="subscription_id.company_id", store=True, index=True
    )
    partner_id = fields.Many2one(related="subscription_id.partner_id")
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(
        string="Until", required=True, readonly=True, help="First day of the next one."
    )
    invoice_id = fields.Many2one(
        "account.move", readonly=True, ondelete="set null", index="btree_not_null"
    )

    _period_uniq = models.UniqueIndex(
        "(subscription_id, date_to)", "This period was billed already."
    )

    def _compute_display_name(self):
        for period in self:
            period.display_name = f"{period.date_from} – {period.date_to}"

    @api.model
    def _claim(self, subscription, date_from, date_to):
        """The record of a period, if it may be billed now; empty if it is billed.

        An invoice that was deleted, cancelled or credited in full leaves its period to
        be billed again.
        """
        self.env.cr.execute(
            """
            INSERT INTO metered_period (subscription_id, company_id, date_from,
                                        date_to, create_uid, create_date)
                 VALUES (%s, %s, %s, %s, %s, now() AT TIME ZONE 'UTC')
            ON CONFLICT (subscription_id, date_to)
              DO UPDATE SET company_id = metered_period.company_id
              RETURNING id
            """,
            (
                subscription.id,
                subscription.company_id.id,
                date_from,
                date_to,
                self.env.uid,
            ),
        )
        period = self.browse(self.env.cr.fetchone()[0])
        period.invalidate_recordset(flush=False)
        if period.invoice_id and not period.invoice_id._metered_is_void():
            return self.browse()
        return period
