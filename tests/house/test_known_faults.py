# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Faults that users of other billing engines reported, and that could be ours.

``KNOWN_FAULTS.md`` lists them all, with the test that each of them has; here are those
that no other test is about.
"""

import base64

from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..support.metered_case import MeteredCase, generic_csv

PHONE = "+14045550100"
LONDON = "+442079460120"


@tagged("post_install", "-at_install")
class TestKnownFaults(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", PHONE)

    def apply_file(self, deck, text, **values):
        wizard = self.env["metered.deck.import"].create(
            {
                "deck_id": deck.id,
                "file": base64.b64encode(text.encode()),
                "file_name": "rates.csv",
                **values,
            }
        )
        wizard.action_preview()
        wizard.action_apply()
        return wizard

    # === RATE DECKS === #

    def test_a_file_changes_no_other_deck(self):
        """A file with the prefixes of another deck, as the whole of its own."""
        other = self.make_deck("Other")
        for prefix in ("44", "4420", "49"):
            self.make_rate(other, prefix, price=0.02)
        before = other.rate_ids.read(["prefix", "price", "date_from", "date_to"])
        carrier = self.make_deck("Carrier")
        self.make_rate(carrier, "33", price=0.5)
        self.apply_file(
            carrier,
            "prefix,destination,price,billing\n44,UK,0.5,1/1\n4420,London,0.6,1/1\n",
            whole="whole",
        )
        other.invalidate_recordset()
        self.assertEqual(
            other.rate_ids.read(["prefix", "price", "date_from", "date_to"]), before
        )
        self.customer.metered_deck_id = other
        batch = self.import_calls(
            self.source, ("1", "2026-10-05 10:00:00", 60, PHONE, LONDON)
        )
        self.assertEqual(self.cdrs(batch).charge, 0.02)

    def test_blank_rows_of_a_deck_lose_no_rate(self):
        """Blank rows, in the middle and many at the end; the last rate counts too."""
        rows = [f"49{number:04d},Germany {number},0.01,1/1" for number in range(3000)]
        rows.insert(1000, "")
        rows.insert(1500, ",,,")
        rows[2000:2000] = [""] * 200
        text = "prefix,destination,price,billing\n" + "\n".join(rows) + "\n" * 50
        deck = self.make_deck("Carrier")
        self.apply_file(deck, text + "492999999,Last,0.02,1/1\n")
        self.assertEqual(deck.rate_count, 3001)
        self.assertTrue(deck.rate_ids.filtered(lambda rate: rate.name == "Last"))

    def test_blank_lines_of_a_file_of_calls_lose_no_call(self):
        calls = [
            (str(number), "2026-10-05 10:00:00", 60, PHONE, LONDON)
            for number in range(300)
        ]
        lines = generic_csv(calls).splitlines()
        lines[100:100] = [""] * 100
        batch = self.import_text(self.source, "\n".join(lines) + "\n\n\n")
        self.assertEqual((batch.rated, batch.balance), (300, "ok"))

    def test_a_deck_of_many_rates_in_one_file(self):
        """All of them, and the last one prices a call."""
        rows = "".join(f"44{number:05d},UK,0.01,1/1\n" for number in range(30_000))
        deck = self.make_deck("A-Z")
        wizard = self.apply_file(deck, f"prefix,destination,price,billing\n{rows}")
        self.assertEqual((wizard.count_new, deck.rate_count), (30_000, 30_000))
        self.customer.metered_deck_id = deck
        call = ("1", "2026-10-05 10:00:00", 60, PHONE, "+442999946012")
        self.assertEqual(self.cdrs(self.import_calls(self.source, call)).charge, 0.01)

    def test_one_price_for_a_number_at_a_time(self):
        """Of two rates for one prefix the second is refused."""
        self.make_rate(self.deck, "44", price=0.1, date_to="2026-10-01")
        self.make_rate(self.deck, "44", price=0.2, date_from="2026-10-01")
        with self.assertRaisesRegex(ValidationError, "already has a rate for 44"):
            self.make_rate(self.deck, "44", price=0.3, date_from="2026-12-01")

    def test_a_later_change_of_the_deck_leaves_rated_calls_alone(self):
        call = ("1", "2026-10-05 10:00:00", 60, PHONE, LONDON)
        cdr = self.cdrs(self.import_calls(self.source, call))
        rate = cdr.rate_id
        for change in (
            lambda: rate.write({"price": 0.5}),
            lambda: rate.write({"initial_increment": 60}),
            lambda: rate.unlink(),
            lambda: self.deck.unlink(),
        ):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                change()
        rate.date_to = "2026-11-01"
        self.make_rate(self.deck, "", price=0.5, date_from="2026-11-01")
        self.assertEqual((cdr.charge, cdr.rate_id), (0.06, rate))
        self.assertEqual(self.usage(self.customer).amount, 0.06)
        self.assertNotIn("can no longer be explained", str(cdr.explanation))

    def test_increments_of_nothing(self):
        """A step of no seconds is refused: nothing is divided by it."""
        for values in ({"increment": 0}, {"per_seconds": 0}, {"increment": -6}):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.make_rate(self.deck, "44", price=0.1, **values)
        # None for the first one: the next ones count from the beginning.
        self.make_rate(self.deck, "44", 0.6, initial_increment=0, increment=6)
        call = ("1", "2026-10-05 10:00:00", 7, PHONE, LONDON)
        self.assertEqual(self.cdrs(self.import_calls(self.source, call)).charge, 0.12)

    # === CALLS === #

    def test_amounts_above_a_thousand(self):
        """13 a minute for 100 minutes: 1,300 on the call, the usage and the invoice."""
        self.customer.lang = "en_US"
        dear = self.make_deck("Satellite")
        self.make_rate(dear, "", price=13)
        self.customer.metered_deck_id = dear
        call = ("1", "2026-10-05 10:00:00", 6000, PHONE, LONDON)
        cdr = self.cdrs(self.import_calls(self.source, call))
        self.assertEqual(cdr.charge, 1300)
        self.assertEqual(self.usage(self.customer).amount, 1300)
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        invoice = subscription.create_invoice()
        line = invoice.invoice_line_ids.filtered("metered_usage_ids")
        self.assertEqual((line.price_unit, line.price_subtotal), (1300, 1300))
        self.assertIn("1,300", str(cdr.explanation))

    def test_an_inbound_call_is_not_charged_as_an_outbound_one(self):
        text = (
            "call_id,start_time,duration,caller,callee,direction\n"
            f"1,2026-10-05 10:00:00,60,{LONDON},{PHONE},inbound\n"
            f"2,2026-10-05 10:00:00,60,{PHONE},{LONDON},outbound\n"
            f"3,2026-10-05 10:00:00,60,{PHONE},{LONDON}, Incoming\n"
            f"4,2026-10-05 10:00:00,60,{PHONE},{LONDON},internal\n"
        )
        batch = self.import_text(self.source, text)
        inbound, outbound, *others = self.cdrs(batch)
        self.assertEqual([cdr.state for cdr in others], ["not_billable"] * 2)
        self.assertEqual((inbound.state, inbound.charge), ("not_billable", 0))
        self.assertEqual(inbound.direction, "inbound")
        self.assertEqual((outbound.state, outbound.charge), ("rated", 0.06))
        self.assertEqual(self.usage(self.customer).records, 1)

    def test_a_charge_of_nothing_is_no_missing_rate(self):
        """A free call is rated and counted; only one without a rate is an exception."""
        free = self.make_deck("Free")
        self.make_rate(free, "44", price=0)
        self.customer.metered_deck_id = free
        self.company.metered_deck_id = False
        batch = self.import_calls(
            self.source,
            ("1", "2026-10-05 10:00:00", 60, PHONE, LONDON),
            ("2", "2026-10-05 10:00:00", 60, PHONE, "+4930123456"),
        )
        self.assertEqual((batch.rated, batch.exceptions), (1, 1))
        self.assertEqual(self.exceptions(batch).reason, "no_rate")
        self.assertEqual(self.usage(self.customer).records, 1)

    def test_usage_of_long_ago_is_billed_or_told(self):
        """Nothing is passed over in silence for its age."""
        call = ("1", "2023-01-05 10:00:00", 60, PHONE, LONDON)
        batch = self.import_calls(self.source, call)
        self.assertEqual(batch.rated, 1)
        subscription = self.make_subscription(self.customer, "2022-12-01", "2026-11-01")
        invoice = subscription.create_invoice()
        line = invoice.invoice_line_ids.filtered("metered_usage_ids")
        self.assertEqual(line.price_subtotal, 0.06)
        strict = self.make_source(max_age_days=90)
        batch = self.import_calls(strict, call)
        self.assertEqual((batch.rated, batch.exceptions), (0, 1))
        self.assertEqual(batch.balance, "ok")

    def test_small_amounts_are_billed_once(self):
        """Fractions of a cent are rounded on the line; no rest is billed again."""
        tiny = self.make_deck("Tiny")
        self.make_rate(tiny, "", price=0.006)
        self.customer.metered_deck_id = tiny
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        for month, expected in ((10, 0.01), (11, 0.01)):
            call = (f"{month}", f"2026-{month}-05 10:00:00", 60, PHONE, LONDON)
            self.import_calls(self.source, call)
            invoice = subscription.create_invoice()
            subscription._set_next_invoice_date_after_invoice()
            lines = invoice.invoice_line_ids.filtered("metered_usage_ids")
            self.assertEqual(sum(lines.mapped("price_subtotal")), expected)
        invoice = subscription.create_invoice()
        self.assertFalse(invoice.invoice_line_ids.filtered("metered_usage_ids"))
