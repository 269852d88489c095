# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..models.screen.actions import CLOSE


class MeteredAlertLift(models.TransientModel):
    """Why the caps of a subscription's running period are lifted."""

    _name = "metered.alert.lift"
    _description = "Lift Cap"
    _inherit = ["metered.guarded"]

    subscription_id = fields.Many2one(
        "sale.subscription", required=True, ondelete="cascade"
    )
    alerts = fields.Char(related="subscription_id.metered_cap_info")
    reason = fields.Char(required=True)

    def action_lift(self):
        """Let the entitlement say yes again until a higher cap is reached."""
        self.ensure_one()
        self.subscription_id.check_access("read")
        states = self.env["metered.alert.state"]._capped_of(self.subscription_id)
        states._lift(self.reason)
        return CLOSE
