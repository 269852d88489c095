# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ..screen.actions import window_action


class MeteredCharge(models.Model):
    """What one meter comes to in one period, on an invoice that waits for usage.

    It keeps its identity while its lines are made anew: a program that counts the usage
    knows it by its number, and each recalculation is a version of it.
    """

    _name = "metered.charge"
    _description = "Usage Charge"
    _inherit = ["metered.guarded"]
    _order = "move_id desc, date_from, meter_id, id"

    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    partner_id = fields.Many2one(
        "res.partner", string="Customer", compute="_compute_amount", compute_sudo=True
    )
    meter_id = fields.Many2one(
        "metered.meter",
        string="Call Type or Meter",
        required=True,
        readonly=True,
        ondelete="restrict",
    )
    subscription_id = fields.Many2one(
        "sale.subscription",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(
        string="Until",
        required=True,
        readonly=True,
        help="First day after the period.",
    )
    currency_id = fields.Many2one(
        "res.currency", compute="_compute_amount", compute_sudo=True
    )
    subtotal = fields.Monetary(
        string="Amount",
        compute="_compute_amount",
        compute_sudo=True,
        help="Excluding taxes.",
    )
    total = fields.Monetary(
        string="Including Taxes", compute="_compute_amount", compute_sudo=True
    )
    counted = fields.Char(
        string="Quantity",
        compute="_compute_amount",
        compute_sudo=True,
        help="Quantity that the charge bills, in the priced unit.",
    )
    given_usage_id = fields.Many2one(
        "metered.usage",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The usage record with the difference between the given and the recorded "
        "quantity.",
    )
    version_number = fields.Integer(
        string="Version", readonly=True, default=1, aggregator=None
    )
    version_ids = fields.One2many(
        "metered.charge.version", "charge_id", string="Versions", readonly=True
    )

    _charge_uniq = models.UniqueIndex(
        "(move_id, meter_id, coalesce(subscription_id, 0), date_from)",
        "This charge is already on the invoice.",
    )

    @api.depends("move_id.invoice_line_ids.price_subtotal")
    def _compute_amount(self):
        for charge in self:
            lines = charge._lines()
            charge.partner_id = charge.move_id.partner_id
            charge.currency_id = charge.move_id.currency_id
            charge.subtotal = sum(lines.mapped("price_subtotal"))
            charge.total = sum(lines.mapped("price_total"))
            charge.counted = charge._counted(lines)

    @api.depends("meter_id", "date_from", "date_to")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for charge in self:
            charge.display_name = self.env._(
                "%(meter)s, %(first)s – %(last)s",
                meter=charge.meter_id.name,
                first=format_date(self.env, charge.date_from),
                last=format_date(
                    self.env,
                    charge.date_to and fields.Date.subtract(charge.date_to, days=1),
                ),
            )

    def _key(self):
        """What tells it from the other charges of its invoice."""
        self.ensure_one()
        return self.meter_id, self.subscription_id, self.date_from

    def _lines(self):
        """The lines of the invoice that are this charge, with all rights."""
        self.ensure_one()
        return self.sudo().move_id.invoice_line_ids.filtered(
            lambda line: (
                line.metered_date_from == self.date_from
                and line.metered_subscription_id == self.subscription_id
                and line._metered_meter() == self.meter_id
            )
        )

    @api.model
    def _counted(self, lines):
        """The quantity that lines bill, with all its digits.

        :return: decimal text
        """
        self.env["metered.usage"].flush_model()
        [(text,)] = self.env.execute_query(
            SQL(
                "SELECT trim_scale(coalesce(sum(billed_quantity), 0))::text"
                "  FROM metered_usage WHERE invoice_line_id = ANY(%s)",
                lines.ids,
            )
        )
        return text

    def _figures(self):
        """What it comes to now: (quantity as text, amount without taxes)."""
        self.ensure_one()
        lines = self._lines()
        return self._counted(lines), sum(lines.mapped("price_subtotal"))

    def action_view_usage(self):
        """Open the usage that it charges."""
        self.ensure_one()
        self.check_access("read")
        usage = self._lines().metered_usage_ids
        return window_action(
            self.env,
            "action_metered_usage",
            [("id", "in", usage.ids)],
            context={},
        )
