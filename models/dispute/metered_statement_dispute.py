# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class MeteredStatement(models.Model):
    """Disputes about what a statement lists."""

    _inherit = "metered.statement"

    def action_dispute(self):
        """Open the calls of the statement's invoice, to choose those disputed."""
        self.ensure_one()
        self.check_access("read")
        return self.sudo().invoice_id.with_env(self.env).action_metered_dispute()
