# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import date
from decimal import Decimal

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from ...rating.usage_price import price_usage
from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestMeteredPrice(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.meter = cls.make_meter("Texts", unit="text")

    def amount(self, price, quantity):
        """What a quantity of a whole period costs."""
        return price_usage(price._usage_price(), quantity=quantity).amount

    def test_the_hundred_and_first_text_costs(self):
        price = self.make_price(self.meter, (100, 0), (0, 0.05))

        self.assertEqual(self.amount(price, 100), Decimal("0.00"))
        self.assertEqual(self.amount(price, 101), Decimal("0.05"))
        self.assertEqual(price.tier_ids.mapped("first"), [0.0, 100.0])
        self.assertEqual(price.description, "0 – 100: $0.00, above 100: $0.05")

    def test_every_charge_model(self):
        cases = [
            ({"unit_price": 0.05}, 150, "7.50"),
            (
                {"charge_model": "package", "unit_price": 5, "package_size": 100},
                101,
                "10",
            ),
            (
                {"charge_model": "percentage", "rate": 2.9, "fixed_fee": 0.3},
                100,
                "3.20",
            ),
        ]
        for values, quantity, amount in cases:
            with self.subTest(values):
                price = self.make_price(self.meter, **values)
                self.assertEqual(self.amount(price, quantity), Decimal(amount))

        tiers = [(100, 0.10), (0, 0.05)]
        for model, amount in (("graduated", "12.50"), ("volume", "7.50")):
            with self.subTest(model):
                price = self.make_price(self.meter, *tiers, charge_model=model)
                self.assertEqual(self.amount(price, 150), Decimal(amount))

        steps = [
            Command.create({"up_to": 10, "flat_fee": 50}),
            Command.create({"up_to": 20, "flat_fee": 80}),
        ]
        price = self.make_price(self.meter, charge_model="stairstep", tier_ids=steps)
        self.assertEqual(self.amount(price, 11), Decimal(80))
        rates = [
            Command.create({"up_to": 1000, "rate": 3}),
            Command.create({"rate": 1}),
        ]
        price = self.make_price(
            self.meter, charge_model="graduated_percentage", tier_ids=rates
        )
        self.assertEqual(self.amount(price, 1500), Decimal(35))

    def test_what_comes_before_and_after_the_model(self):
        price = self.make_price(
            self.meter,
            unit_price=2,
            conversion_operation="divide",
            conversion_factor=1000,
            quantity_rounding="up",
            free_units=1,
            minimum=3,
            has_maximum=True,
            maximum=10,
        )

        self.assertEqual(self.amount(price, 0), Decimal(3))
        self.assertEqual(self.amount(price, 2001), Decimal(4))
        self.assertEqual(self.amount(price, 9000), Decimal(10))

    def test_prices_are_exact(self):
        price = self.make_price(self.meter, unit_price=0.123456789)

        priced = price_usage(price._usage_price(), quantity=3)

        self.assertEqual(priced.exact_amount * 10**9, 370370367)

    def test_gaps_and_overlaps_are_refused(self):
        for first, kind in ((150, "gap"), (50, "overlap")):
            with self.assertRaisesRegex(ValidationError, f"Tier 2.*{kind}"):
                self.make_price(
                    self.meter,
                    charge_model="graduated",
                    tier_ids=[
                        Command.create({"up_to": 100}),
                        Command.create({"first": first, "unit_price": 1}),
                    ],
                )
        with self.assertRaisesRegex(ValidationError, "Tier 2: it can never be reached"):
            self.make_price(self.meter, (0, 1), (100, 2))
        with self.assertRaisesRegex(ValidationError, "Add at least one tier"):
            self.make_price(self.meter, charge_model="volume")

    def test_the_next_whole_number_is_no_gap(self):
        price = self.make_price(
            self.meter,
            charge_model="graduated",
            tier_ids=[
                Command.create({"up_to": 100}),
                Command.create({"first": 101, "unit_price": 1}),
            ],
        )

        self.assertEqual(self.amount(price, 101), Decimal(1))

    def test_the_form_shows_what_it_would_cost(self):
        form = Form(self.env["metered.price"])
        form.meter_id = self.meter
        self.assertEqual(form.name, "Texts")
        form.charge_model = "graduated"
        with form.tier_ids.edit(1) as tier:
            tier.unit_price = 0.05

        self.assertIn("$2.50", form.example)
        form.example_quantity = 101
        self.assertIn("$0.05<", form.example)
        # The second tier follows the first one, until it is told otherwise.
        with form.tier_ids.edit(0) as tier:
            tier.up_to = 50
        with form.tier_ids.edit(1) as tier:
            self.assertEqual(tier.first, 50)
            tier.first = 51
        with form.tier_ids.edit(0) as tier:
            tier.up_to = 100
        with form.tier_ids.edit(1) as tier:
            self.assertEqual(tier.first, 101)
            tier.first = 120
        self.assertIn("leaves a gap", form.example)
        form.tier_ids.remove(1)
        with form.tier_ids.new() as tier:
            tier.unit_price = 0.05
        price = form.save()
        self.assertEqual(price.tier_ids.mapped("first"), [0, 100])
        with Form(price) as again, again.tier_ids.edit(0) as tier:
            tier.up_to = 200
        self.assertEqual(price.tier_ids.mapped("first"), [0, 200])

    def test_a_price_changes_from_a_day(self):
        price = self.make_price(self.meter, unit_price=1)
        wizard = self.env["metered.price.change"].create(
            {"price_id": price.id, "date": "2026-11-01"}
        )

        action = wizard.action_apply()
        price.unit_price = 2

        self.assertIn("valid until 10/31/2026", action["params"]["message"])
        self.assertEqual(price.date_from, date(2026, 11, 1))
        self.assertEqual(price.version_ids.unit_price, 1.0)
        self.assertFalse(price.version_ids.date_from)
        # It began on the first: a change on that day has no day of its own.
        with self.assertRaisesRegex(
            UserError, "can only be changed from a later day on"
        ):
            price._keep_until(date(2026, 11, 1))
        with self.assertRaisesRegex(UserError, "has ended"):
            price.version_ids._keep_until(date(2026, 12, 1))
        self.assertEqual(
            self.env["metered.price"].search_count(
                [("current_id", "=", False), ("meter_id", "=", self.meter.id)]
            ),
            1,
        )

    def test_a_change_of_a_tier_is_in_the_history(self):
        price = self.make_price(self.meter, (100, 0), (0, 0.05))

        price.tier_ids = [Command.update(price.tier_ids[1].id, {"unit_price": 0.06})]

        note = price.message_ids[0].body
        self.assertIn("above 100: $0.05", note)
        self.assertIn("above 100: $0.06", note)
        notes = len(price.message_ids)
        price.example_quantity = 7
        self.assertEqual(len(price.message_ids), notes)

    def test_a_meter_proposes_its_code(self):
        with Form(
            self.env["metered.meter"].with_context(default_kind="event"),
            view="metered_billing.metered_meter_view_form",
        ) as form:
            form.name = "SIP Channels"
            self.assertEqual(form.code, "sip_channels")
            form.code = "sip"
            form.name = "Channels"
            form.unit = "channel"
        self.assertEqual(form.record.code, "sip")

    def test_tiers_are_kept_with_their_version(self):
        price = self.make_price(self.meter, (100, 0), (0, 0.05))

        price._keep_until(date(2026, 11, 1))
        price.tier_ids[1].unit_price = 0.06

        self.assertEqual(price.version_ids.tier_ids.mapped("unit_price"), [0, 0.05])

    def test_a_customer_has_one_price_of_its_own(self):
        customer = self.make_customer("Acme")
        self.make_price(self.meter, unit_price=1, partner_ids=customer.ids)

        with self.assertRaisesRegex(ValidationError, "Acme already has"):
            self.make_price(self.meter, unit_price=2, partner_ids=customer.ids)
        # Of another meter it may have another one.
        other = self.make_meter("Gigabytes")
        self.make_price(other, unit_price=2, partner_ids=customer.ids)

    def test_a_product_has_a_price_of_its_meter(self):
        price = self.make_price(self.make_meter("Gigabytes"), unit_price=1)

        with self.assertRaisesRegex(ValidationError, "is for Gigabytes"):
            self.make_metered_product("Texts", price, metered_meter_id=self.meter.id)

    def test_calls_have_rate_decks(self):
        meter = self.env.ref("metered_billing.meter_national")

        with self.assertRaisesRegex(ValidationError, "priced by rate decks"):
            self.make_price(meter, unit_price=1)
