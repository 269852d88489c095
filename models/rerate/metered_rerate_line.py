# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..record.metered_sums import Money


class MeteredRerateLine(models.Model):
    """What rating again changes for one customer in one currency."""

    _name = "metered.rerate.line"
    _description = "Change by Re-rating"
    _inherit = ["metered.guarded", "metered.sums"]
    _order = "rerate_id, difference desc, id"

    rerate_id = fields.Many2one(
        "metered.rerate",
        string="Re-rating",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    company_id = fields.Many2one(related="rerate_id.company_id", store=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    calls = fields.Integer(
        readonly=True,
        string="Records",
        help="Calls and other records that were rated again.",
    )
    changed = fields.Integer(
        readonly=True,
        help="Calls with another charge or rate; of a meter all "
        "records of a period with another price.",
    )
    unrated = fields.Integer(
        string="Without Rate", readonly=True, help="Calls that no rate fits any more."
    )
    before = Money(readonly=True)
    after = Money(readonly=True)
    difference = Money(readonly=True)
    note = fields.Char(string="In the Way", readonly=True)
