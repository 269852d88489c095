# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Counters on the screen, in a real browser."""

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestCounterTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.meter = cls.make_meter("Power", kind="counter", unit="kWh")
        cls.source = cls.make_source("usage", meter_id=cls.meter.id)
        cls.customer = cls.make_customer("Tour Customer")
        cls.make_identifier(cls.customer, "4711", kind="meter")
        cls.import_text(
            cls.source,
            "time,identifier,quantity\n2026-10-01 10:00:00,4711,10150\n",
            name="readings.csv",
        )
        new_test_user(
            cls.env, login="operator", groups="metered_billing.group_metered_user"
        )

    def test_read_and_replaced(self):
        self.start_tour("/odoo", "metered_billing_counters", login="operator")
        registers = self.env["metered.register"].search([], order="id")
        self.assertEqual(registers.mapped("serial"), ["4711", "4712"])
        old, new = registers
        used = sum(self.usage(self.customer).mapped("quantity"))
        self.assertAlmostEqual(used, 160, 6)
        self.assertEqual(new.replaces_id, old)
        self.assertEqual(new.reading_ids.value, 3)

    def test_the_registers_of_a_customer(self):
        self.start_tour(
            f"/odoo/res.partner/{self.customer.id}",
            "metered_billing_customer_registers",
            login="operator",
        )

    def test_a_meter_becomes_a_counter(self):
        meter = self.make_meter("Water", unit="m³")
        self.start_tour(
            f"/odoo/action-metered_billing.action_metered_meter_usage/{meter.id}",
            "metered_billing_counter_meter",
            login="admin",
        )
        self.assertEqual(
            (meter.kind, meter.digits, meter.factor, meter.at_period_end),
            ("counter", 5, 40, "carry"),
        )
