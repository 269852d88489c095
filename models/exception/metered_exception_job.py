# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
import logging
import time

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL

from ...ingest.conflicts import again, is_temporary, quietly
from ...ingest.exception_store import printable
from ...ingest.outcome import SAME_ID
from ...ingest.retry import corrected_id, retry_exceptions
from ...ingest.store import lock_source
from ..screen.actions import RELOAD, notification, window_action
from .metered_exception_target import target_sql

#: records that are committed together
SLICE_RECORDS = 5000
_logger = logging.getLogger(__name__)
#: records that are worked on at once, where somebody waits for the answer
AT_ONCE = {
    "retry": 500,
    "correct": 500,
    "other": 500,
    "dismiss": 10_000,
    "reopen": 10_000,
}


class MeteredExceptionJob(models.Model):
    """Something that is done about many exceptions: try again, dismiss, correct.

    What it works on is named by a ``target``, not marked record by record, so that
    asking for it takes no time however many there are.

    It goes through them by id, in slices. A slice and how far the job is are committed
    together, so that a job that is killed goes on with the first slice that was not
    stored, and what was cured before is no open exception any more.
    """

    _name = "metered.exception.job"
    _description = "Exception Job"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D626578  # "mbex"
    _job_cron = "metered_billing.ir_cron_exception_jobs"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    operation = fields.Selection(
        [
            ("retry", "Try again"),
            ("correct", "Correct and try again"),
            ("other", "Import as different calls"),
            ("dismiss", "Dismiss"),
            ("reopen", "Reopen"),
        ],
        required=True,
        readonly=True,
    )
    trigger = fields.Char(
        readonly=True,
        help="The change that triggered the job, if it was not started from the list.",
    )
    target = fields.Json(readonly=True, help="The exceptions to process.")
    values = fields.Json(readonly=True, help="The action to perform.")
    cured = fields.Integer(readonly=True, help="Records that are no longer exceptions.")
    position = fields.Integer(readonly=True, help="ID of the last processed exception.")

    @api.depends("operation", "expected")
    def _compute_display_name(self):
        labels = dict(self._fields["operation"]._description_selection(self.env))
        for job in self:
            job.display_name = self.env._(
                "%(what)s: %(records)s",
                what=labels.get(job.operation),
                records=self.env["metered.explanation"]._records(job.expected),
            )

    # === WHAT IT WORKS ON === #

    def _target_sql(self):
        """The condition that an exception is worked on."""
        return target_sql(
            self.target,
            self.company_id.ids,
            state="dismissed" if self.operation == "reopen" else "open",
            readable=self.operation in ("retry", "other"),
        )

    def _count_target(self):
        """How many records it works on."""
        self.env["metered.exception"].flush_model()
        self.env.cr.execute(
            SQL(
                "SELECT count(*) FROM metered_exception exception WHERE %s",
                self._target_sql(),
            )
        )
        return self.env.cr.fetchone()[0]

    def _next_slice(self, records):
        """Ids of the next records by source: list of (source id, ids)."""
        self.env["metered.exception"].flush_model()
        self.env.cr.execute(
            SQL(
                """
                SELECT source_id, array_agg(id ORDER BY id)
                  FROM (SELECT exception.source_id, exception.id
                          FROM metered_exception exception
                         WHERE %s AND exception.id > %s
                         ORDER BY exception.id LIMIT %s) AS slice
                 GROUP BY source_id ORDER BY source_id
                """,
                self._target_sql(),
                self.position,
                records,
            )
        )
        return self.env.cr.fetchall()

    # === RUN === #

    def _run(self, commit, seconds):
        begun = time.monotonic()
        settings = {}
        first = True
        while first or seconds is None or time.monotonic() - begun < seconds:
            first = False
            by_source = self._next_slice(self._slice_records())
            if not by_source:
                self.env["metered.register"]._book_quietly(commit)
                self.env["metered.plan.mark"]._apply_plans_quietly(commit)
                self.env["metered.alert.mark"]._check_soon()
                self.env["metered.fraud.wait"]._check_soon()
                return True
            for source_id, ids in by_source:
                if source_id not in settings:
                    source = self.env["metered.source"].browse(source_id)
                    settings[source_id] = source._load_settings()
                self._process_slice(settings[source_id], ids, commit)
            position = max(ids[-1] for _source_id, ids in by_source)
            self.write({"position": position})
            if commit:
                commit()
        return False

    @api.model
    def _slice_records(self):
        """Records that are worked on and committed together."""
        return SLICE_RECORDS

    def _process_slice(self, settings, ids, commit):
        """Work on records of one source and commit, again where others were in the way.

        What another process did to them in the meantime counts: each operation looks
        at their state once more.
        """

        def work(_failed):
            with lock_source(self.env.cr, settings.source_id, commit):
                begun = time.monotonic()
                cured = self._operate(settings, ids)
                self._add_to_counters(
                    records=len(ids),
                    cured=cured,
                    run_seconds=time.monotonic() - begun,
                )
                if commit:
                    commit()

        again(self.env.cr, work, commit)

    def action_resume(self):
        """Let failed work go on from where it stopped."""
        return self._resume_failed()

    # === START === #

    @api.model
    def _start(self, operation, target, values=None, because=None):
        """Do something to exceptions: at once if they are few, as a job otherwise.

        Whoever calls has checked that the user may do it.

        :param operation: ``retry``, ``correct``, ``other``, ``dismiss`` or ``reopen``
        :param target: dict, see ``metered_exception_target``
        :param values: dict; dismiss: ``reason``; correct: ``changes`` or ``record``
        :param because: what it is done because of, as text
        :return: action that says what was done, or shows the job at work
        """
        jobs = self._create_jobs(operation, target, values, because)
        if not jobs:
            return self._notify(
                self.env._(
                    "There is nothing to do: none of these records is an "
                    "exception anymore."
                ),
                "warning",
            )
        if all(job.expected <= AT_ONCE[operation] for job in jobs):
            results = [job._run_now() for job in jobs]
            if all(results):
                return jobs._notify_result()
        jobs._enqueue()
        action = window_action(self.env, "action_metered_exception_job")
        if len(jobs) == 1:
            action.update(res_id=jobs.id, views=[(False, "form")], view_mode="form")
        return action

    @api.model
    def _create_jobs(
        self, operation, target, values=None, because=None, companies=None
    ):
        """A job per company for what there is to do; none where there is nothing.

        :param companies: ``res.company`` records; None: those that the user works in
        """
        jobs = self.sudo().browse()
        for company in self.env.companies if companies is None else companies:
            vals = {
                "company_id": company.id,
                "operation": operation,
                "target": target,
                "values": values or {},
                "trigger": because,
            }
            total = self.sudo().new(vals)._count_target()
            if total:
                jobs += self.sudo().create({**vals, "expected": total})
        return jobs

    @api.model
    def _offer(self, target, because, companies):
        """Try again what was cured by the way, and tell the user.

        :param target: dict, see ``metered_exception_target``
        :param because: what cured it, as text
        :param companies: ``res.company`` records
        """
        words = self.env["metered.explanation"]
        jobs = self._create_jobs("retry", target, because=because, companies=companies)
        for job in jobs:
            if job.expected > AT_ONCE["retry"] or not job._run_now():
                job._enqueue()
                message = self.env._(
                    "%(because)s. Being tried again in the background: %(records)s.",
                    because=because,
                    records=words._records(job.expected),
                )
            elif job.cured:
                message = self.env._(
                    "%(because)s. Previously unbilled and now rated: %(records)s.",
                    because=because,
                    records=words._records(job.cured),
                )
            else:
                continue
            self.env.user._bus_send(
                "simple_notification", {"type": "info", "message": message}
            )

    def _run_now(self):
        """Run the job inside the user's transaction.

        :return: True when it is done; False when others are at its records, and it
            has to run as a job
        """
        # Without running what waits for the commit: that would try the same again.
        self.env.flush_all()
        try:
            with quietly(), self.env.cr.savepoint(flush=False):
                self._process()
                self.env.flush_all()
            return True
        except Exception as error:
            if not is_temporary(error) and not isinstance(
                error, psycopg2.IntegrityError
            ):
                raise
            self.env.transaction.clear()
            _logger.info(
                "Exceptions: someone else is working on these records, so a job will "
                "process them"
            )
            return False

    def _notify_result(self):
        """Say what was done about how many records."""
        words = self.env["metered.explanation"]
        total, cured = sum(self.mapped("records")), sum(self.mapped("cured"))
        operation = self[0].operation
        records = words._records(total)
        if operation in ("retry", "correct", "other"):
            message = self.env._(
                "Rated now: %(cured)s of %(records)s.",
                cured=cured,
                records=records,
            )
            if cured < total:
                message += " " + self.env._(
                    "The remaining records stay exceptions, with the updated reason."
                )
            return self._notify(message, "success" if cured else "warning")
        if operation == "dismiss":
            return self._notify(
                self.env._(
                    "Dismissed: %s. You can reopen dismissed exceptions.", records
                )
            )
        return self._notify(self.env._("Reopened: %s.", records))

    @api.model
    def _notify(self, message, kind="success"):
        return notification(message, kind, next=RELOAD)

    # === THE OPERATIONS === #

    def _operate(self, settings, ids):
        """Do what the job does to records of one source.

        :return: number of records that are no exceptions any more
        """
        if self.operation == "dismiss":
            self._dismiss(ids)
            return 0
        if self.operation == "reopen":
            self._reopen(ids)
            return 0
        if self.operation == "correct":
            self._correct(settings, ids)
        if self.operation == "other":
            self._tell_apart(ids)
        return self._retry(settings, ids)

    def _retry(self, settings, ids):
        """Rate records again and count it on their batches."""
        self.env.flush_all()
        outcome = retry_exceptions(self.env.cr, settings, ids)
        self.env.invalidate_all(flush=False)
        for batch_id, retried in outcome.items():
            batch = self.env["metered.batch"].browse(batch_id)
            batch._mark_rates(retried.rate_ids)
            batch._raise_fraud_alarms(retried.suspicions)
            if retried.cured:
                batch._count(
                    rated=retried.rated,
                    not_billable=retried.not_billable,
                    duplicates=retried.duplicates,
                    exceptions=-retried.cured,
                )
        return sum(retried.cured for retried in outcome.values())

    def _tell_apart(self, ids):
        """Note that records are calls of their own, whatever their ids say."""
        self.env.cr.execute(
            """
            UPDATE metered_exception
               SET is_other = TRUE, write_date = now() AT TIME ZONE 'UTC'
             WHERE id = ANY(%s) AND state = 'open' AND reason = %s
            """,
            (ids, SAME_ID),
        )
        self.env["metered.exception"].invalidate_model(flush=False)

    def _dismiss(self, ids):
        self.env.cr.execute(
            """
            UPDATE metered_exception
               SET state = 'dismissed', dismiss_reason = %s, dismissed_uid = %s,
                   dismissed_date = now() AT TIME ZONE 'UTC',
                   write_date = now() AT TIME ZONE 'UTC'
             WHERE id = ANY(%s) AND state = 'open'
            """,
            (self.values["reason"], self.create_uid.id, ids),
        )
        self.env["metered.exception"].invalidate_model(flush=False)

    def _reopen(self, ids):
        # Who had dismissed it, and why, stays to be seen.
        self.env.cr.execute(
            """
            UPDATE metered_exception
               SET state = 'open', write_date = now() AT TIME ZONE 'UTC'
             WHERE id = ANY(%s) AND state = 'dismissed'
            """,
            (ids,),
        )
        self.env["metered.exception"].invalidate_model(flush=False)

    def _correct(self, settings, ids):
        """Change the raw columns of records; keep what they were."""
        cr = self.env.cr
        cr.execute(
            "SELECT id, raw, readable FROM metered_exception"
            " WHERE id = ANY(%s) AND state = 'open' ORDER BY id FOR UPDATE",
            (ids,),
        )
        rows = []
        for exception_id, raw, readable in cr.fetchall():
            if "record" in self.values:
                record = self.values["record"]
            elif readable:
                record = _changed(json.loads(raw), self.values["changes"])
            else:
                continue
            text = printable(json.dumps(record, ensure_ascii=False))
            if text != raw:
                known = None if readable else corrected_id(record, settings)
                rows.append((exception_id, text, known))
        if rows:
            cr.execute_values(
                "UPDATE metered_exception old"
                "   SET original = coalesce(old.original, old.raw), raw = new.raw,"
                "       readable = TRUE,"
                "       record_id = coalesce(new.record_id, old.record_id),"
                f"      corrected_uid = {int(self.create_uid.id)},"
                "       corrected_date = now() AT TIME ZONE 'UTC'"
                "  FROM (VALUES %s) AS new (id, raw, record_id)"
                " WHERE old.id = new.id",
                rows,
                template="(%s, %s, %s::text)",
            )
        self.env["metered.exception"].invalidate_model(flush=False)


def _changed(record, changes):
    """A record with changes applied.

    :param record: dict column -> text
    :param changes: list of dicts: column, find (empty: the whole value), replace
    """
    record = dict(record)
    for change in changes:
        name = change["column"]
        if name not in record:
            continue
        old = record[name] or ""
        find = change.get("find") or ""
        replace = change.get("replace") or ""
        record[name] = old.replace(find, replace) if find else replace
    return record
