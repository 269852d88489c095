# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Exceptions are grouped by what would cure them, with what is at stake."""

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

START = "2026-10-05 10:00:00"
LATER = "2026-10-09 10:00:00"


@tagged("post_install", "-at_install")
class TestExceptionCauses(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        # What was made here is committed, as far as cures go.
        cls.env.cr.flush()

    def call(self, call_id, start=START, seconds="60", by="+14045550100", to=None):
        return (call_id, start, seconds, by, to or "+14045550199")

    def causes(self, **where):
        domain = [(name, "=", value) for name, value in where.items()]
        return self.env["metered.exception.cause"].search(domain)

    def declare(self, pattern):
        self.source.rule_ids = [
            fields.Command.create(
                {
                    "name": "Fraud",
                    "outcome": "declared",
                    "condition_ids": [
                        fields.Command.create(
                            {"column": "callee", "operator": "like", "value": pattern}
                        )
                    ],
                }
            )
        ]

    def test_one_cause_for_all_forms_of_a_number(self):
        other = self.make_source()
        self.import_calls(
            self.source,
            self.call("1", LATER, by="4045559999"),
            self.call("2", seconds="120", by="+1 404 555 9999"),
        )
        self.import_calls(other, self.call("1", seconds="60", by="+14045559999"))
        cause = self.causes(reason="unknown_customer")
        self.assertEqual(cause.cause, "number +14045559999")
        self.assertIn("+14045559999", cause.name)
        self.assertEqual((cause.records, cause.seconds), (3, 240))
        self.assertFalse(cause.source_id, "there are two")
        self.assertEqual(str(cause.oldest), START)
        self.assertEqual(str(cause.newest), LATER)
        # Nobody's yet: what the company's deck asks for four minutes.
        self.assertEqual(cause.estimate, 0.24)
        self.assertEqual(cause.currency_id, self.company.currency_id)
        self.assertEqual(cause.cure, "assign")
        action = cause.action_view_records()
        found = self.env["metered.exception"].search(action["domain"])
        self.assertEqual(len(found), 3)

    def test_forms_of_times_are_one_cause_each(self):
        batch = self.import_calls(
            self.source,
            self.call("1", "5/10/26 about 10:00"),
            self.call("2", "6/11/26 about 12:30"),
            self.call("3", "Monday"),
            self.call("4", seconds="1,5 many"),
        )
        self.assertEqual(batch.exceptions, 4)
        times = self.causes(reason="invalid_time")
        self.assertEqual(sorted(times.mapped("records")), [1, 2])
        self.assertEqual(times.mapped("cure"), ["correct", "correct"])
        self.assertEqual(times.source_id, self.source)
        # Nobody can tell what a call of unknown duration costs.
        unknown = self.causes(reason="invalid_duration")
        exception = self.exceptions(batch).filtered(
            lambda e: e.reason == "invalid_duration"
        )
        self.assertEqual(unknown.records, 1)
        self.env.cr.execute(
            "SELECT estimate FROM metered_exception WHERE id = %s", exception.ids
        )
        self.assertIsNone(self.env.cr.fetchone()[0])

    def test_no_rate_is_estimated_by_the_average_of_its_call_type(self):
        uk = "+442079460120"
        self.import_calls(self.source, self.call("before", seconds="600", to=uk))
        self.company.metered_deck_id = self.make_deck("Empty")
        self.import_calls(self.source, self.call("1", seconds="300", to=uk))
        cause = self.causes(reason="no_rate")
        self.assertEqual(cause.cure, "rate")
        self.assertEqual(cause.partner_id, self.customer)
        self.assertEqual(cause.estimate, 0.30)
        self.assertIn("United Kingdom", cause.name)

    def test_what_a_rule_declared_is_told_apart(self):
        self.declare("+1900*")
        batch = self.import_calls(
            self.source, self.call("1", to="+19005550199"), self.call("2", seconds="x")
        )
        self.assertEqual(
            self.exceptions(batch).mapped("kind"), ["declared", "unprocessed"]
        )
        declared = self.causes(kind="declared")
        self.assertEqual(declared.records, 1)
        self.assertIn("Fraud", declared.name)
        self.assertIn("Fraud", self.exceptions(batch)[0].message)
        groups = self.env["metered.exception.cause"]._read_group(
            [("state", "=", "open")], ["kind"], ["records:sum"]
        )
        self.assertEqual(sorted(groups), [("declared", 1), ("unprocessed", 1)])

    def test_numbers_without_destination_by_their_first_digits(self):
        self.env["metered.destination"].search([]).active = False
        self.import_calls(
            self.source,
            self.call("1", to="+383491234567"),
            self.call("2", to="+383497654321"),
            self.call("3", to="anonymous"),
        )
        causes = self.causes(reason="no_destination")
        self.assertEqual(
            sorted((c.cause, c.records) for c in causes),
            [("+383", 2), ("anonymous", 1)],
        )

    def test_dismissed_with_who_and_why_and_opened_again(self):
        batch = self.import_calls(
            self.source, self.call("1", seconds="x"), self.call("2", seconds="y")
        )
        cause = self.causes(reason="invalid_duration")
        wizard = self.open_cure(cause.action_dismiss())
        self.assertEqual(wizard.records, 2)
        with self.assertRaisesRegex(UserError, "why"):
            wizard.action_dismiss()
        wizard.reason = "Test calls"
        action = wizard.action_dismiss()
        self.assertIn("2 records", action["params"]["message"])
        exceptions = self.exceptions(batch)
        self.assertEqual(exceptions.mapped("state"), ["dismissed"] * 2)
        self.assertEqual(exceptions[0].dismiss_reason, "Test calls")
        self.assertEqual(exceptions.dismissed_uid, self.env.user)
        self.assertTrue(exceptions[0].dismissed_date)
        self.assertEqual((batch.exceptions, batch.balance), (2, "ok"))
        self.assertFalse(self.causes(state="open"))
        self.causes(state="dismissed").action_reopen()
        self.assertEqual(exceptions.mapped("state"), ["open"] * 2)
        self.assertEqual(exceptions[0].dismiss_reason, "Test calls")
        batch._verify()
        self.assertEqual((batch.exceptions, batch.balance), (2, "ok"))

    def open_cure(self, action, **values):
        """The wizard that an action opens, made as the web client makes it."""
        wizard = self.env[action["res_model"]].with_context(**action["context"])
        return wizard.create(values)

    def test_nothing_left_is_said(self):
        self.import_calls(self.source, self.call("1", seconds="x"))
        cause = self.causes(reason="invalid_duration")
        wizard = self.open_cure(cause.action_dismiss(), reason="No call")
        wizard.action_dismiss()
        with self.assertRaisesRegex(UserError, "anymore"):
            self.open_cure(cause.action_dismiss(), reason="Again")
        action = self.env["metered.exception.job"]._start("retry", wizard.target)
        self.assertIn("nothing to do", action["params"]["message"])
