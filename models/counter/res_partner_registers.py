# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class ResPartner(models.Model):
    """The counters of a customer, with their last readings."""

    _inherit = "res.partner"

    metered_register_ids = fields.Many2many(
        "metered.register",
        string="Registers",
        compute="_compute_metered_register_ids",
        groups="metered_billing.group_metered_user",
        help="Counters assigned to this customer today.",
    )

    @api.depends("metered_identifier_ids")
    def _compute_metered_register_ids(self):
        registers = self.env["metered.register"].search(
            [("partner_id", "in", self.ids)]
        )
        for partner in self:
            partner.metered_register_ids = registers.filtered(
                lambda register, partner=partner: register.partner_id == partner._origin
            )
