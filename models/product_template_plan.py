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
