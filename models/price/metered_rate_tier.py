# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError

from ..guard.untrusted import all_given


class MeteredRateTier(models.Model):
    """A price that begins within the call: the first minute at one price, then another.

    An increment belongs to the tier in which it starts. Tiers of a billing period are
    allowances with a price, in a calling plan.
    """

    _name = "metered.rate.tier"
    _description = "Rate Tier"
    _inherit = ["metered.guarded", "metered.audit", "metered.golden.guard"]
    _order = "rate_id, from_second"

    _pricing = frozenset(
        {"rate_id", "from_second", "price", "per_seconds", "increment"}
    )

    rate_id = fields.Many2one(
        "metered.rate", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="rate_id.company_id", store=True)
    currency_id = fields.Many2one(related="rate_id.currency_id")
    from_second = fields.Integer(
        required=True,
        default=60,
        aggregator=None,
        help="60 means the price of the rate applies to the first 60 seconds, and "
        "this price from then on.",
    )
    price = fields.Float(
        digits=0,
        min_display_digits=4,
        required=True,
        default=0.0,
        aggregator=None,
        help="Price for the number of seconds entered next to it, in the deck's "
        "currency.",
    )
    per_seconds = fields.Integer(
        string="Per (seconds)",
        default=60,
        required=True,
        aggregator=None,
        help="60 means price per minute.",
    )
    increment = fields.Integer(
        string="Increments",
        default=1,
        required=True,
        aggregator=None,
        help="Length in seconds of each billing increment in this part of the call.",
    )

    @api.depends("from_second")
    def _compute_display_name(self):
        for tier in self:
            tier.display_name = self.env._(
                "Tier from second %(second)s", second=tier.from_second
            )

    _from_uniq = models.UniqueIndex(
        "(rate_id, from_second)", "Two tiers of a rate start at the same second."
    )
    _positive = models.Constraint(
        "CHECK (from_second > 0 AND per_seconds > 0 AND increment > 0)",
        "A tier must start after the first second, and price units and increments "
        "must be at least one second.",
    )
    _price_exact = models.Constraint(
        "CHECK (price >= 0 AND price = round(price, 8))",
        "Prices cannot be negative and can have at most 8 decimal places.",
    )

    @api.depends("from_second")
    def _compute_display_name(self):
        for tier in self:
            tier.display_name = self.env._("from second %s", tier.from_second)

    @api.model_create_multi
    def create(self, vals_list):
        tiers = super().create(vals_list)
        tiers._check_not_used()
        return tiers

    def write(self, vals):
        self._check_not_used()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        self._check_not_used()

    def _check_not_used(self):
        """Refuse to change the price of calls that were rated already."""
        for rate in self.rate_id.filtered("used")[:1]:
            raise UserError(
                self.env._(
                    "Calls were already rated with %(rate)s of %(deck)s. Set its end "
                    "date, and create a new rate that starts on that day.",
                    rate=rate.display_name,
                    deck=rate.deck_id.name,
                )
            )

    # === GOLDEN CALLS === #

    def _golden_dates(self, vals_list):
        return self._golden_rates(vals_list)._golden_dates([])

    def _golden_records(self):
        return self.rate_id.deck_id

    def _golden_concerned(self, calls, vals_list):
        rates = self._golden_rates(vals_list)
        return rates._golden_concerned(calls, [])

    def _golden_rates(self, vals_list):
        """The rates whose tiers change."""
        return self.rate_id | all_given(self, vals_list, "rate_id")
