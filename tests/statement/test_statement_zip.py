# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Statements that are printed, or downloaded together as a ZIP file."""

import base64
import io
import zipfile
from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from .test_statements import StatementCase


@tagged("post_install", "-at_install")
class TestStatementZip(StatementCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env,
            "operator",
            groups="metered_billing.group_metered_user,account.group_account_invoice",
        )

    def names(self, archive):
        content = base64.b64decode(archive.file)
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            self.assertIsNone(opened.testzip())
            return opened.namelist()

    def test_many_at_once(self):
        self.customer.name = "A/B: ../C"
        invoice = self.invoice()
        first = self.made(invoice)
        second = self.made(invoice)
        wrong = self.made(invoice)
        wrong.adds_up = False
        asked = (first + second + wrong).with_user(self.user)
        archive = self.env["metered.statement.zip"].browse(asked.action_zip()["res_id"])
        with self.assertRaisesRegex(UserError, "has not been made yet"):
            archive.action_download()
        archive._process()
        self.assertEqual((archive.state, archive.left_out), ("done", 1))
        self.assertEqual(
            self.names(archive),
            [f"A_B_ .._C/{one.file_name}.pdf" for one in first + second],
        )
        action = archive.with_user(self.user).action_download()
        self.assertIn(f"/metered.statement.zip/{archive.id}/file", action["url"])
        action = asked.with_context(metered_all_files=True).action_zip()
        every = archive.browse(action["res_id"])
        every._process()
        self.assertEqual(len(self.names(every)), 6)
        every.write({"state": "failed", "error": "Too large."})
        every.action_resume()
        self.assertEqual(every.state, "queued")
        # Not at the root of a disk.
        self.customer.name = ". ."
        archive = archive.browse(first.with_user(self.user).action_zip()["res_id"])
        archive._process()
        self.assertEqual(self.names(archive), [f"_/{first.file_name}.pdf"])
        with self.assertRaisesRegex(UserError, "Select from 1 to"):
            asked.browse().action_zip()
        # It has the calls of many customers, and is not kept.
        self.env.cr.execute(
            "UPDATE metered_statement_zip SET create_date = %s WHERE id = %s",
            (fields.Datetime.now() - timedelta(days=8), archive.id),
        )
        archive._gc_files()
        self.assertFalse(archive.exists())
        self.assertTrue(every.exists())

    def test_print_menu(self):
        invoice = self.invoice().with_user(self.user)
        action = self.env.ref("metered_billing.action_print_statements")
        bindings = self.env["ir.actions.actions"].get_bindings("account.move")
        self.assertIn(action.id, [one["id"] for one in bindings["report"]])
        done = action.with_user(self.user).with_context(
            active_model="account.move", active_ids=invoice.ids, active_id=invoice.id
        )
        url = done.run()["url"]
        statement = invoice.sudo().metered_statement_ids
        self.assertEqual(statement.state, "done")
        self.assertIn(f"/metered.statement/{statement.id}/pdf", url)
        with self.assertRaisesRegex(UserError, "Only posted invoices"):
            invoice.browse().action_metered_print_statements()
