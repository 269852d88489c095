# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import base64

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...connectors.harmless import harmless
from ...statement.pages import BOLD, REGULAR, FontError, check_font

ITEMS = [
    ("all", "All calls"),
    ("charged", "Only calls with a charge"),
    ("none", "No calls, only totals"),
]
HIDDEN_DIGITS = [
    ("0", "None"),
    ("2", "The last 2"),
    ("3", "The last 3"),
    ("4", "The last 4"),
    ("6", "The last 6"),
]
MAILED = [
    ("none", "Nothing"),
    ("link", "A link"),
    ("pdf", "PDF"),
    ("pdf_xlsx", "PDF and XLSX"),
    ("pdf_csv", "PDF and CSV"),
    ("pdf_xlsx_csv", "PDF, XLSX, and CSV"),
]
#: ending -> what a mail says that the file is
MIMETYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv",
}
#: what mail servers take at most, of any setting
MOST_MAIL_MB = 25
#: fields of a company, and of a customer who chose otherwise
CHOICES = (
    "metered_statement_items",
    "metered_hidden_digits",
    "metered_hidden_caller_digits",
)


class ResCompany(models.Model):
    """How statements are made for a company's customers."""

    _inherit = "res.company"

    metered_statement_auto = fields.Boolean(
        string="Make Statements Automatically",
        help="When an invoice with usage is posted, its statement is made in the "
        "background.",
    )
    metered_statement_monthly = fields.Selection(
        [
            ("open", "For customers with usage that is not invoiced"),
            ("all", "For all customers with usage"),
        ],
        string="Monthly Statements",
        help="Created for each calendar month, regardless of when invoices are issued.",
    )
    metered_statement_day = fields.Integer(
        string="Day of the Month",
        default=3,
        help="Day on which the previous month's statements are created. A later day "
        "gives late records time to arrive.",
    )
    metered_statement_month = fields.Date(
        string="Monthly Statements Created Until", readonly=True
    )
    metered_statement_items = fields.Selection(
        ITEMS,
        string="Calls on Statements",
        help="Leave empty to use the rules of the customer's country.",
    )
    metered_hidden_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits",
        help="Number of final digits of called numbers that statements hide. Leave "
        "empty to use the rules of the customer's country.",
    )
    metered_hidden_caller_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits of Callers",
        help="Number of final digits of callers' numbers that statements hide. Leave "
        "empty to use the rules of the customer's country, which set the minimum.",
    )
    metered_statement_rows = fields.Integer(
        string="Maximum Calls in a PDF",
        default=50_000,
        help="A statement with more calls lists them in the XLSX and CSV files only; "
        "its PDF contains the totals.",
    )
    metered_invoice_breakdown = fields.Boolean(
        string="Tiers on Invoices",
        default=True,
        help="The printed invoice shows below each line what each tier of its price "
        "adds up to, unless each tier has a line of its own.",
    )
    metered_invoice_summary = fields.Boolean(
        string="Summary of Usage on Invoices",
        help="The printed invoice ends with a page that sums up its usage.",
    )
    metered_statement_font = fields.Binary(
        string="Font for Statements",
        attachment=True,
        help="TrueType font (.ttf) for PDFs, with the letters of your customers' "
        "languages. Without one, Latin, Greek, and Cyrillic letters can be printed.",
    )
    metered_statement_mailed = fields.Selection(
        MAILED,
        string="Sent with the Invoice",
        required=True,
        default="pdf",
        help="How the statement is sent with the invoice's email. A statement that "
        "does not add up is never sent.",
    )
    metered_statement_mail_mb = fields.Integer(
        string="Attachments up to (MB)",
        default=5,
        help="If the files are larger, the email has a link to them.",
    )
    metered_statement_objection = fields.Text(
        string="How to Object",
        translate=True,
        help="Printed at the end of each statement: how, and until when, a customer "
        "can object to a charge.",
    )

    @api.constrains("metered_statement_font")
    def _check_metered_statement_font(self):
        for company in self:
            try:
                company._metered_fonts()
            except FontError as error:
                raise ValidationError(
                    self.env._(
                        "The font cannot be used: %s. Choose a TrueType font (.ttf).",
                        harmless(str(error)),
                    )
                ) from error

    def _metered_fonts(self):
        """Regular and bold font for PDFs: paths, or the bytes of the company's own.

        :raises FontError: it cannot be used
        """
        content = self.with_context(bin_size=False).metered_statement_font
        if not content:
            return REGULAR, BOLD
        font = base64.b64decode(content)
        check_font(font)
        return font, font

    @api.constrains("metered_statement_day")
    def _check_metered_statement_day(self):
        if any(not 1 <= company.metered_statement_day <= 28 for company in self):
            raise ValidationError(
                self.env._("The day of monthly statements must be from 1 to 28.")
            )

    @api.constrains("metered_statement_mail_mb")
    def _check_metered_statement_mail_mb(self):
        for company in self:
            if not 0 <= company.metered_statement_mail_mb <= MOST_MAIL_MB:
                raise ValidationError(
                    self.env._(
                        "The size up to which statements are attached to emails must "
                        "be between 0 and %s MB.",
                        MOST_MAIL_MB,
                    )
                )

    def _metered_never_shown(self):
        """What the company's lists of numbers hide, as ``Masking.never_shown`` has it.

        :return: sorted tuple of texts
        """
        self.ensure_one()
        lists = self.env["metered.hidden.list"].sudo()
        found = lists.search([("company_id", "=", self.id)])
        return tuple(sorted({one for each in found for one in each.patterns or ()}))
