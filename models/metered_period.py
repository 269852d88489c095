# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import format_date


class MeteredPeriod(models.Model):
    """One interval of a subscription, billed once.

    The unique index is what keeps two renewals that run at the same time from
    billing one period twice: the second waits for the first, and then fails.
    """

    _name = "metered.period"
    _description = "Billing Period"
    _inherit = ["metered.guarded"]
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
        string="Next From",
        required=True,
        readonly=True,
        help="First day of the next one.",
    )
    last_day = fields.Date(
        string="Until",
        compute="_compute_last_day",
        help="Last day that belongs to it.",
    )
    invoice_id = fields.Many2one(
        "account.move", readonly=True, ondelete="set null", index="btree_not_null"
    )

    renewal_id = fields.Many2one(
        "metered.renewal", readonly=True, ondelete="set null", index="btree_not_null"
    )

    _period_uniq = models.UniqueIndex(
        "(subscription_id, date_to)", "This period was billed already."
    )

    @api.depends("date_to")
    def _compute_last_day(self):
        for period in self:
            period.last_day = period.date_to and fields.Date.subtract(
                period.date_to, days=1
            )

    @api.depends("date_from", "date_to")
    def _compute_display_name(self):
        for period in self:
            first, last = (
                format_date(self.env, day)
                for day in (period.date_from, period.last_day)
            )
            period.display_name = f"{first} – {last}"

    @api.model
    def _claim(self, claims):
        """Claim periods, so that no other transaction can bill them.

        Another transaction that claims one of them waits for this one, and then fails
        or finds it billed. An invoice that was deleted, cancelled or credited in full
        leaves its period to be billed again.

        :param claims: list of (``sale.subscription`` record, date_from, date_to), a
            subscription at most once
        :return: dict id of a subscription -> ``metered.period`` record
        """
        if not claims:
            return {}
        self.env.cr.execute(
            """
            INSERT INTO metered_period (subscription_id, company_id, date_from,
                                        date_to, create_uid, create_date)
                 SELECT claim.*, %s, now() AT TIME ZONE 'UTC'
                   FROM unnest(%s::int[], %s::int[], %s::date[], %s::date[]) AS claim
            ON CONFLICT (subscription_id, date_to)
              DO UPDATE SET company_id = metered_period.company_id
              RETURNING subscription_id, id
            """,
            (
                self.env.uid,
                [subscription.id for subscription, _from, _to in claims],
                [subscription.company_id.id for subscription, _from, _to in claims],
                [date_from for _subscription, date_from, _to in claims],
                [date_to for _subscription, _from, date_to in claims],
            ),
        )
        ids = dict(self.env.cr.fetchall())
        periods = self.browse(ids.values())
        periods.invalidate_recordset(flush=False)
        for subscription, _from, _to in claims:
            subscription.invalidate_recordset(["metered_period_ids"], flush=False)
        return {
            subscription_id: period.with_prefetch(periods.ids)
            for subscription_id, period in zip(ids, periods, strict=True)
        }

    def _is_billed(self):
        """Whether a living invoice bills the period."""
        self.ensure_one()
        return bool(self.invoice_id) and not self.invoice_id._metered_is_void()
