# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..models.screen.actions import CLOSE, notification
from ..rating.exact import exact, number

#: what the new rate costs; all else is that of the rate until then
PRICES = (
    "price",
    "per_seconds",
    "initial_increment",
    "increment",
    "connection_fee",
)


class MeteredRateChange(models.TransientModel):
    """What a rate costs from a day on: it ends, and another one begins that day."""

    _name = "metered.rate.change"
    _description = "Change a Rate from a Date"
    _inherit = ["metered.guarded"]

    rate_id = fields.Many2one("metered.rate", required=True, readonly=True)
    deck_id = fields.Many2one(related="rate_id.deck_id")
    currency_id = fields.Many2one(related="rate_id.currency_id")
    date = fields.Date(
        string="From",
        required=True,
        default=lambda self: fields.Date.add(
            fields.Date.start_of(fields.Date.context_today(self), "month"), months=1
        ),
        help="First day of the new price, in the deck's time zone. Earlier calls keep "
        "their current price.",
    )
    price = fields.Float(digits=0, required=True)
    per_seconds = fields.Integer(string="Per (seconds)", required=True)
    initial_increment = fields.Integer(string="First Increment", required=True)
    increment = fields.Integer(string="Next Increments", required=True)
    connection_fee = fields.Float(digits=0, required=True)
    tiered = fields.Boolean(compute="_compute_tiered")

    @api.depends("rate_id.tier_ids")
    def _compute_tiered(self):
        for change in self:
            change.tiered = bool(change.rate_id.tier_ids)

    @api.model
    def _action_open(self, rate):
        """A dialog with the price of now, to be written over.

        :param rate: ``metered.rate``
        """
        return self._get_records_action(
            name=self.env._("Change from a Date"),
            target="new",
            context={
                "default_rate_id": rate.id,
                **{f"default_{name}": rate[name] for name in PRICES},
            },
        )

    def action_apply(self):
        """End the rate on the day before, and begin the new one."""
        self.ensure_one()
        rate, date = self.rate_id, self.date
        if (rate.date_from and date <= rate.date_from) or (
            rate.date_to and date >= rate.date_to
        ):
            raise UserError(
                self.env._(
                    "%(rate)s is valid %(dates)s. Choose a later day within that "
                    "period.",
                    rate=rate.display_name,
                    dates=rate._describe_dates(),
                )
            )
        [values] = rate.copy_data(
            {
                "date_from": date,
                "date_to": rate.date_to,
                **{name: self[name] for name in PRICES},
            }
        )
        words = self.env["metered.explanation"]
        # One change of the deck: golden calls are never without a rate between.
        rate.deck_id.write(
            {
                "rate_ids": [
                    Command.update(rate.id, {"date_to": date}),
                    Command.create(values),
                ]
            }
        )
        return notification(
            self.env._(
                "%(rate)s costs %(price)s per %(seconds)s seconds from %(day)s.",
                rate=rate.display_name,
                price=f"{words._number(exact(number(self.price)))} "
                f"{self.currency_id.name}",
                seconds=self.per_seconds,
                day=format_date(self.env, date),
            ),
            next=CLOSE,
        )
