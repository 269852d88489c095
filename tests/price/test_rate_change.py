# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import date

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import Form, HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredCase, MeteredMakers


@tagged("post_install", "-at_install")
class TestRateChange(MeteredCase):
    """What a rate costs from a date on."""

    def change(self, rate, day, price):
        action = rate.action_change()
        form = Form(self.env["metered.rate.change"].with_context(**action["context"]))
        form.date = day
        form.price = price
        return form.save().action_apply()

    def test_one_ends_and_the_other_begins(self):
        rate = self.make_rate(
            self.deck,
            "4420",
            price=0.01,
            initial_increment=60,
            increment=6,
            connection_fee=0.05,
            min_charge=0.02,
            date_to="2027-06-01",
            tier_ids=[Command.create({"from_second": 300, "price": 0.005})],
        )
        rate._set_as_program({"used": True})
        self.change(rate, "2026-12-01", 0.02)
        new = self.deck.rate_ids.filtered(lambda r: r.prefix == "4420") - rate
        self.assertEqual((rate.price, rate.date_to), (0.01, date(2026, 12, 1)))
        self.assertEqual(
            (new.price, new.date_from, new.date_to, new.used),
            (0.02, date(2026, 12, 1), date(2027, 6, 1), False),
        )
        for name in ("initial_increment", "increment", "connection_fee", "min_charge"):
            self.assertEqual(new[name], rate[name], name)
        self.assertEqual(new.tier_ids.price, 0.005)

    def test_only_within_its_time(self):
        rate = self.make_rate(
            self.deck, "4420", 0.01, date_from="2026-10-01", date_to="2026-12-01"
        )
        for day in ("2026-09-30", "2026-10-01", "2026-12-01"):
            with self.subTest(day), self.assertRaisesRegex(UserError, "is valid from"):
                self.change(rate, day, 0.02)
        self.assertEqual(rate.date_to, date(2026, 12, 1))

    def test_golden_calls_watch_it(self):
        """They are asked about the new price, and never find no rate at all."""
        rate = self.make_rate(self.deck, "4420", 0.01)
        self.env["metered.golden.call"].create(
            {
                "number": "+442079460120",
                "meter_id": self.env.ref("metered_billing.meter_international").id,
                "seconds": 60,
                "expected": 0.01,
                "currency_id": self.deck.currency_id.id,
            }
        )
        with self.assertRaises(UserError) as refused:
            self.change(rate, "2036-12-01", 0.02)
        self.assertRegex(str(refused.exception), "0.01 USD before, 0.02 USD after")
        self.change(rate, "2036-12-01", 0.01)


@tagged("post_install", "-at_install")
class TestRateChangeTour(MeteredMakers, HttpCase):
    def test_tour(self):
        self.set_up_rates()
        new_test_user(
            self.env, "operator", "metered_billing.group_metered_administrator"
        )
        rate = self.make_rate(self.deck, "4420", 0.01)
        rate._set_as_program({"used": True})
        self.start_tour(
            f"/odoo/action-metered_billing.action_metered_rate/{rate.id}",
            "metered_billing_rate_change",
            login="operator",
        )
        new = self.deck.rate_ids.filtered(lambda r: r.prefix == "4420") - rate
        self.assertEqual(new.price, 0.02)
        self.assertEqual(new.date_from, rate.date_to)
