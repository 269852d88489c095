# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredPrice(models.Model):
    """How a measured quantity becomes the one that is priced."""

    _inherit = "metered.price"

    conversion_operation = fields.Selection(
        [("multiply", "Multiplied by"), ("divide", "Divided by")],
        string="Measured Quantity Is",
        required=True,
        default="multiply",
        help="How the measured quantity becomes the priced one: bytes divided by "
        "1000000000 are gigabytes. A count has no unit, and is not converted.",
    )
    conversion_factor = fields.Float(
        digits=0,
        aggregator=None,
        default=1.0,
        required=True,
        help="1: the unit that is measured is the unit that is priced.",
    )
    unit = fields.Char(
        string="Priced Unit",
        help="What a quantity of 1 is called on the invoice: GB. Empty: the unit of "
        "the meter.",
    )
    quantity_rounding = fields.Selection(
        [
            ("none", "Not at all"),
            ("up", "Up"),
            ("down", "Down"),
            ("half_up", "To the nearest, half up"),
            ("half_even", "To the nearest, half to even"),
        ],
        string="Quantity Is Rounded",
        required=True,
        default="none",
        help="The quantity of the whole period, once, after its conversion.",
    )
    quantity_decimals = fields.Integer(
        aggregator=None, help="Decimals that the rounded quantity keeps."
    )
    free_units = fields.Float(
        digits=0,
        aggregator=None,
        tracking=True,
        help="The first units of each period cost nothing; what comes after begins in "
        "the first tier. In the priced unit.",
    )
