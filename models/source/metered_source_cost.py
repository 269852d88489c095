# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class MeteredSource(models.Model):
    _inherit = "metered.source"

    cost_deck_id = fields.Many2one(
        "metered.rate.deck",
        domain="[('purpose', '=', 'cost'), ('company_id', '=', company_id)]",
        check_company=True,
        help="What the supplier charges for calls of this source, to know the margin. "
        "Empty: the company's cost deck.",
    )

    @api.constrains("cost_deck_id")
    def _check_cost_deck(self):
        self.cost_deck_id._check_is_for("cost")

    def _cost_deck(self):
        """The deck that says what calls of this source cost; may be empty."""
        self.ensure_one()
        return self.cost_deck_id or self.company_id.metered_cost_deck_id
