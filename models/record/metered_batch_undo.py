# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging
import time

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...ingest.conflicts import again, make_lasting
from ...ingest.store import lock_source
from ...ingest.take_back import take_back

_logger = logging.getLogger(__name__)

#: first key of the advisory locks that batches hold while they are undone ("mbun")
UNDO_LOCK_CLASS = 0x6D62756E
#: records that are taken back while somebody waits
AT_ONCE_RECORDS = 200_000
#: records that a job takes back and commits together
SLICE_RECORDS = 100_000


class MeteredBatch(models.Model):
    """Taking an import back: its CDRs, their part of the usage, its exceptions.

    A large import is taken back by a job, slice by slice. At every moment usage is the
    sum of its CDRs, so that a job that is killed goes on with what is left. Meanwhile
    nothing new is imported from its source: it could be taken for a duplicate of what
    is about to go.
    """

    _inherit = "metered.batch"

    undone_uid = fields.Many2one("res.users", string="Undone By", readonly=True)
    undone_date = fields.Datetime(string="Undone On", readonly=True)
    undone_rated = fields.Integer(string="Reversed Rated Records", readonly=True)
    undone_not_billable = fields.Integer(
        string="Reversed Not Billable Records", readonly=True
    )
    undone_exceptions = fields.Integer(string="Reversed Exceptions", readonly=True)
    undo_error = fields.Text(readonly=True)
    undo_progress = fields.Float(compute="_compute_undo_progress")

    @api.depends(
        "state",
        "stored_rated",
        "stored_not_billable",
        "stored_exceptions",
        "undone_rated",
        "undone_not_billable",
        "undone_exceptions",
    )
    def _compute_undo_progress(self):
        for batch in self:
            total = batch._undo_total()
            done = (
                batch.undone_rated + batch.undone_not_billable + batch.undone_exceptions
            )
            batch.undo_progress = (
                100.0 if batch.state == "undone" else min(100.0 * done / total, 100.0)
            )

    def _undo_total(self):
        """Records that there are to take back, at least 1."""
        return max(
            self.stored_rated + self.stored_not_billable + self.stored_exceptions, 1
        )

    # === ACTIONS === #

    def action_open_undo(self):
        """Show what an undo would do, and ask whether to do it."""
        self.ensure_one()
        return self.env["metered.batch.undo"]._get_records_action(
            name=self.env._("Undo Import"),
            target="new",
            context={"default_batch_id": self.id},
        )

    def action_undo(self):
        """Take the whole import back: CDRs, usage and exceptions.

        The batch stays, with its counters and a note, as the trace of it.

        :raises UserError: when some of it is invoiced, with the invoices' names
        """
        self.check_access("write")
        for batch in self.sudo().filtered(lambda batch: batch.state != "undone"):
            batch._undo()
        return True

    def action_resume_undo(self):
        """Go on with an undo that stopped."""
        self.check_access("write")
        for batch in self.sudo().filtered("undo_error"):
            batch._check_not_invoiced()
            batch.undo_error = False
            batch._enqueue()
        return True

    # === START === #

    def _undo(self):
        """Undo at once what is small; let a job undo what is large."""
        self.ensure_one()
        if self.state in ("queued", "running") and self.records:
            raise UserError(
                self.env._(
                    "%(file)s is still being imported. Undo it when the import is "
                    "done.",
                    file=self.file_name,
                )
            )
        if self.state == "undoing":
            raise UserError(
                self.env._("%(file)s is already being undone.", file=self.file_name)
            )
        self.env.flush_all()
        self._check_not_thinned()
        self._check_details_kept()
        self._check_not_invoiced()
        self.write(
            {
                "state": "undoing",
                "undone_uid": self.env.uid,
                "undone_date": fields.Datetime.now(),
            }
        )
        if self._undo_total() <= self._undo_at_once():
            self._process_undo()
        else:
            self._enqueue()

    @api.model
    def _undo_at_once(self):
        """Records that are taken back while somebody waits."""
        return AT_ONCE_RECORDS

    @api.model
    def _undo_slice(self):
        """Records that a job takes back and commits together."""
        return SLICE_RECORDS

    # === RUN === #

    @api.model
    def _cron_undo_batches(self):
        """Go on with what is being undone, for a slice of time."""
        unfinished = [("state", "=", "undoing"), ("undo_error", "=", False)]
        self._work_off(unfinished, "_process_undo")

    def _process_undo(self, commit=None, seconds=None):
        """Take records back from where the undo stands.

        :param commit: function that commits after each slice; None inside a
            transaction that has to hold all of it
        :param seconds: stop before a further slice after this time
        :return: True when nothing is left, or the undo stopped
        """
        self.ensure_one()
        if not self._lock_job(commit, UNDO_LOCK_CLASS):
            return False
        begun = time.monotonic()
        try:
            self.invalidate_recordset()
            while self.state == "undoing" and not self.undo_error:
                self._undo_next(commit)
                if seconds is not None and time.monotonic() - begun > seconds:
                    break
            return self.state != "undoing" or bool(self.undo_error)
        except Exception as error:
            if not commit:
                raise
            if self._waits_for(error, commit):
                return False
            if not isinstance(error, UserError):
                _logger.exception("Undo of import %s stopped", self.id)
            self.undo_error = self._error_words(error)
            commit()
            return True
        finally:
            self._unlock_job(commit, UNDO_LOCK_CLASS)

    def _undo_next(self, commit):
        """Take one slice back and commit, again where others were in the way."""

        def work(_failed):
            with lock_source(self.env.cr, self.source_id.id, commit):
                if not (self._undo_cdrs() or self._undo_exceptions()):
                    self._take_back_readings()
                    self._finish_undo()
                    make_lasting(self.env.cr)
                if self.waits:
                    self.write({"waits": 0, "waiting": False})
                if commit:
                    commit()

        again(self.env.cr, work, commit)
        if self.state == "undone":
            self._take_back_fraud(commit)
            self.env["metered.register"]._book_quietly(commit)
            self.env["metered.plan.mark"]._apply_plans_quietly(commit)
            self.env["metered.alert.mark"]._check_soon()

    def _undo_cdrs(self):
        """Take CDRs out of the import and out of their usage.

        :return: whether there were any
        :raises UserError: when usage of theirs was invoiced in the meantime
        """
        self.env.flush_all()
        gone = take_back(
            self.env.cr,
            "SELECT id FROM metered_cdr WHERE batch_id = %s LIMIT %s",
            (self.id, self._undo_slice()),
        )
        if gone.invoiced:
            raise UserError(
                self.env._(
                    "Some of the records of %(file)s have been invoiced in the "
                    "meantime. Delete or credit these invoices, then click Resume.",
                    file=self.file_name,
                )
            )
        self.env.invalidate_all(flush=False)
        if not gone.rated and not gone.not_billable:
            return False
        self.undone_rated += gone.rated
        self.undone_not_billable += gone.not_billable
        return True

    def _undo_exceptions(self):
        """Take exceptions out of the import; whether there were any."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            WITH slice AS (
                SELECT id FROM metered_exception WHERE batch_id = %s LIMIT %s
            ), gone AS (
                DELETE FROM metered_exception exception USING slice
                 WHERE exception.id = slice.id
             RETURNING exception.state
            )
            SELECT count(*), count(*) FILTER (WHERE state != 'resolved') FROM gone
            """,
            (self.id, self._undo_slice()),
        )
        gone, waiting = self.env.cr.fetchone()
        self.env.invalidate_all(flush=False)
        self.undone_exceptions += waiting
        return bool(gone)

    def _finish_undo(self):
        """Leave the trace: who took back how much."""
        self.message_post(
            author_id=self.undone_uid.partner_id.id,
            body=self.env._(
                "Undone: %(rated)s rated and %(not_billable)s not billable records "
                "were reversed. Exceptions: %(exceptions)s.",
                rated=self.undone_rated,
                not_billable=self.undone_not_billable,
                exceptions=self.undone_exceptions,
            ),
        )
        self.write({"state": "undone"})

    # === CHECKS === #

    @api.model
    def _check_no_undo(self, source):
        """Import nothing from a source while an import of it is being undone.

        :raises UserError: naming the import
        """
        undoing = self.search(
            [("source_id", "=", source.id), ("state", "=", "undoing")], limit=1
        )
        if undoing:
            raise UserError(
                self.env._(
                    "%(file)s is being undone. Wait until that is done before you "
                    "import from %(switch)s, because its records would still count as "
                    "duplicates.",
                    file=undoing.file_name,
                    switch=source.name,
                )
            )

    def _process(self, commit=None, seconds=None, **given):
        """Let an undo of the same source come first."""
        if self.search_count(
            [("source_id", "=", self.source_id.id), ("state", "=", "undoing")], limit=1
        ):
            return False
        return super()._process(commit, seconds, **given)

    def _invoices(self, limit=None):
        """Invoices that records of this import are on.

        :return: list of (invoice id, number of records)
        """
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT line.move_id, sum(usage.calls)::int
              FROM (SELECT usage_id, count(*) AS calls FROM metered_cdr
                     WHERE batch_id = %s AND usage_id IS NOT NULL
                     GROUP BY usage_id) usage
              JOIN metered_usage owner ON owner.id = usage.usage_id
              JOIN account_move_line line ON line.id = owner.invoice_line_id
             GROUP BY line.move_id ORDER BY line.move_id
             LIMIT %s
            """,
            (self.id, limit),
        )
        return (self.env.cr.fetchall() + self._reading_invoices())[:limit]

    def _check_not_invoiced(self):
        """Refuse to undo what is on an invoice, naming it."""
        found = self._invoices(limit=6)
        if found:
            invoices = self.env["account.move"].browse(row[0] for row in found)
            names = ", ".join(
                invoice.sudo().display_name for invoice in invoices.sorted("id")[:5]
            )
            raise UserError(
                self.env._(
                    "Records of %(file)s are on invoices: %(invoices)s. Delete or "
                    "credit them first.",
                    file=self.file_name,
                    invoices=names + (", …" if len(invoices) > 5 else ""),
                )
            )
