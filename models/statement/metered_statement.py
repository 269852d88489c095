# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64
import io
from hashlib import sha256

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...ingest.load import company_zone, customer_zone
from ...statement import Masking, write_csv, write_pdf, write_xlsx
from ..record.metered_sums import Money

#: field -> the ending of its file
FILES = {"pdf": "pdf", "xlsx": "xlsx", "csv": "csv"}


class MeteredStatement(models.Model):
    """What a customer got to see of the usage on an invoice, as it was when made.

    It is made once, by a job, and never changed: numbers stay masked as they were, and
    the digests of the files say that they are the same. What is made again is another
    statement, which replaces this one.
    """

    _name = "metered.statement"
    _description = "Usage Statement"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "date_from desc, id desc"
    _job_lock_class = 0x6D627374  # "mbst"
    _job_cron = "metered_billing.ir_cron_statements"

    name = fields.Char(string="Number", readonly=True, required=True, copy=False)
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    scope = fields.Selection(
        [("invoice", "An invoice"), ("period", "A period")],
        string="Statement Of",
        required=True,
        default="invoice",
        readonly=True,
        help="For a period: includes all of its usage, even if it is not invoiced.",
    )
    invoice_id = fields.Many2one(
        "account.move",
        readonly=True,
        index=True,
        ondelete="set null",
        check_company=True,
        help="Empty if the invoice was deleted.",
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    date_from = fields.Date(string="From", readonly=True)
    date_to = fields.Date(
        string="Until (excluded)", readonly=True, help="First day after the period."
    )
    last_day = fields.Date(string="Until", compute="_compute_last_day")
    time_zone = fields.Char(readonly=True)
    lang = fields.Char(string="Language", readonly=True)
    masking = fields.Json(
        readonly=True,
        help="Which digits of numbers the files show, as set when they were created.",
    )
    is_current = fields.Boolean(
        string="Current",
        default=True,
        readonly=True,
        help="Not replaced by a newer statement.",
    )
    calls = fields.Integer(string="Calls Listed", readonly=True, aggregator=None)
    pages = fields.Integer(readonly=True, aggregator=None)
    usage_amount = Money(
        readonly=True, help="The exact sum of all records, before rounding."
    )
    invoice_amount = fields.Monetary(
        string="Usage on the Invoice", readonly=True, aggregator=None
    )
    rounding = Money(
        readonly=True,
        help="Difference between the exact sum and the invoice, by cause.",
    )
    carried_amount = fields.Monetary(
        string="Carried Forward",
        readonly=True,
        aggregator=None,
        help="For statements of a period: usage that is carried forward until it "
        "reaches the smallest invoice.",
    )
    carried_since = fields.Date(readonly=True)
    adds_up = fields.Boolean(
        readonly=True,
        help="The records, with one rounding per invoice line, add up to the invoice.",
    )
    pdf = fields.Binary(string="PDF", readonly=True, attachment=True)
    pdf_sha256 = fields.Char(string="SHA-256 of the PDF", readonly=True)
    xlsx = fields.Binary(string="XLSX", readonly=True, attachment=True)
    xlsx_sha256 = fields.Char(string="SHA-256 of the XLSX", readonly=True)
    csv = fields.Binary(string="CSV", readonly=True, attachment=True)
    csv_sha256 = fields.Char(string="SHA-256 of the CSV", readonly=True)
    file_name = fields.Char(compute="_compute_file_name")

    _current_uniq = models.UniqueIndex(
        "(invoice_id) WHERE is_current", "The invoice already has a statement."
    )
    _period_uniq = models.UniqueIndex(
        "(partner_id, company_id, currency_id, date_from, date_to)"
        " WHERE is_current AND scope = 'period'",
        "The customer already has a statement of this period.",
    )

    @api.depends("name")
    def _compute_file_name(self):
        for statement in self:
            statement.file_name = (statement.name or "").replace("/", "-")

    @api.depends("date_to")
    def _compute_last_day(self):
        for statement in self:
            statement.last_day = statement.date_to and fields.Date.subtract(
                statement.date_to, days=1
            )

    # === START === #

    @api.model
    def _start_for(self, moves):
        """Have a statement made for each posted invoice, in the background.

        A statement that the invoice already has is replaced.

        :return: the statements that wait to be made
        """
        before = self.search(
            [("invoice_id", "in", moves.ids), ("is_current", "=", True)]
        )
        before.write({"is_current": False})
        self.flush_model(["is_current"])
        made = self.create([self._values_for(move) for move in moves])
        if made:
            made._enqueue()
        return made

    @api.model
    def _values_for(self, move):
        company = move.company_id
        partner = move.partner_id.commercial_partner_id.with_company(company)
        lines = move.invoice_line_ids.filtered("metered_date_from")
        first = min(lines.mapped("metered_date_from"), default=False)
        return {
            "name": self._next_number(company),
            "company_id": company.id,
            "partner_id": partner.id,
            "invoice_id": move.id,
            "currency_id": move.currency_id.id,
            "date_from": first,
            "date_to": max(lines.mapped("metered_date_to"), default=False),
            "time_zone": customer_zone(partner, company_zone(company)),
            "lang": move.partner_id.lang or self.env.lang,
            "masking": partner._metered_masking(company, first).as_json(),
            "expected": move.metered_usage_count,
        }

    @api.model
    def _next_number(self, company):
        """The next number of a company's own sequence."""
        return company._metered_next_number(
            self._name, self.env._("Usage Statements"), "ST/"
        )

    # === MAKE === #

    def _masking(self):
        return Masking.from_json(self.masking)

    def _run(self, commit, seconds):
        if self.scope == "invoice" and self.invoice_id.state != "posted":
            raise UserError(
                self.env._(
                    "%s is no longer posted. Post it, then create the statement again.",
                    self.invoice_id._metered_label(),
                )
            )
        self._check_details_kept()
        made = self.with_context(lang=self.lang, tz=self.time_zone)
        content = made._content()
        values, fonts = {**content.values}, self.company_id._metered_fonts()
        for name, write in (
            (
                "pdf",
                lambda file: write_pdf(content.pages(), content.formats, file, *fonts),
            ),
            ("xlsx", lambda file: write_xlsx(content.workbook(), file)),
            ("csv", lambda file: write_csv(content.table(), file)),
        ):
            file = io.BytesIO()
            result = write(file)
            if name == "pdf":
                values["pages"] = result
            values[name] = base64.b64encode(file.getvalue())
            values[f"{name}_sha256"] = sha256(file.getvalue()).hexdigest()
        self.write({**values, "records": self.expected})
        return True

    def _file_bytes(self, name):
        """The bytes of one of the files; none if it was not made."""
        return base64.b64decode(self[name] or b"")

    # === BUTTONS === #

    def action_make_again(self):
        """Make the statement again; this one stays as it is."""
        self.ensure_one()
        self.check_access("read")
        statement = self.sudo()
        if statement.scope == "invoice":
            made = statement._start_for(statement.invoice_id)
        else:
            made = statement._start_for_period(
                statement.company_id,
                [(statement.partner_id, statement.currency_id)],
                statement.date_from,
                statement.date_to,
            )
        return made.with_env(self.env)._get_records_action()

    def action_resume(self):
        """Try again to make statements that could not be made."""
        return self._resume_failed()

    def action_download(self):
        """Download one of the files; which one, the context says."""
        self.ensure_one()
        name = self.env.context.get("metered_file")
        if name not in FILES or not self[name]:
            raise UserError(self.env._("The statement has not been made yet."))
        path = f"/web/content/metered.statement/{self.id}/{name}"
        file_name = f"{self.file_name}.{FILES[name]}"
        return {
            "type": "ir.actions.act_url",
            "url": f"{path}?download=true&filename={file_name}",
            "target": "download",
        }
