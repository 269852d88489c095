# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time

from odoo import api, fields, models

from ...connectors.throttle import shared_throttle
from ...ingest.aside import Aside
from ...ingest.conflicts import is_temporary
from ..job.metered_job import SLICE_SECONDS
from .metered_sync_job import KeptSettings

#: first key of the locks that limit how many syncs of a source run ("mbsl")
SLOT_LOCK_CLASS = 0x6D62736C
#: second key of these: the source's id times this, and the slot
SLOTS = 64
#: those that have run the least come first
ORDER = "run_seconds NULLS FIRST, id"
#: the place that a worker holds among those of the source
SLOT = Aside("metered_slot")
#: what a runner of queue_job holds on a database as long as it is at work there: its
#: advisory lock 2293787760715711918, as PostgreSQL lists it
RUNNER_LOCK = divmod(2293787760715711918, 2**32)
#: an operator may limit the workers of all sources together by this channel
CHANNEL = "root.metered_billing"
#: a worker asks again for its place after this time
BUSY_SECONDS = 5


class MeteredSync(models.Model):
    """Who works syncs off, and how many of one source at the same time."""

    _inherit = "metered.sync"

    def _enqueue(self, at=None):
        """Have these worked off soon: by the job runner, or the scheduled action."""
        if at:
            self._trigger_cron(at)
            return
        waiting = self.filtered_domain(self._due_domain())
        if not waiting:
            return
        if self.env["metered.source"]._has_job_runner():
            waiting.source_id._delay_workers()
        else:
            self._trigger_cron()

    @api.model
    def _trigger_cron(self, at=None):
        self.env.ref(self._cron_id()).sudo()._trigger(at)

    @api.model
    def _due_domain(self):
        """Syncs that can be worked on now."""
        return [
            ("state", "in", ("queued", "running")),
            "|",
            ("not_before", "=", False),
            ("not_before", "<=", fields.Datetime.now()),
        ]

    @api.model
    def _cron_process_syncs(self):
        """Work on what waits, for a slice of time; Odoo calls again for the rest.

        Where jobs of queue_job do that, only see that there are such jobs.
        """
        if self.env["metered.source"]._has_job_runner():
            self.search(self._due_domain()).source_id._delay_workers()
        else:
            # A source with a single account does not wait for another's thousand.
            self._work_off(
                self._due_domain(),
                "_process",
                ORDER,
                turns="source_id",
                kept=KeptSettings(),
            )

    # === LIMIT === #

    def _take_slot(self, commit):
        """One of the places that the source allows at the same time.

        Without ``commit`` it is held until the end of the transaction.

        :return: its number; None when all are taken
        """
        held = SLOT.heard()
        if held is not None:
            return held
        for slot in range(self.source_id._parallel_syncs()):
            if self.source_id._lock_slot(slot, commit):
                return slot
        return None

    def _free_slot(self, slot, commit):
        """Let others have the place; see :meth:`_take_slot`."""
        if SLOT.heard() is None:
            self.source_id._unlock_slot(slot, commit)


class MeteredSource(models.Model):
    """Syncs side by side: jobs of OCA's queue_job, where it is there.

    Nothing here needs queue_job. Where no runner of it is at work on the database, the
    scheduled action does the same work, one account after the other.

    A job is no sync but a worker of its source: there are at most as many of them as
    the source allows at the same time, each takes sync after sync for a slice of time
    and asks for the next slice with a new job. A thousand accounts that wait are no
    thousand jobs that wait for a place.
    """

    _inherit = "metered.source"

    sync_worker = fields.Char(
        string="Sync Method",
        compute="_compute_sync_worker",
        help="How syncs are run on this database.",
    )

    def _compute_sync_worker(self):
        if self._has_job_runner():
            for source in self:
                source.sync_worker = self.env._(
                    "Job runner (queue_job): %s accounts in parallel",
                    source._parallel_syncs(),
                )
        elif "queue.job" in self.env:
            self.sync_worker = self.env._(
                "Scheduled action: one account after the other. queue_job is "
                "installed, but no job runner is active on this database."
            )
        else:
            self.sync_worker = self.env._(
                "Scheduled action: one account after the other"
            )

    @api.model
    def _has_job_runner(self):
        """Whether a runner of queue_job is at work on this database, on any host."""
        if "queue.job" not in self.env:
            return False
        self.env.cr.execute(
            """
            SELECT EXISTS (
                SELECT 1 FROM pg_locks
                 WHERE locktype = 'advisory' AND granted AND objsubid = 1
                   AND classid::bigint = %s AND objid::bigint = %s
                   AND database = (SELECT oid FROM pg_database
                                    WHERE datname = current_database()))
            """,
            RUNNER_LOCK,
        )
        return self.env.cr.fetchone()[0]

    # === WORKERS === #

    def _delay_workers(self):
        """Have jobs of queue_job work on what waits, at most one for each sync."""
        syncs = self.env["metered.sync"].sudo()
        for source in self.sudo():
            waiting = syncs.search_count(
                [*syncs._due_domain(), ("source_id", "=", source.id)],
                limit=source._parallel_syncs(),
            )
            for slot in range(waiting):
                source._delay_worker(slot)

    def _delay_worker(self, slot, seconds=0):
        """One worker: a job, unless one of this slot waits already."""
        self.ensure_one()
        self.with_delay(
            identity_key=f"metered_billing.source-{self.id}.{slot}",
            channel=CHANNEL,
            description=self.env._(
                "Sync %(name)s, worker %(number)s",
                name=self.name,
                number=slot + 1,
            ),
            eta=seconds or None,
        )._work_delayed(slot)

    def _work_delayed(self, slot):
        """What a job does: work on syncs for a slice of time, with commits.

        They need a cursor of their own: a job that commits its own transaction lets
        go of the lock that proves it is alive, and the runner starts it once more.
        """
        self.ensure_one()
        try:
            with self.env.registry.cursor() as cr:
                source = self.with_env(self.env(cr=cr))
                try:
                    wait = source._work_syncs(slot, SLICE_SECONDS)
                finally:
                    # Whatever happened: the connection goes back to the pool.
                    cr.rollback()
                    cr.execute("SELECT pg_advisory_unlock_all()")
        except Exception as error:
            if not is_temporary(error):
                raise
            wait = BUSY_SECONDS
        if wait is not None:
            self._delay_worker(slot, wait)

    def _work_syncs(self, slot, seconds):
        """Work on syncs of this source, one after the other.

        :param int slot: the worker's place among those of the source
        :return: seconds after which there is more to do; None: nothing is left that
            nobody else is at
        """
        commit = self.env.cr.commit
        deadline = time.monotonic() + seconds
        if not self._lock_slot(slot, commit):
            return BUSY_SECONDS
        with SLOT.said(slot):
            return self._work_in_slot(commit, deadline)

    def _work_in_slot(self, commit, deadline):
        syncs = self.env["metered.sync"]
        tried, kept = set(), KeptSettings()
        while (left := deadline - time.monotonic()) > 0:
            sync = syncs.search(
                [
                    *syncs._due_domain(),
                    ("source_id", "=", self.id),
                    ("id", "not in", list(tried)),
                ],
                order=ORDER,
                limit=1,
            )
            if not sync:
                return None
            tried.add(sync.id)
            sync._process(commit, left, kept=kept)
        return 0

    # === LIMIT === #

    def _parallel_syncs(self):
        """How many syncs may run at the same time."""
        return min(max(self.sudo().parallel, 1), SLOTS)

    def _lock_slot(self, slot, commit):
        """Whether the place is free, and taken now.

        :param commit: function that commits; None: it is held until the end of the
            transaction
        """
        lock = "pg_try_advisory_lock" if commit else "pg_try_advisory_xact_lock"
        self.env.cr.execute(
            f"SELECT {lock}(%s, %s)", (SLOT_LOCK_CLASS, self.id * SLOTS + slot)
        )
        [taken] = self.env.cr.fetchone()
        if commit:
            commit()
        return taken

    def _unlock_slot(self, slot, commit):
        """Let others have the place; one of a transaction is free at its end."""
        if commit:
            self.env.cr.execute(
                "SELECT pg_advisory_unlock(%s, %s)",
                (SLOT_LOCK_CLASS, self.id * SLOTS + slot),
            )

    def _throttle(self):
        """How often this process may ask: each of several workers has its share."""
        source = self.sudo()
        slot = SLOT.heard()
        if slot is None:
            share, parallel = 1, max(1, source.parallel)
        else:
            share, parallel = self._parallel_syncs(), 1
        return shared_throttle(
            (self.env.cr.dbname, self.id, slot),
            source.requests_per_second / share,
            parallel,
        )
