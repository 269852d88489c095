# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import itertools
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, timedelta

import numpy as np

from odoo import api, fields, models
from odoo.tools import format_date

from ..connectors.errors import SourceError, SourceFileError
from ..connectors.formats import Chunk
from ..connectors.http import HttpLimits
from ..connectors.records import join_frames
from ..ingest.load import load_settings
from ..ingest.run import run_chunks
from .metered_job import SLICE_SECONDS

_logger = logging.getLogger(__name__)

#: first key of the advisory locks that syncs hold while they run ("mbsy")
JOB_LOCK_CLASS = 0x6D627379
#: and of those that limit how many of one source run ("mbsl")
SLOT_LOCK_CLASS = 0x6D62736C
#: second key of these: the source's id times this, and the slot
SLOTS = 64
#: records that are stored and committed together
CHUNK_RECORDS = 2_000
#: attempts at a source that cannot be reached
ATTEMPTS = 6
#: waiting time after the first failed attempt, doubled each time
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
#: a job of queue_job asks again for a place after this time
BUSY_SECONDS = 5
#: a job of queue_job that did not come back: the scheduled action takes over
DELAYED_FOR = timedelta(hours=1)
#: the job waits for the next slice rather than inside of one
LIMITS = HttpLimits(request_seconds=60, longest_wait=10, attempts=3)
#: names the problem on a source, for its activity
PROBLEM = "sync"


@dataclass
class _Reading:
    """How far the pages were read; written by the thread that reads ahead."""

    cursors: dict = field(default_factory=dict)  # records read -> cursor after them
    last: str | None = None
    finished: bool = False


class MeteredSync(models.Model):
    """Fetches a stretch of time from a source: phone numbers and records.

    Pages go through the one pipeline. What is stored of them is committed together
    with the cursor after them, so that a sync that is killed goes on with the page
    that was not stored; a page that comes twice is known by its records' ids.
    """

    _name = "metered.sync"
    _description = "Sync"
    _inherit = ["metered.job"]
    _order = "id desc"
    _check_company_auto = True

    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    account_id = fields.Many2one(
        "metered.source.account",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
        help="Empty: all of the source together.",
    )
    partner_id = fields.Many2one(
        related="account_id.partner_id", string="Customer", store=True
    )
    kind = fields.Selection(
        [
            ("schedule", "On schedule"),
            ("manual", "By hand"),
            ("gap", "A gap fetched again"),
            ("invoice", "Before an invoice"),
        ],
        string="Reason",
        required=True,
        readonly=True,
    )
    date_from = fields.Datetime(string="From", required=True, readonly=True)
    date_to = fields.Datetime(string="Until", required=True, readonly=True)
    is_open = fields.Boolean(
        readonly=True, help="It reached to the present when it was started."
    )
    expected = fields.Integer(
        string="Records on the Switch", help="What it counts; 0 where it cannot."
    )
    records = fields.Integer(string="Records Read")
    cursor = fields.Text(readonly=True, help="Where to go on.")
    is_prepared = fields.Boolean(readonly=True, help="Phone numbers are fetched.")
    identifiers = fields.Integer(
        readonly=True, help="Phone numbers and extensions found."
    )
    batch_id = fields.Many2one(
        "metered.batch", string="Import", readonly=True, ondelete="set null"
    )
    rated = fields.Integer(related="batch_id.rated")
    not_billable = fields.Integer(related="batch_id.not_billable")
    duplicates = fields.Integer(related="batch_id.duplicates")
    exceptions = fields.Integer(related="batch_id.exceptions")
    attempts = fields.Integer(readonly=True)
    not_before = fields.Datetime(
        string="Tried Again", readonly=True, help="The source was not reached."
    )
    delayed = fields.Datetime(readonly=True, help="Handed to the job runner.")
    line_ids = fields.One2many("metered.sync.line", "sync_id", string="Log")

    @api.depends("source_id", "account_id", "date_from", "date_to")
    def _compute_display_name(self):
        for sync in self:
            days = dict.fromkeys(
                format_date(self.env, sync.source_id._local_day(moment))
                for moment in (sync.date_from, sync.date_to)
                if moment
            )
            sync.display_name = self.env._(
                "%(what)s, %(days)s",
                what=sync.account_id.name or sync.source_id.name or "",
                days=" – ".join(days),
            )

    @api.depends("records", "expected", "run_seconds", "state")
    def _compute_progress(self):
        computed = super()._compute_progress()
        for sync in self:
            if not sync.expected and sync.state != "done":
                sync.progress = 0.0
        return computed

    # === STARTING === #

    def _enqueue(self):
        """Have these worked off soon: by the job runner, or the scheduled action."""
        if self and self.env["metered.source"]._has_job_runner():
            for sync in self.filtered(lambda s: s.state in ("queued", "running")):
                sync.delayed = fields.Datetime.now()
                sync.with_delay(
                    identity_key=f"metered.sync-{sync.id}",
                    description=sync.display_name,
                )._process_delayed()
        elif self:
            self.env.ref("metered_billing.ir_cron_sync").sudo()._trigger()

    def _process_delayed(self):
        """What a job of queue_job does: a slice of work, in the job's transaction."""
        self.ensure_one()
        self.env.cr.execute(
            "SELECT pg_try_advisory_xact_lock(%s, %s)", (JOB_LOCK_CLASS, self.id)
        )
        [locked] = self.env.cr.fetchone()
        if locked and not self._process(seconds=SLICE_SECONDS):
            self.delayed = fields.Datetime.now()
            self.with_delay(eta=self.not_before or BUSY_SECONDS)._process_delayed()

    @api.model
    def _cron_process_syncs(self):
        """Work on what waits, for a slice of time; Odoo calls again for the rest."""
        now = fields.Datetime.now()
        self._work_off(
            [
                ("state", "in", ("queued", "running")),
                "|",
                ("not_before", "=", False),
                ("not_before", "<=", now),
                "|",
                ("delayed", "=", False),
                ("delayed", "<", now - DELAYED_FOR),
            ],
            "_process",
            "run_seconds NULLS FIRST, id",
        )

    def action_resume(self):
        """Let a sync that failed go on where it stopped."""
        self.check_access("read")
        for sync in self.sudo().filtered(lambda s: s.state == "failed"):
            sync.write(
                {"state": "queued", "error": False, "attempts": 0, "not_before": False}
            )
            sync._enqueue()
        return True

    # === THE JOB === #

    @api.model
    def _job_lock_class(self):
        return JOB_LOCK_CLASS

    def _run(self, commit, seconds):
        if commit:
            commit()
        slot = self._take_slot(commit)
        if slot is None:
            return False
        try:
            return self._run_kind(commit, seconds)
        except (SourceError, SourceFileError) as error:
            return self._source_failed(error, commit)
        except Exception:
            if commit:
                self.env.cr.rollback()
            raise
        finally:
            self._free_slot(slot, commit)

    def _run_kind(self, commit, seconds):
        """Fetch from the kind of source that it is; see :meth:`_run`."""
        return self._run_records(commit, seconds)

    def _run_records(self, commit, seconds):
        account = self.account_id
        with self.source_id._make_connector(limits=LIMITS) as connector:
            if not self.is_prepared:
                self._prepare(connector)
                if commit:
                    commit()
            if not self._read_pages(connector, commit, seconds):
                return False
            self._count_days(connector, account)
        return True

    def _prepare(self, connector):
        """What comes before the records: phone numbers, and how many there are."""
        account = self.account_id
        values = {"is_prepared": True}
        if account:
            connector.find(account.name)
            found = list(connector.identifiers(account.name))
            values["expected"] = self._ask_count(connector) or 0
            added, ended = account._sync_identifiers(found)
            values["identifiers"] = len(found)
            self._note(
                self.env._(
                    "%(count)s phone numbers and extensions: %(added)s new, %(ended)s "
                    "gone.",
                    count=len(found),
                    added=added,
                    ended=ended,
                )
            )
        else:
            values["expected"] = self._ask_count(connector) or 0
        self.write(values)

    def _ask_count(self, connector):
        return connector.count(self.account_id.name or "", *self._window())

    def _window(self):
        """The stretch of time, as aware datetimes."""
        return self.date_from.replace(tzinfo=UTC), self.date_to.replace(tzinfo=UTC)

    def _read_pages(self, connector, commit, seconds):
        """Store page after page; whether all of them are stored."""
        reading = _Reading(last=self.cursor or None)
        deadline = None if seconds is None else time.monotonic() + seconds
        pages = connector.fetch(
            self.account_id.name or "", *self._window(), self.cursor or None
        )
        self._store_chunks(
            self._chunks(pages, reading, self.records, self._chunk_records(), deadline),
            commit,
            lambda records: self.write({"cursor": reading.cursors[records]}),
        )
        if not reading.finished:
            self.cursor = reading.last
            if commit:
                commit()
        return reading.finished

    @staticmethod
    def _chunks(pages, reading, records, size, deadline):
        """Pages as chunks; read by a thread of its own, which must not know the ORM.

        :param int records: how many were stored before
        """
        frames, rows = [], 0
        for page in pages:
            if len(page.frame):
                frames.append(page.frame)
                rows += len(page.frame)
            reading.last = page.cursor
            reading.finished = page.cursor is None
            late = deadline is not None and time.monotonic() > deadline
            if rows and (rows >= size or late or reading.finished):
                records += rows
                reading.cursors[records] = page.cursor
                lines = np.arange(records - rows + 1, records + 1, dtype=np.int64)
                yield Chunk(join_frames(frames), lines, 0, [])
                frames, rows = [], 0
            if late or reading.finished:
                return
        reading.finished = True

    def _store_chunks(self, chunks, commit, on_stored):
        """Send chunks through the pipeline, counted here and on the batch.

        :param on_stored: called with the number of all records of this sync, in the
            transaction that stored them
        """
        clock = [time.monotonic()]
        first = next(chunks, None)
        if first is None:
            return
        batch = self._ensure_batch()
        marked = set()

        def stored_one(stored, rate_ids):
            now = time.monotonic()
            batch._count(
                records=stored.records,
                rated=stored.rated,
                not_billable=stored.not_billable,
                duplicates=stored.duplicates,
                exceptions=stored.exceptions,
                run_seconds=now - clock[0],
            )
            self._add_to_counters(records=stored.records, run_seconds=now - clock[0])
            clock[0] = now
            batch._mark_rates(rate_ids - marked)
            marked.update(rate_ids)
            on_stored(self.records)

        run_chunks(
            self.env.cr,
            itertools.chain([first], chunks),
            load_settings(self.source_id),
            batch.id,
            stored_one,
            commit,
        )
        self.env["metered.usage"].invalidate_model()

    @api.model
    def _chunk_records(self):
        """Records that are stored and committed together."""
        return CHUNK_RECORDS

    def _ensure_batch(self):
        """The batch that counts what this sync brings in."""
        if not self.batch_id:
            self.batch_id = self.env["metered.batch"].create(
                {
                    "source_id": self.source_id.id,
                    "file_name": self.display_name,
                    "sync_id": self.id,
                    "account_id": self.account_id.id,
                    "started": fields.Datetime.now(),
                }
            )
        self.batch_id.state = "running"
        return self.batch_id

    def _count_days(self, connector, account):
        """Nothing is compared here; see ``metered.completeness``."""

    # === THE END === #

    def _finish(self):
        self._close_batch()
        target = self.account_id or self.source_id
        if self.is_open:
            target.synced_until = max(target.synced_until or self.date_to, self.date_to)
        self._note_result()
        target.sync_error = False
        source = self.source_id
        if not source.sync_error and not source.account_ids.filtered("sync_error"):
            source._metered_settle(PROBLEM, self.env._("It was reached since."))
        return super()._finish()

    def _note_result(self):
        if self.batch_id:
            self._note(
                self.env._(
                    "Done: %(records)s records, %(new)s of them new, %(duplicates)s "
                    "known before, %(exceptions)s exceptions.",
                    records=self.records,
                    new=self.records - self.batch_id.duplicates,
                    duplicates=self.batch_id.duplicates,
                    exceptions=self.batch_id.exceptions,
                )
            )
        else:
            self._note(self.env._("Done: no records in that time."))

    def _fail(self, message):
        self._close_batch()
        self._note(message, "error")
        (self.account_id or self.source_id).sync_error = message
        self.source_id._metered_raise(
            PROBLEM,
            self.env._("A sync failed"),
            self.env._(
                "%(sync)s: %(error)s What was stored stays; the sync can go on, and "
                "the next one fetches what is missing.",
                sync=self.display_name,
                error=message,
            ),
        )
        return super()._fail(message)

    def _close_batch(self):
        """Count what came in; a batch without any record says nothing to anybody."""
        batch = self.batch_id
        if not batch:
            return
        if not batch.records:
            self.batch_id = False
            batch.unlink()
            return
        batch._verify()
        batch.write({"state": "done", "finished": fields.Datetime.now()})
        self._keep_last_record()

    def _keep_last_record(self):
        """Remember when the newest record began."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT max(start_time) FROM metered_cdr WHERE batch_id = %s",
            (self.batch_id.id,),
        )
        [newest] = self.env.cr.fetchone()
        source = self.source_id
        if newest and newest > (source.last_record or newest - timedelta(1)):
            source.last_record = newest

    def _source_failed(self, error, commit):
        """Try again later what may get better by itself; the rest is a failure.

        :return: whether the job is over
        """
        if commit:
            self.env.cr.rollback()
            self.invalidate_recordset()
        message = str(error)
        # An invoice does not wait for hours: its source's policy decides.
        attempts = 1 if self.kind == "invoice" else ATTEMPTS
        if not getattr(error, "retry", False) or self.attempts + 1 >= attempts:
            self._fail(message)
            if commit:
                commit()
            return True
        wait = min(FIRST_WAIT * 2**self.attempts, LONGEST_WAIT)
        if getattr(error, "retry_after", None):
            wait = max(wait, min(timedelta(seconds=error.retry_after), LONGEST_WAIT))
        self.write(
            {
                "state": "queued",
                "attempts": self.attempts + 1,
                "not_before": fields.Datetime.now() + wait,
            }
        )
        self._note(
            self.env._(
                "%(error)s It is tried again in %(minutes)s minutes.",
                error=message,
                minutes=round(wait.total_seconds() / 60),
            ),
            "warning",
        )
        if commit:
            commit()
        return False

    def _failure_text(self, error):
        return self.env._(
            "The sync stopped after %(records)s records: %(error)s",
            records=self.records,
            error=error,
        )

    def _note(self, message, level="info"):
        """Write a line into the log."""
        self.env["metered.sync.line"].create(
            {"sync_id": self.id, "level": level, "message": message}
        )

    # === LIMIT === #

    def _take_slot(self, commit):
        """One of the places that the source allows at the same time.

        Without ``commit`` it is held until the end of the transaction.

        :return: its number; None when all are taken
        """
        lock = "pg_try_advisory_lock" if commit else "pg_try_advisory_xact_lock"
        for slot in range(min(max(self.source_id.sudo().parallel, 1), SLOTS)):
            self.env.cr.execute(
                f"SELECT {lock}(%s, %s)",
                (SLOT_LOCK_CLASS, self.source_id.id * SLOTS + slot),
            )
            [taken] = self.env.cr.fetchone()
            if commit:
                commit()
            if taken:
                return slot
        return None

    def _free_slot(self, slot, commit):
        if commit:
            self.env.cr.execute(
                "SELECT pg_advisory_unlock(%s, %s)",
                (SLOT_LOCK_CLASS, self.source_id.id * SLOTS + slot),
            )
            commit()

    # === SCREENS === #

    def _action_open(self):
        """Open these: the form of one, the list of several."""
        if len(self) == 1:
            return {
                "type": "ir.actions.act_window",
                "res_model": self._name,
                "res_id": self.id,
                "views": [(False, "form")],
            }
        return self._action_list([("id", "in", self.ids)])

    @api.model
    def _action_list(self, domain):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_sync"
        )
        return {**action, "domain": domain, "context": {}}

    def action_view_cdrs(self):
        """Open the calls that this sync brought in."""
        return self.batch_id.action_view_cdrs()


class MeteredSyncLine(models.Model):
    """A line of a sync's log."""

    _name = "metered.sync.line"
    _description = "Line of a Sync"
    _order = "id"

    sync_id = fields.Many2one(
        "metered.sync", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="sync_id.company_id", store=True)
    date = fields.Datetime(default=lambda self: fields.Datetime.now(), readonly=True)
    level = fields.Selection(
        [("info", "Done"), ("warning", "Tried again"), ("error", "Failed")],
        default="info",
        readonly=True,
    )
    message = fields.Char(readonly=True)
