# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time

from odoo import api, fields, models
from odoo.tools import SQL

from ...ingest.conflicts import again
from ...ingest.store import lock_source
from ..job.metered_job import UNFINISHED
from .metered_exception_target import target_sql

#: first key of the advisory locks that jobs hold while they run ("mbex")
JOB_LOCK_CLASS = 0x6D626578
#: records that are committed together
SLICE_RECORDS = 5000


class MeteredExceptionJob(models.Model):
    """Something that is done about many exceptions: try again, dismiss, correct.

    What it works on is named by a ``target``, not marked record by record, so that
    asking for it takes no time however many there are.

    It goes through them by id, in slices. A slice and how far the job is are committed
    together, so that a job that is killed goes on with the first slice that was not
    stored, and what was cured before is no open exception any more.
    """

    _name = "metered.exception.job"
    _description = "Work on Exceptions"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    operation = fields.Selection(
        [
            ("retry", "Try again"),
            ("correct", "Correct and try again"),
            ("dismiss", "Dismiss"),
            ("reopen", "Open again"),
        ],
        required=True,
        readonly=True,
    )
    trigger = fields.Char(
        string="Because Of",
        readonly=True,
        help="What was added or changed, where nobody asked for it on the list.",
    )
    target = fields.Json(readonly=True, help="Which exceptions it works on.")
    values = fields.Json(readonly=True, help="What it does to them.")
    cured = fields.Integer(
        readonly=True, help="Records that are no exceptions any more."
    )
    position = fields.Integer(
        readonly=True, help="Id of the last exception that it has worked on."
    )

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
            readable=self.operation == "retry",
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

    @api.model
    def _cron_process_jobs(self):
        """Run what waits, the oldest first, for a slice of time.

        Odoo calls again at once while something remains.
        """
        self._work_off(UNFINISHED, "_process")

    def _run(self, commit, seconds):
        begun = time.monotonic()
        settings = {}
        first = True
        while first or seconds is None or time.monotonic() - begun < seconds:
            first = False
            by_source = self._next_slice(self._slice_records())
            if not by_source:
                self.env["metered.plan.mark"]._apply_plans_quietly(commit)
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

    @api.model
    def _job_lock_class(self):
        return JOB_LOCK_CLASS

    def action_resume(self):
        """Let failed work go on from where it stopped."""
        failed = self.filtered(lambda job: job.state == "failed")
        failed.check_access("read")
        if failed:
            failed.sudo().write({"state": "queued", "error": False, "finished": False})
            failed._enqueue()
        return True
