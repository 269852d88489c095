# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

#: seconds that a scheduled action works at a time; workers are stopped at 120
SLICE_SECONDS = 40


class MeteredJob(models.AbstractModel):
    """Work that takes long, with progress that a person can watch.

    What inherits it works in portions that are committed together with the counters,
    and can be killed between any two of them.
    """

    _name = "metered.job"
    _description = "Job"

    state = fields.Selection(
        [
            ("queued", "Waiting"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        default="queued",
        readonly=True,
        copy=False,
        index=True,
    )
    expected = fields.Integer(readonly=True, help="How many there are to do.")
    records = fields.Integer(string="Done", readonly=True)
    started = fields.Datetime(readonly=True)
    finished = fields.Datetime(readonly=True)
    run_seconds = fields.Float(readonly=True, help="Time that the job has worked.")
    progress = fields.Float(compute="_compute_progress")
    speed = fields.Integer(
        string="Records per Second", compute="_compute_progress", aggregator="avg"
    )
    time_left = fields.Char(compute="_compute_progress")

    @api.depends("records", "expected", "run_seconds", "state")
    def _compute_progress(self):
        for job in self:
            speed = job.records / job.run_seconds if job.run_seconds else 0
            job.speed = round(speed)
            job.progress = (
                100.0
                if job.state == "done"
                else min(100.0 * job.records / (job.expected or 1), 100.0)
            )
            left = max(job.expected - job.records, 0)
            if job.state != "running" or not speed:
                job.time_left = False
            else:
                minutes, seconds = divmod(round(left / speed), 60)
                job.time_left = f"{minutes}:{seconds:02d}"

    @api.model
    def _job_lock_class(self):
        """First key of the advisory locks of this kind of job, an int4."""
        raise NotImplementedError

    def _lock_job(self, commit):
        """Whether this process may run the job; no other one can then.

        :param commit: function that commits; None inside a transaction that has to
            hold all of the job, where nothing is locked
        """
        if not commit:
            return True
        self.env.cr.execute(
            "SELECT pg_try_advisory_lock(%s, %s)", (self._job_lock_class(), self.id)
        )
        locked = self.env.cr.fetchone()[0]
        commit()
        return locked

    def _unlock_job(self, commit):
        """Let other processes run the job."""
        if commit:
            self.env.cr.execute(
                "SELECT pg_advisory_unlock(%s, %s)", (self._job_lock_class(), self.id)
            )
            commit()

    def _add_to_counters(self, **added):
        """Add to the counters, in SQL: other transactions may add to them too."""
        names = list(added)
        self.flush_recordset()
        assignments = ", ".join(f"{name} = coalesce({name}, 0) + %s" for name in names)
        self.env.cr.execute(
            f"UPDATE {self._table} SET {assignments} WHERE id = %s",  # noqa: S608
            (*added.values(), self.id),
        )
        self.invalidate_recordset(names)
