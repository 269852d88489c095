# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class ProductTemplate(models.Model):
    """Products whose price is what was used."""

    _name = "product.template"
    _inherit = ["metered.guarded", "metered.audit", "product.template"]

    metered_meter_id = fields.Many2one(
        "metered.meter",
        string="Meter",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('kind', '!=', 'call'), ('company_id', 'in', [False, company_id])]",
        check_company=True,
        help="The product is metered: on a subscription it is invoiced by the usage "
        "of the past period, whatever the quantity of the line. Empty: it is invoiced "
        "in advance, quantity x price.",
    )
    metered_price_id = fields.Many2one(
        "metered.price",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('meter_id', '=', metered_meter_id), ('current_id', '=', False)]",
        check_company=True,
        help="What the usage costs, unless a customer or a subscription line has a "
        "price of its own.",
    )
    metered_price_description = fields.Char(
        related="metered_price_id.description", string="Price in Short"
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
                        "%(product)s, or another price.",
                        price=price.name,
                        meter=price.meter_id.name,
                        product=product.name,
                    )
                )
