# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class MeteredCustomerGroup(models.Model):
    """The measured services that the customers of a group have."""

    _inherit = "metered.customer.group"

    measured_ids = fields.One2many(
        "metered.measured.service", "group_id", string="Measured Services"
    )

    def action_usual_measured(self):
        """Add the parameters that are usually measured, without a charge."""
        self.ensure_one()
        self.env["metered.measured.service"]._add_usual(self)

    @api.ondelete(at_uninstall=False)
    def _unlink_measured(self):
        self.with_context(active_test=False).measured_ids.unlink()
