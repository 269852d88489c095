# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from ...rating.exact import exact, exact_text, number
from ..guard.untrusted import all_given


class MeteredPriceTier(models.Model):
    _name = "metered.price.tier"
    _description = "Metered Price Tier"
    _inherit = ["metered.guarded", "metered.audit", "metered.golden.guard"]
    _order = "price_id, sequence, id"

    _golden_kinds = frozenset({"usage"})
    _pricing = frozenset(
        {
            *("price_id", "sequence", "first", "up_to", "unit_price", "rate"),
            *("flat_fee", "block"),
        }
    )

    price_id = fields.Many2one(
        "metered.price", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="price_id.company_id")
    currency_id = fields.Many2one(related="price_id.currency_id")
    sequence = fields.Integer(default=10)
    first = fields.Float(
        string="From",
        digits=0,
        aggregator=None,
        help="Start of the tier, which is the end of the previous tier. With whole "
        "units you can also enter the next number: 0 to 100, 101 to 200. Leave 0 "
        "to fill it in automatically.",
    )
    above = fields.Float(
        compute="_compute_above",
        digits=0,
        aggregator=None,
        readonly=False,
        help="End of the previous tier. A tier starting there follows it without "
        "a gap.",
    )
    up_to = fields.Float(
        digits=0,
        aggregator=None,
        help="Last quantity included in the tier. 0 means the tier has no end.",
    )
    unit_price = fields.Float(
        string="Price per Unit",
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="Price per unit in this tier, or per block if units are sold in blocks.",
    )
    rate = fields.Float(
        string="Rate (%)",
        digits=0,
        aggregator=None,
        help="Percentage of the amount in this tier: 2.9 means 2.9%.",
    )
    flat_fee = fields.Float(
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="Graduated: charged once when the tier is reached. Volume: charged once "
        "for the tier the total falls in. Stairstep: price of the step.",
    )
    block = fields.Float(
        string="Block Size",
        digits=0,
        aggregator=None,
        help="Number of units sold together in this tier; a started block counts in "
        "full. 0 means units are sold individually, including fractions.",
    )

    def _compute_above(self):
        for tier in self:
            before = tier.price_id.tier_ids.filtered(
                lambda other, tier=tier: other.up_to and other.up_to <= tier.first
            )
            tier.above = max(before.mapped("up_to"), default=0.0)

    @api.depends("first", "up_to")
    def _compute_display_name(self):
        """Such as "Tier from 100 to 500"."""
        for tier in self:
            first, last = (
                exact_text(exact(number(value))) for value in (tier.first, tier.up_to)
            )
            tier.display_name = (
                self.env._("Tier from %(first)s to %(last)s", first=first, last=last)
                if tier.up_to
                else self.env._("Tier from %(first)s", first=first)
            )

    def _golden_dates(self, vals_list):
        """The day from which the price holds that they are of."""
        prices = self.price_id | all_given(self, vals_list, "price_id")
        return prices._golden_dates([])

    def _golden_records(self):
        return self.price_id
