# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time
from decimal import Decimal

import psycopg2

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date
from odoo.tools.misc import formatLang

from .metered_job import UNFINISHED

_logger = logging.getLogger(__name__)

#: first key of the advisory locks that runs hold while they work ("mbrr")
JOB_LOCK_CLASS = 0x6D627272
#: calls that are rated while somebody waits for the answer
AT_ONCE = 20_000
#: calls that are rated and committed together, of one customer at least
SLICE_CALLS = 20_000
#: times that a slice is tried when another transaction was in its way
ATTEMPTS = 5
MICRO = Decimal("0.000001")


class MeteredRerate(models.Model):
    """One time that usage was rated again: who asked, of what, and what came of it.

    It is a preview first, in which nothing is written. Applied, it goes through the
    customers once more, slice by slice, each committed with how far it is.

    Usage that is not invoiced gets its new charges. What is invoiced keeps its calls
    and charges as they are: the difference is billed (``metered_rerate_invoiced``).
    """

    _name = "metered.rerate"
    _description = "Re-rating"
    _inherit = ["metered.job"]
    _order = "id desc"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    scope = fields.Selection(
        [
            ("open", "Usage that is not invoiced"),
            ("invoiced", "Invoiced usage: bill the difference"),
        ],
        string="Which Usage",
        required=True,
        readonly=True,
        default="open",
    )
    phase = fields.Selection(
        [("preview", "Preview"), ("apply", "Applied")],
        string="Step",
        required=True,
        readonly=True,
        default="preview",
        help="In a preview nothing is written.",
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Customers",
        readonly=True,
        help="With their contacts. None: all customers.",
    )
    meter_ids = fields.Many2many(
        "metered.meter",
        string="Call Types",
        readonly=True,
        help="None: all call types.",
    )
    date_from = fields.Date(string="From", readonly=True)
    date_to = fields.Date(string="To", readonly=True, help="Last day.")
    position = fields.Integer(
        readonly=True,
        help="Last customer, or family of customers, that is done, by id.",
    )
    changed = fields.Integer(
        string="Changed Calls", readonly=True, help="Calls with another charge."
    )
    unrated = fields.Integer(
        string="Without Rate",
        readonly=True,
        help="Calls that no rate fits any more. Applied, they become exceptions.",
    )
    line_ids = fields.One2many("metered.rerate.line", "rerate_id", readonly=True)
    line_count = fields.Integer(
        string="Customers with a Change", compute="_compute_result"
    )
    result = fields.Char(compute="_compute_result")
    applied_uid = fields.Many2one(
        "res.users",
        string="Applied By",
        readonly=True,
        help="Who applied it; of invoiced usage, who approved the difference.",
    )
    applied_date = fields.Datetime(string="Applied On", readonly=True)

    @api.depends("date_from", "date_to", "phase")
    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._(
                "Re-rating of %(first)s – %(last)s",
                first=format_date(self.env, run.date_from),
                last=format_date(self.env, run.date_to),
            )

    @api.depends("line_ids.difference", "changed", "records", "state")
    def _compute_result(self):
        for run in self:
            run.line_count = len(run.line_ids)
            if run.state != "done":
                run.result = False
            elif not run.line_ids:
                run.result = self.env._(
                    "Nothing changes: all %s calls cost what they did.",
                    formatLang(self.env, run.records, digits=0),
                )
            else:
                run.result = self.env._(
                    "Changed calls: %(changed)s of %(calls)s, customers: "
                    "%(customers)s, difference: %(sums)s",
                    changed=formatLang(self.env, run.changed, digits=0),
                    calls=formatLang(self.env, run.records, digits=0),
                    customers=len(run.line_ids.partner_id),
                    sums=run._format_sums(),
                )

    def _format_sums(self):
        """The differences, a sum per currency, as text."""
        self.ensure_one()
        sums = {}
        for line in self.line_ids:
            sums.setdefault(line.currency_id, Decimal())
            sums[line.currency_id] += Decimal(repr(line.difference))
        words = self.env["metered.explanation"]
        return ", ".join(
            f"{'+' if amount > 0 else ''}{words._number(f'{amount:f}')} {currency.name}"
            for currency, amount in sums.items()
        )

    # === START === #

    @api.model
    def _start(self, values):
        """Begin with a preview; at once where it is small.

        :param values: of the record; the user may look at all of it
        :return: action that shows it
        """
        run = self.sudo().create(values)
        run.expected = run._count_calls()
        if not run.expected:
            raise UserError(
                self.env._(
                    "There is no such usage that is not invoiced: choose other days, "
                    "customers or call types."
                )
                if run.scope == "open"
                else self.env._(
                    "There is no such usage on posted invoices: choose other days, "
                    "customers or call types."
                )
            )
        return run._go()

    def _go(self):
        """Work at once where it is little, in the background where it is much."""
        self.ensure_one()
        if self.expected <= AT_ONCE:
            self._process()
        else:
            self._enqueue()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "current",
        }

    def _enqueue(self):
        """Ask the scheduled action to run soon."""
        self.env.ref("metered_billing.ir_cron_rerate").sudo()._trigger()

    def action_apply(self):
        """Write the new charges of usage that is not invoiced.

        :raises UserError: when there is no finished preview
        """
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("metered_billing.group_metered_user"):
            raise AccessError(self.env._("Only users of Metered Billing can do this."))
        if self.scope != "open":
            raise UserError(self.env._("Approve the difference to post it."))
        return self._apply()

    def _apply(self):
        if self.phase != "preview" or self.state != "done":
            raise UserError(
                self.env._("Only a finished preview can be applied, and only once.")
            )
        run = self.sudo()
        run.write(
            {
                "phase": "apply",
                "state": "queued",
                "position": 0,
                "records": 0,
                "changed": 0,
                "unrated": 0,
                "run_seconds": 0,
                "applied_uid": self.env.uid,
                "applied_date": fields.Datetime.now(),
                "finished": False,
            }
        )
        run._go()
        # The form that it was asked for on shows it: no other is opened above it.
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_resume(self):
        """Let failed work go on from where it stopped."""
        failed = self.filtered(lambda run: run.state == "failed")
        failed.check_access("read")
        failed.sudo().write({"state": "queued", "error": False, "finished": False})
        failed._enqueue()
        return True

    def action_view_usage(self):
        """Open the usage that it is about."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_usage"
        )
        domain = self._usage_domain()
        if not self.env["account.move.line"].has_access("read"):
            # Who may not see invoices may see that usage is on one.
            domain = [
                ("invoice_line_id", "!=", False)
                if isinstance(term, tuple) and term[0].startswith("invoice_line_id.")
                else term
                for term in domain
            ]
        action["domain"] = domain
        action["context"] = {}
        return action

    # === WHAT IT IS ABOUT === #

    def _usage_domain(self):
        """The usage that is rated again."""
        self.ensure_one()
        domain = [
            ("company_id", "=", self.company_id.id),
            ("meter_id.kind", "=", "call"),
        ]
        if self.scope == "open":
            domain.append(("invoice_line_id", "=", False))
        else:
            domain.append(("invoice_line_id.parent_state", "=", "posted"))
        if self.date_from:
            domain.append(("day", ">=", self.date_from))
        if self.date_to:
            domain.append(("day", "<=", self.date_to))
        if self.partner_ids:
            domain.append(("partner_id", "child_of", self.partner_ids.ids))
        if self.meter_ids:
            domain.append(("meter_id", "in", self.meter_ids.ids))
        return domain

    def _count_calls(self):
        [[calls]] = self.env["metered.usage"]._read_group(
            self._usage_domain(), [], ["records:sum"]
        )
        return calls or 0

    def _slices(self):
        """Customers that are left to be rated, as they are rated together.

        :return: list of (position after them, ids of the customers, number of calls)
        """
        groups = self.env["metered.usage"]._read_group(
            self._usage_domain(), ["partner_id"], ["records:sum"]
        )
        calls_of = {partner.id: calls for partner, calls in groups}
        together = {}
        for partner_id, key in self._settled_together(list(calls_of)).items():
            if key > self.position:
                together.setdefault(key, []).append(partner_id)
        slices = []
        for key, ids in sorted(together.items()):
            calls = sum(calls_of[partner_id] for partner_id in ids)
            if slices and slices[-1][2] + calls <= SLICE_CALLS:
                _key, known, before = slices.pop()
                ids, calls = known + ids, before + calls
            slices.append((key, sorted(ids), calls))
        return slices

    # === RUN === #

    @api.model
    def _cron_process_jobs(self):
        """Run what waits, the oldest first, for a slice of time."""
        self._work_off(UNFINISHED, "_process")

    def _run(self, commit, seconds):
        begun = time.monotonic()
        slices = self._slices()
        for position, partner_ids, calls in slices:
            self._process_slice(position, partner_ids, calls, commit)
            if seconds is not None and time.monotonic() - begun > seconds:
                return position == slices[-1][0]
        return True

    def _process_slice(self, position, partner_ids, calls, commit):
        """Rate some customers' usage and commit, again where others were in the way."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                begun = time.monotonic()
                self._rate_customers(partner_ids)
                self.position = position
                self._add_to_counters(
                    records=calls, run_seconds=time.monotonic() - begun
                )
                if commit:
                    commit()
                return
            except (
                psycopg2.errors.SerializationFailure,
                psycopg2.errors.DeadlockDetected,
            ):
                if not commit or attempt == ATTEMPTS:
                    raise
                _logger.info("Re-rating %s: a slice is done once more", self.id)
                self.env.cr.rollback()

    def _rate_customers(self, partner_ids):
        """Rate some customers' usage, and note what changes."""
        domain = [*self._usage_domain(), ("partner_id", "in", partner_ids)]
        if self.scope == "invoiced":
            return self._rate_invoiced(domain)
        done = self._rate_open(domain, self.phase == "apply")
        self._note(done, partner_ids)
        self._add_to_counters(changed=done.changed, unrated=len(done.unrated))

    def _note(self, done, partner_ids):
        """Keep a line for each customer and currency that something changes for.

        :param done: ``ingest.rerate.Rerated``
        """
        told = {*partner_ids, *done.before["partner_id"], *done.after["partner_id"]}
        self.line_ids.filtered(lambda line: line.partner_id.id in told).unlink()
        values = {}
        for name, frame in (("before", done.before), ("after", done.after)):
            sums = frame.groupby(["partner_id", "currency_id"])[
                ["records", "charge_micro"]
            ].sum()
            for (partner, currency), row in sums.iterrows():
                line = values.setdefault((int(partner), int(currency)), {})
                line[f"{name}_micro"] = int(row["charge_micro"])
                line.setdefault("calls", int(row["records"]))
        usage = done.before.set_index("usage_id")
        for usage_id, count in done.changed_of.items():
            row = usage.loc[usage_id]
            line = values[int(row["partner_id"]), int(row["currency_id"])]
            line["changed"] = line.get("changed", 0) + count
        for record in done.unrated:
            # Their usage may be in any currency; they are told with the first.
            key = min(key for key in values if key[0] == record.partner_id)
            values[key]["unrated"] = values[key].get("unrated", 0) + 1
        self._write_lines(values)

    def _write_lines(self, values):
        """Store the lines of customers.

        :param values: dict (partner id, currency id) -> dict: before_micro,
            after_micro, calls, changed, unrated, note
        """
        commands = []
        for (partner_id, currency_id), line in sorted(values.items()):
            before, after = line.pop("before_micro", 0), line.pop("after_micro", 0)
            if before == after and not line.get("changed") and not line.get("unrated"):
                continue
            commands.append(
                Command.create(
                    {
                        **line,
                        "partner_id": partner_id,
                        "currency_id": currency_id,
                        "before": float(before * MICRO),
                        "after": float(after * MICRO),
                        "difference": float((after - before) * MICRO),
                    }
                )
            )
        self.line_ids = commands

    @api.model
    def _job_lock_class(self):
        return JOB_LOCK_CLASS
