# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import contextlib
import logging
import os
import tempfile
import time

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..connectors import files
from ..ingest.load import load_settings
from ..ingest.run import CHUNK_RECORDS, run_chunks

_logger = logging.getLogger(__name__)

#: first key of the advisory locks that batches hold while they run ("mbjb")
JOB_LOCK_CLASS = 0x6D626A62
#: seconds that the scheduled action gives a batch before it looks at the others
SLICE_SECONDS = 40


class MeteredBatch(models.Model):
    """One file (later: one sync, one push): where records came from, and the job
    that brings them in.

    The job goes chunk by chunk. A chunk's CDRs, usage, exceptions and the counters
    here are committed together, so that a job that is killed goes on with the first
    record that was not stored.
    """

    _name = "metered.batch"
    _description = "Usage Import"
    _inherit = ["mail.thread"]
    _order = "id desc"
    _rec_name = "file_name"
    _check_company_auto = True

    source_id = fields.Many2one(
        "metered.source",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
        check_company=True,
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    file_name = fields.Char(string="File", readonly=True)
    attachment_id = fields.Many2one(
        "ir.attachment", readonly=True, ondelete="restrict", copy=False
    )
    file_format = fields.Json(readonly=True)
    checksum = fields.Char(readonly=True, index=True, help="SHA-256 of the file.")
    state = fields.Selection(
        [
            ("queued", "Waiting"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("undone", "Undone"),
        ],
        required=True,
        default="queued",
        readonly=True,
        tracking=True,
        index=True,
    )
    error = fields.Text(readonly=True)
    # --- control totals
    expected = fields.Integer(
        string="Records Expected", readonly=True, help="As the file was checked."
    )
    records = fields.Integer(
        string="Records Read", readonly=True, help="Lines of the file with a record."
    )
    rated = fields.Integer(readonly=True)
    not_billable = fields.Integer(
        readonly=True, help="Kept, but rightly not charged, by a charging rule."
    )
    duplicates = fields.Integer(
        readonly=True, help="Seen before from this source, and not stored again."
    )
    exceptions = fields.Integer(
        readonly=True, help="Records that wait for a person, or were dismissed."
    )
    invoiced = fields.Integer(compute="_compute_invoiced", help="Rated and invoiced.")
    uninvoiced = fields.Integer(
        string="Open", compute="_compute_invoiced", help="Rated and not yet invoiced."
    )
    stored_rated = fields.Integer(readonly=True)
    stored_not_billable = fields.Integer(readonly=True)
    stored_exceptions = fields.Integer(readonly=True)
    balance = fields.Selection(
        [
            ("open", "Still running"),
            ("ok", "Adds up"),
            ("wrong", "Does not add up"),
        ],
        compute="_compute_balance",
        store=True,
        help="Records read = rated + not billable + duplicates + exceptions, and the "
        "tables hold just as many.",
    )
    # --- progress
    started = fields.Datetime(readonly=True)
    finished = fields.Datetime(readonly=True)
    run_seconds = fields.Float(readonly=True, help="Time that the job has worked.")
    progress = fields.Float(compute="_compute_progress")
    speed = fields.Integer(
        string="Records per Second", compute="_compute_progress", aggregator="avg"
    )
    time_left = fields.Char(compute="_compute_progress")

    # === COMPUTE === #

    @api.depends("records", "expected", "run_seconds", "state")
    def _compute_progress(self):
        for batch in self:
            speed = batch.records / batch.run_seconds if batch.run_seconds else 0
            batch.speed = round(speed)
            batch.progress = (
                100.0
                if batch.state == "done"
                else min(100.0 * batch.records / (batch.expected or 1), 100.0)
            )
            left = max(batch.expected - batch.records, 0)
            if batch.state != "running" or not speed:
                batch.time_left = False
            else:
                minutes, seconds = divmod(round(left / speed), 60)
                batch.time_left = f"{minutes}:{seconds:02d}"

    @api.depends(
        "state",
        "records",
        "rated",
        "not_billable",
        "duplicates",
        "exceptions",
        "stored_rated",
        "stored_not_billable",
        "stored_exceptions",
    )
    def _compute_balance(self):
        for batch in self:
            if batch.state in ("queued", "running"):
                batch.balance = "open"
            elif batch.state in ("done", "failed") and (
                batch.records
                != batch.rated
                + batch.not_billable
                + batch.duplicates
                + batch.exceptions
                or batch.rated != batch.stored_rated
                or batch.not_billable != batch.stored_not_billable
                or batch.exceptions != batch.stored_exceptions
            ):
                batch.balance = "wrong"
            else:
                batch.balance = "ok"

    def _compute_invoiced(self):
        self.env["metered.usage"].flush_model(["invoice_line_id"])
        self.env.cr.execute(
            """
            SELECT cdr.batch_id, count(usage.invoice_line_id), count(*)
              FROM metered_cdr cdr
              JOIN metered_usage usage ON usage.id = cdr.usage_id
             WHERE cdr.batch_id = ANY(%s)
             GROUP BY cdr.batch_id
            """,
            (self.ids,),
        )
        counts = {row[0]: row[1:] for row in self.env.cr.fetchall()}
        for batch in self:
            invoiced, rated = counts.get(batch.id, (0, 0))
            batch.invoiced = invoiced
            batch.uninvoiced = rated - invoiced

    # === CREATE === #

    @api.model
    def import_file(self, source_id, file_name, content, override=None):
        """Queue the import of a file. Callable from code and by RPC.

        :param int source_id: id of the ``metered.source``
        :param str file_name: name of the file, shown with every record
        :param str content: the file, base64-encoded
        :param dict override: what is not to be detected: encoding, delimiter,
            has_header, skip_records, layout
        :return: id of the ``metered.batch``
        :raises UserError: when the file is not what it claims; nothing is stored then
        """
        source = self.env["metered.source"].browse(source_id)
        attachment = self.env["ir.attachment"].create(
            {"name": file_name, "datas": content}
        )
        return self._create_for_file(source, attachment, override).id

    @api.model
    def _create_for_file(self, source, attachment, override=None):
        """Check a file and queue its import.

        :param source: ``metered.source`` record
        :param attachment: ``ir.attachment`` record that holds the file
        :param override: see :meth:`import_file`
        :return: ``metered.batch`` record
        :raises UserError: see :meth:`import_file`
        """
        source.ensure_one()
        source.check_access("read")
        with self._attachment_path(attachment) as path:
            try:
                file_format = files.detect_format(
                    path, attachment.name, override=override
                )
                facts = files.check_file(path, file_format)
            except files.SourceFileError as error:
                raise UserError(str(error)) from error
        source._check_columns(file_format.columns)
        batch = self.create(
            {
                "source_id": source.id,
                "file_name": attachment.name,
                "attachment_id": attachment.id,
                "file_format": file_format.as_dict(),
                "checksum": facts.sha256,
                "expected": facts.records,
            }
        )
        attachment.sudo().write({"res_model": self._name, "res_id": batch.id})
        batch._enqueue()
        return batch

    @contextlib.contextmanager
    def _attachment_path(self, attachment):
        """The path of an attachment's file; a copy of it if it is in the database."""
        attachment = attachment.sudo()
        if attachment.store_fname:
            path = attachment._full_path(attachment.store_fname)
            if os.path.exists(path):
                yield path
                return
        with tempfile.NamedTemporaryFile() as copy:
            copy.write(attachment.raw or b"")
            copy.flush()
            yield copy.name

    def _raw_record(self, line):
        """The text of the record at a line of the imported file; "" without one."""
        if not self.attachment_id or not line:
            return ""
        file_format = files.FileFormat.from_dict(self.file_format)
        try:
            with self._attachment_path(self.attachment_id) as path:
                return files.raw_record(path, file_format, line)
        except files.SourceFileError:
            return ""

    # === THE JOB === #

    def _enqueue(self):
        """Ask the scheduled action to run soon."""
        self.env.ref("metered_billing.ir_cron_process_batches").sudo()._trigger()

    @api.model
    def _cron_process_batches(self):
        """Run what waits, and go on with what was killed, a slice of time each."""
        for batch in self.search([("state", "in", ("queued", "running"))], order="id"):
            batch._process(commit=self.env.cr.commit, seconds=SLICE_SECONDS)
        remaining = self.search_count([("state", "in", ("queued", "running"))])
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
        """Add to the counters, in SQL: other transactions may add to them too."""
        names = list(added)
        self.flush_recordset()
        assignments = ", ".join(f"{name} = coalesce({name}, 0) + %s" for name in names)
        self.env.cr.execute(
            f"UPDATE metered_batch SET {assignments} WHERE id = %s",  # noqa: S608
            (*added.values(), self.id),
        )
        self.invalidate_recordset(names)
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
        if commit:
            commit()

    def _lock_job(self, commit):
        """Whether this process may run the batch; no other one can then."""
        if not commit:
            return True
        self.env.cr.execute(
            "SELECT pg_try_advisory_lock(%s, %s)", (JOB_LOCK_CLASS, self.id)
        )
        locked = self.env.cr.fetchone()[0]
        commit()
        return locked

    def _unlock_job(self, commit):
        if commit:
            self.env.cr.execute(
                "SELECT pg_advisory_unlock(%s, %s)", (JOB_LOCK_CLASS, self.id)
            )
            commit()

    def _verify(self):
        """Count what the tables hold of this import, beside what the job counted.

        A rated call counts when its usage exists: so rated = invoiced + open.
        """
        self.env["metered.exception"].flush_model(["state"])
        for batch in self:
            batch.flush_recordset()
            batch.env.cr.execute(
                """
                SELECT count(usage.id),
                       count(*) FILTER (WHERE cdr.state = 'not_billable'),
                       (SELECT count(*) FROM metered_exception
                         WHERE batch_id = %(id)s AND state != 'resolved')
                  FROM metered_cdr cdr
                  LEFT JOIN metered_usage usage
                    ON usage.id = cdr.usage_id AND cdr.state = 'rated'
                 WHERE cdr.batch_id = %(id)s
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

    # === ACTIONS === #

    def action_resume(self):
        """Let a failed import go on from where it stopped."""
        for batch in self.filtered(lambda b: b.state == "failed"):
            batch.write({"state": "queued", "error": False})
            batch._enqueue()
        return True

    def action_undo(self):
        """Take the whole import back: CDRs, usage and exceptions, as one act.

        The batch stays, with its counters and a note, as the trace of it.

        :raises UserError: when some of it is invoiced, with the invoices' names
        """
        for batch in self:
            batch._undo()
        return True

    def _undo(self):
        self.ensure_one()
        if self.state in ("queued", "running") and self.records:
            raise UserError(
                self.env._(
                    "%(file)s is still being imported. Undo it when it is done.",
                    file=self.file_name,
                )
            )
        self.env.flush_all()
        self._check_not_invoiced()
        cr = self.env.cr
        cr.execute(
            """
            WITH gone AS (
                DELETE FROM metered_cdr WHERE batch_id = %s
             RETURNING usage_id, quantity, billed_quantity, charge
            ), sums AS (
                SELECT usage_id, count(*) AS records, sum(quantity) AS quantity,
                       sum(billed_quantity) AS billed_quantity, sum(charge) AS amount
                  FROM gone WHERE usage_id IS NOT NULL GROUP BY usage_id
            )
            UPDATE metered_usage usage
               SET records = usage.records - sums.records,
                   quantity = usage.quantity - sums.quantity,
                   billed_quantity = usage.billed_quantity - sums.billed_quantity,
                   amount = usage.amount - sums.amount
              FROM sums WHERE usage.id = sums.usage_id
         RETURNING usage.id
            """,
            (self.id,),
        )
        touched = [row[0] for row in cr.fetchall()]
        if touched:
            cr.execute(
                "DELETE FROM metered_usage WHERE id = ANY(%s) AND records = 0",
                (touched,),
            )
        cr.execute("DELETE FROM metered_exception WHERE batch_id = %s", (self.id,))
        self.env.invalidate_all()
        self.message_post(
            body=self.env._(
                "Undone: %(rated)s rated, %(not_billable)s not billable records and "
                "%(exceptions)s exceptions were taken back.",
                rated=self.rated,
                not_billable=self.not_billable,
                exceptions=self.exceptions,
            )
        )
        self.write({"state": "undone"})

    def _check_not_invoiced(self):
        """Refuse to undo what is on an invoice, naming it."""
        self.env.cr.execute(
            """
            SELECT DISTINCT line.move_id
              FROM metered_cdr cdr
              JOIN metered_usage usage ON usage.id = cdr.usage_id
              JOIN account_move_line line ON line.id = usage.invoice_line_id
             WHERE cdr.batch_id = %s
             LIMIT 6
            """,
            (self.id,),
        )
        invoices = self.env["account.move"].browse(
            row[0] for row in self.env.cr.fetchall()
        )
        if invoices:
            names = ", ".join(
                invoice.sudo().display_name for invoice in invoices.sorted("id")[:5]
            )
            raise UserError(
                self.env._(
                    "Records of %(file)s are on invoices: %(invoices)s. Delete or "
                    "credit these first.",
                    file=self.file_name,
                    invoices=names + (", …" if len(invoices) > 5 else ""),
                )
            )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_stored(self):
        for batch in self:
            if batch.state != "undone" and batch.records:
                raise UserError(
                    self.env._(
                        "%(file)s holds records. Undo it instead: that takes them back "
                        "and keeps the trace.",
                        file=batch.file_name,
                    )
                )

    def action_view_cdrs(self):
        """Open the call details of this import."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_cdr"
        )
        action["domain"] = [("batch_id", "=", self.id)]
        action["context"] = {}
        return action

    def action_view_exceptions(self):
        """Open the exceptions of this import."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_exception"
        )
        action["domain"] = [("batch_id", "=", self.id)]
        return action
