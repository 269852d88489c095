# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Measured services: from samples to the line of an invoice."""

import json
import random
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import ceil

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import tagged
from odoo.tools import html2plaintext, mute_logger

from odoo.addons.metered_billing.connectors.events.cloud_event import BATCH, read_events
from odoo.addons.metered_billing.rating.exact import rounded

from ..billing.test_metered_invoice import MeteredInvoiceCase


class MeasuredCase(MeteredInvoiceCase):
    """A level of extensions, sampled, and a customer with a subscription."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sold = cls.env["product.product"].create(
            {
                "name": "Measured",
                "type": "service",
                "taxes_id": [Command.clear()],
            }
        )
        cls.extensions = cls.make_meter(
            "Extensions",
            kind="gauge",
            aggregation="max",
            level_holds=True,
            unit="extensions",
            product_id=cls.sold.id,
        )
        cls.customer.metered_tz = "UTC"
        cls.make_identifier(cls.customer, "acme", kind="key")
        cls.samples = cls.make_source("usage", meter_id=cls.extensions.id)
        cls.plan = cls.make_subscription(cls.customer, "2026-09-01", "2026-11-01")
        cls.group = cls.env["metered.customer.group"].create({"name": "Resellers"})

    @classmethod
    def make_service(cls, owner=None, **values):
        """A measured service of a customer or a group; maximum, 4 each, 5 free."""
        owner = owner or cls.customer
        name = "group_id" if owner._name == "metered.customer.group" else "partner_id"
        return cls.env["metered.measured.service"].create(
            {
                name: owner.id,
                "meter_id": cls.extensions.id,
                "charge_basis": "max",
                "unit_price": 4,
                "free_units": 5,
                "date_from": "2026-09-01",
                **values,
            }
        )

    def sample(self, *samples, key="acme"):
        rows = [f"{at},{key},{value}" for at, value in samples]
        text = "\n".join(["time,identifier,quantity", *rows, ""])
        batch = self.import_text(self.samples, text, name=f"{samples[0]}.csv")
        self.assertEqual(batch.rated, len(samples))
        return batch

    def measured(self, invoice):
        """(text, quantity, price) of the lines of measured services."""
        self.assert_lines_are_their_usage(invoice)
        return [row[:3] for row in self.usage_lines(invoice)]

    def charged(self, invoice):
        """What each line of a measured service is charged."""
        self.assert_lines_are_their_usage(invoice)
        return [row[3] for row in self.usage_lines(invoice)]


@tagged("post_install", "-at_install")
class TestMeasuredServices(MeasuredCase):
    def test_line_of_an_invoice(self):
        service = self.make_service(rate_code="EXT")
        service.analytic_distribution = False
        self.sample(("2026-10-03 09:00:00", 10), ("2026-10-14 10:32:00", 23))
        self.sample(("2026-10-15 10:32:00", 8))
        invoice = self.renew(self.plan)
        [line] = invoice.invoice_line_ids.filtered("metered_price_id")
        self.assertEqual(
            line.name,
            "[EXT] Extensions\n10/01/2026 – 10/31/2026: maximum 23 on "
            "10/14/2026 10:32 AM, 5 free: 18 × $4.00",
        )
        self.assertEqual((line.quantity, line.price_unit), (18, 4))
        self.assertEqual(line.product_id, self.sold)
        self.assert_lines_are_their_usage(invoice)
        explained = html2plaintext(line.metered_explanation)
        self.assertIn("23, first reached on 10/14/2026", explained)
        # Nobody reports in November: 8 are held.
        self.assertEqual(self.charged(self.renew(self.plan)), [12])

    def test_bases(self):
        """62 extensions from the 11th on, before that 31."""
        bases = {
            "max": 62,
            "min": 31,
            "last": 62,
            "average": 46.5,
            "time_average": 31 + 21,
            "percentile": 62,
        }
        self.sample(("2026-10-01 00:00:00", 31), ("2026-10-11 00:00:00", 62))
        service = self.make_service(unit_price=1, free_units=0)
        for basis, expected in bases.items():
            with self.subTest(basis):
                service.charge_basis = basis
                [quote] = self.plan._metered_quotes()
                lines = [line for line in quote["lines"] if line["is_usage"]]
                self.assertEqual([line["amount"] for line in lines], [expected])
        service.write({"charge_basis": "average", "whole_items": True})
        self.assertEqual(self.charged(self.renew(self.plan)), [47])

    def test_bases_hour_by_hour(self):
        """Samples at any hours, from any first day on, against a look at each hour."""
        dice = random.Random(17)
        for first in (1, 11, dice.randint(2, 30)):
            partner = self.make_customer(f"Hours {first}", tz="UTC")
            self.make_identifier(partner, f"hours-{first}", kind="key")
            plan = self.make_subscription(partner, "2026-09-01", "2026-11-01")
            hours = sorted(dice.sample(range(-200, 744), 12))
            samples = [(hour, dice.randint(0, 40)) for hour in hours]
            begin = datetime(2026, 10, 1)
            self.sample(
                *((begin + timedelta(hours=at), value) for at, value in samples),
                key=f"hours-{first}",
            )
            date_from = "2026-09-01" if first == 1 else f"2026-10-{first:02}"
            service = self.make_service(
                partner, date_from=date_from, unit_price=1.25, free_units=3
            )
            span = range((first - 1) * 24, 744)
            levels = [
                ([0] + [value for at, value in samples if at <= hour])[-1]
                for hour in span
            ]
            inside = [value for at, value in samples if at in span]
            bases = {
                "max": max(levels),
                "min": min(levels),
                "last": levels[-1],
                "average": Fraction(sum(inside), len(inside) or 1),
                "time_average": Fraction(sum(levels), len(levels)),
                "percentile": sorted(levels)[-(-len(levels) * 95 // 100) - 1],
            }
            for basis, level in bases.items():
                for whole in (False, True):
                    with self.subTest(first=first, basis=basis, whole=whole):
                        service.write({"charge_basis": basis, "whole_items": whole})
                        charged = max((ceil(level) if whole else level) - 3, 0)
                        expected = rounded(Fraction(charged) * Fraction(5, 4), 2)
                        [quote] = plan._metered_quotes()
                        found = [
                            line["amount"]
                            for line in quote["lines"]
                            if line["is_usage"] and "recorded late" not in line["name"]
                        ]
                        self.assertEqual(sum(found), float(expected))

    def test_statistics_only(self):
        """No line, no charge, and nothing in the way of the renewal."""
        service = self.make_service(charge_basis="none")
        self.sample(("2026-08-03 09:00:00", 9), ("2026-10-03 09:00:00", 10))
        self.assertEqual(self.charged(self.renew(self.plan)), [])
        left = self.usage(self.customer).filtered("no_renewal")
        self.assertFalse(left, "They wait for no renewal.")
        service.charge_basis = "last"
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.usage(self.customer).filtered("no_renewal").quantity, 9)
        service.charge_basis = "none"
        # Who has none at all is not charged, either.
        service.unlink()
        self.assertEqual(self.charged(self.renew(self.plan)), [])
        # Statistics of the past are not charged when it begins to charge.
        self.make_service(date_from="2026-12-01")
        self.assertEqual(self.charged(self.renew(self.plan)), [20])

    def test_charging_begins_with_this_month(self):
        service = self.make_service(charge_basis="none")
        service.charge_basis = "last"
        self.assertEqual(service.date_from, service._this_month())
        # Also when someone says it on the form of its price.
        service.write({"charge_basis": "none", "date_from": "2025-01-01"})
        service.price_id.charge_basis = "max"
        self.assertEqual(service.date_from, service._this_month())
        # What the panel shows is what is charged.
        with self.assertRaisesRegex(ValidationError, "or Do not charge"):
            service.price_id.charge_basis = False

    def test_what_is_no_level(self):
        """Quantities that are none, or none that a level can have."""
        self.make_service()
        rows = [
            f"2026-10-0{number} 09:00:00,acme,{text}"
            for number, text in enumerate(("nan", "inf", "-inf", "1e999", "", "x"), 1)
        ]
        text = "\n".join(["time,identifier,quantity", *rows, ""])
        batch = self.import_text(self.samples, text)
        self.assertEqual((batch.rated, batch.exceptions), (0, len(rows)))
        # Large ones are charged exactly.
        self.sample(("2026-10-03 09:00:00", 10**12 + 5))
        self.assertEqual(self.charged(self.renew(self.plan)), [4 * 10**12])

    def test_currencies_without_and_with_three_decimals(self):
        """An average that never ends is rounded once, as the currency is."""
        for name, expected in (("JPY", 7), ("KWD", 6.667)):
            currency = self.env["res.currency"].with_context(active_test=False)
            currency = currency.search([("name", "=", name)])
            currency.active = True
            partner = self.make_customer(name, tz="UTC")
            self.make_identifier(partner, name.lower(), kind="key")
            plan = self.make_subscription(partner, "2026-09-01", "2026-11-01")
            pricelist = self.env["product.pricelist"].create(
                {"name": name, "currency_id": currency.id}
            )
            plan.pricelist_id = pricelist
            service = self.make_service(
                partner, charge_basis="average", unit_price=1, free_units=0
            )
            service.price_id.currency_id = currency
            levels = ("5.5", "6.75", "7.75")
            self.sample(
                *((f"2026-10-0{day} 09:00:00", of) for day, of in enumerate(levels, 1)),
                key=name.lower(),
            )
            with self.subTest(name):
                self.assertEqual(self.charged(self.renew(plan)), [expected])

    def test_who_has_no_subscription_is_told(self):
        service = self.make_service()
        self.assertFalse(self.customer.metered_measured_note)
        self.plan.close_subscription()
        self.customer.invalidate_recordset()
        self.assertIn("no active subscription", self.customer.metered_measured_note)
        service.charge_basis = "none"
        self.customer.invalidate_recordset()
        self.assertFalse(self.customer.metered_measured_note)

    def test_manual_invoicing_without_a_subscription(self):
        """What is held, and calls: nothing was sampled on these days."""
        alone = self.make_customer("Alone", "+14045550100", metered_tz="UTC")
        self.make_identifier(alone, "alone", kind="key")
        channels = self.make_meter(
            "Channels", kind="gauge", aggregation="max", level_source="calls"
        )
        channels.product_id = self.sold
        self.make_service(alone)
        self.make_service(alone, meter_id=channels.id, unit_price=1, free_units=0)
        calls = [
            (str(at), f"2026-10-05 10:00:0{at}", 60, "+14045550100", "+12125550199")
            for at in range(3)
        ]
        self.import_calls(self.make_source(), *calls)
        self.sample(("2026-09-03 09:00:00", 10), key="alone")

        def manual(last="2026-10-31"):
            values = {"date_from": "2026-10-01", "date_to": last}
            values["meter_ids"] = [Command.set((self.extensions | channels).ids)]
            wizard = self.env["metered.manual.invoice"].create(
                {"partner_id": alone.id, **values}
            )
            wizard.action_search()
            return wizard, {line.meter_id: line.amount for line in wizard.line_ids}

        wizard, amounts = manual()
        self.assertEqual(amounts, {self.extensions: 20, channels: 3})
        wizard.action_create_invoice()
        invoice = wizard.sudo().invoice_id
        self.assertEqual(sorted(self.charged(invoice)), [3, 20])
        # All of it, and a part of these days, are not charged once more.
        for last in ("2026-10-15", "2026-10-31"):
            again, amounts = manual(last)
            self.assertFalse(amounts)
        self.assertIn("already invoiced", again.problem)
        self.sample(("2026-10-14 10:32:00", 23), key="alone")
        self.assertEqual(manual()[1], {self.extensions: 52})
        invoice.unlink()
        self.assertEqual(manual()[1], {self.extensions: 72, channels: 3})
        self.usage(alone).filtered(lambda row: not row.records).unlink()
        # As long as a subscription bills them, nothing else does.
        self.make_subscription(alone, "2026-09-01", "2026-11-01")
        self.assertEqual(manual()[1], {self.extensions: 72})

    def test_levels_before_its_first_day_do_not_count(self):
        self.make_service(date_from="2026-10-11", free_units=0)
        self.sample(("2026-10-05 00:00:00", 90), ("2026-10-08 00:00:00", 7))
        self.assertEqual(self.charged(self.renew(self.plan)), [28])

    def test_subscription_line_wins(self):
        self.make_service()
        price = self.make_price(self.extensions, unit_price=1, charge_model="standard")
        product = self.make_metered_product("Extensions", price)
        other = self.make_plan(product)
        self.sample(("2026-10-03 09:00:00", 10))
        self.assertEqual(self.charged(self.renew(self.plan)), [])
        self.assertEqual(self.charged(self.renew(other)), [10])

    def test_first_of_two_subscriptions_bills_it(self):
        self.make_service()
        other = self.make_subscription(self.customer, "2026-09-01", "2026-11-01")
        self.sample(("2026-10-03 09:00:00", 10))
        self.assertEqual(self.charged(self.renew(other)), [])
        self.assertEqual(self.charged(self.renew(self.plan)), [20])
        self.assertEqual(self.charged(self.renew(other)), [])
        self.assertEqual(self.charged(self.renew(self.plan)), [20])

    def test_deleted_invoice_frees_it(self):
        self.make_service()
        self.sample(("2026-10-03 09:00:00", 10))
        invoice = self.renew(self.plan)
        self.assertEqual(self.charged(invoice), [20])
        invoice.unlink()
        self.plan.metered_period_ids.action_bill_again()
        again = self.plan.metered_period_ids.invoice_id
        self.assertEqual(self.charged(again), [20])

    def test_late_sample_bills_the_difference(self):
        self.make_service()
        self.sample(("2026-10-03 09:00:00", 10))
        self.assertEqual(self.charged(self.renew(self.plan)), [20])
        self.sample(("2026-10-20 09:00:00", 15))
        invoice = self.renew(self.plan)
        [late, november] = self.measured(invoice)
        self.assertEqual(
            late[0],
            "maximum 15 on 10/20/2026 09:00 AM; difference from earlier invoices: "
            "5 extensions",
        )
        self.assertEqual(november[1:], (10, 4))

    def test_tiers_replace_its_price(self):
        service = self.make_service()
        service.price_id.write(
            {
                "charge_model": "graduated",
                "minimum": 50,
                "tier_ids": [
                    Command.create({"up_to": 2, "unit_price": 10}),
                    Command.create({"first": 2, "unit_price": 5}),
                ],
            }
        )
        self.sample(("2026-10-03 09:00:00", 10))
        [(text, quantity, price)] = self.measured(self.renew(self.plan))
        self.assertIn(", 5 free: 5 extensions", text)
        self.assertEqual((quantity, price), (1, 50))

    def test_version_of_its_price(self):
        """No charge until the 11th, then the maximum at 31: 21 of 31 days."""
        service = self.make_service(charge_basis="none", unit_price=0, free_units=0)
        service.price_id._keep_until(date(2026, 10, 11))
        service.write({"charge_basis": "max", "unit_price": 31})
        self.assertEqual(str(service.date_from), "2026-09-01")
        self.sample(("2026-10-03 09:00:00", 10))
        self.assertEqual(self.charged(self.renew(self.plan)), [210])
        self.assertEqual(self.charged(self.renew(self.plan)), [310])

    def test_file_and_pushed_samples_come_to_the_same(self):
        self.make_service(charge_basis="time_average", free_units=0)
        samples = [("2026-10-01T00:00:00Z", 31), ("2026-10-11T12:00:00Z", 62)]
        self.sample(*samples)
        other = self.make_customer("Pushed", tz="UTC")
        self.make_identifier(other, "pushed", kind="key")
        plan = self.make_subscription(other, "2026-09-01", "2026-11-01")
        self.make_service(other, charge_basis="time_average", free_units=0)
        source = self.make_source(
            "events",
            source_type="events",
            event_type_ids=[
                Command.create({"name": "level", "meter_id": self.extensions.id})
            ],
        )
        events = [
            {
                "specversion": "1.0",
                "id": str(number),
                "source": "/pbx",
                "type": "level",
                "subject": "pushed",
                "time": at,
                "data": {"quantity": value},
            }
            for number, (at, value) in enumerate(samples)
        ]
        pushed = read_events(json.dumps(events).encode(), BATCH)
        self.assertEqual(source._receive_events(pushed), ["accepted"] * 2)
        source._rate_now(self.env.flush_all)
        expected = self.charged(self.renew(self.plan))
        self.assertEqual(self.charged(self.renew(plan)), expected)
        self.assertTrue(expected)

    def test_once_for_a_customer(self):
        self.make_service()
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.make_service()

    def test_only_levels_can_be_measured(self):
        with self.assertRaisesRegex(ValidationError, "Samples of a level"):
            self.make_service(meter_id=self.meter.id)

    def test_removal_keeps_the_price_that_an_invoice_needs(self):
        service = self.make_service()
        unused = self.make_service(self.group).price_id
        self.group.unlink()
        self.assertFalse(unused.exists())
        self.sample(("2026-10-03 09:00:00", 10))
        self.renew(self.plan)
        price = service.price_id
        service.unlink()
        self.assertFalse(price.active)
