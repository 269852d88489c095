# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredWhatIfQuestion(models.AbstractModel):
    """What is asked: what to try on which usage, or whose margins."""

    _name = "metered.simulation.question"
    _description = "What If Settings"

    company_id = fields.Many2one("res.company", required=True)
    kind = fields.Selection(
        [("what_if", "What if"), ("margin", "Margins")],
        required=True,
        default="what_if",
    )
    deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Rate Deck to Try",
        context={"active_test": False},
        help="Any rate deck, including archived or unused ones.",
        check_company=True,
    )
    replaces_id = fields.Many2one(
        "metered.rate.deck",
        string="Instead Of",
        help="Only include customers with this deck. Leave empty to check the deck "
        "first for every customer.",
        check_company=True,
    )
    rates_day = fields.Date(
        string="Rates As Of",
        help="Use the deck's rates valid on this day for all calls, for example to "
        "try future rates. Leave empty to use the rates valid on the day of each "
        "call.",
    )
    plan_id = fields.Many2one(
        "metered.calling.plan",
        string="Calling Plan to Try",
        context={"active_test": False},
        help="Any calling plan, including archived or unused ones. Only call charges "
        "are compared; subscription fees stay the same.",
        check_company=True,
    )
    plan_replaces_id = fields.Many2one(
        "metered.calling.plan",
        string="Instead Of Plan",
        context={"active_test": False},
        help="Only include subscriptions with this plan. Leave empty to replace all "
        "plans; for customers without a plan, it is added to their first "
        "subscription.",
        check_company=True,
    )
    price_id = fields.Many2one(
        "metered.price",
        string="Price to Try",
        context={"active_test": False},
        help="Any metered price, including archived ones. Full billing periods are "
        "priced: those that end on these days.",
        check_company=True,
    )
    price_replaces_id = fields.Many2one(
        "metered.price",
        string="Instead Of Price",
        help="Only include usage that currently has this price. Leave empty for "
        "all usage of its meter.",
        check_company=True,
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Customers",
        help="Includes their contacts. Leave empty for all customers.",
        check_company=True,
    )
    date_from = fields.Date(string="From", required=True)
    date_to = fields.Date(string="Until", required=True, help="Last day of the usage.")
