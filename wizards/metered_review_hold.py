# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError

from ..models.screen.actions import CLOSE, notification


class MeteredReviewHold(models.TransientModel):
    """Why invoices are put on hold."""

    _name = "metered.review.hold"
    _description = "Put Invoices on Hold"
    _inherit = ["metered.review.choice"]

    reason = fields.Char(
        string="Because", help="Shown on the invoice with your name and the date."
    )

    def action_hold(self):
        """Put the invoices on hold."""
        self.ensure_one()
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(
                self.env._(
                    "Enter why these invoices are on hold, so that others "
                    "can understand it."
                )
            )
        rows = self._reviews()
        held = rows._hold(reason)
        if not held:
            raise UserError(
                self.env._(
                    "Nothing was put on hold, because these invoices are already "
                    "posted, deleted, or canceled."
                )
            )
        return notification(
            self.env._(
                "On hold: %s", self.env["metered.review"]._count_words(len(held))
            ),
            next=CLOSE,
        )
