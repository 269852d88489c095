# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

RATING = ("no_rate", "too_large")


class ResPartner(models.Model):
    """A deck or a group of a customer's own may cure calls without a rate."""

    _name = "res.partner"
    _inherit = ["res.partner", "metered.cure"]

    _curing = frozenset({"metered_deck_id", "metered_group_id"})

    def _cure_targets(self):
        family = self.search([("id", "child_of", self.ids)])
        companies = self._every_company()
        return [(companies, {"reasons": RATING, "partner_ids": family.ids})]
