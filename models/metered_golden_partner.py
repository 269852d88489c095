# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class ResPartner(models.Model):
    """A customer's choice of deck, of group and of parent company sets its prices."""

    _name = "res.partner"
    _inherit = ["res.partner", "metered.golden.guard"]

    _golden_kinds = frozenset({"call", "usage"})
    # Nobody has agreed a price with a new customer yet.
    _prices_when_new = False
    _pricing = frozenset(
        {"metered_deck_id", "metered_group_id", "parent_id", "is_company"}
    )

    def _golden_domain(self):
        return [("partner_id", "child_of", self.ids)]
