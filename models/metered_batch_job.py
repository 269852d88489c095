# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time

from odoo import api, fields, models

from ..connectors import files
from ..ingest.load import load_settings
from ..ingest.run import CHUNK_RECORDS, run_chunks
from .metered_job import SLICE_SECONDS

_logger = logging.getLogger(__name__)

#: first key of the advisory locks that batches hold while they run ("mbjb")
JOB_LOCK_CLASS = 0x6D626A62
#: names the problem on a source, for its activity
PROBLEM = "import"


class MeteredBatch(models.Model):
    """The job that brings a batch's records in.

    It goes chunk by chunk. A chunk's CDRs, usage, exceptions and counters are
    committed together, so that a job that is killed goes on with the first record
    that was not stored.
    """

    _inherit = "metered.batch"

    def _enqueue(self):
        """Ask the scheduled action to run soon."""
        self.env.ref("metered_billing.ir_cron_process_batches").sudo()._trigger()

    @api.model
    def _cron_process_batches(self):
        """Run what waits, and go on with what was killed, for a slice of time.

        What has run the least comes first, so that a small file need not wait for a
        large one. Odoo calls again at once while something remains.
        """
        unfinished = [("state", "in", ("queued", "running"))]
        deadline = time.monotonic() + SLICE_SECONDS
        for batch in self.search(unfinished, order="run_seconds NULLS FIRST, id"):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            batch._process(commit=self.env.cr.commit, seconds=left)
        remaining = self.search_count(unfinished)
        self.env["ir.cron"]._commit_progress(remaining=remaining)

    def _process(self, commit=None, seconds=None):
        """Import the batch's file from where it stands.

        :param commit: function that commits after each chunk; None inside a
            transaction that has to hold all of it
        :param seconds: stop before a further chunk after this time
        :return: True when the batch is finished, False when there is more to do or
            another process is at it
        """
        self.ensure_one()
        if not self._lock_job(commit):
            return False
        try:
            # What another process committed while it held the lock counts.
            self.invalidate_recordset()
            if self.state not in ("queued", "running"):
                return True
            return self._run(commit, seconds)
        finally:
            self._unlock_job(commit)

    def _run(self, commit, seconds):
        """Import under the job's lock; see :meth:`_process`."""
        if self.state == "queued":
            self.write({"state": "running", "started": fields.Datetime.now()})
        if commit:
            commit()
        try:
            complete = self._run_file(commit, seconds)
        except files.SourceFileError as error:
            self._fail(str(error), commit)
            return True
        except Exception as error:
            if not commit:
                raise
            self.env.cr.rollback()
            _logger.exception("Import %s failed", self.id)
            self._fail(
                self.env._(
                    "The import stopped at record %(record)s: %(error)s",
                    record=self.records + 1,
                    error=error,
                ),
                commit,
            )
            return True
        if complete:
            self._verify()
            self.write({"state": "done", "finished": fields.Datetime.now()})
            self.source_id._metered_settle(
                PROBLEM,
                self.env._("%(file)s was imported since.", file=self.file_name),
            )
            if commit:
                commit()
        return complete

    def _run_file(self, commit, seconds):
        settings = load_settings(self.source_id)
        file_format = files.FileFormat.from_dict(self.file_format)
        clock = [time.monotonic()]
        marked = set()

        def on_stored(stored, rate_ids):
            now = time.monotonic()
            self._count(
                records=stored.records,
                rated=stored.rated,
                not_billable=stored.not_billable,
                duplicates=stored.duplicates,
                exceptions=stored.exceptions,
                run_seconds=now - clock[0],
            )
            clock[0] = now
            self._mark_rates(rate_ids - marked)
            marked.update(rate_ids)

        with self._attachment_path(self.attachment_id) as path:
            chunks = files.read_chunks(
                path,
                file_format,
                chunk_records=self._chunk_records(),
                skip_records_done=self.records,
            )
            complete = run_chunks(
                self.env.cr, chunks, settings, self.id, on_stored, commit, seconds
            )
        self.env["metered.usage"].invalidate_model()
        return complete

    @api.model
    def _chunk_records(self):
        """Records that are stored and committed together."""
        return CHUNK_RECORDS

    def _count(self, **added):
        """Add to the counters; what is done already is verified anew."""
        self._add_to_counters(**added)
        if self.state == "done":
            self._verify()

    def _mark_rates(self, rate_ids):
        """Note that calls were rated with these: their price cannot change any more."""
        if rate_ids:
            self.env.cr.execute(
                "UPDATE metered_rate SET used = TRUE"
                " WHERE id IN %s AND used IS NOT TRUE",
                (tuple(sorted(rate_ids)),),
            )
            self.env["metered.rate"].invalidate_model(["used"])

    def _fail(self, message, commit):
        self._verify()
        self.write(
            {"state": "failed", "error": message, "finished": fields.Datetime.now()}
        )
        self.source_id._metered_raise(
            PROBLEM,
            self.env._("An import failed"),
            self.env._(
                "%(file)s: %(error)s Nothing of what was stored is lost: go on with "
                "the import, or undo it.",
                file=self.file_name,
                error=message,
            ),
        )
        if commit:
            commit()

    @api.model
    def _job_lock_class(self):
        return JOB_LOCK_CLASS

    def _verify(self):
        """Count what the tables hold of this import, beside what the job counted.

        A rated call counts when it belongs to usage: so rated = invoiced + open.
        """
        self.env["metered.exception"].flush_model(["state"])
        for batch in self:
            batch.flush_recordset()
            batch.env.cr.execute(
                """
                SELECT count(usage_id) FILTER (WHERE state = 'rated'),
                       count(*) FILTER (WHERE state = 'not_billable'),
                       (SELECT count(*) FROM metered_exception
                         WHERE batch_id = %(id)s AND state != 'resolved')
                  FROM metered_cdr WHERE batch_id = %(id)s
                """,
                {"id": batch.id},
            )
            rated, not_billable, exceptions = batch.env.cr.fetchone()
            batch.write(
                {
                    "stored_rated": rated,
                    "stored_not_billable": not_billable,
                    "stored_exceptions": exceptions,
                }
            )
