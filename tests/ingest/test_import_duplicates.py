# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A record is stored once, whatever file it comes in, and however often."""

from odoo.tests import tagged

from ..support.metered_case import MeteredCase, generic_csv

START = "2026-10-05 10:00:00"


@tagged("post_install", "-at_install")
class TestImportDuplicates(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def call(self, call_id, seconds=60):
        return (call_id, START, seconds, "+14045550100", "+14045550199")

    def total(self):
        usage = self.usage(self.customer)
        return sum(usage.mapped("records")), round(sum(usage.mapped("amount")), 6)

    def test_within_a_file(self):
        batch = self.import_calls(
            self.source, self.call("1"), self.call("2"), self.call("1")
        )
        self.assertEqual((batch.rated, batch.duplicates), (2, 1))
        self.assertEqual(self.cdrs(batch).mapped("line"), [2, 3])
        self.assertEqual(batch.balance, "ok")

    def test_across_files(self):
        self.import_calls(self.source, self.call("1"), self.call("2"))
        batch = self.import_calls(self.source, self.call("2"), self.call("3"))
        self.assertEqual((batch.rated, batch.duplicates), (1, 1))
        self.assertEqual(batch.balance, "ok")
        self.assertEqual(self.total(), (3, 0.18))

    def test_other_source_is_another_call(self):
        self.import_calls(self.source, self.call("1"))
        batch = self.import_calls(self.make_source(), self.call("1"))
        self.assertEqual((batch.rated, batch.duplicates), (1, 0))

    def test_records_without_id_are_told_apart_by_content(self):
        text = (
            "start_time,duration,caller,callee\n"
            f"{START},60,+14045550100,+14045550199\n"
            f"{START},61,+14045550100,+14045550199\n"
        )
        first = self.import_text(self.source, text)
        again = self.import_text(self.source, text)
        self.assertEqual((first.rated, again.rated, again.duplicates), (2, 0, 2))

    def test_across_chunks_of_one_file(self):
        calls = [self.call(str(number % 7)) for number in range(40)]
        self.patch(type(self.env["metered.batch"]), "_chunk_records", lambda self: 10)
        batch = self.import_calls(self.source, *calls)
        self.assertEqual((batch.rated, batch.duplicates), (7, 33))
        self.assertEqual(batch.balance, "ok")
        self.assertEqual(self.total(), (7, 0.42))

    def test_unique_index_exists(self):
        """Odoo only logs an index that it cannot build, and goes on without it."""
        self.env.cr.execute(
            "SELECT indexdef FROM pg_indexes WHERE tablename = 'metered_cdr'"
            " AND indexdef LIKE 'CREATE UNIQUE INDEX%(source_id, call_id)'"
        )
        self.assertTrue(self.env.cr.fetchone())

    def test_resumes_where_it_stopped(self):
        """The counters tell how far it came; nothing is read twice."""
        calls = [self.call(str(number), 60 + number) for number in range(25)]
        self.patch(type(self.env["metered.batch"]), "_chunk_records", lambda self: 10)
        attachment = self.env["ir.attachment"].create(
            {"name": "calls.csv", "raw": generic_csv(calls).encode()}
        )
        batch = self.env["metered.batch"]._create_for_file(self.source, attachment)
        self.assertFalse(batch._process(seconds=0))
        self.assertEqual((batch.state, batch.records), ("running", 10))
        whole = self.import_calls(self.make_source(), *calls)
        self.assertTrue(batch._process())
        self.assertEqual((batch.state, batch.records, batch.rated), ("done", 25, 25))
        self.assertEqual(
            self.cdrs(batch).mapped("charge"), self.cdrs(whole).mapped("charge")
        )
