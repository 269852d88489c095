# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Statements in the mail of their invoice."""

from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .test_statements import StatementCase


@tagged("post_install", "-at_install")
class TestStatementMail(StatementCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.email = "billing@acme.example.com"

    def setUp(self):
        super().setUp()
        self.posted = self.invoice()

    def send(self, **given):
        """Send the invoice: (names of the attachments, text of the mail)."""
        self.env["account.move.send"]._generate_and_send_invoices(
            self.posted, sending_methods=["email"], allow_fallback_pdf=True, **given
        )
        mail = self.posted.message_ids.filtered("partner_ids").sorted("id")[-1:]
        names = [name for name in mail.attachment_ids.mapped("name") if "ST-" in name]
        return sorted(names), mail.body

    def wizard(self):
        return self.env["account.move.send.wizard"].create({"move_id": self.posted.id})

    def test_attached_by_choice(self):
        statement = self.made(self.posted)
        name = statement.file_name
        self.assertEqual(self.send()[0], [f"{name}.pdf"])
        self.company.metered_statement_mailed = "pdf_xlsx_csv"
        names, body = self.send()
        self.assertEqual(names, [f"{name}.{e}" for e in ("csv", "pdf", "xlsx")])
        self.assertNotIn("View Statement", body)
        attached = self.posted.message_ids.attachment_ids.filtered(
            lambda one: one.name == f"{name}.csv"
        )
        self.assertEqual(attached.raw, self.content(statement, "csv"))
        self.company.metered_statement_mailed = "none"
        names, body = self.send()
        self.assertEqual(names, [])
        self.assertNotIn("View Statement", body)
        # What is downloaded of the invoice is its PDF alone, and no ZIP.
        documents = self.posted._get_invoice_legal_documents_all()
        self.assertLessEqual(len(documents), 1)

    def test_too_large(self):
        self.made(self.posted)
        self.company.metered_statement_mail_mb = 0
        names, body = self.send()
        self.assertEqual(names, [])
        self.assertIn("View Statement", body)
        with self.assertRaisesRegex(ValidationError, "must be between 0 and 25 MB"):
            self.company.metered_statement_mail_mb = 26

    def test_made_while_it_is_sent(self):
        statement = self.posted._metered_make_statements()
        self.assertEqual(self.send()[0], [f"{statement.file_name}.pdf"])
        self.assertEqual(statement.state, "done")

    def test_not_made_yet(self):
        statement = self.posted._metered_make_statements()
        with patch.object(type(statement), "_run", side_effect=UserError("no")):
            names, body = self.send()
        self.assertEqual((names, statement.state), ([], "queued"))
        self.assertIn("View Statement", body)

    def test_one_that_does_not_add_up(self):
        self.posted.button_draft()
        self.usage_lines(self.posted)[0].price_unit += 1
        self.posted.action_post()
        self.posted._metered_make_statements()
        names, body = self.send()
        self.assertEqual(names, [])
        self.assertNotIn("View Statement", body)
        self.assertIn("metered_statement", self.wizard().alerts)

    def test_taken_out_by_its_sender(self):
        self.made(self.posted)
        wizard = self.wizard()
        self.assertNotIn("metered_statement", wizard.alerts or {})
        widget = wizard.mail_attachments_widget
        [ours] = [one for one in widget if "ST-" in one["name"]]
        self.assertTrue(ours["placeholder"])
        names, body = self.send(
            mail_attachments_widget=[{**one, "skip": one == ours} for one in widget]
        )
        self.assertEqual(names, [])
        self.assertNotIn("View Statement", body)
