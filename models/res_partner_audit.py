# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from .metered_audit import told

#: what says whose prices a customer has, and what a day is
AUDITED = frozenset({"metered_deck_id", "metered_group_id", "metered_tz"})


class ResPartner(models.Model):
    """Who gave a customer other rates is in the customer's chatter."""

    _inherit = "res.partner"

    metered_deck_id = fields.Many2one(tracking=True)
    metered_group_id = fields.Many2one(tracking=True)
    metered_tz = fields.Selection(tracking=True)

    def write(self, vals):
        """Tell of other rates whatever the context says."""
        records = told(self) if AUDITED & vals.keys() else self
        return super(ResPartner, records).write(vals)
