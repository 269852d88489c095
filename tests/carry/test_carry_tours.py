# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Small balances on the screens: the setting, what is carried, billing it."""

from odoo.tests import HttpCase, new_test_user, tagged

from .carry_case import CarryCase


@tagged("post_install", "-at_install")
class TestCarryTours(HttpCase, CarryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_administrator,"
            "account.group_account_invoice,sales_team.group_sale_salesman_all_leads,"
            "base.group_system",
        )

    def test_tour(self):
        self.use(40)
        other = self.make_customer("Beta", "+14045550122")
        subscription = self.sell(other, due="2026-03-01")
        self.call("2026-02-10", 35, "+14045550122")
        self.renew("2026-03-01")
        third = self.make_customer("Gamma", "+14045550133")
        waived = self.sell(third, due="2026-04-01")
        self.call("2026-03-10", 20, "+14045550133")
        run = self.renew("2026-04-01")
        for place, tour in (
            ("/odoo/metered-smallest-invoices", "smallest_invoice"),
            (f"/odoo/res.partner/{self.customer.id}", "customer_carried"),
            (
                "/odoo/action-subscription_oca.sale_subscription_action"
                f"/{subscription.id}",
                "subscription_carried",
            ),
            (f"/odoo/metered.renewal/{run.id}", "run_carried"),
        ):
            self.start_tour(place, f"metered_billing_{tour}", login="operator")
        invoice = self.all_invoices()
        self.assertEqual((invoice.amount_untaxed, invoice.state), (0.4, "draft"))
        self.assertEqual(self.all_invoices(other).amount_untaxed, 0.35)
        self.assertEqual(self.states(waived), ["waived"])
        self.assertFalse(third._metered_carried())
        floor = self.env["metered.invoice.floor"].search(
            [("partner_id", "=", other.id)]
        )
        self.assertEqual(floor.amount, 2.5)
        floor.amount = 3.25
        self.assertIn("3.25", floor.message_ids[0].body)
