# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ProductTemplate(models.Model):
    """Products whose price is what was used, and those that bring a calling plan."""

    _name = "product.template"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "product.template",
        "metered.golden.guard",
    ]

    _golden_kinds = frozenset({"call", "usage"})
    _prices_when_new = False
    _pricing = frozenset({"metered_price_id", "metered_plan_id", "metered_meter_id"})

    metered_meter_id = fields.Many2one(
        "metered.meter",
        string="Meter",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('kind', '!=', 'call'), ('company_id', 'in', [False, company_id])]",
        check_company=True,
        help="Makes the product metered: on subscriptions, it is invoiced by the "
        "usage of the past period, regardless of the quantity on the line. Leave "
        "empty to invoice it in advance as quantity × price.",
    )
    metered_price_id = fields.Many2one(
        "metered.price",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('meter_id', '=', metered_meter_id), ('current_id', '=', False)]",
        check_company=True,
        help="Price of the usage, unless the customer or the subscription line has "
        "its own price.",
    )
    metered_price_description = fields.Char(
        related="metered_price_id.description", string="Price Summary"
    )
    metered_plan_id = fields.Many2one(
        "metered.calling.plan",
        string="Calling Plan",
        ondelete="restrict",
        index="btree_not_null",
        help="Every subscription with this product has the plan. Its allowances apply "
        "per billing period and are multiplied by the quantity on the line.",
    )

    @api.onchange("metered_meter_id")
    def _onchange_metered_meter(self):
        if self.metered_price_id.meter_id != self.metered_meter_id:
            self.metered_price_id = False

    @api.constrains("metered_meter_id", "metered_price_id")
    def _check_metered_price(self):
        for product in self:
            price = product.metered_price_id
            if price and price.meter_id != product.metered_meter_id:
                raise ValidationError(
                    self.env._(
                        "The price %(price)s is for %(meter)s. Choose that meter for "
                        "%(product)s, or choose another price.",
                        price=price.name,
                        meter=price.meter_id.name,
                        product=product.name,
                    )
                )

    def write(self, vals):
        """Have the plan applied to what is not billed yet."""
        before = self.metered_plan_id if "metered_plan_id" in vals else None
        affected = before and self._metered_plan_subscriptions()
        result = super().write(vals)
        if "metered_plan_id" in vals:
            now = self._metered_plan_subscriptions()
            marks = self.env["metered.plan.mark"].sudo()
            marks._mark_subscriptions(affected | now if affected else now)
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

    def _golden_domain(self):
        return []
