# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredFraudDismiss(models.TransientModel):
    """Say why calls that looked like fraud are none."""

    _name = "metered.fraud.dismiss"
    _description = "Dismiss Fraud Alarms"
    _inherit = ["metered.guarded"]

    alarm_ids = fields.Many2many("metered.fraud.alarm", string="Alarms", readonly=True)
    dismissal = fields.Selection(
        lambda self: self.env["metered.fraud.alarm"]._fields["dismissal"].selection,
        string="Reason",
        required=True,
        default="expected",
        help="Unless the data is wrong, such calls raise no alarm for four weeks if "
        "they are no more than twice as expensive. Limits that you set apply again "
        "the next day.",
    )
    note = fields.Char(help="Saved with the alarm, together with your name.")

    def action_dismiss(self):
        """Dismiss the alarms."""
        self.ensure_one()
        self.alarm_ids._dismiss(self.dismissal, self.note)
        return {"type": "ir.actions.act_window_close"}
