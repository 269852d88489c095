# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From a plan to the gauge of what is left of it, in a real browser."""

from datetime import timedelta

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestCallingPlanTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source(name="Tour Switch")
        cls.customer = cls.make_customer(
            "Tour Customer", "+14045550100", is_company=True
        )
        today = cls.company._metered_today()
        cls.subscription = cls.make_subscription(
            cls.customer, today - timedelta(days=40), today + timedelta(days=10)
        )
        cls.today = today
        new_test_user(
            cls.env,
            login="chief",
            groups="metered_billing.group_metered_administrator,"
            "sales_team.group_sale_manager,product.group_product_manager",
        )

    def test_plan_product_subscription_gauge(self):
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_calling_plan",
            "metered_billing_calling_plan",
            login="chief",
        )
        product = self.env["product.template"].search([("name", "=", "Tour Office")])
        self.assertEqual(product.metered_plan_id.name, "Tour 100")
        self.start_tour(
            f"/odoo/sale.subscription/{self.subscription.id}",
            "metered_billing_plan_gauge",
            login="chief",
        )
        self.import_calls(
            self.source,
            ("t1", f"{self.today} 01:00:00", 3600, "+14045550100", "+12125550199"),
        )
        self.start_tour(
            f"/odoo/res.partner/{self.customer.id}",
            "metered_billing_plan_used",
            login="chief",
        )
