# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import fields, models


class MeteredRerateDifference(models.Model):
    """What a row of invoiced usage was charged, and what it is charged since.

    The usage and its calls keep the old charge. It counts while its document is
    posted; a document that is cancelled bills nothing.
    """

    _name = "metered.rerate.difference"
    _description = "Difference to Invoiced Usage"
    _inherit = ["metered.sums"]
    _money_fields = ("before", "after", "difference")
    _order = "rerate_id desc, partner_id, day, id"

    rerate_id = fields.Many2one(
        "metered.rerate",
        string="Re-rating",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    company_id = fields.Many2one(related="rerate_id.company_id", store=True)
    usage_id = fields.Many2one(
        "metered.usage", readonly=True, ondelete="set null", index="btree_not_null"
    )
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    meter_id = fields.Many2one("metered.meter", string="Call Type", readonly=True)
    day = fields.Date(readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    before = fields.Float(
        digits=0,
        readonly=True,
        help="What was charged: by its calls, and by earlier differences.",
    )
    after = fields.Float(digits=0, readonly=True)
    difference = fields.Float(digits=0, readonly=True)
    invoice_line_id = fields.Many2one(
        "account.move.line",
        string="Invoiced On",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    move_id = fields.Many2one(
        "account.move",
        string="Billed On",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The credit note or invoice with the difference. Empty: none was needed, "
        "or nothing is posted yet.",
    )

    def _micro(self):
        """The difference in micro-units of its currency."""
        self.ensure_one()
        return int((Decimal(repr(self.difference)) * 10**6).to_integral_value())

    def _due(self, line):
        """What is to be billed in the currency of an invoice line.

        Both sums are converted as the line was, and rounded, so that the line and its
        corrections add up to what the line would be.

        :param line: the ``account.move.line`` that charged the usage
        :return: Decimal
        """
        move, usage_model = line.move_id, self.env["metered.usage"]
        before, after = (
            usage_model._convert_once(
                sum((Decimal(repr(row[name])) for row in self), Decimal()),
                self.currency_id,
                line.currency_id,
                move.company_id,
                move.invoice_date or line.metered_date_to,
            )
            for name in ("before", "after")
        )
        return after - before
