# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

ITEMS = [
    ("all", "All calls"),
    ("charged", "Only calls with a charge"),
    ("none", "No calls, only totals"),
]
HIDDEN_DIGITS = [
    ("0", "None"),
    ("2", "The last 2"),
    ("3", "The last 3"),
    ("4", "The last 4"),
    ("6", "The last 6"),
]
#: fields of a company, and of a customer who chose otherwise
CHOICES = (
    "metered_statement_items",
    "metered_hidden_digits",
    "metered_hidden_caller_digits",
)


class ResCompany(models.Model):
    """How statements are made for a company's customers."""

    _inherit = "res.company"

    metered_statement_auto = fields.Boolean(
        string="Make Statements Automatically",
        help="When an invoice with usage is posted, its statement is made in the "
        "background.",
    )
    metered_statement_items = fields.Selection(
        ITEMS, string="Calls on Statements", required=True, default="all"
    )
    metered_hidden_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits",
        required=True,
        default="0",
        help="Digits at the end of called numbers that statements do not show. Short "
        "numbers of up to 6 digits are always shown.",
    )
    metered_hidden_caller_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits of Callers",
        required=True,
        default="0",
        help="Digits at the end of the numbers of callers that statements do not show.",
    )
    metered_statement_rows = fields.Integer(
        string="Calls in a PDF",
        default=50_000,
        help="A statement with more calls lists them in the XLSX and CSV files only; "
        "its PDF contains the totals.",
    )
    metered_statement_objection = fields.Text(
        string="How to Object",
        translate=True,
        help="Printed at the end of each statement: how, and until when, a customer "
        "can object to a charge.",
    )
