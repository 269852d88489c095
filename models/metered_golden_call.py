# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import format_datetime

from ..ingest.find_rate import price_calls

WEEK = timedelta(days=7)
MICRO = 10**6


class MeteredGoldenCall(models.Model):
    """A call whose price is agreed: a change of rates that alters it is told first.

    Like a test: what it costs is found by the engine whenever somebody looks, and
    compared with what it is to cost.
    """

    _name = "metered.golden.call"
    _description = "Golden Call"
    _order = "partner_id, number, id"
    _check_company_auto = True

    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        help="Whose rates count. Empty: those of customers without a deck.",
    )
    number = fields.Char(
        required=True, help="Internationally with + in front, or a short code."
    )
    meter_id = fields.Many2one(
        "metered.meter",
        string="Call Type",
        required=True,
        domain="[('kind', '=', 'call')]",
        check_company=True,
    )
    moment = fields.Datetime(
        string="Begins", required=True, default=fields.Datetime.now
    )
    seconds = fields.Integer(required=True, default=60)
    standing = fields.Boolean(
        string="At Any Date",
        default=True,
        help="The price is to hold from now on: the call is checked at its time of "
        "the week, at the date of the check. Otherwise it is checked at its own date.",
    )
    expected = fields.Float(
        string="Expected Charge", digits=0, required=True, help="What it is to cost."
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
    )
    note = fields.Char(help="Why its price matters: a contract, a promise.")
    charge = fields.Char(
        string="Charge Now", compute="_compute_verdict", compute_sudo=False
    )
    verdict = fields.Selection(
        [("same", "As expected"), ("differs", "Differs"), ("unrated", "No rate")],
        compute="_compute_verdict",
        compute_sudo=False,
    )

    _seconds_range = models.Constraint(
        "CHECK (seconds >= 0 AND seconds <= 604800)",
        "A golden call lasts between no second and a week.",
    )

    @api.depends("number", "moment", "partner_id")
    def _compute_display_name(self):
        for call in self:
            call.display_name = self.env._(
                "%(number)s, %(seconds)s s, %(customer)s",
                number=call.number,
                seconds=call.seconds,
                customer=call.partner_id.display_name or self.env._("everybody"),
            )

    @api.depends(
        "number",
        "moment",
        "partner_id",
        "seconds",
        "meter_id",
        "standing",
        "expected",
        "currency_id",
    )
    def _compute_verdict(self):
        for call in self:
            charge, verdict = call._look() if call.number else (False, False)
            call.charge, call.verdict = charge, verdict

    def _look(self, day=None):
        """What the call costs with the rates of now.

        :param day: date from which standing calls are checked; None: today
        :return: (charge as text, verdict)
        """
        company = self.company_id.sudo().with_company(self.company_id)
        [outcome] = price_calls(
            company,
            self.partner_id._origin.sudo(),
            self.env["metered.rate.deck"].sudo(),
            self.number,
            self.meter_id._origin.sudo(),
            self._moment(day),
            [self.seconds],
        )
        if outcome.charge_micro is None:
            return self.env._("no price"), "unrated"
        words = self.env["metered.explanation"]
        charge = Decimal(outcome.charge_micro) / MICRO
        currency = self.env["res.currency"].browse(outcome.currency_id)
        same = currency == self.currency_id and charge == Decimal(
            repr(self.expected)
        ).quantize(Decimal("0.000001"))
        text = f"{words._number(f'{charge.normalize():f}')} {currency.name}"
        return text, "same" if same else "differs"

    def _moment(self, day=None):
        """When the call is checked: of a standing call, its time of a week from now."""
        moment = self.moment or fields.Datetime.now()
        earliest = fields.Datetime.to_datetime(day or fields.Date.context_today(self))
        if not self.standing or moment >= earliest:
            return moment
        weeks = -((moment - earliest) // WEEK)
        return moment + weeks * WEEK

    def _verdicts(self, day=None):
        """What the calls cost: dict of calls -> (charge as text, verdict)."""
        return {call: call._look(day) for call in self}

    @api.model
    def _altered(self, before, after):
        """Lines of text on the calls that a change alters.

        :param before: what `_verdicts` returned before the change
        :param after: and with it
        """
        return [
            self.env._(
                "%(call)s on %(time)s: %(before)s before, %(after)s then",
                call=call.display_name,
                time=format_datetime(self.env, call.moment),
                before=before[call][0],
                after=after[call][0],
            )
            for call in before
            if before[call] != after[call]
        ]


class MeteredCdr(models.Model):
    _inherit = "metered.cdr"

    def action_keep_golden(self):
        """Keep the call with its charge: a change of rates that alters it is told."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Golden Call"),
            "res_model": "metered.golden.call",
            "views": [(False, "form")],
            "target": "current",
            "context": {
                "default_company_id": self.company_id.id,
                "default_partner_id": self.partner_id.id,
                "default_number": self.callee,
                "default_meter_id": self.meter_id.id,
                "default_moment": fields.Datetime.to_string(self.start_time),
                "default_seconds": int(self.quantity),
                "default_expected": self.charge,
                "default_currency_id": self.currency_id.id,
            },
        }
