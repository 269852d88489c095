# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class ResPartner(models.Model):
    """What a customer's next invoices would be now."""

    _inherit = "res.partner"

    def _metered_quoted_subscriptions(self):
        """Subscriptions that are renewed, of who pays for this customer.

        :return: ``sale.subscription`` with all rights
        """
        self.ensure_one()
        return self._metered_subscriptions().filtered(
            lambda one: one.recurring_next_date and not one.is_paused
        )

    def action_metered_quote(self):
        """Show what the next invoices of the customer would be now."""
        self.ensure_one()
        self.check_access("read")
        subscriptions = self._metered_quoted_subscriptions()
        return self.env["metered.quote"]._open(subscriptions)
