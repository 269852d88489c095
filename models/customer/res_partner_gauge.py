# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class ResPartner(models.Model):
    """The gauges of a customer's allowances."""

    _inherit = "res.partner"

    metered_allowance_info = fields.Json(
        string="Allowances of Plans",
        compute="_compute_metered_allowance_info",
        groups="metered_billing.group_metered_user",
        help="What of each allowance is used, left, rolled over, and when it expires.",
    )

    def _compute_metered_allowance_info(self):
        for partner in self:
            owner = partner.commercial_partner_id
            owner = owner._origin or owner
            partner.metered_allowance_info = {
                "blocks": owner._metered_allowance_blocks() if owner.id else [],
                "hint": self.env._(
                    "No calling plan. A product with one, on a subscription of this "
                    "customer, includes minutes here."
                ),
            }

    def _metered_allowance_blocks(self):
        """Gauges by subscription, with those that a parent company shares."""
        marks = self.env["metered.plan.mark"].sudo()
        if not marks._exist_plans():
            return []
        found = marks._plan_book(marks.env.company).of_customer(self.id)
        subscriptions = marks.env["sale.subscription"].browse(each.id for each in found)
        blocks = [subscription._metered_gauges() for subscription in subscriptions]
        return [block for block in blocks if block]
