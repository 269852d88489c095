# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

RATING = ("no_rate", "too_large")


class ResPartner(models.Model):
    """A customer's deck, group or country may cure its calls.

    A deck or a group cures those without a rate; the country of its address those whose
    number was not guessed.
    """

    _name = "res.partner"
    _inherit = ["res.partner", "metered.cure"]

    _curing = frozenset({"metered_deck_id", "metered_group_id", "country_id"})
    # Of a customer that is new nothing can wait.
    _cures_when_new = False

    def _cure_targets(self):
        family = self.search([("id", "child_of", self.ids)])
        companies = self._every_company()
        return [
            (
                companies,
                {"reasons": (*RATING, "no_destination"), "partner_ids": family.ids},
            )
        ]
