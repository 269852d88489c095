# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Bad input becomes an exception with its reason, its line and what it was."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

START = "2026-10-05 10:00:00"


@tagged("post_install", "-at_install")
class TestImportExceptions(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def assert_reasons(self, batch, *expected):
        """Expected: tuples (line, reason, detail)."""
        found = self.exceptions(batch)
        self.assertEqual([(e.line, e.reason, e.detail) for e in found], list(expected))
        for exception in found:
            self.assertTrue(exception.message)
            self.assertTrue(exception.raw)
        self.assertEqual(batch.balance, "ok")
        self.assertEqual(
            batch.records,
            batch.rated + batch.not_billable + batch.duplicates + batch.exceptions,
        )

    def call(self, call_id="a", start=START, seconds="60", to="+14045550199"):
        return (call_id, start, seconds, "+14045550100", to)

    def test_each_kind_of_bad_value(self):
        batch = self.import_calls(
            self.source,
            self.call("ok"),
            self.call("time", start="yesterday"),
            self.call("negative", seconds="-5"),
            self.call("words", seconds="long"),
            self.call("absurd", seconds=str(25 * 3600)),
            ("nobody", START, "60", "+14045559999", "+14045550199"),
            self.call("letters", to="anonymous"),
        )
        self.assertEqual(batch.rated, 1)
        self.assert_reasons(
            batch,
            (3, "invalid_time", "yesterday"),
            (4, "invalid_duration", "-5"),
            (5, "invalid_duration", "long"),
            (6, "absurd_duration", "90000"),
            (7, "unknown_customer", "number +14045559999"),
            (8, "no_destination", "anonymous"),
        )

    def test_lines_that_do_not_fit(self):
        text = (
            "call_id,start_time,duration,caller,callee\n"
            f"a,{START},60,+14045550100,+14045550199\n"
            f"b,{START},60\n"
            f"c,{START},60,+14045550100,+14045550199,more,columns\n"
            f"d,{START},60,+14045550100,+14045550199\n"
        )
        batch = self.import_text(self.source, text)
        self.assertEqual(batch.rated, 2)
        self.assertEqual(
            [(e.line, e.reason) for e in self.exceptions(batch)],
            [(3, "column_count"), (4, "column_count")],
        )
        self.assertEqual(self.exceptions(batch)[0].raw, f"b,{START},60")
        self.assertEqual(self.cdrs(batch).mapped("line"), [2, 5])

    def test_future_and_old(self):
        self.source.write({"future_hours": 1, "max_age_days": 30})
        now = fields.Datetime.now()
        batch = self.import_calls(
            self.source,
            self.call("now", start=str(now)),
            self.call("future", start=str(now + timedelta(hours=2))),
            self.call("old", start=str(now - timedelta(days=31))),
        )
        self.assert_reasons(batch, (3, "future", False), (4, "too_old", False))

    def test_no_rate(self):
        self.company.metered_deck_id = self.make_deck("Empty")
        batch = self.import_calls(self.source, self.call())
        self.assert_reasons(batch, (2, "no_rate", "+14045550199"))
        self.assertEqual(self.exceptions(batch).partner_id, self.customer)

    def test_no_deck_at_all(self):
        self.company.metered_deck_id = False
        batch = self.import_calls(self.source, self.call())
        self.assert_reasons(batch, (2, "no_rate", "+14045550199"))

    def test_identified_at_the_time_of_the_call(self):
        other = self.make_customer("Before")
        self.make_identifier(other, "+1 404 555 0111", date_to="2026-10-05 12:00:00")
        after = self.make_customer("After")
        self.make_identifier(after, "4045550111", date_from="2026-10-05 12:00:00")
        batch = self.import_calls(
            self.source,
            ("1", "2026-10-05 11:59:59", "60", "4045550111", "+14045550199"),
            ("2", "2026-10-05 12:00:00", "60", "14045550111", "+14045550199"),
        )
        self.assertEqual(self.cdrs(batch).mapped("partner_id"), other + after)

    def test_not_charged_by_rule_is_no_exception(self):
        """Nobody needs to be known for a call that is rightly not charged."""
        self.source.rule_ids = [
            fields.Command.create(
                {
                    "name": "Test calls",
                    "outcome": "not_billable",
                    "condition_ids": [
                        fields.Command.create(
                            {"column": "caller", "operator": "like", "value": "999*"}
                        )
                    ],
                }
            )
        ]
        batch = self.import_calls(
            self.source, ("1", START, "60", "9991", "+14045550199"), self.call("2")
        )
        self.assertEqual((batch.rated, batch.not_billable), (1, 1))
        self.assertEqual(self.cdrs(batch)[0].rule_id.name, "Test calls")
        self.assertEqual(batch.balance, "ok")

    def test_declared_by_rule(self):
        self.source.rule_ids = [
            fields.Command.create(
                {
                    "name": "Fraud",
                    "outcome": "declared",
                    "condition_ids": [
                        fields.Command.create(
                            {"column": "callee", "operator": "like", "value": "+1900*"}
                        )
                    ],
                }
            )
        ]
        batch = self.import_calls(self.source, self.call(to="+19005550199"))
        self.assertEqual(self.exceptions(batch).reason, "declared")

    def test_retry_cures_what_was_mended(self):
        batch = self.import_calls(
            self.source,
            ("1", START, "60", "+14045559999", "+14045550199"),
            ("2", START, "90", "+14045558888", "+14045550199"),
            self.call("3", start="never"),
        )
        self.assertEqual(batch.exceptions, 3)
        newcomer = self.make_customer("Newcomer", "+14045559999")
        self.exceptions(batch).action_retry()
        self.assertEqual(
            self.exceptions(batch).mapped("state"), ["resolved", "open", "open"]
        )
        self.assertEqual((batch.rated, batch.exceptions), (1, 2))
        self.assertEqual(batch.balance, "ok")
        self.assertEqual(self.cdrs(batch).partner_id, newcomer)
        self.assertEqual(self.cdrs(batch).line, 2)
        self.assertEqual(self.usage(newcomer).mapped("amount"), [0.06])
        self.exceptions(batch).action_retry()
        self.assertEqual(batch.rated, 1)

    def test_known_exception_is_a_duplicate(self):
        call = ("1", START, "60", "+14045559999", "+14045550199")
        self.import_calls(self.source, call)
        again = self.import_calls(self.source, call)
        self.assertEqual((again.duplicates, again.exceptions), (1, 0))
        # Also once somebody could be charged for it: it waits to be tried again.
        self.make_customer("Newcomer", "+14045559999")
        again = self.import_calls(self.source, call)
        self.assertEqual((again.duplicates, again.rated), (1, 0))

    def assert_refused(self, content, text, name="calls.csv"):
        before = self.env["metered.batch"].search_count([])
        with self.assertRaisesRegex(UserError, text):
            self.import_bytes(self.source, content, name)
        self.assertEqual(self.env["metered.batch"].search_count([]), before)

    def test_files_that_are_not_what_they_claim(self):
        self.assert_refused(b"", "empty")
        self.assert_refused(b"call_id,start_time,duration,caller,callee\n", "record")
        self.assert_refused(b"\x89PNG\r\n\x1a\n" + bytes(200), "CSV")
        self.assert_refused(b"name,age\nAda,36\n", "No column is set for")
