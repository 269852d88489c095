# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import date, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..guard.untrusted import given
from .metered_retention_sum import KINDS
from .res_company_retention import GONE_UNTIL

#: days that each kind is kept at least: what is younger may still be corrected
LEAST_DAYS = {
    **{"calls": 62, "numbers": 31, "events": 62, "samples": 31},
    **{"files": 31, "statements": 31, "access": 31},
}
#: kinds of records that usage is the sum of
OF_USAGE = tuple(GONE_UNTIL)
#: a hundred years
MOST_DAYS = 36_525
#: before any record
NO_DAY = date(1970, 1, 1)
#: what decides what is deleted: a change has to be previewed and turned on again
DECIDING = ("company_id", "kind", "days", "digits")


class MeteredRetentionRule(models.Model):
    """How long a company keeps one kind of data, and why.

    Nothing is deleted until someone has looked at a preview and turned it on.
    """

    _name = "metered.retention.rule"
    _description = "Retention Rule"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread"]
    _order = "company_id, kind"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    kind = fields.Selection(
        KINDS,
        string="Data",
        required=True,
        help="Call details: deleted, with their sums kept. Numbers: their last digits "
        "are hidden. Events: deleted where they are counted, summed, or averaged, with "
        "their sums kept. Samples: only time and level are kept. Imported files: the "
        "uploaded or fetched files. Statements: "
        "the files that customers received. Portal access log: who viewed call "
        "details.",
    )
    days = fields.Integer(
        string="Keep For (days)",
        required=True,
        default=365,
        help="Older data is deleted or masked once it is invoiced and closed.",
    )
    least_days = fields.Integer(
        string="At Least (days)",
        help="Shortest time allowed by law. For example, India requires two years for "
        "call records. 0 means no limit.",
    )
    most_days = fields.Integer(
        string="At Most (days)",
        help="Longest time allowed by law. For example, Germany requires traffic data "
        "to be deleted six months after the invoice date. 0 means no limit.",
    )
    digits = fields.Integer(
        string="Digits to Hide",
        default=4,
        help="Number of digits hidden at the end of each number.",
    )
    legal_basis = fields.Text(
        help="The law or contract that requires or allows this, with its section."
    )
    is_on = fields.Boolean(
        string="On",
        readonly=True,
        copy=False,
        tracking=True,
        help="Data is deleted or masked every day.",
    )
    turned_on_uid = fields.Many2one(
        "res.users", string="Turned On By", readonly=True, copy=False
    )
    turned_on_date = fields.Datetime(string="Turned On", readonly=True, copy=False)
    run_ids = fields.One2many("metered.retention.run", "rule_id", readonly=True)
    last_run_id = fields.Many2one(
        "metered.retention.run", compute="_compute_last_run_id"
    )
    last_run_date = fields.Datetime(
        compute="_compute_last_run_id", string="Last Run On"
    )
    last_run_records = fields.Integer(
        compute="_compute_last_run_id", string="Deleted by Last Run"
    )

    _kind_uniq = models.UniqueIndex(
        "(company_id, kind)", "The company already has a rule for this data."
    )

    def _compute_last_run_id(self):
        for rule in self:
            last = rule.run_ids[:1]
            rule.last_run_id = last
            rule.last_run_date = last.create_date
            rule.last_run_records = last.records

    @api.constrains("days", "least_days", "most_days", "kind", "digits")
    def _check_days(self):
        for rule in self:
            least = max(rule.least_days, LEAST_DAYS[rule.kind])
            most = min(rule.most_days or MOST_DAYS, MOST_DAYS)
            if rule.least_days < 0 or rule.most_days < 0:
                raise ValidationError(
                    self.env._("The shortest and the longest time must be 0 or more.")
                )
            if least > most:
                raise ValidationError(
                    self.env._(
                        "%(kind)s must be kept for at least %(least)s days, so they "
                        "cannot be limited to %(most)s days.",
                        kind=rule._kind_label(),
                        least=least,
                        most=most,
                    )
                )
            if not least <= rule.days <= most:
                raise ValidationError(
                    self.env._(
                        "%(kind)s must be kept between %(least)s and %(most)s days, "
                        "not %(days)s. Change the number of days, or the limits on "
                        "this rule.",
                        kind=rule._kind_label(),
                        least=least,
                        most=most,
                        days=rule.days,
                    )
                )
            if rule.kind == "numbers" and not 1 <= rule.digits <= 20:
                raise ValidationError(
                    self.env._("The number of digits to hide must be from 1 to 20.")
                )

    def _kind_label(self):
        return dict(self._fields["kind"]._description_selection(self.env))[self.kind]

    @api.depends("kind", "company_id")
    @api.depends_context("lang")
    def _compute_display_name(self):
        for rule in self:
            rule.display_name = rule._kind_label() if rule.kind else False

    def write(self, vals):
        """Turn a rule off whose change has not been previewed."""
        changed = self.filtered(
            lambda rule: (
                rule.is_on
                and any(
                    name in vals and given(rule, vals, name) != rule[name]
                    for name in DECIDING
                )
            )
        )
        done = super().write(vals)
        if changed:
            changed._set_as_program({"is_on": False})
        return done

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self.filtered("run_ids"):
            raise UserError(
                self.env._(
                    "This rule has deleted data, and its log is kept. Turn it off "
                    "instead."
                )
            )

    # === ACTIONS === #

    def action_preview(self):
        """Show what would be deleted today, before turning it on."""
        self.ensure_one()
        self.check_access("write")
        return self.env["metered.retention.start"]._get_records_action(
            name=self.env._("What Would Be Deleted Today"),
            target="new",
            context={"default_rule_id": self.id},
        )

    def action_turn_off(self):
        """Delete nothing anymore."""
        self.check_access("write")
        self._set_as_program({"is_on": False})
        unfinished = self.sudo().run_ids.filtered(
            lambda run: run.state in ("queued", "running")
        )
        unfinished._finish()
        return True

    def action_view_runs(self):
        """Open the log of what was deleted."""
        self.ensure_one()
        return self.env["metered.retention.run"]._get_records_action(
            name=self.env._("Retention Log"),
            view_mode="list,form",
            views=[(False, "list"), (False, "form")],
            domain=[("rule_id", "=", self.id)],
            context={},
        )

    def _turn_on(self):
        """Delete from now on, every day."""
        self.ensure_one()
        self.check_access("write")
        self._set_as_program(
            {
                "is_on": True,
                "turned_on_uid": self.env.uid,
                "turned_on_date": fields.Datetime.now(),
            }
        )
        return self.sudo()._start_run()

    def _start_run(self):
        """Queue a run, unless one is not finished."""
        self.ensure_one()
        runs = self.env["metered.retention.run"]
        unfinished = [("rule_id", "=", self.id), ("state", "in", ("queued", "running"))]
        run = runs.search(unfinished, limit=1)
        if not run:
            run = runs.create(self._run_values())
        run._enqueue()
        return run

    def _run_values(self):
        """What the next run is about."""
        before, stopped_by = self._before()
        return {
            "rule_id": self.id,
            "company_id": self.company_id.id,
            "kind": self.kind,
            "days": self.days,
            "digits": self.digits,
            "before": before,
            "stopped_by": stopped_by,
            "running_since": self._running_since(before),
        }

    # === WHAT IS OLD ENOUGH === #

    def _before(self):
        """The first day that stays, and how many open exceptions made it earlier.

        A record that waits as an exception is not billed yet. Once the records of its
        day are gone, nothing tells it from one that was billed before. So none of that
        day goes.

        :return: (date, int)
        """
        company = self.company_id
        before = company._metered_today() - timedelta(days=self.days)
        if self.kind not in OF_USAGE:
            return before, 0
        gone = company[GONE_UNTIL[self.kind]] or NO_DAY
        self.env["metered.exception"].flush_model()
        self.env.cr.execute(
            """
            SELECT (min(exception.start_time) - interval '1 day')::date, count(*)
              FROM metered_exception exception
              JOIN metered_source source ON source.id = exception.source_id
             WHERE exception.company_id = %(company)s AND exception.state = 'open'
               AND source.record_kind = %(kind)s AND exception.start_time < %(before)s
               AND exception.start_time > %(gone)s
            """,
            {
                "company": company.id,
                "kind": "usage" if self.kind == "events" else "call",
                "before": before + timedelta(days=1),
                "gone": gone + timedelta(days=2),
            },
        )
        first, count = self.env.cr.fetchone()
        return (min(before, first), count) if count else (before, 0)

    def _running_since(self, before):
        """Whose billing period is still running, and began before a day.

        :return: dict id of the commercial entity (text) -> first day (text)
        """
        subscriptions = self.env["sale.subscription"].search(
            [("company_id", "=", self.company_id.id), ("in_progress", "=", True)]
        )
        found = {}
        for one in subscriptions:
            if not one.recurring_next_date:
                continue
            begin = one._metered_period_start(one.recurring_next_date)
            if begin < before:
                key = str(one.partner_id.commercial_partner_id.id)
                found[key] = min(found.get(key, "9999"), str(begin))
        return found

    @api.model
    def _cron_retention(self):
        """Start the rules that are on once a day, and work off what waits."""
        self._start_due()
        self.env["metered.retention.run"]._cron_process_jobs()

    @api.model
    def _start_due(self):
        """Start the rules that are on, and that did not run within the last day."""
        recent = fields.Datetime.now() - timedelta(hours=20)
        for rule in self.search([("is_on", "=", True)]):
            if not rule.run_ids or rule.run_ids[0].create_date < recent:
                rule._start_run()
