# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models


class MeteredManualInvoiceLine(models.TransientModel):
    """A line of the invoice to be, as it was found."""

    _name = "metered.manual.invoice.line"
    _description = "Usage to Invoice"
    _inherit = ["metered.guarded"]
    _order = "id"

    wizard_id = fields.Many2one(
        "metered.manual.invoice", required=True, ondelete="cascade"
    )
    meter_id = fields.Many2one("metered.meter", string="Call Type", readonly=True)
    records = fields.Integer(string="Calls", readonly=True)
    minutes = fields.Float(
        digits=(16, 1), readonly=True, help="Billed seconds as minutes."
    )
    rated = fields.Char(
        string="As Rated",
        readonly=True,
        help="The exact sum of its calls, in the currency of the rates; of other "
        "meters, the price of the period so far.",
    )
    currency_id = fields.Many2one(related="wizard_id.currency_id")
    amount = fields.Monetary(
        readonly=True,
        help="Rounded once, and converted once where the rates have another currency.",
    )
