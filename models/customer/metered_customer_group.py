# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class MeteredCustomerGroup(models.Model):
    _name = "metered.customer.group"
    _description = "Customer Group for Rates"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "metered.cure",
        "metered.golden.guard",
        "mail.thread",
    ]
    _order = "name"

    _curing = frozenset({"deck_id", "active", "partner_ids"})
    _pricing = frozenset({"deck_id", "active", "partner_ids"})

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Rate Deck",
        ondelete="restrict",
        check_company=True,
        domain="[('purpose', '=', 'sale'), ('company_id', '=', company_id)]",
        help="Rates for customers in this group who do not have their own rate.",
    )
    floor_ids = fields.One2many(
        "metered.invoice.floor",
        "group_id",
        string="Smallest Invoice",
        help="Replaces the company's smallest invoice.",
    )
    partner_ids = fields.One2many("res.partner", "metered_group_id", string="Customers")

    @api.constrains("deck_id")
    def _check_deck(self):
        self.deck_id._check_is_for("sale")

    def _cure_targets(self):
        """Calls that had no rate."""
        return [(self.company_id, {"reasons": ["no_rate", "too_large"]})]
