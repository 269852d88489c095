# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From a price to the invoice on the screen, in a real browser."""

from odoo import Command, fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestToursMeteredPrice(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.meter = cls.make_meter("Tour Texts", unit="texts", code="sms")
        cls.product = cls.env["product.product"].create(
            {"name": "Tour Product", "type": "service", "list_price": 0}
        )
        cls.customer = cls.make_customer("Tour Customer")
        cls.make_identifier(cls.customer, "key-1", kind="key")
        cls.user = new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_administrator,"
            "account.group_account_invoice,sales_team.group_sale_manager,"
            "product.group_product_manager",
        )

    def test_price_product_subscription_invoice(self):
        source = self.make_source("usage", meter_id=self.meter.id)
        rows = "".join(f"{n},2026-10-05 10:00:00,key-1,1\n" for n in range(101))
        self.import_text(source, "id,time,identifier,quantity\n" + rows)
        plan = self.make_subscription(self.customer, "2026-09-01", "2026-11-01")

        self.start_tour(
            "/odoo/action-metered_billing.action_metered_price",
            "metered_billing_price",
            login="operator",
        )
        price = self.env["metered.price"].search([("meter_id", "=", self.meter.id)])
        self.assertEqual(price.tier_ids.mapped("unit_price"), [0.0, 0.05])
        self.start_tour(
            "/odoo/action-product.product_template_action_all/"
            f"{self.product.product_tmpl_id.id}",
            "metered_billing_metered_product",
            login="operator",
        )
        self.assertEqual(self.product.metered_price_id, price)
        self.start_tour(
            f"/odoo/action-subscription_oca.sale_subscription_action/{plan.id}",
            "metered_billing_metered_subscription",
            login="operator",
        )

        self.assertEqual(self.usage(self.customer).amount, 0.05)
        self.assertEqual(plan.invoice_ids.amount_untaxed, 10.05)

    def test_what_it_comes_to_so_far(self):
        price = self.make_price(self.meter, (100, 0), (0, 0.05))
        self.product.write(
            {"metered_meter_id": self.meter.id, "metered_price_id": price.id}
        )
        plan = self.make_subscription(self.customer, "2026-09-01", "2026-11-01")
        plan.sale_subscription_line_ids = [
            Command.create({"product_id": self.product.id})
        ]
        source = self.make_source("usage", meter_id=self.meter.id)
        rows = "".join(f"{n},2026-10-05 10:00:00,key-1,1\n" for n in range(101))
        self.import_text(source, "id,time,identifier,quantity\n" + rows)
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_usage",
            "metered_billing_usage_so_far",
            login="operator",
        )
        self.start_tour(
            f"/odoo/res.partner/{self.customer.id}",
            "metered_billing_customer_so_far",
            login="operator",
        )
        self.assertEqual(self.usage(self.customer).amount, 0)

    def test_what_is_invoiced_is_rated_again(self):
        price = self.make_price(self.meter, (100, 0), (0, 0.05))
        self.product.write(
            {"metered_meter_id": self.meter.id, "metered_price_id": price.id}
        )
        first = fields.Date.context_today(self.meter).replace(day=1)
        begin = fields.Date.subtract(first, months=1)
        plan = self.make_subscription(self.customer, begin, first)
        plan.sale_subscription_line_ids = [
            Command.create({"product_id": self.product.id})
        ]
        source = self.make_source("usage", meter_id=self.meter.id)
        rows = "".join(f"{n},{begin} 10:00:00,key-1,1\n" for n in range(150))
        self.import_text(source, "id,time,identifier,quantity\n" + rows)
        plan.create_invoice().action_post()
        price.tier_ids[1].unit_price = 0.04
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_rerate",
            "metered_billing_rerate_invoiced",
            login="operator",
        )
        run = self.env["metered.rerate"].search([], limit=1)
        self.assertEqual(run.applied_uid, self.user)
        self.assertEqual(run.difference_ids.move_id.amount_untaxed, 0.5)
