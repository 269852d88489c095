# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from .metered_cure_partner import RATING


class ResCompany(models.Model):
    """A default deck may cure calls without a rate."""

    _name = "res.company"
    _inherit = ["res.company", "metered.cure"]

    _curing = frozenset({"metered_deck_id"})

    def _cure_targets(self):
        return [(self, {"reasons": RATING})]
