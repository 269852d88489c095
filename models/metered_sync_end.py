# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import fields, models

from ..ingest.store import lock_source

#: attempts at a source that cannot be reached
ATTEMPTS = 6
#: waiting time after the first failed attempt, doubled each time
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
#: names the problem on a source, for its activity
PROBLEM = "sync"


class MeteredSync(models.Model):
    """How a sync ends: done, failed, or tried again later."""

    _inherit = "metered.sync"

    def _finish(self):
        self._close_batch()
        target = self.account_id or self.source_id
        if self.is_open:
            target.synced_until = max(target.synced_until or self.date_to, self.date_to)
        self._note_result()
        target.sync_error = False
        source = self.source_id
        if not source.sync_error and not source.account_ids.search_count(
            [("source_id", "=", source.id), ("sync_error", "!=", False)], limit=1
        ):
            source._metered_settle(PROBLEM, self.env._("It was reached since."))
        return super()._finish()

    def _note_result(self):
        if self.batch_id:
            self._note(
                self.env._(
                    "Done: %(records)s. New: %(new)s, known before: %(duplicates)s, "
                    "exceptions: %(exceptions)s.",
                    records=self.env["metered.explanation"]._records(self.records),
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

    def _keep_last_record(self, commit):
        """Remember when the newest record began.

        Syncs side by side all write that to their source: they take turns.
        """
        if not self.batch_id:
            return
        with lock_source(self.env.cr, self.source_id.id, commit):
            self.env.cr.execute(
                """
                UPDATE metered_source SET last_record = newest.start_time
                  FROM (SELECT max(start_time) AS start_time
                          FROM metered_cdr WHERE batch_id = %s) newest
                 WHERE id = %s
                   AND newest.start_time > coalesce(last_record, '-infinity')
                """,
                (self.batch_id.id, self.source_id.id),
            )
            if commit:
                commit()
        self.source_id.invalidate_recordset(["last_record"])

    def _source_failed(self, error, commit):
        """Try again later what may get better by itself; the rest is a failure.

        :return: whether the job is over
        """
        if commit:
            self.env.cr.rollback()
            self.invalidate_recordset()
        self._keep_last_record(commit)
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
        self._trigger_cron(self.not_before)
        self._note(
            self.env._(
                "%(error)s It is tried again in %(minutes)s min.",
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
            "The sync stopped after %(records)s: %(error)s",
            records=self.records,
            error=error,
        )
