# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import re
import tempfile
import zipfile
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from .res_company_statement import MIMETYPES

#: what one file may hold: larger ones no browser, and no worker, takes well
MOST_BYTES = 500_000_000
MOST_STATEMENTS = 5_000
#: after which a file is deleted: it has the calls of many customers
KEPT_DAYS = 7
#: the same statements become the same bytes
_DATE = (1980, 1, 1, 0, 0, 0)


class MeteredStatementZip(models.Model):
    """Many statements in one file, made in the background."""

    _name = "metered.statement.zip"
    _description = "Statements as ZIP File"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D62737A  # "mbsz"
    _job_cron = "metered_billing.ir_cron_statement_zips"

    name = fields.Char(readonly=True, required=True, copy=False)
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    statement_ids = fields.Many2many(
        "metered.statement", readonly=True, check_company=True
    )
    with_all_files = fields.Boolean(
        string="Include XLSX and CSV",
        readonly=True,
        help="If not selected, the ZIP file contains only the PDFs.",
    )
    left_out = fields.Integer(
        readonly=True,
        aggregator=None,
        help="Statements that were not finished, or do not add up.",
    )
    file = fields.Binary(readonly=True, attachment=True)

    @api.model
    def _start_for(self, statements, with_all_files):
        """Have files made of statements, one for each company.

        :return: what waits to be made
        """
        made = self.create(
            [
                {
                    "name": self.env._(
                        "Statements %s.zip", fields.Date.context_today(self)
                    ),
                    "company_id": company.id,
                    "statement_ids": some.ids,
                    "with_all_files": with_all_files,
                    "expected": len(some),
                }
                for company, some in statements.grouped("company_id").items()
            ]
        )
        made._enqueue()
        return made

    def _run(self, commit, seconds):
        fit = self.statement_ids.filtered(
            lambda one: one.state == "done" and one.adds_up
        ).sorted(lambda one: (one.partner_id.id, one.name))
        endings = tuple(MIMETYPES) if self.with_all_files else ("pdf",)
        with tempfile.TemporaryFile() as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for statement in fit:
                    for ending in endings:
                        self._add(archive, statement, ending)
                    # One after the other: all of them would fill the memory.
                    statement.invalidate_recordset(list(MIMETYPES))
                    if file.tell() > MOST_BYTES:
                        raise UserError(
                            self.env._(
                                "The ZIP file would be larger than %s MB. Select fewer "
                                "statements.",
                                MOST_BYTES // 1_000_000,
                            )
                        )
            content = self._as_binary(file)
        self.write(
            {
                "file": content,
                "records": len(self.statement_ids),
                "left_out": len(self.statement_ids) - len(fit),
            }
        )
        return True

    def _add(self, archive, statement, ending):
        content = statement.with_context(bin_size=False)._file_bytes(ending)
        if content:
            customer = re.sub(r"[^\w .-]", "_", statement.partner_id.display_name)
            # Without a name, the path would begin at the root of a disk.
            folder = customer.strip(" .")[:60].strip(" .") or "_"
            path = f"{folder}/{statement.file_name}.{ending}"
            archive.writestr(zipfile.ZipInfo(path, _DATE), content)

    def action_download(self):
        """Download the file."""
        self.ensure_one()
        return self._download_action()

    def action_resume(self):
        """Try again to make files that could not be made."""
        return self._resume_failed()

    @api.autovacuum
    def _gc_files(self):
        oldest = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        self.search([("create_date", "<", oldest)]).unlink()


class MeteredStatement(models.Model):
    """Statements that are downloaded together."""

    _inherit = "metered.statement"

    def action_zip(self):
        """Have these statements put into a ZIP file, in the background.

        With ``metered_all_files`` in the context, their XLSX and CSV files, too.
        """
        self.check_access("read")
        if not self or len(self) > MOST_STATEMENTS:
            raise UserError(
                self.env._("Select from 1 to %s statements.", MOST_STATEMENTS)
            )
        zips = self.env["metered.statement.zip"]
        zips.check_access("read")
        made = zips.sudo()._start_for(
            self.sudo(), bool(self.env.context.get("metered_all_files"))
        )
        return made.with_env(self.env)._get_records_action()
