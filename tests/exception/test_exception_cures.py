# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is cured is rated by itself, once, in the import it came with."""

import base64
from datetime import date, datetime

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

START = "2026-10-05 10:00:00"
NOBODY = "+14045559999"
UK = "+442079460120"


@tagged("post_install", "-at_install")
class TestExceptionCures(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        # What was made here is committed, as far as cures go.
        cls.env.cr.flush()

    def call(self, call_id, start=START, seconds="60", by="+14045550100", to=UK):
        return (call_id, start, seconds, by, to)

    def cause(self, reason):
        return self.env["metered.exception.cause"].search([("reason", "=", reason)])

    def open_cure(self, action, **values):
        wizard = self.env[action["res_model"]].with_context(**action["context"])
        return wizard.create(values)

    def commit(self):
        """What happens just before the transaction is committed."""
        self.env.cr.flush()

    def assert_adds_up(self, batch, **counters):
        self.assertEqual(batch.balance, "ok")
        self.assertEqual(
            batch.records,
            batch.rated + batch.not_billable + batch.duplicates + batch.exceptions,
        )
        for name, value in counters.items():
            self.assertEqual(batch[name], value, name)

    # === ASSIGN === #

    def test_assign_rates_every_import_at_the_time_of_the_call(self):
        other_source = self.make_source()
        first = self.import_calls(
            self.source, self.call("1", by=NOBODY), self.call("2", by=NOBODY, to="x")
        )
        second = self.import_calls(
            other_source, self.call("1", "2026-10-08 08:00:00", by=NOBODY)
        )
        # The price of the time of the call, not of today.
        self.deck.rate_ids.date_to = "2026-10-08"
        self.make_rate(self.deck, "", 0.12, date_from="2026-10-08")
        newcomer = self.make_customer("Newcomer")
        wizard = self.open_cure(self.cause("unknown_customer").action_assign())
        self.assertEqual(wizard.line_ids.mapped("value"), [NOBODY])
        self.assertEqual(wizard.line_ids.records, 3)
        with self.assertRaisesRegex(UserError, "customer"):
            wizard.action_assign()
        wizard.partner_id = newcomer
        action = wizard.action_assign()
        self.assertIn("2 of 3", action["params"]["message"])
        identifier = newcomer.metered_identifier_ids
        self.assertEqual(identifier.value, NOBODY)
        self.assertEqual(identifier.date_from, datetime(2026, 10, 5))
        self.assertEqual(self.cdrs(first).mapped("charge"), [0.06])
        self.assertEqual(self.cdrs(second).mapped("charge"), [0.12])
        self.assert_adds_up(first, rated=1, exceptions=1)
        self.assert_adds_up(second, rated=1, exceptions=0)
        self.assertEqual(self.usage(newcomer).mapped("amount"), [0.06, 0.12])
        self.assertFalse(self.cause("unknown_customer"))
        self.assertEqual(self.cause("no_destination").records, 1)

    def test_assign_begins_where_another_ended(self):
        before = self.make_customer("Before")
        self.make_identifier(before, NOBODY, date_to="2026-10-05 09:00:00")
        batch = self.import_calls(self.source, self.call("1", by=NOBODY))
        wizard = self.open_cure(
            self.exceptions(batch).action_assign(), partner_id=self.customer.id
        )
        self.assertEqual(wizard.line_ids.before_partner_id, before)
        self.assertEqual(wizard.line_ids.date_from, date(2026, 10, 5))
        wizard.action_assign()
        self.assertEqual(
            self.customer.metered_identifier_ids.filtered(
                lambda identifier: identifier.value == NOBODY
            ).date_from,
            datetime(2026, 10, 5, 9),
        )
        self.assertEqual(self.cdrs(batch).partner_id, self.customer)

    def test_what_may_be_of_several_kinds_is_asked(self):
        """The kind that is looked for first is not what the identifier is."""
        meter = self.make_meter("Units", unit="units", code="units")
        source = self.make_source("usage", meter_id=meter.id)
        batch = self.import_text(
            source, "id,time,identifier,quantity\n1,2026-10-05 10:00:00,key_acme_1,2\n"
        )
        cause = self.cause("unknown_customer")
        self.assertEqual(cause.name, "No customer has the identifier key_acme_1")
        self.assertEqual(
            self.exceptions(batch).message,
            "No customer has the identifier key_acme_1. Assign it to a customer.",
        )
        wizard = self.open_cure(cause.action_assign(), partner_id=self.customer.id)
        self.assertFalse(wizard.line_ids.kind)
        with self.assertRaisesRegex(
            UserError, "kind of identifier for key_acme_1: .*API key name"
        ):
            wizard.action_assign()
        wizard.line_ids.kind = "context"
        with self.assertRaisesRegex(UserError, "Choose the kind of identifier"):
            wizard.action_assign()
        wizard.line_ids.kind = "key"
        wizard.action_assign()
        identifier = self.customer.metered_identifier_ids.filtered(
            lambda identifier: identifier.value == "key_acme_1"
        )
        self.assertEqual(identifier.kind, "key")
        self.assertFalse(self.exceptions(batch).filtered(lambda e: e.state == "open"))

    def test_a_rate_is_added_in_the_decks_usual_steps(self):
        self.deck.rate_ids.prefix = "1"
        for prefix, steps in (("1", (60, 6)), ("49", (60, 60)), ("33", (60, 6))):
            self.make_rate(
                self.deck,
                f"{prefix}9",
                0.1,
                initial_increment=steps[0],
                increment=steps[1],
            )
        self.import_calls(self.source, self.call("1"))
        wizard = self.open_cure(self.cause("no_rate").action_add_rate())
        self.assertEqual(
            (wizard.per_seconds, wizard.initial_increment, wizard.increment),
            (60, 60, 6),
        )

    def test_the_column_that_it_is_about_comes_first(self):
        self.import_calls(self.source, self.call("1", seconds="a minute"))
        wizard = self.open_cure(self.cause("invalid_duration").action_correct())
        self.assertEqual(wizard.line_ids.filtered("suspect"), wizard.line_ids[0])
        self.assertEqual(wizard.line_ids[0].value, "a minute")

    def test_assign_refuses_what_is_anothers(self):
        batch = self.import_calls(self.source, self.call("1", by=NOBODY))
        wizard = self.open_cure(
            self.exceptions(batch).action_assign(), partner_id=self.customer.id
        )
        self.make_customer("Quicker", NOBODY)
        with self.assertRaisesRegex(ValidationError, "Quicker"):
            wizard.action_assign()

    # === RATES AND DESTINATIONS === #

    def test_a_rate_for_many_destinations(self):
        self.deck.rate_ids.write({"prefix": "1"})
        batch = self.import_calls(
            self.source,
            self.call("1"),
            self.call("2", to="+33142685300"),
            self.call("3", to="+33142685301"),
        )
        self.assertEqual(batch.exceptions, 3)
        causes = self.cause("no_rate")
        self.assertEqual(len(causes), 2)
        wizard = self.open_cure(causes.action_add_rate())
        self.assertEqual(wizard.deck_id, self.deck)
        self.assertEqual(wizard.line_ids.mapped("records"), [2, 1])
        wizard.line_ids[0].price = 0.10
        with self.assertRaisesRegex(UserError, "United Kingdom"):
            wizard.action_add()
        wizard.line_ids[1].price = 0.20
        wizard.action_add()
        self.assertEqual(self.cdrs(batch).mapped("charge"), [0.20, 0.10, 0.10])
        self.assertTrue(all(self.cdrs(batch).rate_id.mapped("used")))
        self.assert_adds_up(batch, rated=3, exceptions=0)

    def test_a_destination(self):
        self.env["metered.destination"].search([]).active = False
        batch = self.import_calls(
            self.source, self.call("1", to="+383491234567"), self.call("2", to="nobody")
        )
        causes = self.cause("no_destination")
        wizard = self.open_cure(causes.action_add_destination())
        line = wizard.line_ids
        self.assertEqual((line.prefix, line.country_id.code), ("383", "XK"))
        with self.assertRaisesRegex(UserError, "383"):
            wizard.action_add()
        line.name = "Kosovo"
        wizard.action_add()
        self.assertEqual(self.cdrs(batch).destination_id.name, "Kosovo")
        self.assertEqual(self.cdrs(batch).destination_id.company_id, self.company)
        self.assert_adds_up(batch, rated=1, exceptions=1)
        with self.assertRaisesRegex(UserError, "not phone numbers"):
            self.open_cure(self.cause("no_destination").action_add_destination())

    # === CORRECT === #

    def test_correct_one(self):
        batch = self.import_calls(self.source, self.call("1", start="5 Oct, 10 am"))
        exception = self.exceptions(batch)
        raw = exception.raw
        wizard = self.open_cure(exception.action_correct())
        self.assertTrue(wizard.single)
        line = wizard.line_ids.filtered(lambda line: line.column == "start_time")
        self.assertEqual(line.value, "5 Oct, 10 am")
        line.value = START
        wizard.action_correct()
        self.assertEqual(exception.state, "resolved")
        self.assertEqual(exception.original, raw)
        self.assertEqual(exception.corrected_uid, self.env.user)
        self.assertEqual(str(self.cdrs(batch).start_time), START)
        self.assert_adds_up(batch, rated=1, exceptions=0)

    def test_correct_many_by_replacing_a_part(self):
        batch = self.import_calls(
            self.source,
            self.call("1", start="2026_10_05 10:00:00"),
            self.call("2", start="2026_10_06 10:00:00"),
        )
        wizard = self.open_cure(self.cause("invalid_time").action_correct())
        with self.assertRaisesRegex(UserError, "not changed anything yet"):
            wizard.action_correct()
        line = wizard.line_ids.filtered(lambda line: line.column == "start_time")
        self.assertIn("2026_10_05 10:00:00", line.found)
        line.write({"find": "_", "value": "-"})
        wizard.action_correct()
        self.assert_adds_up(batch, rated=2, exceptions=0)

    def test_correct_a_line_that_could_not_be_read(self):
        text = (
            "call_id,start_time,duration,caller,callee\n"
            f"a,{START},60,+14045550100,{UK}\n"
            f"b,{START},60,+14045550100\n"
            f"a,{START},60,+14045550100\n"
        )
        batch = self.import_text(self.source, text)
        self.assert_adds_up(batch, rated=1, exceptions=2)
        for exception in self.exceptions(batch):
            wizard = self.open_cure(exception.action_correct())
            self.assertEqual(wizard.line_ids[3].value, "+14045550100")
            wizard.line_ids[4].value = UK
            wizard.action_correct()
        # The last line is the first record once more: it is not charged again.
        self.assertEqual(self.cdrs(batch).mapped("call_id"), ["a", "b"])
        self.assert_adds_up(batch, rated=2, duplicates=1, exceptions=0)
        again = self.import_text(self.source, text)
        self.assert_adds_up(again, rated=0, duplicates=3)

    # === BY ITSELF === #

    def test_a_new_identifier_cures_by_itself(self):
        batch = self.import_calls(self.source, self.call("1", by=NOBODY))
        newcomer = self.make_customer("Newcomer", "(404) 555-9999")
        self.assertEqual(batch.rated, 0)
        self.commit()
        self.assertEqual(self.cdrs(batch).partner_id, newcomer)
        self.assert_adds_up(batch, rated=1, exceptions=0)
        job = self.env["metered.exception.job"].search([], limit=1)
        self.assertIn("(404) 555-9999", job.trigger)
        self.assertEqual((job.expected, job.cured, job.state), (1, 1, "done"))

    def test_an_identifier_of_a_later_payer_step_cures_too(self):
        self.source.payer_ids = [
            (0, 0, {"column": "callee", "kind": "account_code", "sequence": 1})
        ]
        self.source.payer_ids.filtered(lambda step: step.kind == "number").sequence = 2
        batch = self.import_calls(self.source, self.call("1", by=NOBODY))
        self.assertIn("account_code", self.exceptions(batch).cause)
        self.make_customer("Newcomer", NOBODY)
        self.commit()
        self.assertEqual(batch.rated, 1)

    def test_an_identifier_of_somebody_else_tries_nothing(self):
        batch = self.import_calls(self.source, self.call("1", by=NOBODY))
        self.make_customer("Newcomer", "+14045558888")
        self.commit()
        self.assertFalse(self.env["metered.exception.job"].search([]))
        self.assertEqual(self.exceptions(batch).attempts, 0)

    def test_rates_decks_and_destinations_cure_by_themselves(self):
        self.deck.rate_ids.prefix = "1"
        batch = self.import_calls(
            self.source, self.call("1"), self.call("2", to="+33142685300")
        )
        self.make_rate(self.deck, "44", 0.10)
        self.commit()
        self.assertEqual(batch.rated, 1)
        self.assertEqual(
            self.exceptions(batch).mapped("attempts"), [1, 0], "France was not tried"
        )
        own = self.make_deck("Own")
        self.make_rate(own, "", 0.30)
        self.commit()
        self.assertEqual(batch.rated, 1)
        self.customer.metered_deck_id = own
        self.commit()
        self.assert_adds_up(batch, rated=2, exceptions=0)

    def test_a_file_of_rates_cures_by_itself(self):
        self.deck.rate_ids.prefix = "1"
        batch = self.import_calls(self.source, self.call("1"))
        content = b"prefix,destination,price,billing\n44,UK,0.10,1/1\n"
        own = self.make_deck("Own")
        self.customer.metered_deck_id = own
        wizard = self.env["metered.deck.import"].create(
            {
                "deck_id": own.id,
                "file": base64.b64encode(content),
                "file_name": "rates.csv",
            }
        )
        wizard.action_preview()
        self.commit()
        wizard.action_apply()
        self.commit()
        self.assert_adds_up(batch, rated=1, exceptions=0)
        self.assertEqual(self.cdrs(batch).charge, 0.10)

    def test_another_setting_of_the_source_cures_by_itself(self):
        self.source.max_duration_hours = 1
        batch = self.import_calls(self.source, self.call("1", seconds="7200"))
        self.assertEqual(batch.exceptions, 1)
        self.source.max_duration_hours = 3
        self.commit()
        self.assert_adds_up(batch, rated=1, exceptions=0)

    def test_dismissed_ones_are_left_alone(self):
        batch = self.import_calls(self.source, self.call("1", by=NOBODY))
        wizard = self.open_cure(
            self.exceptions(batch).action_dismiss(), reason="Nobody's, really"
        )
        wizard.action_dismiss()
        self.make_customer("Newcomer", NOBODY)
        self.commit()
        self.exceptions(batch).action_retry()
        self.assertEqual(self.exceptions(batch).state, "dismissed")
        self.assert_adds_up(batch, rated=0, exceptions=1)
