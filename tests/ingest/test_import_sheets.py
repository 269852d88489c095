# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Workbooks with several sheets: found, asked about once, refused where nobody is."""

import base64
import io

import openpyxl

from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from ..support.metered_case import MeteredCase

HEADER = ["call_id", "start_time", "duration", "caller", "callee"]
COVER = [["Acme Carrier"], ["Period", "October"]]
NUMBERS = ["+14045550100", "+12125550199"]


def calls(*seconds, first=0):
    return [
        HEADER,
        *(
            [f"c{first + rank}", "2026-10-05 10:00:00", one, *NUMBERS]
            for rank, one in enumerate(seconds)
        ),
    ]


def workbook(sheets, hidden=()):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        sheet.sheet_state = "hidden" if title in hidden else "visible"
        for row in rows:
            sheet.append(row)
    content = io.BytesIO()
    book.save(content)
    return base64.b64encode(content.getvalue())


@tagged("post_install", "-at_install")
class TestImportSheets(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", NUMBERS[0])

    def wizard(self, content, user=None):
        wizard = (
            self.env["metered.import"]
            .with_user(user or self.env.user)
            .create(
                {
                    "source_id": self.source.id,
                    "file": content,
                    "file_name": "calls.xlsx",
                }
            )
        )
        wizard.action_preview()
        return wizard

    def run_import(self, wizard):
        action = wizard.action_import()
        self.assertEqual(action["res_model"], "metered.batch", wizard.questions)
        return self.seconds(self.env["metered.batch"].browse(action["res_id"]))

    def by_itself(self, content):
        return self.seconds(
            self.env["metered.batch"].browse(
                self.env["metered.batch"].import_file(
                    self.source.id, "calls.xlsx", content.decode()
                )
            )
        )

    def seconds(self, batch):
        batch.sudo()._process()
        return self.cdrs(batch).mapped("quantity")

    def choose(self, wizard, title):
        wizard.sheet_id = wizard.sheet_ids.filtered(lambda one: one.name == title)

    def test_a_cover_is_passed_over(self):
        content = workbook({"Cover": COVER, "Calls": calls(60, 30)})
        wizard = self.wizard(content)
        self.assertFalse(wizard.questions)
        self.assertIn(
            "The worksheet Calls was read. Not read: Cover", wizard.assumptions
        )
        self.assertEqual(self.run_import(wizard), [60, 30])
        self.assertFalse(self.source.file_sheet)
        self.assertEqual(self.source.file_reading, "detected")
        other = workbook({"Cover": COVER, "Calls": calls(7, first=5)})
        self.assertEqual(self.by_itself(other), [7])

    def test_it_is_asked_and_remembered(self):
        sheets = {"October": calls(60), "November": [["Calls"], *calls(7, 8, first=1)]}
        wizard = self.wizard(workbook(sheets))
        self.assertIn(
            "Several worksheets may contain the records: October, November",
            wizard.questions,
        )
        self.assertIn("Proposed: October", wizard.questions)
        with self.assertRaisesRegex(UserError, "Choose one, and click"):
            wizard.action_import()
        self.choose(wizard, "November")
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual((wizard.records, wizard.skip_lines), (2, 1))
        self.assertEqual(self.run_import(wizard), [7, 8])
        self.assertEqual(self.source.file_sheet, "November")
        self.assertEqual(self.source.file_reading, "detected")
        sheets = {"October": calls(1, first=8), "November": calls(2, first=9)}
        again = self.wizard(workbook(sheets))
        self.assertFalse(again.questions)
        self.assertEqual(self.run_import(again), [2])
        sheets["November"] = calls(3, first=12)
        self.assertEqual(self.by_itself(workbook(sheets)), [3])

    def test_agreed_to_as_proposed(self):
        wizard = self.wizard(workbook({"A": calls(60), "B": calls(7, first=1)}))
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual(self.run_import(wizard), [60])
        self.assertEqual(self.source.file_sheet, "A")

    def test_another_sheet_is_shown_before_it_is_imported(self):
        wizard = self.wizard(workbook({"A": calls(60), "B": calls(7, first=1)}))
        self.choose(wizard, "B")
        self.assertEqual(wizard.action_import()["res_model"], "metered.import")
        self.assertEqual(wizard.preview["rows"][0]["seconds"], 7)
        self.assertEqual(self.run_import(wizard), [7])

    def test_only_a_hidden_sheet(self):
        content = workbook({"Cover": COVER, "Calls": calls(60)}, hidden=["Calls"])
        with self.assertRaisesRegex(UserError, "Only a hidden worksheet.*Import Usage"):
            self.by_itself(content)
        wizard = self.wizard(content)
        self.assertIn(
            "Only a hidden worksheet may contain the records: Calls", wizard.questions
        )
        wizard.action_refresh()
        self.assertEqual(self.run_import(wizard), [60])

    def test_a_file_that_nobody_looks_at_is_refused(self):
        content = workbook({"A": calls(60), "B": calls(7, first=1)})
        with self.assertRaisesRegex(UserError, "records: A, B.*Import Usage.*saved"):
            self.by_itself(content)

    def test_who_may_not_change_the_source(self):
        user = new_test_user(
            self.env, "metered_clerk", "metered_billing.group_metered_user"
        )
        wizard = self.wizard(workbook({"A": calls(60), "B": calls(7, first=1)}), user)
        with self.assertRaisesRegex(UserError, "Choose one, and click"):
            wizard.action_import()
        self.choose(wizard, "B")
        wizard.action_refresh()
        self.assertEqual(self.run_import(wizard), [7])
        self.assertFalse(self.source.file_sheet)
