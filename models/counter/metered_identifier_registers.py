# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..screen.actions import window_action


class MeteredIdentifier(models.Model):
    """The registers of counters whose readings name an identifier."""

    _inherit = "metered.identifier"

    register_count = fields.Integer(compute="_compute_register_count")

    def _compute_register_count(self):
        for identifier in self:
            found = self.env["metered.register"]._of_identifiers(identifier)
            identifier.register_count = len(found)

    def action_view_registers(self):
        """Open the registers of this identifier."""
        self.ensure_one()
        registers = self.env["metered.register"]._of_identifiers(self)
        return window_action(
            self.env,
            "action_metered_register",
            [("id", "in", registers.ids)],
            context={
                "default_identifier_kind": self.kind,
                "default_identifier_value": self.normalised,
                "default_serial": self.normalised,
            },
        )
