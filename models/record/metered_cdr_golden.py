# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredCdr(models.Model):
    """Calls that are kept with their price."""

    _inherit = "metered.cdr"

    def action_keep_golden(self):
        """Keep the call with its charge: a change of prices that alters it is told.

        Of a call that took from a calling plan it is the rate deck's charge: what is
        left of an allowance is another thing every day.
        """
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Golden Call"),
            "res_model": "metered.golden.call",
            "views": [(False, "form")],
            "target": "current",
            "context": {
                "default_company_id": self.company_id.id,
                "default_partner_id": self.partner_id.id,
                "default_number": self.callee,
                "default_meter_id": self.meter_id.id,
                "default_moment": fields.Datetime.to_string(self.start_time),
                "default_seconds": int(self.quantity),
                "default_expected": self.deck_charge
                if self.plan_taken
                else self.charge,
                "default_currency_id": self.currency_id.id,
            },
        }
