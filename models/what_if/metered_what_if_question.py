# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredWhatIfQuestion(models.AbstractModel):
    """What is asked: what to try on which usage, or whose margins."""

    _name = "metered.simulation.question"
    _description = "What If: Question"

    company_id = fields.Many2one("res.company", required=True)
    kind = fields.Selection(
        [("what_if", "What if"), ("margin", "Margins")],
        required=True,
        default="what_if",
    )
    deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Try This Deck",
        context={"active_test": False},
        help="Any deck, also an archived one or one that nobody has yet.",
        check_company=True,
    )
    replaces_id = fields.Many2one(
        "metered.rate.deck",
        string="Instead Of",
        help="Only customers who have this deck are rated. Empty: the deck is asked "
        "first for every customer.",
        check_company=True,
    )
    rates_day = fields.Date(
        string="Rates of the Day",
        help="The deck's rates that hold on this day are taken for all calls, for "
        "rates that begin later. Empty: those that held when each call was made.",
    )
    plan_id = fields.Many2one(
        "metered.calling.plan",
        string="Try This Plan",
        context={"active_test": False},
        help="Any plan, also an archived one or one that nobody has yet. What the "
        "calls cost is told; the fees of subscriptions stay what they are.",
        check_company=True,
    )
    plan_replaces_id = fields.Many2one(
        "metered.calling.plan",
        string="In Place Of This Plan",
        context={"active_test": False},
        help="Only subscriptions that have this plan. Empty: in place of all their "
        "plans; customers without any have it on their first subscription.",
        check_company=True,
    )
    price_id = fields.Many2one(
        "metered.price",
        string="Try This Price",
        context={"active_test": False},
        help="Any price of a meter, also an archived one. Whole billing periods are "
        "priced: those that end on these days.",
        check_company=True,
    )
    price_replaces_id = fields.Many2one(
        "metered.price",
        string="In Place Of This Price",
        help="Only usage that has this price now. Empty: all usage of its meter.",
        check_company=True,
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Customers",
        help="Includes their contacts. Leave empty for all customers.",
        check_company=True,
    )
    date_from = fields.Date(string="From", required=True)
    date_to = fields.Date(string="To", required=True, help="Last day.")
