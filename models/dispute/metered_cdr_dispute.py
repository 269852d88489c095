# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class MeteredCdr(models.Model):
    """Disputes about calls."""

    _inherit = "metered.cdr"

    def action_dispute(self):
        """Open a dispute about these calls: ask why."""
        self.check_access("read")
        return self.env["metered.dispute.start"]._open(self)
