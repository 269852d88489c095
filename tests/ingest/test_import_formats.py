# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files as switches and people write them, through the presets."""

import gzip
import io

import openpyxl

from odoo.tests import tagged

from ..support.metered_case import MODULE, MeteredCase, generic_csv

FILES = MODULE / "tests" / "data" / "cdr"
CALLS = [
    ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199"),
    ("2", "2026-10-05 11:00:00", 90, "+14045550100", "+442079460120"),
]


@tagged("post_install", "-at_install")
class TestImportFormats(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def facts(self, batch):
        return [
            (c.call_id, str(c.start_time), c.quantity, c.callee, c.charge, c.line)
            for c in self.cdrs(batch)
        ]

    def test_xlsx_gzip_and_tabs_are_the_same_calls(self):
        text = generic_csv(CALLS)
        expected = self.facts(self.import_text(self.source, text))
        self.assertEqual(len(expected), 2)
        book = openpyxl.Workbook()
        for line in text.splitlines():
            book.active.append(line.split(","))
        spreadsheet = io.BytesIO()
        book.save(spreadsheet)
        for content, name in (
            (spreadsheet.getvalue(), "calls.xlsx"),
            (gzip.compress(text.encode()), "calls.csv.gz"),
            (text.replace(",", "\t").encode("utf-16"), "calls.tsv"),
        ):
            batch = self.import_bytes(self.make_source(), content, name)
            self.assertEqual(self.facts(batch), expected, name)
            self.assertEqual(batch.balance, "ok")

    def test_any_name_of_a_file(self):
        for name in ("a\0b.csv", "\ud800.csv", "../../a.csv", "x" * 5000):
            with self.subTest(ascii(name[:9])):
                row = (
                    str(len(name)),
                    "2026-10-05 10:00:00",
                    60,
                    "+14045550100",
                    "+1212",
                )
                batch = self.import_calls(self.source, row, name=name)
                self.assertEqual((batch.state, batch.records), ("done", 1))
                self.assertNotRegex(batch.file_name, "[\0\ud800]")

    def test_time_zone_of_the_source(self):
        source = self.make_source(timezone="Europe/Paris")
        batch = self.import_calls(source, *CALLS)
        self.assertEqual(str(self.cdrs(batch)[0].start_time), "2026-10-05 08:00:00")

    def test_freeswitch(self):
        source = self.make_source("freeswitch")
        self.make_identifier(self.customer, "acme", "account_code")
        content = (FILES / "freeswitch_cdr_csv.csv").read_bytes()
        batch = self.import_bytes(source, content, "Master.csv")
        self.assertEqual(batch.balance, "ok")
        first = self.cdrs(batch)[0]
        self.assertRecordValues(
            first,
            [
                {
                    "call_id": "0f5c1f3e-7a55-4d3c-9d6a-2f5f3a8f0a01",
                    "quantity": 66.0,
                    "duration": 72,
                    "callee": "+12125550123",
                    "partner_id": self.customer.id,
                    "state": "rated",
                }
            ],
        )
        unanswered = self.cdrs(batch).filtered(lambda c: c.state == "not_billable")
        self.assertTrue(unanswered)
        self.assertEqual(set(unanswered.mapped("rule_id.name")), {"Unanswered"})

    def test_cisco_cucm(self):
        source = self.make_source("cisco_cucm")
        content = (FILES / "cucm_cdr.txt").read_bytes()
        batch = self.import_bytes(source, content, "cdr_Cluster_01.txt")
        self.assertEqual(batch.balance, "ok")
        self.assertGreater(batch.records, 0)
        # Nobody's numbers are known yet: connected calls wait, the others are kept.
        self.assertEqual(batch.rated, 0)
        self.assertEqual(
            set(self.exceptions(batch).mapped("reason")), {"unknown_customer"}
        )
        never = self.cdrs(batch).mapped("rule_id.name")
        self.assertLessEqual(set(never), {"Never connected", "Not an end call record"})

    def test_asterisk_custom(self):
        source = self.make_source("asterisk")
        content = (FILES / "asterisk_cdr_custom_19col.csv").read_bytes()
        batch = self.import_bytes(source, content, "Custom.csv")
        # No call left through a carrier trunk.
        self.assertEqual((batch.rated, batch.exceptions), (0, 0))
        self.assertEqual(batch.not_billable, 14)
        self.assertEqual(batch.balance, "ok")
