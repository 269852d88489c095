# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class SaleSubscriptionLine(models.Model):
    """Lines bring calling plans: a change of them changes what calls cost."""

    _inherit = "sale.subscription.line"

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._metered_plan_subscriptions()._metered_mark_plans()
        return lines

    def write(self, values):
        changes = {"product_id", "product_uom_qty"} & set(values)
        before = self._metered_plan_subscriptions() if changes else None
        result = super().write(values)
        if changes:
            marks = self.env["metered.plan.mark"].sudo()
            for subscription in before | self._metered_plan_subscriptions():
                marks._mark_subscription(subscription)
        return result

    def unlink(self):
        subscriptions = self._metered_plan_subscriptions()
        result = super().unlink()
        marks = self.env["metered.plan.mark"].sudo()
        for subscription in subscriptions.exists():
            marks._mark_subscription(subscription)
        return result

    def _metered_plan_subscriptions(self):
        """The subscriptions of those of the lines that bring a plan."""
        if not self.env["metered.plan.mark"].sudo()._exist_plans():
            return self.env["sale.subscription"]
        return self.filtered(
            lambda line: line.product_id.product_tmpl_id.metered_plan_id
        ).sale_subscription_id
