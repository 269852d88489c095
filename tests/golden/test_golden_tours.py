# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Golden calls in a real browser: kept, and in the way of a dearer rate."""

from odoo.tests import HttpCase, new_test_user, tagged

from .test_golden_guard import GoldenMakers


@tagged("post_install", "-at_install")
class TestGoldenTours(GoldenMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        new_test_user(
            cls.env,
            login="chief",
            groups="metered_billing.group_metered_administrator",
        )

    def test_rate_made_dearer(self):
        self.deck.rate_ids.name = "Tour World"
        golden = self.keep(0.09)
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_rate",
            "metered_billing_golden_guard",
            login="chief",
        )
        self.assertEqual(self.deck.rate_ids.price, 0.5)
        self.assertIn("Agreed by mail", golden.message_ids[0].body)

    def test_usage(self):
        meter = self.make_meter("Tour Texts")
        meter.product_id = self.make_metered_product(
            "Tour Texts", self.make_price(meter, unit_price=0.05)
        )
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_golden_call",
            "metered_billing_golden_usage",
            login="chief",
        )
        golden = self.env["metered.golden.call"].search([])
        self.assertEqual((golden.kind, golden.quantity), ("usage", 150))
