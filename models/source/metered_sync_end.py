# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import fields, models

from ...connectors.errors import (
    SourceBusy,
    SourceError,
    SourceFileError,
    SourceNotFound,
    SourceRefused,
    SourceSettingsError,
    SourceUnreachable,
)
from ...connectors.http import HttpLimits
from ...ingest.store import lock_source

#: the job waits for the next slice rather than inside of one
LIMITS = HttpLimits(request_seconds=60, longest_wait=10, attempts=3)
#: attempts at a source that cannot be reached
ATTEMPTS = 6
#: waiting time after the first failed attempt, doubled each time
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
#: names the problem on a source, for its activity
PROBLEM = "sync"
# What is stored notes it on its batch: of a million records nobody looks for it.
NEWEST = """
    SELECT last_start
      FROM metered_batch
     WHERE id = %s
       AND last_start > (SELECT coalesce(last_record, '-infinity')
                           FROM metered_source WHERE id = %s)
"""


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
        return super()._finish()

    def _close_problem(self, commit):
        """Close the activity about failed syncs once nothing of the source fails.

        Syncs side by side would all write to it: they take turns.
        """
        source, accounts = self.source_id, self.env["metered.source.account"]
        own = self.account_id or source
        failing = [("source_id", "=", source.id), ("sync_error", "!=", False)]
        if (
            not source._metered_open_activities(PROBLEM)
            or (source.sync_error and source != own)
            or accounts.search_count([*failing, ("id", "!=", self.account_id.id)])
        ):
            return
        if commit:
            commit()
        with lock_source(self.env.cr, source.id, commit):
            source._metered_close(PROBLEM, self.env._("The source was reached again."))
            if commit:
                commit()

    def _note_result(self):
        if self.source_id.brings_files:
            self._note_files()
        elif self.batch_id:
            self._note(
                self.env._(
                    "Done: %(records)s. New: %(new)s, already stored: %(duplicates)s, "
                    "exceptions: %(exceptions)s.",
                    records=self.env["metered.explanation"]._records(self.records),
                    new=self.records - self.batch_id.duplicates,
                    duplicates=self.batch_id.duplicates,
                    exceptions=self.batch_id.exceptions,
                )
            )
        else:
            self._note(self.env._("Done: no records in this period."))

    def _fail(self, message):
        """Close syncs of one source that cannot go on, and tell a person once."""
        for sync in self:
            sync._close_batch()
        self._note(message, "error")
        self._tell_failed(message)
        self.account_id.sync_error = message
        if not all(sync.account_id for sync in self):
            self.source_id.sync_error = message
        name = self[:1].display_name
        if len(self) > 1:
            name = self.env._(
                "%(sync)s and %(count)s more", sync=name, count=len(self) - 1
            )
        self.source_id._metered_raise(
            PROBLEM,
            self.env._("Sync failed"),
            self.env._(
                "%(sync)s: %(error)s Stored records are kept. You can resume the "
                "sync; the next sync also fetches what is missing.",
                sync=name,
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
        batch = batch.with_context(tracking_disable=True)
        batch._verify()
        batch.write({"state": "done", "finished": fields.Datetime.now()})
        batch._tell_imported()
        self.env["metered.alert.mark"]._check_soon()
        self.env["metered.fraud.wait"]._check_soon()

    def _keep_last_record(self, commit):
        """Remember when the newest record began.

        Syncs side by side all write that to their source: they take turns.
        """
        if not self.batch_id:
            return
        batch, source = self.batch_id.id, self.source_id.id
        self.env.cr.execute(NEWEST, (batch, source))
        found = self.env.cr.fetchone()
        if not found:
            return
        [newest] = found
        with lock_source(self.env.cr, source, commit):
            self.env.cr.execute(
                "UPDATE metered_source SET last_record = %(newest)s WHERE id = %(id)s"
                " AND coalesce(last_record, '-infinity') < %(newest)s",
                {"newest": newest, "id": source},
            )
            if commit:
                commit()
        self.source_id.invalidate_recordset(["last_record"])

    def _source_failed(self, error, commit):
        """Try again later what may get better by itself; the rest is a failure.

        A source that is down is down for all accounts: those that wait are not tried
        one by one.

        :return: whether the job is over
        """
        if commit:
            self.env.cr.rollback()
            self.invalidate_recordset()
        self._keep_last_record(commit)
        is_down = self._is_source_down(error)
        if commit:
            commit()
        # Syncs side by side fail side by side: they take turns.
        with lock_source(self.env.cr, self.source_id.id, commit):
            syncs = self
            if is_down:
                syncs |= self._waiting_beside()
            for failing in syncs.grouped(lambda s: (s.attempts, s.kind)).values():
                failing._try_later_or_fail(error)
            if commit:
                commit()
        return self.state == "failed"

    def _is_source_down(self, error):
        """Whether the source fails for accounts that were not asked for yet, too."""
        if not self.account_id or isinstance(error, SourceNotFound | SourceFileError):
            return False
        if isinstance(error, SourceBusy | SourceSettingsError):
            return True
        if not isinstance(error, SourceUnreachable | SourceRefused):
            return False
        try:
            with self.source_id._make_connector(limits=LIMITS) as connector:
                connector.reach()
        except SourceError:
            return True
        return False

    def _waiting_beside(self):
        """Other syncs of the source that nobody has begun with."""
        return self.search(
            [
                *self._due_domain(),
                ("source_id", "=", self.source_id.id),
                ("state", "=", "queued"),
                ("id", "!=", self.id),
            ]
        )

    def _try_later_or_fail(self, error):
        """The same for syncs with as many attempts, and the same reason."""
        message, tried = str(error), self[:1].attempts
        # An invoice does not wait for hours: its source's policy decides.
        attempts = 1 if self[:1].kind == "invoice" else ATTEMPTS
        if not getattr(error, "retry", False) or tried + 1 >= attempts:
            self._fail(message)
            return
        wait = min(FIRST_WAIT * 2**tried, LONGEST_WAIT)
        if getattr(error, "retry_after", None):
            wait = max(wait, min(timedelta(seconds=error.retry_after), LONGEST_WAIT))
        self.write(
            {
                "state": "queued",
                "attempts": tried + 1,
                "not_before": fields.Datetime.now() + wait,
            }
        )
        self._trigger_cron(self[:1].not_before)
        self._note(
            self.env._(
                "%(error)s The next attempt is in %(minutes)s min.",
                error=message,
                minutes=round(wait.total_seconds() / 60),
            ),
            "warning",
        )

    def _failure_text(self, error):
        return self.env._(
            "The sync stopped after %(records)s: %(error)s",
            records=self.records,
            error=self._error_words(error),
        )
