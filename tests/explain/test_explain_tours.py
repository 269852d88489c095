# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Asking why and what would be, in a real browser."""

from datetime import date

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestExplainTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source(name="Tour Switch")
        cls.customer = cls.make_customer("Tour Customer", "+14045550100")
        cls.user = new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_user,"
            "account.group_account_invoice,sales_team.group_sale_salesman",
        )
        cls.import_calls(
            cls.source,
            ("t1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199"),
            ("t2", "2026-10-06 11:00:00", 90, "+14045550100", "+442079460120"),
        )

    def test_explain_a_call(self):
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_cdr",
            "metered_billing_explain",
            login="operator",
        )

    def test_sold_below_cost(self):
        costs = self.make_deck("Tour Carrier", purpose="cost")
        self.make_rate(costs, "1", price=0.01)
        self.make_rate(costs, "44", price=0.10)
        self.env.company.metered_cost_deck_id = costs
        self.env["metered.usage.cost"]._look_up(
            self.env.company, date(2026, 10, 1), date(2026, 11, 1)
        )
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_cdr",
            "metered_billing_below_cost",
            login="operator",
        )

    def test_explain_an_invoice_line(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.generate_invoice()
        self.start_tour(
            f"/odoo/account.move/{subscription.invoice_ids.id}",
            "metered_billing_explain_invoice",
            login="operator",
        )

    def test_rate_finder(self):
        self.start_tour("/odoo", "metered_billing_rate_finder", login="operator")

    def test_rerate(self):
        now = fields.Datetime.now()
        self.import_calls(
            self.source,
            ("t3", f"{now}", 150, "+14045550100", "+12125550199"),
        )
        deck = self.make_deck("Own")
        self.make_rate(deck, "", price=0.12)
        self.customer.metered_deck_id = deck
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_rerate",
            "metered_billing_rerate",
            login="operator",
        )
        late = self.usage(self.customer).filtered(lambda u: u.day == now.date())
        self.assertEqual(late.amount, 0.3)
