# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError


class MeteredExceptionDismiss(models.TransientModel):
    """Say why records need not be billed."""

    _name = "metered.exception.dismiss"
    _description = "Dismiss Exceptions"
    _inherit = ["metered.guarded", "metered.exception.cure"]

    reason = fields.Char(
        help="Saved with the records, together with your name and the time.",
    )

    def action_dismiss(self):
        """Dismiss the records; they stay counted, and can be opened again."""
        self.ensure_one()
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(
                self.env._(
                    "Enter why these records are not billed, so that others "
                    "can understand it later."
                )
            )
        return self._start("dismiss", {"reason": reason})
