# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time
from datetime import datetime, timedelta
from datetime import time as time_of_day

from odoo import api, fields, models
from odoo.tools import SQL, format_date

from ...ingest.conflicts import make_lasting
from ...stored.held import HELD
from ...stored.retention import (
    closed_usage,
    count_closed,
    delete_calls,
    delete_free_calls,
    first_day,
    mask_calls,
    seal_usage,
)
from ...stored.thin_samples import count_thinnable
from .metered_retention_rule import OF_USAGE
from .metered_retention_sum import KINDS
from .res_company_retention import GONE_UNTIL

#: calls that are dealt with and committed together, at first and at most
FIRST_CALLS, MOST_CALLS = 2_000, 50_000
#: files or statements
MOST_FILES = 50
#: jobs that read, or change, what is invoiced: none of them runs beside a portion
IN_THE_WAY = ("metered.rerate", "metered.renewal", "metered.simulation")
#: minutes until no import works with what it read before the days were closed, and
#: until a job that was in the way is asked for again
WAIT_MINUTES = 5
RUNNING = ("queued", "running", "undoing")
#: how events are combined where usage rows tell all that a price needs
SUMMED = ("sum", "count", "average")
#: what is previewed by the day on which it was made -> (model, field of that day)
DATED = {
    "files": ("metered.batch", "create_date"),
    "statements": ("metered.statement", "create_date"),
    "access": ("metered.access.log", "time"),
}
# The model refuses to delete, whoever asks.
_DELETE_ACCESS = f"""
    WITH gone AS (
        DELETE FROM metered_access_log WHERE id IN (
            SELECT entry.id FROM metered_access_log entry
             WHERE entry.company_id = %(company)s AND entry.time < %(cutoff)s
               AND NOT {
    HELD.format(
        partner="entry.partner_id",
        day="entry.time::date",
        invoice="NULL",
        batch="NULL",
    )
}
             ORDER BY entry.id LIMIT %(most)s)
     RETURNING pg_column_size(metered_access_log.*) AS size)
    SELECT count(*), coalesce(sum(size), 0) FROM gone
"""  # noqa: S608 - ours


class MeteredRetentionRun(models.Model):
    """One run of a retention rule: the job, and the log of what it did.

    Each portion is committed with how far the run is. What a portion deletes, its sums
    and its seals are in the same transaction, so that a run that is killed goes on
    with what is left.
    """

    _name = "metered.retention.run"
    _description = "Retention Run"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D627274  # "mbrt"
    _job_cron = "metered_billing.ir_cron_retention"

    rule_id = fields.Many2one(
        "metered.retention.rule",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    kind = fields.Selection(KINDS, string="Data", required=True, readonly=True)
    days = fields.Integer(string="Kept For (days)", readonly=True, aggregator=None)
    digits = fields.Integer(string="Digits Hidden", readonly=True, aggregator=None)
    before = fields.Date(
        string="First Day Kept", required=True, readonly=True, default="1970-01-01"
    )
    stopped_by = fields.Integer(
        string="Open Exceptions",
        readonly=True,
        aggregator=None,
        help="Open exceptions of earlier days. Call details of their days and of "
        "later days were not deleted. Correct or dismiss the exceptions.",
    )
    running_since = fields.Json(
        readonly=True, help="Customers whose billing period is still running."
    )
    position_day = fields.Date(readonly=True)
    position_id = fields.Integer(readonly=True, aggregator=None)
    is_closed = fields.Boolean(
        readonly=True, help="Imports can no longer add calls of these days."
    )
    is_blocked = fields.Boolean(
        readonly=True, help="A job that reads or changes invoiced usage was running."
    )
    usage = fields.Integer(
        string="Usage Days",
        readonly=True,
        help="Usage whose calls were deleted or masked.",
    )
    bytes = fields.Float(digits=(16, 0), readonly=True)
    kept = fields.Integer(
        string="Kept Back",
        readonly=True,
        help="Usage whose calls do not add up or that was released in the meantime, "
        "and files with open exceptions. None of this was deleted.",
    )
    result = fields.Char(compute="_compute_result")

    @api.depends("kind", "create_date")
    @api.depends_context("lang")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for run in self:
            run.display_name = self.env._(
                "%(kind)s before %(day)s",
                kind=kinds.get(run.kind, ""),
                day=format_date(self.env, run.before),
            )

    @api.depends("records", "bytes", "before", "state", "kept", "stopped_by")
    def _compute_result(self):
        for run in self:
            run.result = run.state == "done" and self.env._(
                "Deleted or masked: %(records)s, usage rows: %(usage)s, kept: "
                "%(kept)s, space: %(size)s MB. The space will be reused by later "
                "imports.",
                records=run.records,
                usage=run.usage,
                kept=run.kept,
                size=round(run.bytes / 1_000_000, 1),
            )

    def action_resume(self):
        """Let a run that stopped go on."""
        return self._resume_failed()

    # === RUN === #

    def _run(self, commit, seconds):
        if not self.rule_id.is_on:
            return True
        if self.kind in OF_USAGE:
            if not self.is_closed and not self._close_days(commit):
                return False
            self.is_blocked = False
            done = self._run_portions(commit, seconds, FIRST_CALLS, MOST_CALLS)
            return done and not self.is_blocked
        if self.kind == "samples":
            return self._reduce_samples(commit, seconds)
        return self._run_portions(commit, seconds, MOST_FILES, MOST_FILES)

    def _run_portion(self, size):
        begun = time.monotonic()
        if not self.rule_id.is_on:
            return False
        if self._is_in_the_way():
            at = fields.Datetime.now() + timedelta(minutes=WAIT_MINUTES)
            self.write(
                {
                    "is_blocked": True,
                    "waiting": self.env._("Waiting for another job."),
                    "not_before": at,
                }
            )
            self._enqueue(at)
            return False
        records = getattr(self, f"_portion_of_{self.kind}")(size)
        if records:
            self._add_to_counters(run_seconds=time.monotonic() - begun)
        return records

    def _is_in_the_way(self):
        """Whether a job runs that reads or changes what is invoiced."""
        if self.kind not in OF_USAGE:
            return False
        running = [("company_id", "=", self.company_id.id), ("state", "in", RUNNING)]
        return any(
            self.env[model].search_count(running, limit=1) for model in IN_THE_WAY
        )

    def _close_days(self, commit):
        """Have no import add records of the days whose records go.

        Without the record that was stored, one that comes in again is new.

        :return: whether no import works with what it read before
        """
        last = self.before - timedelta(days=1)
        name = GONE_UNTIL[self.kind]
        self.env.execute_query(
            SQL(
                """
                UPDATE res_company SET %(name)s = %(last)s
                 WHERE id = %(company)s
                   AND coalesce(%(name)s, '-infinity') < %(last)s
             RETURNING id
                """,
                name=SQL.identifier(name),
                last=last,
                company=self.company_id.id,
            )
        )
        self.company_id.invalidate_recordset([name], flush=False)
        running = [("company_id", "=", self.company_id.id), ("state", "=", "running")]
        is_waiting = commit and any(
            self.env[model].search_count(running, limit=1)
            for model in ("metered.batch", "metered.sync", "metered.exception.job")
        )
        values = {"is_closed": True}
        if is_waiting:
            values["waiting"] = self.env._("Waiting for running imports.")
            values["not_before"] = fields.Datetime.now() + timedelta(
                minutes=WAIT_MINUTES
            )
        self.write(values)
        if commit:
            make_lasting(self.env.cr)
            commit()
        if is_waiting:
            self._enqueue(values["not_before"])
        return not is_waiting

    # === CALLS === #

    def _values(self):
        """What decides which records may go, as the database takes it."""
        disputed = self.env["metered.hold"]._disputed_cdr_ids(self.company_id)
        self.env.cr.execute(
            "SELECT DISTINCT usage_id FROM metered_cdr"
            " WHERE id = ANY(%s::bigint[]) AND usage_id IS NOT NULL",
            (disputed,),
        )
        running = self.running_since or {}
        return {
            "company": self.company_id.id,
            "before": self.before,
            "gone": ["masked", "deleted"] if self.kind == "numbers" else ["deleted"],
            "meter_kind": "event" if self.kind == "events" else "call",
            "meters": self._meters().ids if self.kind == "events" else None,
            "owners": [int(key) for key in running],
            "since": list(running.values()),
            "disputed": disputed,
            "disputed_usage": [row[0] for row in self.env.cr.fetchall()],
            "today": self.company_id._metered_today(),
            "run": self.id,
            "kind": self.kind,
        }

    def _meters(self):
        """Meters whose price never needs their events again.

        Of the others every event may be asked for, as long as its invoice may be
        credited and its usage billed again.
        """
        meters = self.env["metered.meter"].sudo().with_context(active_test=False)
        found = meters.search(
            [("kind", "=", "event"), ("aggregation", "in", SUMMED)], order="id"
        )
        prices = self.env["metered.price"].sudo().with_context(active_test=False)
        needing = prices.search(
            [
                ("meter_id", "in", found.ids),
                "|",
                ("charge_model", "=", "percentage"),
                ("charge_basis", "not in", [False, "none", *SUMMED]),
            ]
        )
        return found - needing.meter_id

    def _portion_of_calls(self, size):
        return self._portion(size, delete_calls) or self._portion_of_free_calls(size)

    def _portion_of_events(self, size):
        return self._portion_of_calls(size)

    def _portion_of_numbers(self, size):
        def mask(cr, usage_ids, values):
            mask_calls(cr, usage_ids, values, self.digits)

        return self._portion(size, mask)

    def _portion(self, size, deal_with):
        """Deal with some usage of one day; whether there was any."""
        self.env.flush_all()
        cr, values = self.env.cr, self._values()
        day = self.position_day or first_day(cr, values) or self.before
        after, usage_ids = self.position_id, []
        while day < self.before:
            usage_ids = closed_usage(cr, values, day, after, size)
            if usage_ids:
                break
            day, after = day + timedelta(days=1), 0
        position = {"position_day": day, "position_id": max(usage_ids, default=0)}
        self.write(position)
        if not usage_ids:
            return False
        sealed, records, size_of = seal_usage(cr, usage_ids, values)
        if sealed:
            deal_with(cr, sealed, values)
        for model in ("metered.cdr", "metered.batch", "metered.usage"):
            self.env[model].invalidate_model(flush=False)
        self._add_to_counters(
            records=records,
            usage=len(sealed),
            bytes=size_of,
            kept=len(usage_ids) - len(sealed),
        )
        return True

    def _portion_of_free_calls(self, size):
        """Delete calls that were never charged; whether there were any."""
        values = self._values()
        # Days are those of customers: what may be of a later one stays until then.
        values["before"] = self.before - timedelta(days=1)
        records, size_of = delete_free_calls(self.env.cr, values, size)
        self.env["metered.cdr"].invalidate_model(flush=False)
        self.env["metered.batch"].invalidate_model(flush=False)
        self._add_to_counters(records=records, bytes=size_of)
        return bool(records)

    # === SAMPLES === #

    def _reduce_samples(self, commit, seconds):
        """Keep of samples what their levels need; whether nothing is left for now."""

        def noted(samples, usage):
            self._add_to_counters(records=samples, usage=usage)
            self.env.flush_all()

        kept = self.env["metered.level.kept"]
        return kept._thin(self.company_id, commit, seconds, self.before, noted)

    # === FILES AND STATEMENTS === #

    def _portion_of_files(self, size):
        domain = [
            ("company_id", "=", self.company_id.id),
            ("attachment_id", "!=", False),
            ("state", "in", ("done", "undone")),
            ("create_date", "<", self._cutoff()),
            ("id", ">", self.position_id),
        ]
        batches = self.env["metered.batch"]
        found = batches.search(domain, order="id", limit=size)
        held = self._held_of(
            found, "batch", "NULL", "batch.id", "batch.last_start::date"
        )
        waiting = self.env["metered.exception"]
        open_ = {
            batch.id
            for (batch,) in waiting._read_group(
                [("batch_id", "in", found.ids), ("state", "=", "open")], ["batch_id"]
            )
        }
        going = found.filtered(lambda batch: batch.id not in held | open_)
        files = going.attachment_id
        size_of = sum(files.mapped("file_size"))
        going.write({"attachment_id": False, "file_deleted_on": fields.Date.today()})
        files.unlink()
        return self._count(found[-1:].id, len(going), len(found) - len(going), size_of)

    def _portion_of_statements(self, size):
        domain = [
            ("company_id", "=", self.company_id.id),
            ("state", "in", ("done", "failed")),
            ("create_date", "<", self._cutoff()),
            ("id", ">", self.position_id),
        ]
        statements = self.env["metered.statement"]
        found = statements.search(domain, order="id", limit=size)
        held = self._held_of(
            found,
            "statement",
            "statement.partner_id",
            "NULL",
            "statement.date_from",
            "statement.invoice_id",
        )
        usage_ids = self._values()["disputed_usage"]
        usage = self.env["metered.usage"].browse(usage_ids)
        disputed = usage.invoice_line_id.move_id
        going = found.filtered(
            lambda one: one.id not in held and one.invoice_id not in disputed
        )
        files = self.env["ir.attachment"]
        size_of = sum(
            files.search(
                [
                    ("res_model", "=", going._name),
                    ("res_id", "in", going.ids),
                    ("res_field", "!=", False),
                ]
            ).mapped("file_size")
        )
        last = found[-1:].id
        count, kept = len(going), len(found) - len(going)
        going.unlink()
        return self._count(last, count, kept, size_of)

    def _portion_of_access(self, size):
        self.env.flush_all()
        self.env.cr.execute(
            _DELETE_ACCESS,
            {
                "company": self.company_id.id,
                "cutoff": self._cutoff(),
                "today": self.company_id._metered_today(),
                "most": size * 100,
            },
        )
        records, size_of = self.env.cr.fetchone()
        self.env["metered.access.log"].invalidate_model(flush=False)
        self._add_to_counters(records=records, bytes=size_of)
        return bool(records)

    def _count(self, last, records, kept, size_of):
        """Note how far it is; whether there was anything."""
        if not last:
            return False
        self.write({"position_id": last})
        self._add_to_counters(records=records, kept=kept, bytes=size_of)
        return True

    def _cutoff(self):
        return datetime.combine(self.before, time_of_day())

    def _held_of(self, records, alias, partner, batch, day, invoice="NULL"):
        """Ids of the records that a hold keeps, as a set."""
        self.env.flush_all()
        table = self.env[records._name]._table
        condition = HELD.format(
            partner=partner,
            batch=batch,
            invoice=invoice,
            day=f"coalesce({day}, '1970-01-01')",
        )
        self.env.cr.execute(
            f"SELECT {alias}.id FROM {table} {alias}"  # noqa: S608 - ours
            f" WHERE {alias}.id = ANY(%(ids)s) AND {condition}",
            {
                "ids": records.ids,
                "company": self.company_id.id,
                "today": self.company_id._metered_today(),
            },
        )
        return {number for (number,) in self.env.cr.fetchall()}

    # === PREVIEW === #

    def _preview(self):
        """What this run would do, without doing it.

        :return: dict, see ``stored.retention.count_closed``
        """
        self.ensure_one()
        self.env.flush_all()
        if self.kind in OF_USAGE:
            found = count_closed(self.env.cr, self._values())
            found["free"] = found["free"] if self.kind != "numbers" else 0
            return found
        if self.kind == "samples":
            meters = self.env["metered.meter"]._thinned_meters()
            today = self.company_id._metered_today()
            wanted = (self.company_id.id, meters.ids, self.before, today)
            return count_thinnable(self.env.cr, *wanted)
        model, name = DATED[self.kind]
        domain = [
            ("company_id", "=", self.company_id.id),
            (name, "<", self._cutoff()),
        ]
        if self.kind == "files":
            domain.append(("attachment_id", "!=", False))
        [[count, first, last]] = self.env[model]._read_group(
            domain, [], ["__count", f"{name}:min", f"{name}:max"]
        )
        return {
            "records": count,
            "first_day": first and first.date(),
            "last_day": last and last.date(),
        }
