# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class SaleSubscription(models.Model):
    """Statements of a subscription's customer."""

    _inherit = "sale.subscription"

    def action_view_metered_statements(self):
        """Open the statements of this subscription's customer."""
        self.ensure_one()
        self.check_access("read")
        return self.partner_id.action_view_metered_statements()
