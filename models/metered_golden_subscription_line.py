# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class SaleSubscriptionLine(models.Model):
    """A line may have a metered price of its own."""

    _name = "sale.subscription.line"
    _inherit = ["sale.subscription.line", "metered.golden.guard"]

    _golden_kinds = frozenset({"usage"})
    _prices_when_new = False
    _pricing = frozenset({"metered_price_id"})

    def _golden_domain(self):
        owners = self.sale_subscription_id.partner_id.commercial_partner_id
        return [("partner_id", "child_of", owners.ids)]

    def _golden_records(self):
        return self.sale_subscription_id
