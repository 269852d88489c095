# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class ProductTemplate(models.Model):
    """A product brings a metered price, or a calling plan."""

    _name = "product.template"
    _inherit = ["product.template", "metered.golden.guard"]

    _golden_kinds = frozenset({"call", "usage"})
    _prices_when_new = False
    _pricing = frozenset({"metered_price_id", "metered_plan_id", "metered_meter_id"})

    def _golden_domain(self):
        return []
