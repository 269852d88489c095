# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredPriceChange(models.TransientModel):
    """From which day on a price is to be another one."""

    _name = "metered.price.change"
    _description = "Change a Metered Price"

    price_id = fields.Many2one("metered.price", required=True, readonly=True)
    date = fields.Date(
        string="From",
        required=True,
        default=lambda self: fields.Date.add(
            fields.Date.start_of(fields.Date.context_today(self), "month"), months=1
        ),
        help="First day of the new price. What was used before keeps the price that "
        "it has now.",
    )

    def action_apply(self):
        """Keep the price of now until that day, and open it to be changed."""
        self.ensure_one()
        self.price_id._keep_until(self.date)
        return {
            "type": "ir.actions.act_window",
            "res_model": "metered.price",
            "res_id": self.price_id.id,
            "views": [(False, "form")],
            "target": "current",
        }
