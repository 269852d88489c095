# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class ResCompany(models.Model):
    """A company's deck sets the prices of customers that have none of their own."""

    _name = "res.company"
    _inherit = ["res.company", "metered.golden.guard"]

    _prices_when_new = False
    _pricing = frozenset({"metered_deck_id"})

    def _golden_domain(self):
        return [("company_id", "in", self.ids)]

    def _golden_records(self):
        return self.browse()
