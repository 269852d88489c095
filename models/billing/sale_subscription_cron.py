# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class SaleSubscription(models.Model):
    """The scheduled action of subscription_oca, as a job."""

    _inherit = "sale.subscription"

    @api.model
    def cron_subscription_management(self):
        """Resume, start, renew and close what is due, company by company.

        subscription_oca does this for all subscriptions in one transaction, in which
        one error is the end of it for the others. Here it is a job: see
        ``metered.renewal``.
        """
        self._cron_resume_due_subscriptions()
        renewals = self.env["metered.renewal"]
        for (company,) in self._read_group(
            [("stage_id.type", "!=", "post")], ["company_id"]
        ):
            renewals._start(company)
        renewals._cron_process_renewals()

    @api.model
    def _metered_due_domain(self, company, today):
        """Subscriptions that have something due in a company: a superset of them."""
        return [
            ("company_id", "=", company.id),
            ("active", "=", True),
            "|",
            "&",
            ("in_progress", "=", True),
            "|",
            "&",
            ("is_paused", "=", False),
            "|",
            ("recurring_next_date", "=", False),
            ("recurring_next_date", "<=", today),
            "&",
            ("recurring_rule_boundary", "=", False),
            ("date", "<=", today),
            "&",
            ("stage_id.type", "=", "pre"),
            ("date_start", "<=", today),
        ]
