# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.misc import formatLang

from ...fraud.check import SET_REASONS
from ..guard.unchecked_many2one import UncheckedMany2one
from ..record.metered_sums import Money
from ..screen.actions import window_action

MICRO_UNITS = 1_000_000
#: names the problem of an alarm, for its activity
PROBLEM = "fraud"
#: zones from here on are ids of listed numbers, see ``ingest/fraud_settings.py``
LISTED = 2**31
#: what was taken for honest is known until then
ACCEPTED_DAYS = 28
#: least part of an hour that a rate is told of
LEAST_HOURS = 0.25


class MeteredFraudAlarm(models.Model):
    """Calls of a customer that look like toll fraud.

    There is one open alarm a customer: further calls make it grow. Whoever looks at it
    confirms or dismisses it. What was dismissed is taken for honest; what is open or
    confirmed is never learned as usual.
    """

    _name = "metered.fraud.alarm"
    _description = "Fraud Alarm"
    _inherit = ["metered.guarded", "mail.thread", "mail.activity.mixin"]
    _order = "is_open desc, last_call desc, id desc"

    company_id = fields.Many2one("res.company", required=True, readonly=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    source_id = UncheckedMany2one("metered.source", readonly=True)
    user_id = fields.Many2one("res.users", string="Responsible", readonly=True)
    state = fields.Selection(
        [
            ("open", "Open"),
            ("confirmed", "Confirmed"),
            ("dismissed", "Dismissed"),
            ("undone", "Import undone"),
        ],
        string="Status",
        required=True,
        readonly=True,
        default="open",
        tracking=True,
    )
    is_open = fields.Boolean(compute="_compute_is_open", store=True)
    first_call = fields.Datetime(required=True, readonly=True)
    last_call = fields.Datetime(required=True, readonly=True)
    calls = fields.Integer(readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    charge = Money(
        string="Charge So Far",
        min_display_digits=2,
        readonly=True,
        help="Charge for these calls, in the company's currency.",
    )
    rate = Money(
        string="Charge per Hour",
        compute="_compute_rate",
        help="Time from the first call to the last one, at least 15 minutes.",
    )
    findings = fields.Json(
        readonly=True,
        help="Reason, destination, value, limit, first and last moment, and ranges.",
    )
    reasons = fields.Text(compute="_compute_reasons")
    reason = fields.Char(compute="_compute_reasons")
    dismissal = fields.Selection(
        [
            ("expected", "The customer makes such calls"),
            ("once", "A one-time exception that the customer knows about"),
            ("wrong", "Wrong data"),
            ("other", "Another reason"),
        ],
        string="Reason for Dismissal",
        readonly=True,
        tracking=True,
    )
    note = fields.Char(readonly=True)
    decided_uid = fields.Many2one("res.users", string="Decided By", readonly=True)
    decided_date = fields.Datetime(string="Decided On", readonly=True)

    _open_uniq = models.UniqueIndex(
        "(company_id, partner_id) WHERE state = 'open'",
        "There is already an open alarm for this customer.",
    )

    @api.depends("state")
    def _compute_is_open(self):
        for alarm in self:
            alarm.is_open = alarm.state == "open"

    @api.depends("charge", "first_call", "last_call")
    def _compute_rate(self):
        for alarm in self:
            seconds = (alarm.last_call - alarm.first_call).total_seconds()
            hours = max(seconds / 3600, LEAST_HOURS)
            alarm.rate = alarm.company_id.currency_id.round(alarm.charge / hours)

    @api.depends("partner_id", "first_call")
    def _compute_display_name(self):
        for alarm in self:
            alarm.display_name = self.env._(
                "%(customer)s, %(moment)s",
                customer=alarm.partner_id.display_name,
                moment=fields.Datetime.context_timestamp(
                    alarm, alarm.first_call
                ).strftime("%Y-%m-%d %H:%M"),
            )

    @api.depends("findings")
    @api.depends_context("lang")
    def _compute_reasons(self):
        for alarm in self:
            reasons = [alarm._words(*row) for row in alarm.findings or ()]
            alarm.reasons = "\n".join(reasons)
            alarm.reason = reasons[0] if reasons else False

    def _words(self, reason, zone, value, limit, _first, _last, ranges):
        """One finding in words."""
        env = self.env

        def money(micro):
            return formatLang(
                env, micro / MICRO_UNITS, currency_obj=self.company_id.currency_id
            )

        names = {"destination": self._destination(zone)}
        names["range"] = f"+{ranges[0]}" if ranges else ""
        if reason in ("at_once", "limit_at_once"):
            value, limit = (formatLang(env, n / 1000, digits=1) for n in (value, limit))
        elif reason not in ("not_allowed", "one_range"):
            value, limit = money(value), money(limit)
        names |= {"value": value, "limit": limit}
        if reason == "limit_hour":
            text = env._(
                "The charges of one hour reached %(value)s. The limit is %(limit)s.",
                **names,
            )
        elif reason == "limit_day":
            text = env._(
                "The charges of one day reached %(value)s. The limit is %(limit)s.",
                **names,
            )
        elif reason == "limit_at_once":
            text = env._(
                "Calls at one time reached %(value)s. The limit is %(limit)s.", **names
            )
        elif reason == "not_allowed":
            text = env._(
                "Calls to %(destination)s, which is not an allowed country: %(value)s.",
                **names,
            )
        elif reason == "hour":
            text = env._(
                "The charges of one hour reached %(value)s. For this customer and time "
                "of the week, more than %(limit)s is unusual.",
                **names,
            )
        elif reason == "day":
            text = env._(
                "The charges of one day reached %(value)s. For this customer, more "
                "than %(limit)s is unusual.",
                **names,
            )
        elif reason == "at_once":
            text = env._(
                "Calls at one time reached %(value)s, averaged over a quarter of an "
                "hour. For this customer and time of the week, more than %(limit)s is "
                "unusual.",
                **names,
            )
        elif reason == "risky":
            text = env._(
                "Charges for high-risk numbers that the customer had never called "
                "(%(destination)s): %(value)s.",
                **names,
            )
        elif reason == "destination":
            text = env._(
                "Charges for calls to %(destination)s, which the customer had never "
                "called: %(value)s.",
                **names,
            )
        elif reason == "one_range":
            text = env._(
                "Calls to numbers starting with %(range)s in %(destination)s, which "
                "the customer had never called: %(value)s.",
                **names,
            )
        elif reason == "call_back":
            text = env._(
                "Short calls arrived from numbers starting with %(range)s, and the "
                "customer called back. Charges: %(value)s.",
                **names,
            )
        else:
            text = env._(
                "Numbers starting with %(range)s are called night after night. "
                "Charges in recent weeks: %(value)s.",
                **names,
            )
        return text

    def _destination(self, zone):
        """The name of where calls went to; may be empty."""
        if not zone:
            return ""
        if zone >= LISTED:
            risk = self.env["metered.fraud.risk"].sudo().browse(zone - LISTED)
            return risk.exists().name or ""
        destination = self.env["metered.destination"].sudo().browse(zone).exists()
        if destination.kind in ("premium", "satellite") or not destination.country_id:
            return destination.name or ""
        return destination.country_id.name

    # === CALLS === #

    def _call_domain(self):
        """The calls of one alarm."""
        self.ensure_one()
        domain = Domain(
            [
                ("company_id", "=", self.company_id.id),
                ("partner_id", "=", self.partner_id.id),
                ("start_time", ">=", self.first_call),
                ("start_time", "<=", self.last_call),
                ("direction", "=", "outbound"),
                ("charge", ">", 0),
            ]
        )
        ranges = {each for row in self.findings or () for each in row[-1]}
        if ranges and all(row[-1] for row in self.findings or ()):
            domain &= Domain.OR(
                [("callee", "=like", f"+{each}%")] for each in sorted(ranges)
            )
        return domain

    def _count_again(self):
        """Count the calls that are there; without any, the alarm is over."""
        cdrs = self.env["metered.cdr"].sudo()
        for alarm in self:
            company, vals = alarm.company_id, {"calls": 0, "charge": 0.0}
            for currency, count, amount, first, last in cdrs._read_group(
                alarm._call_domain(),
                ["currency_id"],
                ["__count", "charge:sum", "start_time:min", "start_time:max"],
            ):
                vals["calls"] += count
                vals["charge"] += currency._convert(
                    amount, company.currency_id, company, last, round=False
                )
                # Windows are of whole quarters: from here on it is the calls.
                vals["first_call"] = min(first, vals.get("first_call", first))
                vals["last_call"] = max(last, vals.get("last_call", last))
            if not vals["calls"]:
                vals["state"] = "undone"
                alarm._metered_close(
                    PROBLEM, self.env._("The import of these calls was undone.")
                )
            alarm._set_as_program(vals)

    # === ACTIONS === #

    def action_view_calls(self):
        """Open the calls of this alarm."""
        self.ensure_one()
        self.check_access("read")
        return window_action(
            self.env, "action_metered_cdr", list(self.sudo()._call_domain())
        )

    def action_confirm(self):
        """It is fraud: further calls raise a new alarm."""
        self.check_access("write")
        self._decide({"state": "confirmed"})
        return True

    def action_open_dismiss(self):
        """Ask for the reason."""
        return self.env["metered.fraud.dismiss"]._get_records_action(
            name=self.env._("Dismiss Alarm"),
            target="new",
            context={"default_alarm_ids": self.ids},
        )

    def action_reopen(self):
        """Take a decision back."""
        self.check_access("write")
        for alarm in self.filtered(lambda one: one.state in ("confirmed", "dismissed")):
            if self.search_count(
                [
                    ("company_id", "=", alarm.company_id.id),
                    ("partner_id", "=", alarm.partner_id.id),
                    ("state", "=", "open"),
                ],
                limit=1,
            ):
                raise UserError(
                    self.env._(
                        "There is another open alarm for %s. Confirm or dismiss that "
                        "one.",
                        alarm.partner_id.display_name,
                    )
                )
            alarm._accept(False)
            alarm._set_as_program(
                {
                    "state": "open",
                    "dismissal": False,
                    "note": False,
                    "decided_uid": False,
                    "decided_date": False,
                }
            )
        return True

    def _dismiss(self, dismissal, note):
        """It is honest, and such calls raise no alarm for some time.

        :param dismissal: one of the reasons
        :param note: text, may be empty
        """
        self.check_access("write")
        self._decide({"state": "dismissed", "dismissal": dismissal, "note": note})
        for alarm in self:
            alarm._accept(dismissal != "wrong")

    def _decide(self, vals):
        decided = self.filtered(lambda alarm: alarm.state in ("open", vals["state"]))
        if decided != self:
            raise UserError(
                self.env._(
                    "This alarm has already been confirmed or dismissed. Click "
                    "Reopen first."
                )
            )
        decided._set_as_program(
            vals | {"decided_uid": self.env.uid, "decided_date": fields.Datetime.now()}
        )
        for alarm in decided:
            alarm._metered_close(
                PROBLEM, dict(self._fields["state"].selection)[alarm.state]
            )

    def _accept(self, accepted):
        """Note on the customer's profile what is honest, or that it is not."""
        self.ensure_one()
        profiles = self.env["metered.fraud.profile"].sudo()
        key = {"company_id": self.company_id.id, "partner_id": self.partner_id.id}
        profile = profiles.search([(name, "=", value) for name, value in key.items()])
        profile = profile or profiles.create(key)
        own = [(row[0], row[1]) for row in self.findings or ()]
        kept = [each for each in profile.accepted or [] if tuple(each[:2]) not in own]
        now = datetime.now().timestamp()
        kept = [each for each in kept if each[3] > now - ACCEPTED_DAYS * 86_400]
        if accepted:
            for reason, zone, value, _limit, first, last, _ranges in (
                self.findings or ()
            ):
                # A limit that a person set holds again from the next day on.
                days = 1 if reason in SET_REASONS else ACCEPTED_DAYS
                until = (first if days == 1 else last) + days * 86_400
                kept.append([reason, zone, value, until])
        profile.accepted = kept or False

    @api.model
    def _right_share(self):
        """How many alarms were right: (confirmed, decided)."""
        counts = dict(
            self._read_group(
                [
                    ("state", "in", ("confirmed", "dismissed")),
                    ("company_id", "in", self.env.companies.ids),
                ],
                ["state"],
                ["__count"],
            )
        )
        return counts.get("confirmed", 0), sum(counts.values())

    @api.model
    def action_open_alarms(self):
        """Open the page, with how many alarms were right in its title."""
        right, decided = self._right_share()
        action = window_action(self.env, "action_metered_fraud_alarm")
        if decided:
            action["name"] = action["display_name"] = self.env._(
                "Fraud Alarms (confirmed: %(right)s of %(decided)s, %(share)s%%)",
                right=right,
                decided=decided,
                share=round(100 * right / decided),
            )
        return action


def moment_of(seconds):
    """A naive UTC datetime of seconds since 1970."""
    return datetime(1970, 1, 1) + timedelta(seconds=seconds)
