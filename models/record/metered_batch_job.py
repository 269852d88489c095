# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial

import psycopg2

from odoo import api, models

from ...connectors import files
from ...ingest.abreast import Lane
from ...ingest.marks import mark_rates
from ...ingest.run import CHUNK_RECORDS, FIRST_RECORDS, run_chunks
from ...ingest.store import lock_source
from ...stored.unrated import make_exceptions
from ..job.ir_attachment import StoredFileError
from ..job.metered_job import UNFINISHED

_logger = logging.getLogger(__name__)

#: connections that store side by side: each can keep a processor busy
LANES = 2
#: names the problem on a source, for its activity
PROBLEM = "import"


class MeteredBatch(models.Model):
    """The job that brings a batch's records in.

    It goes chunk by chunk. A chunk's CDRs, usage, exceptions and counters are
    committed together, so that a job that is killed goes on with the first record
    that was not stored.
    """

    _inherit = "metered.batch"

    def _cron_id(self):
        if self[:1].state == "undoing":
            return "metered_billing.ir_cron_undo_batches"
        return "metered_billing.ir_cron_process_batches"

    @api.model
    def _cron_process_batches(self):
        """Run what waits, and go on with what was killed, for a slice of time.

        What has run the least comes first, so that a small file need not wait for a
        large one. Odoo calls again at once while something remains.
        """
        self._work_off(
            # A sync brings in its own records, and only counts them on its batch.
            [*UNFINISHED, ("sync_id", "=", False)],
            "_process",
            "run_seconds NULLS FIRST, id",
        )

    def _run(self, commit, seconds):
        """Import the file chunk by chunk; a file that cannot be read is no defect."""
        try:
            return self._run_file(commit, seconds)
        except StoredFileError as error:
            self.file_missing = True
            message = self.env._(
                "%(error)s The import will continue with record %(record)s.",
                error=error,
                record=self.records + 1,
            )
        except files.SourceFileError as error:
            message = str(error)
        self._fail(message)
        if commit:
            commit()
        return True

    def _finish(self):
        self._put_away_later()
        self._verify()
        self._tell_imported()
        self.source_id._metered_close(
            PROBLEM,
            self.env._("%(file)s has since been imported.", file=self.file_name),
        )
        return super()._finish()

    def _fail(self, message):
        self._verify()
        self.source_id._metered_raise(
            PROBLEM,
            self.env._("Import failed"),
            self.env._(
                "%(file)s: %(error)s Records that were already stored are kept. "
                "Resume the import, or undo it.",
                file=self.file_name,
                error=message,
            ),
        )
        return super()._fail(message)

    def _failure_text(self, error):
        return self.env._(
            "The import stopped at record %(record)s: %(error)s",
            record=self.records + 1,
            error=self._error_words(error),
        )

    def _run_file(self, commit, seconds):
        settings = self.source_id._load_settings()
        file_format = files.FileFormat.from_dict(self.file_format)
        settings = replace(settings, titles=file_format.titles)
        clock = [time.monotonic()]
        marked = set()

        def count(batch, stored, rate_ids):
            now = time.monotonic()
            batch._count(
                records=stored.records,
                rated=stored.rated,
                not_billable=stored.not_billable,
                duplicates=stored.duplicates,
                exceptions=stored.exceptions,
                run_seconds=now - clock[0],
            )
            clock[0] = now
            batch._raise_fraud_alarms(stored.suspicions)
            batch._mark_rates(rate_ids - marked)
            marked.update(rate_ids)
            if batch.env is not self.env:
                self.invalidate_recordset(flush=False)

        with self._file_path() as path:
            chunks = files.read_chunks(
                path,
                file_format,
                chunk_records=self._chunk_records(),
                skip_records_done=self.records,
                first_records=min(self._chunk_records(), FIRST_RECORDS),
                all_records=self.expected,
            )
            complete = run_chunks(
                self.env.cr,
                chunks,
                settings,
                self.id,
                partial(count, self),
                commit,
                seconds,
                partial(self._open_lanes, count),
            )
            if complete:
                self._compare_with_file(path, file_format)
        self.env["metered.usage"].invalidate_model()
        if settings.counters:
            self.env["metered.register"]._book_quietly(commit)
        self._apply_plans(settings, commit)
        return complete

    @contextmanager
    def _open_lanes(self, count):
        """Connections that store chunks side by side.

        :param count: function of this record, in a lane's environment, and of what
            ``run_chunks`` tells of a stored chunk
        :return: list of ``Lane``; none where other connections do not see what this
            one works on
        """
        with ExitStack() as stack:
            lanes = []
            for _lane in range(LANES):
                try:
                    cr = stack.enter_context(self.pool.cursor())
                except psycopg2.Error as error:
                    # All connections are in use: this one does it alone.
                    _logger.info("%s is stored by one connection: %s", self, error)
                    break
                batch = self.with_env(self.env(cr=cr))
                if not self._is_another_connection(cr) or not batch.exists():
                    break
                cr.rollback()
                lanes.append(Lane(cr, partial(count, batch)))
            yield lanes if len(lanes) == LANES else []

    def _is_another_connection(self, cr):
        """Not in a test, where all cursors are of one."""
        pid = self.env.cr.connection.info.backend_pid
        return cr.connection.info.backend_pid != pid

    def _compare_with_file(self, path, file_format):
        """Have all records of the file been read?

        What was expected are its lines. Where some of them are blank, or records have
        several, they are counted once more, as records.
        """
        if self.records == self.expected:
            return
        counted = sum(chunk.records for chunk in files.read_chunks(path, file_format))
        if counted != self.records:
            raise files.SourceFileError(
                self.env._(
                    "The file has %(counted)s records, but only %(records)s were "
                    "read. Resume the import, or undo it and import the file again.",
                    counted=counted,
                    records=self.records,
                )
            )
        self.expected = counted

    def _apply_plans(self, settings, commit):
        """Apply the calling plans to what this slice of the import brought."""
        marks = self.env["metered.plan.mark"].sudo()
        if marks._exist_plans():
            marks._mark_new_customers(self.company_id, settings.plan_partners, self)
            marks._apply_plans_quietly(commit)
        alerts = self.env["metered.alert.mark"]
        if alerts._exist_alerts():
            alerts._mark_new_customers(self.company_id, settings.alert_partners, self)
            alerts._check_soon()
        self.env["metered.fraud.wait"]._check_soon()

    @api.model
    def _chunk_records(self):
        """Records that are stored and committed together."""
        return CHUNK_RECORDS

    def _count(self, **added):
        """Add to the counters; what is done already is verified anew."""
        self._add_to_counters(**added)
        self.invalidate_recordset(
            ["first_start", "last_start", "elsewhere", "elsewhere_batch_id"]
        )
        if self.state == "done":
            self._verify()

    def _mark_rates(self, rate_ids):
        """Note that calls were rated with these: their price cannot change any more."""
        if rate_ids:
            mark_rates(self.env.cr, rate_ids)
            self.env["metered.rate"].invalidate_model(["used"])

    @api.model
    def _reject(self, unrated):
        """Make exceptions of records that were rated, in the import they came with.

        :param unrated: list of ``stored.unrated.Unrated``
        """
        of_batch = {}
        for record in unrated:
            of_batch.setdefault(record.batch_id, []).append(record)
        for batch_id, records in sorted(of_batch.items()):
            batch = self.browse(batch_id)
            # An import of the same records waits, and then finds the exceptions.
            with lock_source(self.env.cr, batch.source_id.id, None):
                make_exceptions(batch, records, batch._raw_texts)
            batch._count(rated=-len(records), exceptions=len(records))
        self.env["metered.exception"].invalidate_model(flush=False)

    def _verify(self):
        """Count what the tables hold of this import, beside what the job counted.

        A rated call counts when it belongs to usage: so rated = invoiced + open.
        """
        self.env["metered.exception"].flush_model(["state"])
        for batch in self:
            batch.flush_recordset()
            batch.env.cr.execute(
                """
                SELECT count(usage_id) FILTER (WHERE state = 'rated')
                       + count(*) FILTER (WHERE state = 'reading'),
                       count(*) FILTER (WHERE state = 'not_billable'),
                       (SELECT count(*) FROM metered_exception
                         WHERE batch_id = %(id)s AND state != 'resolved')
                  FROM metered_cdr WHERE batch_id = %(id)s
                """,
                {"id": batch.id},
            )
            rated, not_billable, exceptions = batch.env.cr.fetchone()
            batch._set_as_program(
                {
                    "stored_rated": rated + batch.thinned,
                    "stored_not_billable": not_billable,
                    "stored_exceptions": exceptions,
                }
            )
