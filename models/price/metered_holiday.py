# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredHoliday(models.Model):
    _name = "metered.holiday"
    _description = "Holiday"
    _inherit = ["metered.guarded", "metered.audit", "metered.golden.guard"]
    _order = "date desc, name"

    # A new one is on no deck yet.
    _prices_when_new = False
    _pricing = frozenset({"date"})

    name = fields.Char(required=True)
    date = fields.Date(required=True, index=True)
    company_id = fields.Many2one(
        "res.company",
        index=True,
        default=lambda self: self._default_company(),
        help="Empty: for all companies.",
    )

    def _audit_home(self):
        """The decks whose calls it prices otherwise."""
        decks = self.env["metered.rate.deck"].with_context(active_test=False).sudo()
        return decks.search([("holiday_ids", "in", self.ids)])
