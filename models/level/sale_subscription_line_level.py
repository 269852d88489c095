# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class SaleSubscriptionLine(models.Model):
    """The graphs of the level that a line bills."""

    _inherit = "sale.subscription.line"

    metered_meter_kind = fields.Selection(
        related="product_id.metered_meter_id.kind", string="Kind of Meter"
    )

    def action_metered_view_level(self):
        """Open the graphs of the customer's level."""
        self.ensure_one()
        self.check_access("read")
        subscription = self.sale_subscription_id
        return self.metered_meter_id._level_action(
            subscription.partner_id, subscription.company_id
        )
