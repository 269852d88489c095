# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A lost period on the screens: found, billed again, left unbilled."""

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers

PHONE = "+14045550100"


@tagged("post_install", "-at_install")
class TestBilledAgainTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.env["sale.subscription"].search([]).active = False
        source = cls.make_source(name="Tour Switch")
        cls.customer = cls.make_customer("Tour Customer", PHONE)
        cls.make_customer("Nobody's Customer", "+14045550200")
        month = fields.Date.today().replace(day=1)
        before = fields.Date.subtract(month, months=1)
        cls.import_calls(
            source,
            ("t1", f"{before} 10:00:00", 90, PHONE, "+12125550199"),
            ("t2", f"{before} 10:00:00", 600, "+14045550200", "+12125550199"),
        )
        cls.subscription = cls.make_subscription(cls.customer, before, month)
        cls.period = cls.env["metered.period"]
        cls.subscription.generate_invoice()
        cls.period = cls.subscription.metered_period_ids
        new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_user,"
            "account.group_account_invoice,sales_team.group_sale_salesman_all_leads",
        )

    def lose(self):
        self.period.invoice_id.unlink()
        self.assertEqual(self.period.state, "unbilled")

    def test_in_every_place(self):
        self.lose()
        self.start_tour(
            "/odoo/metered", "metered_billing_period_again", login="operator"
        )
        self.assertEqual(self.period.invoice_id.amount_untaxed, 10.09)
        self.lose()
        self.start_tour(
            "/odoo/action-subscription_oca.sale_subscription_action"
            f"/{self.subscription.id}",
            "metered_billing_subscription_again",
            login="operator",
        )
        self.assertEqual(self.period.invoice_id.amount_untaxed, 10.09)
        self.lose()
        self.start_tour(
            f"/odoo/action-base.action_partner_form/{self.customer.id}",
            "metered_billing_customer_again",
            login="operator",
        )
        self.assertEqual(self.period.state, "waived")
