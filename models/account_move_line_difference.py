# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class AccountMoveLine(models.Model):
    """Usage that leaves its invoice, where a difference to it was billed since."""

    _inherit = "account.move.line"

    def _metered_free(self):
        """Say that a posted difference still stands: billed anew, it would count twice.

        What is billed again is rated again, and so holds the difference already.
        """
        found = (
            self.env["metered.rerate.difference"]
            .sudo()
            .search(
                [("invoice_line_id", "in", self.ids), ("move_id.state", "=", "posted")]
            )
        )
        for move, differences in found.grouped("move_id").items():
            for origin in differences.invoice_line_id.move_id:
                for told, other in ((origin, move), (move, origin)):
                    told._metered_log(
                        self.env._(
                            "The usage of %(invoice)s can be billed again, with "
                            "today's rates. Reverse %(document)s too, which bills a "
                            "difference to it. See %(other)s.",
                            invoice=origin._metered_label(),
                            document=move._metered_label(),
                            other=other._get_html_link(),
                        )
                    )
        return super()._metered_free()
