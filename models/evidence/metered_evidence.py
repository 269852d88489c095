# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
import tempfile
import zipfile
from dataclasses import replace
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...connectors import files
from ...ingest.run import CHUNK_RECORDS, FIRST_RECORDS
from ...statement.chain import VERSION
from ...stored import canonical, reperform
from ...stored.evidence import TABLES, write_csv
from ..guard.engine import engine_version
from ..job.ir_attachment import StoredFileError
from ..statement.res_company_statement import MIMETYPES

#: after which a pack is deleted: it has a customer's calls, and can be made again
KEPT_DAYS = 30
#: what one file may hold: larger ones no browser, and no worker, takes well
MOST_BYTES = 500_000_000
#: the same facts become the same bytes
_DATE = (1980, 1, 1, 0, 0, 0)
_DIFFERENCES = ["record", "what", "stored", "found"]
_README = """\
Evidence of invoice {number}

lines.csv, usage.csv, records.csv    the lines of the invoice, their usage, its records
rates.csv, allowances.csv            what priced the records, as it is today
changes.csv                          charges that were others before: when, why, by whom
files.csv                            the imported files, with their SHA-256
statement/                           the statements of the invoice
sealed/invoice.txt, usage.txt,       the texts that the seal is about: SHA-256 of the
  records.txt, samples.txt           records, of the usage, of the invoice
sealed/seals.jsonl                   all seals of the company, each with the one before
reperformance.json, differences.csv  what came of reading the files and rating again

Times are UTC, numbers exact. Texts that a spreadsheet would take for a formula have an
apostrophe before them, except in the folder "sealed". The script check_evidence.py of
the program's source code checks all of this with Python alone.
"""


class MeteredEvidence(models.Model):
    """All that an invoice's usage was made of, in one file that can be checked.

    Whoever gets it needs neither this database nor this program: see
    ``scripts/check_evidence.py``.
    """

    _name = "metered.evidence"
    _description = "Evidence Pack"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D626576  # "mbev"
    _job_cron = "metered_billing.ir_cron_evidence"

    name = fields.Char(readonly=True, required=True, copy=False)
    invoice_id = fields.Many2one(
        "account.move",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        check_company=True,
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    read_again = fields.Integer(
        string="Records Read Again",
        readonly=True,
        aggregator=None,
        help="Records whose file was read again and compared with what is stored.",
    )
    unread = fields.Integer(
        string="Records Without File",
        readonly=True,
        aggregator=None,
        help="Their file was deleted, or they did not come from a file.",
    )
    rated_again = fields.Integer(
        string="Calls Rated Again", readonly=True, aggregator=None
    )
    as_then = fields.Integer(
        string="By Their Rate of Then",
        readonly=True,
        aggregator=None,
        help="Calls whose charge comes out with the rate that they were charged with, "
        "but not with the settings of today: prices, rates, or the customer were "
        "changed since.",
    )
    differences = fields.Integer(
        readonly=True,
        aggregator=None,
        help="Records that are not what their file says, and calls whose charge does "
        "not come out again.",
    )
    file = fields.Binary(readonly=True, attachment=True)

    @api.model
    def _start_for(self, moves):
        """Have packs made of posted invoices, one each.

        :param moves: ``account.move`` records
        :return: what waits to be made
        :raises UserError: for a document that is not posted, or has no usage
        """
        for move in moves:
            if move.state != "posted" or not move.metered_usage_count:
                raise UserError(
                    self.env._(
                        "%s is not a posted invoice with usage, so there is nothing "
                        "to give evidence of.",
                        move.display_name,
                    )
                )
        made = self.create(
            [
                {
                    "name": self.env._("Evidence %s.zip", move.name.replace("/", "-")),
                    "invoice_id": move.id,
                    "company_id": move.company_id.id,
                    "expected": move.metered_usage_count,
                }
                for move in moves
            ]
        )
        made._enqueue()
        return made

    def _run(self, commit, seconds):
        if self.invoice_id.state != "posted":
            raise UserError(
                self.env._(
                    "The invoice was deleted or is no longer posted. Post it, then "
                    "make a new evidence pack."
                )
            )
        self.env.flush_all()
        usage = self.env["metered.usage"].search(
            [("invoice_line_id.move_id", "=", self.invoice_id.id)]
        )
        outcome = self._reperform(usage)
        with tempfile.TemporaryFile() as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                records = self._write_pack(archive, usage.ids, outcome)
            if file.tell() > MOST_BYTES:
                raise UserError(
                    self.env._(
                        "The evidence would be larger than %s MB, which is too much "
                        "for a download.",
                        MOST_BYTES // 1_000_000,
                    )
                )
            content = self._as_binary(file)
        self.write(
            {
                "file": content,
                "records": records,
                "read_again": outcome.read,
                "unread": outcome.unread,
                "rated_again": outcome.rated,
                "as_then": outcome.as_then,
                "differences": outcome.count,
            }
        )
        return True

    # === AGAIN === #

    def _reperform(self, usage):
        """Read the files, and rate the calls, once more.

        :return: ``stored.reperform.Outcome``
        """
        outcome = reperform.Outcome()
        stored = reperform.stored_facts(self.env.cr, usage.ids)
        for batch in self.env["metered.batch"].browse(sorted(stored)).exists():
            self._reread(batch, stored.pop(batch.id), outcome)
        outcome.unread += sum(map(len, stored.values()))
        reperform.rate_again(self.company_id, usage.ids, outcome)
        return outcome

    def _reread(self, batch, facts, outcome):
        if not batch.attachment_id:
            outcome.unread += len(facts)
            return
        settings = batch.source_id._load_settings()
        file_format = files.FileFormat.from_dict(batch.file_format)
        settings = replace(settings, titles=file_format.titles)
        try:
            with batch._file_path() as path:
                chunks = files.read_chunks(
                    path,
                    file_format,
                    chunk_records=CHUNK_RECORDS,
                    first_records=min(CHUNK_RECORDS, FIRST_RECORDS),
                )
                reperform.reread(facts, chunks, settings, outcome)
        except (StoredFileError, files.SourceFileError):
            outcome.unread += len(facts)

    # === THE FILE === #

    def _write_pack(self, archive, usage_ids, outcome):
        """Write all of it.

        :param archive: ``zipfile.ZipFile``
        :return: number of records in it
        """
        cr, move = self.env.cr, self.invoice_id
        readme = _README.format(number=move.name)
        archive.writestr(zipfile.ZipInfo("README.txt", _DATE), readme)
        written = {
            name: self._write_rows(
                archive, f"{name}.csv", table.rows(cr, usage_ids, self._line_ids())
            )
            for name, table in TABLES.items()
        }
        differences = [_DIFFERENCES, *outcome.differences]
        self._write_rows(archive, "differences.csv", differences)
        self._write_json(archive, "invoice.json", self._say_invoice())
        self._write_json(
            archive,
            "reperformance.json",
            {
                "engine": engine_version(self.env),
                "records_read_again": outcome.read,
                "records_without_file": outcome.unread,
                "calls_rated_again": outcome.rated,
                "of_these_by_their_rate_of_then": outcome.as_then,
                "differences": outcome.count,
            },
        )
        self._write_sealed(archive, usage_ids)
        self._write_statements(archive)
        return written["records"]

    def _line_ids(self):
        return self.invoice_id.invoice_line_ids.ids

    def _write_rows(self, archive, name, rows):
        with archive.open(zipfile.ZipInfo(name, _DATE), "w", force_zip64=True) as file:
            return write_csv(file, rows)

    def _write_json(self, archive, name, value):
        text = json.dumps(value, indent=1, ensure_ascii=False)
        archive.writestr(zipfile.ZipInfo(name, _DATE), text)

    def _say_invoice(self):
        move = self.invoice_id
        return {
            "id": move.id,
            "number": move.name,
            "date": move.invoice_date.isoformat(),
            "customer": move.partner_id.display_name,
            "company": move.company_id.name,
            "currency": move.currency_id.name,
            "untaxed": repr(move.amount_untaxed),
            "taxes": repr(move.amount_tax),
            "total": repr(move.amount_total),
            "engine": move.metered_engine or "",
        }

    def _write_sealed(self, archive, usage_ids):
        """The very texts that the seal of the invoice is the digest of."""
        cr = self.env.cr
        head, usage = canonical.texts_of_invoice(cr, self.invoice_id.id)
        self._write_texts(archive, "invoice", [head])
        self._write_texts(archive, "usage", usage)
        texts = canonical.texts_of_records(cr, usage_ids)
        self._write_texts(archive, "records", map(_of_usage, texts))
        texts = canonical.texts_of_samples(cr, usage_ids)
        self._write_texts(archive, "samples", map(_of_usage, texts))
        name = zipfile.ZipInfo("sealed/seals.jsonl", _DATE)
        with archive.open(name, "w", force_zip64=True) as file:
            for seal in self._seals():
                file.write(json.dumps(seal).encode() + b"\n")

    def _write_texts(self, archive, name, texts):
        """Lines without one more at the end: their digest is over these bytes."""
        name = zipfile.ZipInfo(f"sealed/{name}.txt", _DATE)
        with archive.open(name, "w", force_zip64=True) as file:
            for place, text in enumerate(texts):
                file.write((b"\n" if place else b"") + text.encode())

    def _seals(self):
        """Yield what each seal of the company says, by their numbers."""
        chain = self.env["metered.seal"]._chain(self.company_id)
        for _position, previous, seal, said, version in chain:
            yield {
                "version": version or VERSION,
                "previous": previous,
                "seal": seal,
                "said": said,
            }

    def _write_statements(self, archive):
        for statement in self.invoice_id.metered_statement_ids.sorted("id"):
            if statement.state != "done":
                continue
            for ending in MIMETYPES:
                content = statement.with_context(bin_size=False)._file_bytes(ending)
                if content:
                    path = f"statement/{statement.file_name}.{ending}"
                    archive.writestr(zipfile.ZipInfo(path, _DATE), content)
            statement.invalidate_recordset(list(MIMETYPES))

    # === BUTTONS === #

    def action_download(self):
        """Download the pack."""
        self.ensure_one()
        return self._download_action()

    def action_resume(self):
        """Try again to make packs that could not be made."""
        return self._resume_failed()

    def action_open_invoice(self):
        """Open the invoice that it is about."""
        self.ensure_one()
        return self.invoice_id._get_records_action()

    @api.autovacuum
    def _gc_files(self):
        oldest = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        self.search([("create_date", "<", oldest)]).unlink()


def _of_usage(pair):
    usage_id, text = pair
    return f"{usage_id}\t{text}"
