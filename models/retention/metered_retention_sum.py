# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ...stored.canonical import RECORDS
from ..record.metered_sums import Money

#: what is deleted or masked by a rule, see ``metered.retention.rule``
KINDS = [
    ("calls", "Call details"),
    ("numbers", "Numbers of calls (masked)"),
    ("events", "Events of meters"),
    ("samples", "Samples of levels (reduced)"),
    ("files", "Imported files"),
    ("statements", "Statements"),
    ("access", "Portal access log"),
]


class MeteredRetentionSum(models.Model):
    """What records came to that were deleted or masked, and the seal of what they were.

    Of one row of usage, or of a day's calls that were never charged. The seal is the
    SHA-256 over the calls as they were: whoever has a copy, such as a backup or the
    customer's statement, can prove that it is complete and unchanged.
    """

    _name = "metered.retention.sum"
    _description = "Deleted Call Details"
    _inherit = ["metered.guarded", "metered.sums"]
    _log_access = False
    _order = "day desc, id desc"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    meter_id = fields.Many2one(
        "metered.meter", string="Call Type", readonly=True, ondelete="restrict"
    )
    day = fields.Date(readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    usage_id = fields.Many2one(
        "metered.usage", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    invoice_id = fields.Many2one(related="usage_id.invoice_id")
    run_id = fields.Many2one(
        "metered.retention.run", readonly=True, index=True, ondelete="restrict"
    )
    kind = fields.Selection(KINDS, readonly=True)
    records = fields.Integer(string="Calls", readonly=True, aggregator="sum")
    quantity = fields.Float(
        string="Connected Seconds", digits=0, readonly=True, aggregator="sum"
    )
    billed_quantity = fields.Float(
        string="Billed Seconds", digits=0, readonly=True, aggregator="sum"
    )
    charge = Money(readonly=True, min_display_digits=4)
    taken = fields.Json(
        readonly=True,
        help="What the calls used of allowances: allowance, service identifier, and "
        "amount.",
    )
    seal = fields.Char(
        string="SHA-256",
        readonly=True,
        help="Calculated from the calls as they were, sorted by start.",
    )
    bytes = fields.Integer(readonly=True, aggregator="sum")
    done_on = fields.Date(string="Deleted On", readonly=True)

    @api.depends("partner_id", "day")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for one in self:
            one.display_name = self.env._(
                "%(customer)s, %(day)s",
                customer=one.partner_id.display_name or self.env._("No customer"),
                day=format_date(self.env, one.day),
            )

    @api.model
    def _seal_of(self, usage):
        """The seal of the calls of usage as they are now; None where there are none.

        Of a copy that was restored it is the one that was kept.
        """
        [[seal]] = self.env.execute_query(
            SQL(
                "SELECT %s FROM metered_cdr cdr WHERE cdr.usage_id = %s",
                SQL(RECORDS),
                usage.id,
            )
        )
        return seal
