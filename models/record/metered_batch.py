# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import mmap

import numpy as np

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import formatLang

from ...connectors import files
from ...connectors.harmless import harmless
from ...ingest.mapping import raw_texts
from ..job.ir_attachment import StoredFileError
from ..screen.actions import window_action

#: A type that Odoo does not know. Of a text it would store all words once more, to
#: search in them, and to guess the type it would read the file into memory.
FILE_TYPE = "application/x-call-records"


class MeteredBatch(models.Model):
    """One file, sync or push: where records came from.

    Of a file it is the job that brings them in, too: see ``metered_batch_job``.
    """

    _name = "metered.batch"
    _description = "Usage Import"
    _inherit = ["metered.guarded", "mail.thread", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D626A62  # "mbjb"
    _rec_name = "file_name"

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
    sync_id = fields.Many2one(
        "metered.sync",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        copy=False,
        help="The sync that fetched and counts these records.",
    )
    account_id = fields.Many2one(
        "metered.source.account",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The account that was synced.",
    )
    date_from = fields.Datetime(
        string="Records From",
        readonly=True,
        copy=False,
        help="Start of the period requested from the switch by a sync; empty for "
        "files.",
    )
    date_to = fields.Datetime(string="Records Until", readonly=True, copy=False)
    file_format = fields.Json(readonly=True)
    checksum = fields.Char(readonly=True, index=True, help="SHA-256 of the file.")
    file_missing = fields.Boolean(
        readonly=True,
        copy=False,
        help="The stored file is missing or damaged. Upload the same file again.",
    )
    state = fields.Selection(
        selection_add=[("undoing", "Being undone"), ("undone", "Undone")],
        ondelete={"undoing": "set default", "undone": "set default"},
        tracking=True,
        string="Status",
    )
    # --- control totals
    expected = fields.Integer(
        string="Records Expected",
        readonly=True,
        help="Number counted when the file was checked.",
    )
    records = fields.Integer(
        string="Records Read",
        readonly=True,
        help="Lines of the file that contain a record.",
    )
    rated = fields.Integer(readonly=True)
    not_billable = fields.Integer(
        readonly=True,
        help="Stored but intentionally not charged because of a charging rule.",
    )
    duplicates = fields.Integer(
        readonly=True, help="Already imported from this source, and not stored again."
    )
    exceptions = fields.Integer(
        readonly=True, help="Records that need attention or were dismissed."
    )
    invoiced = fields.Integer(compute="_compute_invoiced", help="Rated and invoiced.")
    uninvoiced = fields.Integer(
        string="Open", compute="_compute_invoiced", help="Rated and not yet invoiced."
    )
    charged = fields.Char(
        compute="_compute_invoiced",
        help="Total of the rated calls, excluding taxes. Meter usage is priced with "
        "its whole billing period.",
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
        help="Records read = rated + not billable + duplicates + exceptions, the same "
        "number of records is stored, and the file contains no other records.",
    )

    first_start = fields.Datetime(
        string="First Record", readonly=True, copy=False, help="Start time."
    )
    last_start = fields.Datetime(
        string="Last Record", readonly=True, copy=False, help="Start time."
    )

    elsewhere = fields.Integer(
        string="Also in Another Source",
        readonly=True,
        copy=False,
        help="Charged calls that an import of another source has charged to the same "
        "customer.",
    )
    elsewhere_batch_id = fields.Many2one(
        "metered.batch",
        string="Other Import",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
    is_charged_twice = fields.Boolean(compute="_compute_is_charged_twice")

    is_setup = fields.Boolean(
        compute="_compute_is_setup",
        help="Continue the setup after this import.",
    )

    # === COMPUTE === #

    @api.depends(
        "state",
        "file_missing",
        "expected",
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
            if batch.state in ("queued", "running", "undoing"):
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
                or (
                    batch.checksum
                    and (batch.state == "done" or batch.file_missing)
                    and batch.records != batch.expected
                )
            ):
                batch.balance = "wrong"
            else:
                batch.balance = "ok"

    @api.depends("elsewhere", "state", "elsewhere_batch_id.state")
    def _compute_is_charged_twice(self):
        for batch in self:
            states = (batch.state, batch.elsewhere_batch_id.state)
            batch.is_charged_twice = bool(
                batch.elsewhere and batch.elsewhere_batch_id and "undone" not in states
            )

    def _compute_invoiced(self):
        self.env["metered.usage"].flush_model(["invoice_line_id"])
        self.env.cr.execute(
            """
            SELECT cdr.batch_id, cdr.currency_id, count(usage.invoice_line_id),
                   count(*), sum(cdr.charge)
              FROM metered_cdr cdr
              JOIN metered_usage usage ON usage.id = cdr.usage_id
             WHERE cdr.batch_id = ANY(%s)
             GROUP BY cdr.batch_id, cdr.currency_id
             ORDER BY cdr.batch_id, cdr.currency_id
            """,
            (self.ids,),
        )
        counts = {}
        for batch_id, *row in self.env.cr.fetchall():
            counts.setdefault(batch_id, []).append(row)
        currencies = self.env["res.currency"]
        for batch in self:
            rows = counts.get(batch.id, [])
            batch.invoiced = sum(invoiced for _id, invoiced, _rated, _sum in rows)
            batch.uninvoiced = sum(row[2] for row in rows) - batch.invoiced
            batch.charged = " + ".join(
                formatLang(
                    self.env, float(charge), currency_obj=currencies.browse(currency_id)
                )
                for currency_id, _invoiced, _rated, charge in rows
                if currency_id and charge is not None
            )

    # === CREATE === #

    @api.model
    def import_file(self, source_id, file_name, content, override=None):
        """Queue the import of a file. Callable from code and by RPC.

        :param int source_id: id of the ``metered.source``
        :param str file_name: name of the file, shown with every record
        :param str content: the file, base64-encoded
        :param dict override: what is not to be detected: encoding, delimiter, quote,
            has_header, skip_lines, skip_records, positions, sheet, layout; without it
            what the source says of its files
        :return: id of the ``metered.batch``
        :raises UserError: when the file is not what it claims; nothing is stored then
        """
        source = self.env["metered.source"].browse(source_id)
        attachment = self.env["ir.attachment"].create(
            {
                "name": file_name and harmless(file_name),
                "datas": content,
                "mimetype": FILE_TYPE,
            }
        )
        return self._create_for_file(source, attachment, override).id

    @api.model
    def _create_for_file(self, source, attachment, override=None):
        """Check a file and queue its import.

        :param source: ``metered.source`` record
        :param attachment: ``ir.attachment`` record that holds the file
        :param override: see :meth:`import_file`
        :return: ``metered.batch`` record
        :raises UserError: see :meth:`import_file`, or an import of the same source is
            being undone
        """
        self._check_no_undo(source)
        with self._attachment_path(attachment) as path:
            checked = self._check_file(source, path, attachment.name, override)
        return self._create_checked(source, attachment, *checked)

    @api.model
    def _create_for_path(self, source, path, name):
        """The same of a file of this machine, which is read in portions.

        Nothing of it is kept before it was found to be what it claims.

        :param name: what to call it
        """
        checked = self._check_file(source, path, name)
        values = {"name": name, "mimetype": FILE_TYPE}
        attachments = self.env["ir.attachment"]
        with open(path, "rb") as file:
            if attachments._storage() == "file":
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    attachment = attachments.create({**values, "raw": content})
            else:
                attachment = attachments.create({**values, "raw": b""})
                attachment._metered_store_in_database(file)
        return self._create_checked(source, attachment, *checked)

    @api.model
    def _check_file(self, source, path, name, override=None):
        """Look whether a file is what it claims.

        :return: (:class:`~..connectors.formats.FileFormat`, facts of its content)
        :raises UserError: see :meth:`import_file`
        """
        source.ensure_one()
        source.check_access("read")
        if override is None:
            override = source._file_override()
        try:
            file_format = files.detect_format(
                path, name, override=override, fits=source._tells_records
            )
            source._check_sheet(file_format)
            file_format, repeated = files.settle_columns(path, file_format)
            facts = files.check_file(path, file_format)
        except files.SourceFileError as error:
            raise UserError(str(error)) from error
        source._check_repeated(file_format.columns, repeated)
        source._check_columns(file_format.columns)
        return file_format, facts

    @api.model
    def _create_checked(self, source, attachment, file_format, facts):
        """Queue the import of a file that was looked at.

        One whose stored file was lost takes this one instead, and goes on.
        """
        self.check_access("write")
        batch = self.search(
            [
                ("source_id", "=", source.id),
                ("checksum", "=", facts.sha256),
                ("file_missing", "=", True),
                ("state", "=", "failed"),
            ],
            limit=1,
        )
        if batch:
            attachment._metered_hand_over(batch)
            lost = batch.attachment_id.sudo()
            batch._set_as_program({"attachment_id": attachment.id})
            lost.unlink()
            batch.action_resume()
            return batch
        batch = self.sudo().create(
            {
                "source_id": source.id,
                "file_name": attachment.name,
                "attachment_id": attachment.id,
                "file_format": file_format.as_dict(),
                "checksum": facts.sha256,
                "expected": facts.records,
            }
        )
        attachment._metered_hand_over(batch)
        batch._enqueue()
        return batch.with_env(self.env)

    @api.model
    def _attachment_path(self, attachment, sha256=""):
        """A context manager of the path of an attachment's file, which is whole.

        :param str sha256: of the content, where it is known
        :raises AccessError: where the user may not read it
        :raises StoredFileError: see ``ir.attachment``
        """
        if not attachment:
            raise UserError(self.env._("Choose a file first."))
        attachment.with_env(self.env).check_access("read")
        return attachment.sudo()._metered_path(sha256)

    def _file_path(self):
        """The same of the file that is imported."""
        return self._attachment_path(self.attachment_id, self.checksum)

    def _raw_record(self, line):
        """The text of the record at a line of the imported file; "" without one."""
        if not self.attachment_id or not line:
            return self._file_deleted_text() if line else ""
        file_format = files.FileFormat.from_dict(self.file_format)
        try:
            with self._file_path() as path:
                return files.raw_record(path, file_format, line)
        except StoredFileError as error:
            return str(error)
        except files.SourceFileError:
            return ""

    def _raw_texts(self, lines):
        """Records of the imported file as exceptions keep them.

        :param lines: lines at which they begin
        :return: dict line -> JSON text; without those that the file does not tell
        """
        if not self.attachment_id:
            return {}
        file_format = files.FileFormat.from_dict(self.file_format)
        wanted, found = np.unique(np.array(lines, np.int64)), {}
        try:
            with self._file_path() as path:
                for chunk in files.read_chunks(path, file_format):
                    rows = np.flatnonzero(np.isin(chunk.line, wanted))
                    texts = raw_texts(chunk.frame, rows) if len(rows) else []
                    found.update(zip(chunk.line[rows].tolist(), texts, strict=True))
                    if len(found) == len(wanted):
                        break
        except (StoredFileError, files.SourceFileError):
            return {}
        return found

    # === ACTIONS === #

    @api.depends_context("uid", "company")
    def _compute_is_setup(self):
        self.is_setup = self.env["metered.onboarding"].is_going_on()

    def action_continue_setup(self):
        """Go on with the next step of the setup."""
        return self.env["metered.onboarding"].open_next()

    def action_resume(self):
        """Let a failed import go on from where it stopped."""
        self.check_access("write")
        for batch in self.filtered(lambda b: b.state == "failed"):
            batch._set_as_program(
                {"state": "queued", "error": False, "file_missing": False}
            )
            batch._enqueue()
        return True

    @api.ondelete(at_uninstall=False)
    def _unlink_except_stored(self):
        for batch in self:
            if batch.state != "undone" and batch._holds_records():
                raise UserError(
                    self.env._(
                        "%(file)s has records. Undo the import instead, which "
                        "reverses them and keeps a trace.",
                        file=batch.file_name,
                    )
                )

    def _holds_records(self):
        """Whether deleting it would leave records without their origin.

        An import of a sync that brought nothing new holds nothing. While its sync is
        there, it is what the sync counts with.
        """
        self.ensure_one()
        return bool(self.records) and bool(
            self.attachment_id
            or self.sync_id
            or self.balance != "ok"
            or self.records != self.duplicates
            or self.stored_rated + self.stored_not_billable + self.stored_exceptions
            or self.env["metered.exception"]
            .sudo()
            .search_count([("batch_id", "=", self.id)], limit=1)
        )

    def action_view_cdrs(self):
        """Open the call details of this import."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_cdr", [("batch_id", "=", self.id)], context={}
        )

    def action_view_exceptions(self):
        """Open the exceptions of this import."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_exception", [("batch_id", "=", self.id)]
        )
