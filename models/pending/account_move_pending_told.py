# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models


class AccountMove(models.Model):
    """Other programs are told that an invoice waits for usage."""

    _inherit = "account.move"

    def _metered_tell_pending(self):
        """Tell the programs that count the usage."""
        self.env["metered.webhook"]._tell(
            "invoice.pending",
            (
                (
                    move.company_id,
                    {
                        "invoice": move._metered_told(),
                        "type": move._metered_kind(),
                        "version": move.metered_version,
                        "charges": len(move.metered_charge_ids),
                    },
                    move,
                )
                for move in self
            ),
        )

    def _metered_kind(self):
        """What an invoice is: of a renewal, the last one of a subscription, or other.

        :return: ``Subscription``, ``FinalArrears`` or ``Charge``
        """
        self.ensure_one()
        period = self.sudo().metered_period_id
        if not period:
            return "Charge"
        return "FinalArrears" if period.without_fees else "Subscription"
