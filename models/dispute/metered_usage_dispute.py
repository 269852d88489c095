# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class MeteredUsage(models.Model):
    """Disputes about usage as a whole."""

    _inherit = "metered.usage"

    def action_dispute(self):
        """Open a dispute about this usage: ask why."""
        self.check_access("read")
        return self.env["metered.dispute.start"]._open(self)
