# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Two columns of one name are asked about, refused where nobody can be asked."""

import base64

from odoo.exceptions import UserError
from odoo.tests import new_test_user, tagged

from ..support.metered_case import MeteredCase

HEADER = "call_id,start_time,duration,duration,caller,callee,direction,account"


@tagged("post_install", "-at_install")
class TestImportRepeated(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def calls(self, *durations, header=HEADER, first=0):
        rows = [
            f"c{first + rank},2026-10-05 10:00:00,{one},{other},+14045550100,"
            "+12125550199,outbound,"
            for rank, (one, other) in enumerate(durations)
        ]
        return "\n".join([header, *rows]) + "\n"

    def wizard(self, content, user=None):
        wizard = (
            self.env["metered.import"]
            .with_user(user or self.env.user)
            .create(
                {
                    "source_id": self.source.id,
                    "file": base64.b64encode(content.encode()),
                    "file_name": "calls.csv",
                }
            )
        )
        wizard.action_preview()
        return wizard

    def run_import(self, wizard):
        batch = self.env["metered.batch"].browse(wizard.action_import()["res_id"])
        batch._process()
        return batch

    def by_itself(self, content):
        batch = self.env["metered.batch"].browse(
            self.env["metered.batch"].import_file(
                self.source.id,
                "calls.csv",
                base64.b64encode(content.encode()).decode(),
            )
        )
        batch._process()
        return self.cdrs(batch).mapped("quantity")

    def column(self, target):
        return self.source.column_ids.filtered(lambda c: c.target == target).columns

    def test_it_is_asked_and_remembered(self):
        wizard = self.wizard(self.calls((0, 60), (30, 30)))
        self.assertIn("Several columns are named duration", wizard.questions)
        self.assertIn("duration_1, duration_2", wizard.questions)
        self.assertIn("0 | 60", wizard.questions)
        self.assertIn("Records: 1", wizard.questions)
        self.assertIn("Proposed: duration_1", wizard.questions)
        with self.assertRaisesRegex(UserError, "named duration.*Use These Answers"):
            wizard.action_import()
        names = {column.name: column for column in wizard.column_ids}
        names["duration_1"].target = False
        names["duration_2"].target = "seconds"
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        batch = self.run_import(wizard)
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [60, 30])
        self.assertEqual(self.column("seconds"), "duration_2,duration")
        # The next file is not asked, nor is one with a single column or equal ones.
        self.assertEqual(self.by_itself(self.calls((1, 7), (2, 8), first=5)), [7, 8])
        self.assertEqual(self.by_itself(self.calls((9, 9), first=8)), [9])
        single = "call_id,start_time,duration,caller,callee\n"
        single += "c9,2026-10-05 10:00:00,11,+14045550100,+12125550199\n"
        self.assertEqual(self.by_itself(single), [11])

    def test_agreed_to_as_proposed(self):
        wizard = self.wizard(self.calls(("", 60), ("", 30), (5, 5)))
        self.assertIn("Proposed: duration_2", wizard.questions)
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        batch = self.run_import(wizard)
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [60, 30, 5])

    def test_equal_columns_are_not_asked_about(self):
        wizard = self.wizard(self.calls((60, 60), (30, " 30")))
        self.assertFalse(wizard.questions)
        self.run_import(wizard)
        self.assertEqual(self.column("seconds"), "duration")

    def test_a_file_that_nobody_looks_at_is_refused(self):
        with self.assertRaisesRegex(
            UserError,
            r"2 columns named duration, with different values in 1 "
            r"records.*0 \| 60",
        ):
            self.by_itself(self.calls((0, 60), (30, 30)))
        self.assertEqual(self.by_itself(self.calls((60, 60), (30, 30))), [60, 30])

    def test_what_is_not_read_may_have_any_name(self):
        header = HEADER.replace("direction,account", "note,note")
        rows = self.calls((5, 5), header=header).replace("outbound,", "a,b")
        self.assertEqual(self.by_itself(rows), [5])

    def test_the_column_of_a_rule(self):
        self.source.rule_ids = [
            (
                0,
                0,
                {
                    "name": "Not charged",
                    "outcome": "not_billable",
                    "condition_ids": [
                        (0, 0, {"column": "note", "operator": "is", "value": "b"})
                    ],
                },
            )
        ]
        header = HEADER.replace("direction,account", "note,note")
        rows = self.calls((5, 5), header=header).replace("outbound,", "a,b")
        with self.assertRaisesRegex(UserError, "named note.*note_1, note_2"):
            self.by_itself(rows)

    def test_who_may_not_change_the_source(self):
        user = new_test_user(
            self.env, "metered_clerk", "metered_billing.group_metered_user"
        )
        wizard = self.wizard(self.calls((0, 60)), user)
        self.assertIn("Several columns are named duration", wizard.questions)
        with self.assertRaisesRegex(UserError, "columns named duration"):
            wizard.action_import()
