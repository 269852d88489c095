# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError


class AccountMoveLine(models.Model):
    """Usage that leaves its invoice, where a difference to it was billed since."""

    _inherit = "account.move.line"

    def unlink(self):
        """Refuse to free usage to which a difference is billed."""
        self._metered_check_differences()
        return super().unlink()

    def _metered_free(self):
        """Refuse to free usage to which a difference is billed."""
        self._metered_check_differences()
        return super()._metered_free()

    def _metered_check_differences(self):
        """Refuse to leave a difference behind that nothing is different from any more.

        What is billed again is rated again, and so holds the difference already: both
        together would bill it twice.

        :raises UserError: naming what is to be taken back first
        """
        differences = self.env["metered.rerate.difference"].sudo()
        found = differences.search([("invoice_line_id", "in", self.ids)])._counting()
        if found:
            raise UserError(
                self.env._(
                    "%(documents)s bills a difference to %(invoices)s. Take that back "
                    "first: reset it to draft and cancel it, or reverse it.",
                    documents=found.move_id._metered_label(),
                    invoices=found.invoice_line_id.move_id._metered_label(),
                )
            )
