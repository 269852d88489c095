# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class ProductTemplate(models.Model):
    """Products that a calling plan comes with."""

    _inherit = "product.template"

    metered_plan_id = fields.Many2one(
        "metered.calling.plan",
        string="Calling Plan",
        ondelete="restrict",
        index="btree_not_null",
        help="Whoever has this product on a subscription has the plan: its allowances "
        "for each billing period, times the quantity of the line.",
    )

    def write(self, vals):
        """Have the plan applied to what is not billed yet."""
        before = self.metered_plan_id if "metered_plan_id" in vals else None
        affected = before and self._metered_plan_subscriptions()
        result = super().write(vals)
        if "metered_plan_id" in vals:
            marks = self.env["metered.plan.mark"].sudo()
            for subscription in (
                affected or self.env["sale.subscription"].sudo()
            ) | self._metered_plan_subscriptions():
                marks._mark_subscription(subscription)
        return result

    def _metered_plan_subscriptions(self):
        """Running subscriptions with these products, where there are any plans."""
        subscriptions = self.env["sale.subscription"].sudo()
        if not self.env["metered.plan.mark"].sudo()._exist_plans():
            return subscriptions
        return subscriptions.search(
            [
                ("active", "=", True),
                ("in_progress", "=", True),
                (
                    "sale_subscription_line_ids.product_id.product_tmpl_id",
                    "in",
                    self.ids,
                ),
            ]
        )
