# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Counters, from a file of readings to the line of an invoice."""

from datetime import datetime
from decimal import Decimal

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import html2plaintext

from ..support.metered_case import MeteredCase

HEADER = "time,identifier,quantity,serial,estimated,reading_kind\n"


class CounterCase(MeteredCase):
    """Ann's power meter 4711; a kWh costs 0.5."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.meter = cls.make_meter(
            "Power", kind="counter", unit="kWh", at_period_end="carry"
        )
        cls.price = cls.make_price(cls.meter, charge_model="standard", unit_price=0.5)
        cls.product = cls.make_metered_product("Power used", cls.price)
        cls.source = cls.make_source("usage", meter_id=cls.meter.id)
        cls.customer = cls.make_customer("Ann")
        cls.make_identifier(cls.customer, "4711", kind="meter")

    @classmethod
    def make_plan(cls, partner=None, start="2026-09-01", due="2026-11-01"):
        plan = cls.make_subscription(partner or cls.customer, start, due)
        plan.sale_subscription_line_ids = [
            Command.create({"product_id": cls.product.id})
        ]
        return plan

    @classmethod
    def take(cls, *rows, **named):
        """Import readings: (time, value[, serial, estimated, kind]) of 4711."""
        text = HEADER
        for at, value, *more in rows:
            serial, estimated, kind = [*more, "", "", ""][:3]
            text += f"{at},4711,{value},{serial},{estimated},{kind}\n"
        name = named.pop("name", f"readings {len(cls.batches())}.csv")
        return cls.import_text(named.pop("source", cls.source), text, name=name)

    @classmethod
    def batches(cls):
        return cls.env["metered.batch"].search([])

    def register(self, serial="4711"):
        return self.env["metered.register"].search([("serial", "=", serial)])

    def enter(self, at, value, register=None, **values):
        """Enter a reading by hand, as a form does at its end."""
        reading = self.env["metered.reading"].create(
            {
                "register_id": (register or self.register()).id,
                "time": at,
                "value": value,
                **values,
            }
        )
        self.settle()
        return reading

    def settle(self):
        """What a transaction does right before its commit."""
        self.env.flush_all()
        self.env.cr.precommit.run()

    def by_day(self, partner=None, **only):
        """Day -> exact quantity, of what was used."""
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT day::text, trim_scale(sum(quantity))::text FROM metered_usage"
            " WHERE partner_id = %s AND (%s OR invoice_line_id IS NULL) AND records > 0"
            " GROUP BY day HAVING sum(quantity) != 0 ORDER BY day",
            ((partner or self.customer).id, not only.get("open")),
        )
        return {day: Decimal(text) for day, text in self.env.cr.fetchall()}

    def used(self, partner=None, **only):
        return sum(self.by_day(partner, **only).values())

    def lines(self, invoice):
        """(name's last line, amount) of each usage line."""
        return [
            (line.name.split("\n"), line.price_subtotal)
            for line in invoice.invoice_line_ids.sorted("id")
            if line.metered_price_id
        ]

    def assert_usage_is_its_records(self):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT usage.id FROM metered_usage usage LEFT JOIN metered_cdr cdr"
            " ON cdr.usage_id = usage.id GROUP BY usage.id HAVING usage.records > 0"
            " AND (usage.records != count(cdr.id) OR"
            " usage.quantity != coalesce(sum(cdr.quantity), 0))"
        )
        self.assertFalse(self.env.cr.fetchall())


@tagged("post_install", "-at_install")
class TestCounterReadings(CounterCase):
    def test_from_a_file_to_the_invoice(self):
        plan = self.make_plan()
        batch = self.take(
            ("2026-10-01 10:00:00", 10150), ("2026-10-31 10:00:00", 10300)
        )
        self.assertEqual((batch.state, batch.rated, batch.exceptions), ("done", 2, 0))
        self.assertEqual(batch.stored_rated, 2)
        self.assertEqual(self.cdrs(batch).mapped("state"), ["reading"] * 2)
        self.assertEqual(self.by_day(), {"2026-10-31": 150})
        [(name, amount)] = self.lines(plan._metered_renew())
        self.assertEqual(amount, 75)
        self.assertIn("150 kWh", name[1])
        self.assertEqual(
            name[2], "4711: 10150 (10/01/2026, read) → 10300 (10/31/2026, read)"
        )
        self.assert_usage_is_its_records()

    def test_the_first_reading_opens(self):
        self.take(("2026-10-01 10:00:00", 10150))
        self.assertEqual(self.by_day(), {})

    def test_over_the_last_digit(self):
        self.meter.digits = 5
        self.take(("2026-10-01 10:00:00", 99990), ("2026-10-31 10:00:00", "00012"))
        self.assertEqual(self.by_day(), {"2026-10-31": 22})

    def test_gone_back(self):
        """Both readings are told; digits, or a correction of either, cure it."""
        self.take(("2026-10-01 10:00:00", 10300))
        batch = self.take(("2026-10-31 10:00:00", 10200))
        [exception] = self.exceptions(batch)
        self.assertEqual(exception.reason, "negative_increase")
        self.assertEqual(
            exception.detail,
            "4711: 10200 (2026-10-31 10:00) ← 10300 (2026-10-01 10:00)",
        )
        self.assertIn("went backward", exception.message)
        self.assertEqual(exception.partner_id, self.customer)
        self.assertEqual(self.used(), 0)
        self.register().reading_ids.value = 10100
        self.settle()
        self.assertEqual(exception.state, "resolved")
        self.assertEqual(self.by_day(), {"2026-10-31": 100})

    def test_gone_back_further_than_a_roll_over(self):
        """Said to be one, it is one."""
        self.meter.digits = 5
        self.take(("2026-10-01 10:00:00", 50000))
        batch = self.take(("2026-10-31 10:00:00", 100))
        self.assertEqual(self.exceptions(batch).reason, "negative_increase")
        self.enter("2026-10-31 10:00:00", 100, kind="rollover")
        self.assertEqual(self.exceptions(batch).state, "resolved")
        self.assertEqual(self.by_day(), {"2026-10-31": 50100})
        self.assertEqual((batch.rated, batch.duplicates), (0, 1))

    def test_most_a_day(self):
        self.meter.write({"digits": 5, "most_per_day": 10})
        batch = self.take(("2026-10-01 10:00:00", 99990), ("2026-10-02 10:00:00", 12))
        self.assertEqual(self.exceptions(batch).reason, "negative_increase")
        self.meter.most_per_day = 22
        self.settle()
        self.assertEqual(self.by_day(), {"2026-10-02": 22})

    def test_more_digits_than_it_has(self):
        self.meter.digits = 4
        batch = self.take(("2026-10-01 10:00:00", 10000), ("2026-10-02 10:00:00", -1))
        self.assertEqual(self.exceptions(batch).mapped("reason"), ["no_reading"] * 2)

    def test_the_same_once_more(self):
        rows = ("2026-10-01 10:00:00", 10), ("2026-10-02 10:00:00", 20)
        self.take(*rows)
        again = self.take(*rows)
        other = self.import_text(
            self.source,
            "id,time,identifier,quantity\n77,2026-10-02 10:00:00,4711,20.0\n",
        )
        self.assertEqual((again.rated, again.duplicates), (0, 2))
        self.assertEqual((other.rated, other.duplicates), (0, 1))
        self.assertEqual(self.by_day(), {"2026-10-02": 10})

    def test_another_value_of_the_same_moment(self):
        self.take(("2026-10-01 10:00:00", 10), ("2026-10-02 10:00:00", 20))
        batch = self.take(("2026-10-02 10:00:00", 21))
        [exception] = self.exceptions(batch)
        self.assertEqual(exception.reason, "other_reading")
        self.assertIn("21 (2026-10-02 10:00)", exception.detail)
        self.assertIn("20 (2026-10-02 10:00)", exception.detail)
        self.assertEqual(self.used(), 10)

    def test_unknown_words_are_not_guessed(self):
        batch = self.take(
            ("2026-10-01 10:00:00", 10, "", "perhaps"),
            ("2026-10-02 10:00:00", 10, "", "", "odd"),
        )
        self.assertEqual(
            self.exceptions(batch).mapped("reason"), ["invalid_reading"] * 2
        )

    def test_another_serial_is_another_device(self):
        """Old end and new begin, told by the file."""
        self.take(
            ("2026-10-01 10:00:00", 500, "A"),
            ("2026-10-10 10:00:00", 600, "A", "", "closing"),
            ("2026-10-10 10:00:00", 3, "B", "", "opening"),
            ("2026-10-20 10:00:00", 10, "B"),
        )
        self.assertEqual(self.by_day(), {"2026-10-10": 100, "2026-10-20": 7})

    def test_replaced_by_hand(self):
        self.take(("2026-10-01 10:00:00", 500))
        old = self.register()
        old.factor_ids = [Command.create({"factor": 40})]
        action = old.action_replace()
        dialog = (
            self.env["metered.meter.replace"]
            .with_context(**action["context"])
            .create(
                {
                    "time": "2026-10-10 10:00:00",
                    "old_value": 600,
                    "serial": "4712",
                    "new_value": 3,
                }
            )
        )
        dialog.action_replace()
        self.settle()
        new = self.register("4712")
        self.assertEqual(new.replaces_id, old)
        self.assertEqual(new.factor_ids.factor, 40)
        text = "time,identifier,quantity\n2026-10-20 10:00:00,4712,10\n"
        batch = self.import_text(self.source, text)
        self.assertEqual(batch.exceptions, 0)
        self.assertEqual(self.by_day(), {"2026-10-10": 4000, "2026-10-20": 280})

    def test_a_factor_from_a_day_on(self):
        self.meter.factor = 2
        self.take(
            ("2026-10-01 00:00:00", 0),
            ("2026-10-11 00:00:00", 10),
            ("2026-10-21 00:00:00", 20),
        )
        self.assertEqual(self.by_day(), {"2026-10-10": 20, "2026-10-20": 20})
        self.register().factor_ids = [
            Command.create({"date_from": "2026-10-11", "factor": 0.00125})
        ]
        self.settle()
        self.assertEqual(
            self.by_day(), {"2026-10-10": 20, "2026-10-20": Decimal("0.0125")}
        )

    def test_exact_and_large(self):
        self.meter.factor = 0.000000001
        self.take(
            ("2026-10-01 10:00:00", "100000000000000000.000000001"),
            ("2026-10-02 10:00:00", "100000000000000000.000000003"),
            ("2026-10-03 10:00:00", "900000000000000000"),
        )
        self.assertEqual(self.by_day()["2026-10-02"], Decimal("0.000000000000000002"))
        self.assertEqual(
            self.used(), Decimal("799999999999999999.999999999") * Decimal("1e-9")
        )
        self.assert_usage_is_its_records()

    def test_late_and_out_of_order(self):
        """One between two known ones splits the increase; nothing is lost."""
        plan = self.make_plan()
        self.take(("2026-10-31 10:00:00", 300))
        self.take(("2026-10-01 10:00:00", 100))
        self.assertEqual(self.by_day(), {"2026-10-31": 200})
        self.take(("2026-10-15 10:00:00", 250))
        self.assertEqual(self.by_day(), {"2026-10-15": 150, "2026-10-31": 50})
        invoice = plan._metered_renew()
        self.assertEqual(self.lines(invoice)[0][1], 100)
        # What is invoiced stays; within the same period nothing is due.
        self.take(("2026-10-20 10:00:00", 260))
        self.assertEqual(
            self.by_day(),
            {"2026-10-15": 150, "2026-10-20": 10, "2026-10-31": 40},
        )
        self.assertEqual(self.used(open=True), 0)
        self.take(("2026-11-30 10:00:00", 400))
        lines = self.lines(plan._metered_renew())
        self.assertEqual(sum(amount for _name, amount in lines), 50)
        self.assertEqual(self.used(), 300)
        self.assert_usage_is_its_records()

    def test_late_across_an_invoiced_period(self):
        """What moves to another period is billed there and taken back here."""
        plan = self.make_plan()
        self.take(("2026-10-01 10:00:00", 100), ("2026-10-31 10:00:00", 300))
        self.assertEqual(self.lines(plan._metered_renew())[0][1], 100)
        self.register().reading_ids.sorted("time")[-1].value = 280
        self.settle()
        self.take(("2026-11-30 10:00:00", 320))
        invoice = plan._metered_renew()
        self.assertEqual([amount for _name, amount in self.lines(invoice)], [-10, 20])
        self.assertIn("recorded late", self.lines(invoice)[0][0][1])

    def test_an_estimate_is_taken_back(self):
        plan = self.make_plan()
        self.take(
            ("2026-10-01 10:00:00", 1000),
            ("2026-10-31 10:00:00", 1100, "", "estimated"),
        )
        invoice = plan._metered_renew()
        [(name, amount)] = self.lines(invoice)
        self.assertEqual(amount, 50)
        self.assertIn("1100 (10/31/2026, estimated)", name[2])
        self.take(("2026-11-30 10:00:00", 1080))
        invoice = plan._metered_renew()
        self.assertEqual(sum(amount for _n, amount in self.lines(invoice)), -10)
        self.assertEqual(self.used(), 80)

    def test_an_estimate_that_was_too_low(self):
        plan = self.make_plan()
        self.take(("2026-10-01 10:00:00", 1000))
        self.enter("2026-10-31 10:00:00", 1100, is_estimated=True)
        self.assertEqual(self.lines(plan._metered_renew())[0][1], 50)
        self.take(("2026-11-30 10:00:00", 1180))
        self.assertEqual(self.lines(plan._metered_renew())[0][1], 40)

    def test_interpolated_at_the_end_of_a_period(self):
        self.meter.at_period_end = "interpolate"
        plan = self.make_plan()
        self.take(("2026-10-22 00:00:00", 0), ("2026-11-11 00:00:00", 200))
        invoice = plan._metered_renew()
        [(name, amount)] = self.lines(invoice)
        self.assertEqual(amount, 50)
        self.assertEqual(
            name[2], "4711: 0 (10/22/2026, read) → 100 (11/01/2026, estimated)"
        )
        # From the 11th on it goes on as fast as it did: 100, and 200.
        self.assertEqual(self.lines(plan._metered_renew())[0][1], 150)

    def test_goes_on_as_fast_as_before(self):
        """Billed ahead, and set right by the next reading."""
        self.meter.at_period_end = "interpolate"
        plan = self.make_plan()
        # There is something to set off against.
        plan.sale_subscription_line_ids[0].price_unit = 1000
        self.take(("2026-10-02 00:00:00", 0), ("2026-10-12 00:00:00", 100))
        invoice = plan._metered_renew()
        [(name, amount)] = self.lines(invoice)
        self.assertEqual(amount, 150)
        self.assertIn("300 (11/01/2026, estimated)", name[2])
        self.assertEqual(self.register().projected_until, datetime(2026, 11, 1))
        # It stood still from the 12th on, nearly.
        self.take(("2026-11-21 00:00:00", 140))
        invoice = plan._metered_renew()
        # 20 of the 40 were used until November, 20 until the 21st, 10 go on.
        self.assertEqual([amount for _name, amount in self.lines(invoice)], [-90, 15])
        self.assertEqual(self.used(), 150)
        self.take(("2026-12-01 00:00:00", 140))
        self.assertEqual(self.used(), 140)

    def test_billed_up_to_the_last_reading(self):
        plan = self.make_plan()
        self.take(("2026-10-02 00:00:00", 0), ("2026-10-12 00:00:00", 100))
        self.assertEqual(self.lines(plan._metered_renew())[0][1], 50)
        self.take(("2026-11-21 00:00:00", 140))
        self.assertEqual(self.lines(plan._metered_renew())[0][1], 20)

    def test_tiers_of_a_period(self):
        """The one engine prices what was used: tiers, minimum, explanation."""
        self.price.write(
            {
                "charge_model": "graduated",
                "tier_ids": [
                    Command.create({"up_to": 100, "unit_price": 1}),
                    Command.create({"up_to": 0, "unit_price": 0.1}),
                ],
            }
        )
        plan = self.make_plan()
        self.take(("2026-10-01 10:00:00", 0), ("2026-10-31 10:00:00", 150))
        invoice = plan._metered_renew()
        self.assertEqual(self.lines(invoice)[0][1], 105)
        line = invoice.invoice_line_ids.filtered("metered_price_id")
        told = html2plaintext(line._metered_explain())
        self.assertIn("4711: 0 (10/01/2026, read) → 150 (10/31/2026, read)", told)
        self.assertIn("Tier 2", told)

    def test_undo(self):
        self.take(("2026-10-01 10:00:00", 100), ("2026-10-31 10:00:00", 300))
        batch = self.take(("2026-10-15 10:00:00", 250), ("2026-11-15 10:00:00", 350))
        batch.action_undo()
        self.assertEqual(batch.state, "undone")
        self.assertEqual(len(self.register().reading_ids), 2)
        self.assertEqual(self.by_day(), {"2026-10-31": 200})
        self.assert_usage_is_its_records()

    def test_undo_of_what_is_invoiced(self):
        """It is refused, and can be done when the invoice is deleted."""
        plan = self.make_plan()
        batch = self.take(("2026-10-01 10:00:00", 100), ("2026-10-31 10:00:00", 300))
        invoice = plan._metered_renew()
        with self.assertRaisesRegex(UserError, "are on invoices"):
            batch.action_undo()
        invoice.unlink()
        self.assertEqual(self.used(open=True), 200)
        batch.action_undo()
        self.assertEqual(self.used(), 0)
        self.assertFalse(self.register().reading_ids)

    def test_somebody_moves_out(self):
        """One reading closes for one customer and opens for the next."""
        bob = self.make_customer("Bob")
        identifier = self.env["metered.identifier"].search([("value", "=", "4711")])
        self.take(("2026-10-01 00:00:00", 0), ("2026-10-31 00:00:00", 300))
        identifier.date_to = "2026-10-11 00:00:00"
        self.make_identifier(bob, "4711", kind="meter", date_from="2026-10-11 00:00:00")
        self.settle()
        # Not read at that moment, it is interpolated.
        self.assertEqual((self.used(), self.used(bob)), (100, 200))
        self.take(("2026-10-11 00:00:00", 40))
        self.assertEqual((self.used(), self.used(bob)), (40, 260))
        self.assert_usage_is_its_records()

    def test_companies_have_registers_of_their_own(self):
        self.take(("2026-10-01 10:00:00", 100))
        company = self.env["res.company"].create({"name": "Other"})
        other = self.env(
            context={**self.env.context, "allowed_company_ids": company.ids}
        )
        partner = other["res.partner"].create({"name": "Cid"})
        other["metered.identifier"].create(
            {"partner_id": partner.id, "value": "4711", "kind": "meter"}
        )
        source = self.source.copy({"company_id": company.id})
        self.take(
            ("2026-10-15 10:00:00", 50), ("2026-10-31 10:00:00", 60), source=source
        )
        self.assertEqual(len(self.register()), 2)
        self.assertEqual((self.used(), self.used(partner)), (0, 10))

    def test_what_stands_is_not_made_untrue(self):
        """Digits that a ledger needs stay, and an opening that later ones need."""
        self.meter.digits = 5
        opening = self.take(("2026-10-05 10:00:00", 3, "", "", "opening"))
        self.take(
            ("2026-10-01 10:00:00", 500),
            ("2026-10-20 10:00:00", 99990),
            ("2026-10-21 10:00:00", 12),
        )
        self.assertEqual(self.used(), 99987 + 22)
        for digits in (0, 6):
            with self.assertRaises(UserError):
                self.meter.digits = digits
        self.meter.most_percent = 0
        self.register()._changed()
        self.settle()
        self.assertEqual(self.used(), 99987 + 22)
        self.enter("2026-10-22 10:00:00", 13)
        self.assertEqual(self.used(), 99987 + 23)
        opening.action_undo()
        self.assertEqual(self.used(), 99490 + 23)

    def test_an_opening_that_is_needed_is_not_undone(self):
        opening = self.take(("2026-10-05 10:00:00", 3, "", "", "opening"))
        self.take(("2026-10-01 10:00:00", 500), ("2026-10-20 10:00:00", 10))
        self.assertEqual(self.used(), 7)
        with self.assertRaises(UserError):
            opening.action_undo()
        with self.assertRaises(UserError):
            self.register().reading_ids.filtered(
                lambda one: one.kind == "opening"
            ).active = False
        self.assertEqual(self.used(), 7)

    def test_by_hand(self):
        self.take(("2026-10-01 10:00:00", 100))
        self.enter("2026-10-31 10:00:00", 130.5)
        self.assertEqual(self.by_day(), {"2026-10-31": Decimal("30.5")})
        with self.assertRaises(UserError, msg="run backward"):
            self.enter("2026-10-15 10:00:00", 140)
        with self.assertRaises(UserError, msg="already a reading"):
            self.enter("2026-10-31 10:00:00", 131)
        wrong = self.enter("2026-11-05 10:00:00", 1300)
        wrong.active = False
        self.settle()
        self.assertEqual(self.used(), Decimal("30.5"))

    def test_a_serial_that_a_spreadsheet_wrote_anew(self):
        """00123, 123 and 123.0 are one device, and what it counted is not lost."""
        self.take(("2026-10-01 00:00", "100", "00123"))
        self.take(
            ("2026-10-02 00:00", "200", "123"), ("2026-10-03 00:00", "300", "123.0")
        )
        self.assertEqual(self.used(), 200)
        self.assertEqual(len(self.register("00123").reading_ids), 3)
        # Another device of the same meter is another register.
        self.take(("2026-10-04 00:00", "7", "A-123"))
        self.assertEqual(self.used(), 200)

    def test_an_hour_that_the_clock_shows_twice(self):
        """The order of the file tells the two apart; one alone waits."""
        self.source.timezone = "Europe/Berlin"
        clocks = ("01:45", "02:00", "02:45", "02:00", "02:45", "03:00")
        values = ("100", "101", "104", "105", "108", "109")
        batch = self.take(
            *((f"2026-10-25 {at}", v) for at, v in zip(clocks, values, strict=True))
        )
        self.assertEqual((batch.exceptions, self.used()), (0, 9))
        batch = self.take(("2026-10-25 02:30", "103"))
        self.assertEqual(self.exceptions(batch).reason, "repeated_hour")

    def test_the_registers_of_a_customer(self):
        self.assertFalse(self.customer.metered_register_ids)
        self.take(("2026-10-01 00:00", "100"), ("2026-10-02 00:00", "107"))
        self.customer.invalidate_recordset()
        register = self.customer.metered_register_ids
        self.assertEqual((register.serial, register.last_value), ("4711", 107))

    def test_invoiced_manually_to_the_end_of_the_days(self):
        """Ten a day for 15 days: 31 days of October, or up to the last reading."""
        for choice, amount in (("interpolate", 155), ("carry", 75)):
            with self.subTest(choice):
                self.meter.at_period_end = choice
                self.meter.product_id = self.product
                customer = self.make_customer(choice)
                self.make_identifier(customer, choice, kind="meter")
                text = HEADER + "".join(
                    f"2026-10-{day:02d} 00:00:00,{choice},{value},,,\n"
                    for day, value in ((1, 100), (16, 250))
                )
                self.import_text(self.source, text, name=choice)
                wizard = self.env["metered.manual.invoice"].create(
                    {
                        "partner_id": customer.id,
                        "date_from": "2026-10-01",
                        "date_to": "2026-10-31",
                    }
                )
                wizard.action_search()
                self.assertAlmostEqual(wizard.amount, amount)
                wizard.action_create_invoice()
                invoice = self.env["account.move"].search(
                    [("partner_id", "=", customer.id)]
                )
                self.assertAlmostEqual(invoice.amount_untaxed, amount)
