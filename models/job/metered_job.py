# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
import logging
import time
from collections import deque
from contextlib import nullcontext
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...connectors.harmless import harmless
from ...ingest.conflicts import (
    StillInTheWay,
    again,
    is_conflict,
    is_temporary,
    make_lasting,
    pause,
    quietly,
    wait_briefly,
)
from ...ingest.disk import is_of_the_disk
from ..guard.engine import engine_version
from ..guard.untrusted import own_context

#: what a program raises that is wrong, and no record
DEFECTS = (AttributeError, LookupError, NameError, TypeError)

_logger = logging.getLogger(__name__)

#: seconds that a scheduled action works at a time; workers are stopped at 120
SLICE_SECONDS = 40
#: seconds that a portion shall take at most, of jobs that others wait for
PORTION_SECONDS = 1
#: seconds that a job waits at most the first time, doubled each time up to the longest
FIRST_WAIT = 5
#: where other jobs were in its way, and where the database did not answer
LONGEST_WAIT, LONGEST_ABSENCE = 60, 900
#: jobs that a scheduled action has to work on
UNFINISHED = [("state", "in", ("queued", "running"))]


class MeteredJob(models.AbstractModel):
    """Work that takes long, with progress that a person can watch.

    What inherits it works in portions that are committed together with the counters,
    and can be killed between any two of them: see :meth:`_run`. What meets others, or
    a database that does not answer, waits and goes on by itself: that is no failure.
    """

    _name = "metered.job"
    _description = "Job"

    #: first key of the advisory locks of this kind of job, an int4
    _job_lock_class = None
    #: XML id of the scheduled action that works on it
    _job_cron = None

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
        string="Status",
    )
    expected = fields.Integer(readonly=True, help="Total number to process.")
    records = fields.Integer(string="Done", readonly=True)
    started = fields.Datetime(readonly=True)
    finished = fields.Datetime(readonly=True)
    error = fields.Text(readonly=True, help="Why the job stopped, and how to fix it.")
    waits = fields.Integer(
        readonly=True,
        copy=False,
        help="Number of consecutive times the job had to wait without making progress.",
        string="Consecutive Waits",
    )
    waiting = fields.Char(
        string="Wait Reason",
        readonly=True,
        copy=False,
        help="What the job is waiting for.",
    )
    not_before = fields.Datetime(
        string="Next Attempt",
        readonly=True,
        copy=False,
        help="Time of the next attempt.",
    )
    run_seconds = fields.Float(readonly=True, help="Time the job has been working.")
    engine = fields.Char(
        string="Module Version",
        readonly=True,
        copy=False,
        help="The version of Metered Billing that did the work.",
    )
    progress = fields.Float(compute="_compute_progress")
    speed = fields.Integer(
        string="Records per Second", compute="_compute_progress", aggregator="avg"
    )
    time_left = fields.Char(compute="_compute_progress", string="Time Remaining")

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
    def _cron_process_jobs(self):
        """Run what waits, the oldest first, for a slice of time.

        Odoo calls again at once while something remains.
        """
        self._work_off(UNFINISHED, "_process")

    @api.model
    def _work_off(self, domain, work, order="id", turns=None, **given):
        """What a scheduled action does: work on jobs for a slice of time.

        Odoo calls again at once while something remains.

        :param domain: jobs that are not finished
        :param str work: name of the method that works on one, which takes ``commit``
            and ``seconds``
        :param str order: which of them come first
        :param str turns: many2one whose records take turns, each with an equal share of
            the time that is left; None: one after the other
        :param given: to the method as well
        """
        context = self.env.context
        begun = time.monotonic()
        deadline = begun + SLICE_SECONDS
        if begun > context.get("cron_end_time", begun):
            # Odoo calls up to ten times in a row, and a worker that takes so long is
            # killed. Without progress it starts the action anew.
            deadline = begun
        domain = [*domain, *self._not_waiting()]
        waiting = self._queues(domain, order, turns)
        worked_on = 0
        while waiting:
            now = time.monotonic()
            if now >= deadline:
                break
            share = (deadline - now) / len(waiting)
            queue = waiting.popleft()
            # One by one: what reads one of a thousand shall not read them all.
            job = self.browse(queue.popleft())
            finished = getattr(job, work)(
                commit=self.env.cr.commit, seconds=share, **given
            )
            used_up = time.monotonic() >= now + share
            if (
                not finished
                and used_up
                and self.search_count([*domain, ("id", "=", job.id)])
            ):
                # There is more to do for it, when others had their turn.
                queue.append(job.id)
            if queue:
                waiting.append(queue)
            worked_on += 1
        self.env["ir.cron"]._commit_progress(
            worked_on, remaining=self.search_count(domain)
        )

    @api.model
    def _not_waiting(self):
        """Domain of jobs that do not wait for a moment that is still to come."""
        now = fields.Datetime.now()
        return ["|", ("not_before", "=", False), ("not_before", "<=", now)]

    @api.model
    def _queues(self, domain, order, turns):
        """Jobs that wait, in queues that take turns; see :meth:`_work_off`.

        Each slice of time begins with another queue: where a slice is over before all
        had a turn, none of them is always the last.

        :return: deque of deques of ids
        """
        queues = {}
        for job in self.search_fetch(domain, [turns] if turns else [], order=order):
            queues.setdefault(job[turns] if turns else None, deque()).append(job.id)
        waiting = deque(queues.values())
        if waiting:
            waiting.rotate(-(int(time.time() // SLICE_SECONDS) % len(waiting)))
        return waiting

    def _process(self, commit=None, seconds=None, **given):
        """Work on the job from where it stands.

        :param commit: function that commits after each portion; None inside a
            transaction that has to hold all of the job
        :param seconds: stop before a further portion after this time
        :param given: to :meth:`_run` as well
        :return: True when the job is finished or failed, False when there is more to
            do or another process is at it
        """
        self.ensure_one()
        # In a user's transaction: what a scheduled action says is its own.
        job = self if commit else own_context(self)
        with quietly() if commit else nullcontext():
            return job._process_locked(commit, seconds, given)

    def _process_locked(self, commit, seconds, given):
        if not self._lock_job(commit):
            return False
        try:
            # What another process committed while it held the lock counts.
            self.invalidate_recordset()
            if self.state not in ("queued", "running"):
                return True
            if self.state == "queued":
                self.write({"state": "running", "started": fields.Datetime.now()})
            self._note_engine()
            if commit:
                commit()
            return self._run_and_finish(commit, seconds, given)
        except Exception as error:
            if not commit:
                raise
            if self._waits_for(error, commit):
                return False
            if not isinstance(error, UserError):
                _logger.exception("%s %s failed", self._description, self.id)
            message = self._failure_text(error)

            def fail(_failed):
                self._fail(message)
                commit()

            again(self.env.cr, fail, commit)
            return True
        finally:
            self._unlock_job(commit)

    def _note_engine(self):
        """Keep which version works on it; after an update in the middle, both."""
        version = engine_version(self.env)
        known = self.engine or ""
        if version and not known.endswith(version):
            self.engine = ", ".join(filter(None, [known, version]))

    def _run_and_finish(self, commit, seconds, given):
        """Run, again where another transaction was in the way; see :meth:`_process`.

        What was committed before that stays, and is gone on from.
        """

        begun = time.monotonic()

        def work(_failed):
            left = None
            if seconds is not None:
                left = max(0, seconds - (time.monotonic() - begun))
            finished = self._run(commit, left, **given)
            if finished and self.state == "running":
                self._finish()
                make_lasting(self.env.cr)
                if commit:
                    commit()
            return finished

        return again(self.env.cr, work, commit)

    def _waits_for(self, error, commit):
        """Let the job wait where an error passes by itself, with nothing locked.

        Its state stays: the scheduled action goes on with it, as often as it takes.

        :param error: exception that its work ended with
        :return: bool; False: it is a failure
        :raises Exception: the same, where the connection is lost: nothing can be
            written with it, and the scheduled action begins anew with another one
        """
        cr = self.env.cr
        if cr.closed:
            _logger.info("%s %s lost the database", self._description, self.id)
            raise error
        cr.rollback()
        if not is_temporary(error):
            return False
        _logger.info("%s %s waits: %s", self._description, self.id, error)

        def wait(_failed):
            self._wait(error)
            commit()

        try:
            again(cr, wait, commit)
        except StillInTheWay:
            # Then it goes on without: it is unfinished, and so not forgotten.
            cr.rollback()
        return True

    def _wait(self, error):
        """Note for what it waits, and until when."""
        waits, conflict = self.waits + 1, is_conflict(error)
        longest = LONGEST_WAIT if conflict else LONGEST_ABSENCE
        at = fields.Datetime.now() + timedelta(
            seconds=1 + pause(waits, FIRST_WAIT, longest)
        )
        self.write(
            {
                "waits": waits,
                "not_before": at,
                "waiting": self.env._("Waiting for another job.")
                if conflict
                else self._error_words(error)
                if is_of_the_disk(error)
                else self.env._(
                    "Waiting for the database: %s", str(error).partition("\n")[0]
                ),
            }
        )
        self._enqueue(at)

    def _enqueue(self, at=None):
        """Ask the scheduled action to run soon.

        :param at: datetime in UTC; None: now
        """
        self.env.ref(self._cron_id()).sudo()._trigger(at)

    # === A FILE AS ITS RESULT === #

    @api.model
    def _as_binary(self, file):
        """All of an open file, as the value of a Binary field."""
        file.seek(0)
        return base64.b64encode(file.read())

    def _download_action(self):
        """Download the field `file` under the name of the job.

        :raises UserError: there is none yet
        """
        if not self.file:
            raise UserError(self.env._("The file has not been made yet."))
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/file?download=true"
            f"&filename={self.name}",
            "target": "download",
        }

    def _resume_failed(self):
        """Let failed ones of these jobs go on from where they stopped."""
        failed = self.filtered(lambda job: job.state == "failed")
        failed.check_access("read")
        if failed:
            failed.sudo().write({"state": "queued", "error": False, "finished": False})
            failed._enqueue()
        return True

    def _cron_id(self):
        """XML id of the scheduled action that works on these jobs."""
        return self._job_cron

    def _run(self, commit, seconds):
        """Do portion after portion, each committed, under the job's lock.

        :return: True when nothing is left to do; see :meth:`_process`
        """
        raise NotImplementedError

    def _run_portions(self, commit, seconds, first, most):
        """Call :meth:`_run_portion` until nothing is left, each committed.

        A portion that takes long lets others wait for long: their size follows the
        time that they take.

        :param int first, most: size of the first portion, and of the largest
        :return: as of :meth:`_run`
        """
        begun = time.monotonic()
        size = min(first, most)

        def work(failed):
            if commit:
                wait_briefly(self.env.cr)
            # Fewer at a time meet fewer others.
            found = self._run_portion(max(1, size >> failed))
            if commit:
                commit()
            return found

        while True:
            now = time.monotonic()
            if not again(self.env.cr, work, commit):
                return True
            took = time.monotonic() - now
            if took > PORTION_SECONDS:
                size = max(1, size // 2)
            elif took < PORTION_SECONDS / 2:
                size = min(most, size * 2)
            if seconds is not None and time.monotonic() - begun > seconds:
                return False

    def _run_portion(self, size):
        """Do the next portion; whether there was any.

        :param int size: at most so many
        """
        raise NotImplementedError

    def _finish(self):
        """Close a job that has nothing left to do."""
        self.write(
            {
                "state": "done",
                "finished": fields.Datetime.now(),
                "waits": 0,
                "waiting": False,
                "not_before": False,
            }
        )

    def _fail(self, message):
        """Close a job that cannot go on."""
        self.write(
            {"state": "failed", "error": message, "finished": fields.Datetime.now()}
        )

    def _failure_text(self, error):
        """What stopped the job, for a person."""
        return self._error_words(error)

    def _error_words(self, error):
        """An error in words, also where it is a disk's."""
        if is_of_the_disk(error):
            return self.env["ir.attachment"]._metered_disk_text(error)
        if isinstance(error, DEFECTS):
            return self.env._(
                "An internal error occurred in Metered Billing: %(kind)s: %(error)s. "
                "No data was lost. Report the error, and try again once it is fixed.",
                kind=type(error).__name__,
                error=harmless(str(error)),
            )
        return harmless(str(error))

    def _lock_job(self, commit, lock_class=None):
        """Whether this process may run the job; no other one can then.

        :param commit: function that commits; None inside a transaction that has to
            hold all of the job, where nothing is locked
        :param lock_class: instead of ``_job_lock_class``, for other work on it
        """
        if not commit:
            return True
        self.env.cr.execute(
            "SELECT pg_try_advisory_lock(%s, %s)",
            (lock_class or self._job_lock_class, self.id),
        )
        locked = self.env.cr.fetchone()[0]
        commit()
        return locked

    def _unlock_job(self, commit, lock_class=None):
        """Let other processes run the job; see :meth:`_lock_job`.

        The locks of a connection that is lost are gone with it.
        """
        if commit and not self.env.cr.closed:
            self.env.cr.execute(
                "SELECT pg_advisory_unlock(%s, %s)",
                (lock_class or self._job_lock_class, self.id),
            )
            commit()

    def _add_to_counters(self, **added):
        """Add to the counters, in SQL: other transactions may add to them too.

        What gets on does not wait any more.
        """
        names = list(added)
        self.flush_recordset()
        assignments = ", ".join(f"{name} = coalesce({name}, 0) + %s" for name in names)
        assignments += ", waits = 0, waiting = NULL"
        self.env.cr.execute(
            f"UPDATE {self._table} SET {assignments} WHERE id = %s",  # noqa: S608
            (*added.values(), self.id),
        )
        self.invalidate_recordset([*names, "waits", "waiting"])
