# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..models.screen.actions import CLOSE, notification


class MeteredRerateApprove(models.TransientModel):
    """Why invoiced usage is charged anew; who presses the button has approved it."""

    _name = "metered.rerate.approve"
    _description = "Approve the Difference"
    _inherit = ["metered.guarded"]

    rerate_id = fields.Many2one("metered.rerate", required=True, ondelete="cascade")
    result = fields.Char(related="rerate_id.result")
    reason = fields.Text(
        required=True, help="Shown to customers on the credit note or invoice."
    )

    def action_post(self):
        """Post the difference as credit notes and invoices."""
        self.ensure_one()
        run = self.rerate_id
        run._post_differences(self.reason)
        names = run.sudo().difference_ids.move_id.mapped("name")
        return notification(
            self.env._("Posted: %s", ", ".join(names))
            if run.state == "done" and names
            else self.env._("The difference is being posted in the background."),
            next=CLOSE,
        )
