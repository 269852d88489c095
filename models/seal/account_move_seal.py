# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class AccountMove(models.Model):
    """Invoices with usage are sealed when they are posted."""

    _inherit = "account.move"

    def _metered_note_seals(self, reason):
        """Have these sealed anew, where the company seals its usage.

        :param str reason: ``posted`` or ``drafted``
        """
        sealed = self.sudo().filtered(
            lambda move: move.company_id.metered_sealing and move.metered_usage_count
        )
        if sealed:
            self.env["metered.seal.note"]._note_invoices(sealed, reason)
