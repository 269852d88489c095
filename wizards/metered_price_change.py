# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.tools import format_date

from ..models.screen.actions import CLOSE, notification


class MeteredPriceChange(models.TransientModel):
    """From which day on a price is to be another one."""

    _name = "metered.price.change"
    _description = "Change a Metered Price"
    _inherit = ["metered.guarded"]

    price_id = fields.Many2one("metered.price", required=True, readonly=True)
    date = fields.Date(
        string="From",
        required=True,
        default=lambda self: fields.Date.add(
            fields.Date.start_of(fields.Date.context_today(self), "month"), months=1
        ),
        help="First day of the new price. Earlier usage keeps the current price.",
    )

    def action_apply(self):
        """Keep the price of now until that day, and go back to it to be changed."""
        self.ensure_one()
        self.price_id._keep_until(self.date)
        return notification(
            self.env._(
                "The current price is valid until %(last)s. Enter the price that "
                "applies from %(day)s.",
                last=format_date(self.env, fields.Date.subtract(self.date, days=1)),
                day=format_date(self.env, self.date),
            ),
            # The dialog closes, and the price below it is read again.
            next=CLOSE,
        )
