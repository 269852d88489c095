# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class SaleOrder(models.Model):
    _inherit = "sale.order"

    def group_subscription_lines(self):
        """The order of a renewal is what a subscription sells, and starts no other."""
        if self.order_subscription_id:
            return {}
        return super().group_subscription_lines()
