# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage whose price is agreed, and metered prices that would alter it."""

from contextlib import contextmanager
from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestGoldenUsage(MeteredCase):
    """150 texts: 100 of them free, 50 at 0.05."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.meter = cls.make_meter("Texts")
        cls.price = cls.make_price(cls.meter, (100, 0.0), (0, 0.05))
        cls.product = cls.make_metered_product("Texts", cls.price)
        cls.meter.product_id = cls.product
        cls.customer = cls.make_customer("Acme")
        cls.golden = cls.keep()

    @classmethod
    def keep(cls, **values):
        return cls.env["metered.golden.call"].create(
            {
                "kind": "usage",
                "partner_id": cls.customer.id,
                "meter_id": cls.meter.id,
                "quantity": 150,
                "expected": 2.5,
                **values,
            }
        )

    @contextmanager
    def refused(self, text="expected 2.5 USD, 2.5 USD before"):
        with self.assertRaisesRegex(UserError, text), self.env.cr.savepoint():
            yield

    def test_price(self):
        self.assertEqual((self.golden.charge, self.golden.verdict), ("2.5 USD", "same"))
        self.assertEqual(self.golden.display_name, "150 unit of Texts, Acme")
        anybody = self.keep(partner_id=False)
        self.assertEqual(anybody.verdict, "same")

    def test_price_and_tiers(self):
        with self.refused("2.5 USD before, 5 USD after"):
            self.price.tier_ids[1].unit_price = 0.1
        with self.refused():
            self.price.tier_ids = [
                Command.update(self.price.tier_ids[1].id, {"unit_price": 1})
            ]
        with self.refused("3 USD after"):
            self.price.minimum = 3
        with self.refused():
            self.price.write({"charge_model": "standard", "unit_price": 1})
        self.price.minimum = 2
        self.price.tier_ids[1].with_context(metered_golden_reason="New list").write(
            {"unit_price": 0.1}
        )
        self.assertEqual(self.golden.verdict, "differs")
        self.assertIn("New list", self.golden.message_ids[0].body)
        self.assertIn("New list", "".join(self.price.message_ids.mapped("body")))

    def test_from_a_later_day(self):
        later = fields.Date.context_today(self.env.user) + timedelta(days=40)
        self.price._keep_until(later)
        with self.refused("5 USD after"):
            self.price.tier_ids[1].unit_price = 0.1
        with self.refused("5 USD after"):
            self.price.tier_ids = [
                Command.update(self.price.tier_ids[1].id, {"unit_price": 0.1})
            ]
        self.assertEqual(self.golden.verdict, "same")

    def test_price_of_its_own(self):
        own = {"meter_id": self.meter.id, "name": "Own", "unit_price": 1.0}
        prices = self.env["metered.price"]
        with self.refused("150 USD after"):
            prices.create({**own, "partner_ids": [Command.set(self.customer.ids)]})
        price = prices.create(own)
        with self.refused("150 USD after"):
            price.partner_ids = self.customer
        with self.refused():
            self.product.product_tmpl_id.metered_price_id = price

    def test_price_of_a_line(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.sale_subscription_line_ids = [
            Command.create(
                {"product_id": self.product.id, "name": "Texts", "price_unit": 0}
            )
        ]
        line = subscription.sale_subscription_line_ids.filtered("metered_meter_id")
        dear = self.make_price(self.meter, name="Dear", unit_price=1.0)
        with self.refused("150 USD after"):
            line.metered_price_id = dear
        self.assertEqual(self.golden.verdict, "same")

    def test_no_price(self):
        with self.refused("2.5 USD before, no price after"):
            self.meter.product_id = False
        self.meter.with_context(metered_golden_reason="No more").product_id = False
        self.golden.invalidate_recordset()
        self.assertEqual(self.golden.verdict, "unrated")

    def test_other_prices(self):
        other = self.make_meter("Gigabytes")
        price = self.make_price(other, unit_price=1.0)
        price.unit_price = 2.0

    def test_calls_have_call_types(self):
        with self.assertRaises(ValidationError):
            self.keep(kind="call", number="+442079460120")
        with self.assertRaises(ValidationError):
            self.golden.meter_id = self.env.ref("metered_billing.meter_national")
        with self.assertRaises(ValidationError):
            self.golden.quantity = -1
