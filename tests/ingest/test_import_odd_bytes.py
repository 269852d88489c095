# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is odd in one record of a file costs no other record."""

import random

from odoo.tests import tagged

from ..support.metered_case import ASTERISK, MeteredCase, generic_csv

NUMBER = "+14045550100"


@tagged("post_install", "-at_install")
class TestImportOddBytes(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.make_customer("Acme", NUMBER)

    def call(self, call_id, second=0):
        start = f"2026-10-05 10:00:{second:02}"
        return (call_id, start, 60, NUMBER, "+442079460120")

    def test_a_record_id_of_thousands_of_characters(self):
        letters = "abcdefghijklmnopqrstuvwxyz0123456789äöü"
        long = "".join(random.Random(1).choices(letters, k=6000))
        calls = [self.call("1"), self.call(long, 1), self.call(long + "x", 2)]
        batch = self.import_calls(self.source, *calls)
        self.assertEqual((batch.rated, batch.exceptions), (3, 0))
        again = self.import_calls(self.source, *calls)
        self.assertEqual((again.duplicates, again.balance), (3, "ok"))
        other = self.import_calls(self.source, self.call(long, 3))
        self.assertEqual((other.exceptions, other.balance), (1, "ok"))

    def test_a_long_id_of_an_exception(self):
        long = "y" * 6000
        call = (long, "never", 60, NUMBER, "+442079460120")
        batch = self.import_calls(self.source, call, self.call("1"))
        self.assertEqual((batch.rated, batch.exceptions), (1, 1))
        again = self.import_calls(self.source, call, self.call("1"))
        self.assertEqual((again.duplicates, again.balance), (2, "ok"))

    def test_a_block_of_nul_bytes(self):
        """What a crash leaves in a file that was being written."""
        lines = generic_csv([self.call(str(at), at) for at in range(30)]).encode()
        lines = lines.splitlines(keepends=True)
        for count in (16, 512, 4096):
            for place in (b"\0" * count + b"\n", b"\0" * count):
                for at in (0, 16):
                    name = {"count": count, "own_line": place[-1:], "after": at}
                    with self.subTest(**{k: ascii(v) for k, v in name.items()}):
                        source = self.make_source()
                        content = b"".join([*lines[:at], place, *lines[at:]])
                        batch = self.import_bytes(source, content)
                        self.assertEqual((batch.state, batch.balance), ("done", "ok"))
                        self.assertLessEqual(batch.exceptions, 1)
                        self.assertEqual(batch.rated, 30)

    def test_a_block_of_nul_bytes_in_master_csv(self):
        content = next(iter(sorted(ASTERISK.glob("Master*.csv")))).read_bytes()
        lines = content.splitlines(keepends=True)[:200]
        whole = self.import_bytes(
            self.make_source("asterisk"), b"".join(lines), name="Master.csv"
        )
        torn = self.import_bytes(
            self.make_source("asterisk"),
            b"".join([*lines[:100], b"\0" * 4096, *lines[100:]]),
            name="Master.csv",
        )
        self.assertEqual((torn.state, torn.balance), ("done", "ok"))
        self.assertEqual(torn.records, whole.records)
        self.assertLessEqual(
            abs(torn.not_billable - whole.not_billable)
            + abs(torn.exceptions - whole.exceptions)
            + abs(torn.rated - whole.rated),
            2,
        )
