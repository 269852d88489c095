# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The panel Measured Services, of a group and of a customer, in a real browser."""

from odoo import Command
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestMeasuredTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        level = {"kind": "gauge", "aggregation": "max", "level_holds": True}
        cls.extensions = cls.make_meter("Tour Extensions", **level)
        cls.seats = cls.make_meter("Tour Seats", **level)
        cls.make_meter("Tour Storage", **level)
        cls.group = cls.env["metered.customer.group"].create({"name": "Resellers"})
        cls.customer = cls.make_customer("Tour Customer", is_company=True)
        cls.customer.metered_group_id = cls.group
        cls.user = new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_administrator,"
            "base.group_partner_manager",
        )

    def make_service(self, meter, **values):
        return self.env["metered.measured.service"].create(
            {
                "group_id": self.group.id,
                "meter_id": meter.id,
                "date_from": "2026-09-01",
                **values,
            }
        )

    def test_group(self):
        self.start_tour(
            f"/odoo/metered-customer-groups/{self.group.id}",
            "metered_billing_measured_group",
            login="operator",
        )
        services = self.group.measured_ids
        self.assertEqual(len(services), 6)
        charged = services.filtered(lambda one: one.charge_basis == "max")
        self.assertEqual((charged.meter_id, charged.free_units), (self.extensions, 5))
        active = services.filtered(lambda one: one.meter_id.code == "active_calls")
        self.assertEqual(active.meter_id.level_source, "calls")

    def test_customer(self):
        terms = {"charge_basis": "max", "unit_price": 4}
        self.make_service(self.extensions, **terms, free_units=5)
        self.make_service(self.seats, **terms)
        price = self.make_price(self.seats, unit_price=1, charge_model="standard")
        product = self.make_metered_product("Seats", price)
        plan = self.make_subscription(self.customer, "2026-09-01", "2026-11-01")
        plan.sale_subscription_line_ids = [Command.create({"product_id": product.id})]
        self.start_tour(
            f"/odoo/res.partner/{self.customer.id}",
            "metered_billing_measured_customer",
            login="operator",
        )
        self.assertFalse(self.customer.metered_measured_overrides)
