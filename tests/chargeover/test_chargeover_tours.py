# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The chart of a line, and a source that is asked, in a real browser."""

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestChargeOverTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        meter = cls.make_meter("VoIP minutes", code="minutes", unit="minute")
        product = cls.make_metered_product("VoIP", cls.make_price(meter, (0, 0.05)))
        cls.plan = cls.make_subscription(
            cls.make_customer("Acme"), "2026-09-01", "2026-11-01"
        )
        cls.plan.sale_subscription_line_ids = [
            fields.Command.create({"product_id": product.id})
        ]
        cls.line = cls.plan._metered_lines()
        new_test_user(
            cls.env,
            "keeper",
            groups="metered_billing.group_metered_administrator,"
            "sales_team.group_sale_manager",
        )

    def test_the_chart_of_a_line(self):
        source = self.make_source("usage_lines")
        self.import_text(
            source,
            "line_item_id,usage_value,from,external_key\n"
            f"{self.line.id},361,2026-10-05 10:00:00,a\n"
            f"{self.line.id},12.5,2026-10-06 10:00:00,b\n"
            f"{self.line.id},7,2026-09-06 10:00:00,c\n",
        )
        self.start_tour(
            f"/odoo/sale.subscription/{self.plan.id}",
            "metered_billing_line_chart",
            login="keeper",
        )

    def test_a_usage_url(self):
        self.start_tour(
            "/odoo/metered-sources", "metered_billing_usage_url", login="keeper"
        )
        source = self.env["metered.source"].search([("name", "=", "Seats of Acme")])
        self.assertTrue(source.asks_at_renewals)
        self.assertEqual(source.sudo().usage_url_policy, "last")
        self.assertEqual(source.preset, "chargeover")
