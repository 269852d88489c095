# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Statements in the mail of their invoice."""

import io
from unittest.mock import patch

import msoffcrypto
import pikepdf

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user, tagged

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
        statement = self.made(self.posted)
        self.company.metered_statement_mail_mb = 0
        names, body = self.send()
        self.assertEqual(names, [])
        self.assertIn("View Statement", body)
        self.assertIn(f"/my/statements/{statement.id}/pdf", body)
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

    def test_with_a_password(self):
        statement = self.made(self.posted)
        before = self.content(statement, "pdf")
        self.company.metered_statement_mailed = "pdf_xlsx_csv"
        action = self.customer.action_metered_new_password()
        password = action["context"]["default_password"]
        self.assertTrue(self.customer.metered_password_date)
        names, body = self.send()
        # What cannot have one is in the portal; the mail says so, and says no password.
        name = statement.file_name
        self.assertEqual(names, [f"{name}.pdf", f"{name}.xlsx"])
        self.assertIn("View Statement", body)
        self.assertIn("opens with the password", body)
        files = self.posted.message_ids.attachment_ids.grouped("name")
        pdf, xlsx = (files[f"{name}.{ending}"].raw for ending in ("pdf", "xlsx"))
        with self.assertRaises(pikepdf.PasswordError):
            pikepdf.open(io.BytesIO(pdf))
        with pikepdf.open(io.BytesIO(pdf), password=password) as opened:
            self.assertEqual(len(opened.pages), statement.pages)
        locked = msoffcrypto.OfficeFile(io.BytesIO(xlsx))
        locked.load_key(password=password, verify_password=True)
        opened = io.BytesIO()
        locked.decrypt(opened)
        self.assertEqual(opened.getvalue(), self.content(statement, "xlsx"))
        # The snapshot is what it was.
        self.assertEqual(self.content(statement, "pdf"), before)
        said = [
            *self.posted.message_ids.mapped("body"),
            *self.customer.message_ids.mapped("body"),
            *self.env["mail.mail"].search([]).mapped("body_html"),
            str(self.customer.read()),
        ]
        self.assertFalse([text for text in said if password in str(text)])
        # Not sent at all where it could only be sent without.
        with patch.dict("sys.modules", {"pikepdf": None}):
            self.assertEqual(self.send()[0], [f"{name}.xlsx"])
            with self.assertRaisesRegex(UserError, "pip install pikepdf"):
                self.customer.action_metered_new_password()
        self.customer.action_metered_remove_password()
        self.assertFalse(self.customer.metered_password_date)
        self.send()
        newest = self.posted.message_ids.attachment_ids.filtered(
            lambda one: one.name == f"{name}.pdf"
        ).sorted("id")[-1:]
        self.assertEqual(newest.raw, before)

    def test_who_may_set_a_password(self):
        seller = new_test_user(
            self.env, "seller", "base.group_user,base.group_partner_manager"
        )
        user = new_test_user(
            self.env,
            "user",
            "metered_billing.group_metered_user,base.group_partner_manager",
        )
        own = self.customer.with_user(user)
        self.assertRegex(own._metered_new_password(), "^[a-z2-9-]{19}$")
        for name in ("_metered_new_password", "action_metered_remove_password"):
            with self.assertRaises(AccessError):
                getattr(self.customer.with_user(seller), name)()
        with self.assertRaises(AccessError):
            self.env["metered.statement.password"].with_user(user).search([])
