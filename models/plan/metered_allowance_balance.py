# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import format_date
from odoo.tools.misc import formatLang

from ..guard.unchecked_many2one import UncheckedMany2one


class MeteredAllowanceBalance(models.Model):
    """What a subscription had of an allowance in one period, and what is left of it.

    Written when calling plans are applied, together with the calls' charges.
    """

    _name = "metered.allowance.balance"
    _description = "Allowance Balance"
    _inherit = ["metered.guarded"]
    _log_access = False
    _order = "date_from desc, subscription_id, sequence, id"

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    partner_id = UncheckedMany2one(
        "res.partner", string="Customer", required=True, readonly=True, index=True
    )
    subscription_id = fields.Many2one(
        "sale.subscription",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    allowance_id = fields.Many2one(
        "metered.calling.plan.allowance",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    plan_id = fields.Many2one(related="allowance_id.plan_id")
    sequence = fields.Integer(readonly=True, aggregator=None)
    identifier_id = fields.Many2one(
        "metered.identifier",
        readonly=True,
        ondelete="cascade",
        help="The identifier, if each identifier has its own allowance.",
    )
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(
        string="Next Period From",
        required=True,
        readonly=True,
        help="First day of the next period.",
    )
    last_day = fields.Date(
        string="Until",
        compute="_compute_last_day",
        help="Last day of the period.",
    )
    unit = fields.Selection(related="allowance_id.unit")
    currency_id = fields.Many2one(related="allowance_id.currency_id")
    unlimited = fields.Boolean(readonly=True)
    granted = fields.Float(
        digits=0,
        readonly=True,
        aggregator=None,
        help="Amount for this period, in the unit.",
    )
    rolled_in = fields.Float(
        string="Rolled Over",
        digits=0,
        readonly=True,
        aggregator=None,
        help="Amount left over from earlier periods. It is used first.",
    )
    used = fields.Float(
        digits=0, readonly=True, aggregator=None, help="Amount used by calls."
    )
    left = fields.Float(digits=0, readonly=True, aggregator=None, string="Remaining")
    rolled_out = fields.Float(
        string="Rolls Over",
        digits=0,
        readonly=True,
        aggregator=None,
        help="The part of the remaining amount that can still be used in the "
        "next period.",
    )
    expires = fields.Date(
        readonly=True,
        help="First day on which rolled-over units can no longer be used.",
    )
    lots = fields.Json(
        readonly=True,
        help="Rolled-over amounts by age: amounts in the smallest unit, and the "
        "number of further periods each can be used.",
    )
    used_part = fields.Float(
        string="Used (%)",
        compute="_compute_used_part",
        help="Percentage of the granted and rolled-over amount.",
    )

    used_text = fields.Char(
        string="Used of Total",
        compute="_compute_used_part",
        help="In the unit of the allowance.",
    )

    _balance_uniq = models.UniqueIndex(
        "(subscription_id, allowance_id, date_from, coalesce(identifier_id, 0))"
    )

    @api.depends("date_to")
    def _compute_last_day(self):
        for balance in self:
            balance.last_day = balance.date_to and fields.Date.subtract(
                balance.date_to, days=1
            )

    @api.depends("used", "granted", "rolled_in", "unlimited")
    def _compute_used_part(self):
        for balance in self:
            total = balance.granted + balance.rolled_in
            balance.used_part = (
                0 if balance.unlimited or not total else 100 * balance.used / total
            )
            describe = balance.allowance_id._format_amount
            balance.used_text = self.env._(
                "%(used)s of %(total)s",
                used=describe(balance.used),
                total=self.env._("unlimited") if balance.unlimited else describe(total),
            )

    @api.depends("allowance_id", "date_from", "identifier_id")
    def _compute_display_name(self):
        for balance in self:
            parts = [balance.allowance_id.name, balance.identifier_id.value]
            day = format_date(self.env, balance.date_from)
            balance.display_name = f"{' '.join(p for p in parts if p)}, {day}"

    def _as_gauge(self):
        """The balance for the gauge of a screen, all texts.

        :return: dict: name, who, used, left, rolled, expires, percent, state
        """
        self.ensure_one()
        allowance = self.allowance_id
        total = self.granted + self.rolled_in
        percent = min(100.0, max(0.0, self.used_part))
        of_total = allowance._format_amount(total)
        return {
            "id": self.id,
            "name": allowance.name,
            "who": self.identifier_id.value or "",
            "used": allowance._format_amount(self.used),
            "total": self.env._("unlimited") if self.unlimited else of_total,
            "left": "" if self.unlimited else allowance._format_amount(self.left),
            "rolled": allowance._format_amount(self.rolled_in)
            if self.rolled_in
            else "",
            "rolls": allowance._format_amount(self.rolled_out)
            if self.rolled_out
            else "",
            "expires": format_date(self.env, self.expires) if self.expires else "",
            "percent": percent,
            "percent_text": formatLang(self.env, percent, digits=0),
            "unlimited": self.unlimited,
            "used_up": not self.unlimited and bool(total) and self.left <= 0,
        }
