# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

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
        help="Made for each calendar month, whenever invoices are issued.",
    )
    metered_statement_day = fields.Integer(
        string="Day of the Month",
        default=3,
        help="On this day the statements of the month before are made. Later days let "
        "late records in.",
    )
    metered_statement_month = fields.Date(
        string="Monthly Statements Made Until", readonly=True
    )
    metered_statement_items = fields.Selection(
        ITEMS,
        string="Calls on Statements",
        help="Leave empty to use the rules of the customer's country.",
    )
    metered_hidden_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits",
        help="Digits at the end of called numbers that statements do not show. Leave "
        "empty to use the rules of the customer's country.",
    )
    metered_hidden_caller_digits = fields.Selection(
        HIDDEN_DIGITS,
        string="Hidden Digits of Callers",
        help="Digits at the end of the numbers of callers that statements do not show. "
        "Leave empty to use the rules of the customer's country, which are the least "
        "that is hidden.",
    )
    metered_statement_rows = fields.Integer(
        string="Calls in a PDF",
        default=50_000,
        help="A statement with more calls lists them in the XLSX and CSV files only; "
        "its PDF contains the totals.",
    )
    metered_statement_mailed = fields.Selection(
        MAILED,
        string="Sent with the Invoice",
        required=True,
        default="pdf",
        help="What the invoice's email has of the statement. A statement that does not "
        "add up is never sent.",
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

    @api.constrains("metered_statement_day")
    def _check_metered_statement_day(self):
        if any(not 1 <= company.metered_statement_day <= 28 for company in self):
            raise ValidationError(
                self.env._("Monthly statements are made on a day from 1 to 28.")
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
