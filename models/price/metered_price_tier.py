# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from ...rating.exact import exact, exact_text, number
from ..guard.untrusted import all_given


class MeteredPriceTier(models.Model):
    _name = "metered.price.tier"
    _description = "Tier of a Metered Price"
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
        help="Where the tier begins: where the one before ends. In whole units the "
        "next number may be written as well: 0 to 100, 101 to 200. Left at 0 it is "
        "filled in.",
    )
    above = fields.Float(
        compute="_compute_above",
        digits=0,
        aggregator=None,
        readonly=False,
        help="Where the tier before ends: a tier that begins there follows it.",
    )
    up_to = fields.Float(
        digits=0,
        aggregator=None,
        help="The last quantity of the tier, which still belongs to it. 0: the tier "
        "has no end.",
    )
    unit_price = fields.Float(
        string="Price per Unit",
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="Price of a unit in this tier; of a block, where units are sold in "
        "blocks.",
    )
    rate = fields.Float(
        string="Rate (%)",
        digits=0,
        aggregator=None,
        help="Percent of the amount that lies in this tier: 2.9 is 2.9 %.",
    )
    flat_fee = fields.Float(
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="Graduated: charged once when the tier is entered. Volume: charged once "
        "for the tier that the total falls in. Stairstep: the price of the step.",
    )
    block = fields.Float(
        string="Block Size",
        digits=0,
        aggregator=None,
        help="Units that are sold together in this tier; a started block is a whole "
        "one. 0: units are sold one by one, and parts of one as such.",
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
