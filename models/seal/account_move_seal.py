# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.tools import SQL


class AccountMove(models.Model):
    """Invoices with usage are sealed when they are posted."""

    _inherit = "account.move"

    def _metered_note_seals(self, reason):
        """Have these sealed anew, where the company seals its usage.

        :param str reason: one of ``metered.seal``'s
        """
        sealed = self.sudo().filtered("company_id.metered_sealing")
        if not sealed:
            return
        # Usage without records, too, such as a minimum; and as it is in the database.
        self.env["metered.usage"].flush_model(["invoice_line_id"])
        charging = self.env.execute_query(
            SQL(
                "SELECT DISTINCT line.move_id FROM account_move_line line"
                "  JOIN metered_usage usage ON usage.invoice_line_id = line.id"
                " WHERE line.move_id = ANY(%s)",
                sealed.ids,
            )
        )
        charging = sealed.browse(move_id for (move_id,) in charging)
        self.env["metered.seal.note"]._note_invoices(charging, reason)
