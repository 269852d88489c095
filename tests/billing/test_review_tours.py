# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The review of a run in a real browser: each of its buttons."""

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers

PHONE = "+14045550100"
GROUPS = {
    "operator": "metered_billing.group_metered_user",
    "biller": "metered_billing.group_metered_user,account.group_account_invoice,"
    "sales_team.group_sale_salesman_all_leads",
}


@tagged("post_install", "-at_install")
class TestReviewTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.env["sale.subscription"].search([]).active = False
        source = cls.make_source(name="Tour Switch")
        cls.month = fields.Date.today().replace(day=1)
        before = fields.Date.subtract(cls.month, months=1)
        cls.subscriptions = cls.env["sale.subscription"]
        for name in ("Alpha", "Beta", "Gamma", "Delta"):
            number = f"{PHONE[:-1]}{len(cls.subscriptions)}"
            customer = cls.make_customer(name, number, email=f"{name}@example.com")
            cls.import_calls(
                source,
                (name, f"{before} 10:00:00", 90, number, "+12125550199"),
                (f"{name} 2", f"{before} 10:00:00", 60, number, "123"),
                name=f"{name}.csv",
            )
            subscription = cls.make_subscription(customer, before, cls.month)
            subscription.template_id.write(
                {"invoicing_mode": "invoice", "metered_review_policy": "wait"}
            )
            cls.subscriptions |= subscription
        for login, groups in GROUPS.items():
            new_test_user(cls.env, login=login, groups=groups)

    def renew(self):
        run = self.env["metered.renewal"].create(
            {"company_id": self.env.company.id, "date": self.month, "expected": 4}
        )
        run._process()
        self.assertEqual(len(run.review_ids), 4)
        return run

    def states(self, run):
        """State of each customer's invoice."""
        return {row.partner_id.name: row.state for row in run.review_ids}

    def test_review_hold_release_approve(self):
        run = self.renew()
        self.start_tour(
            f"/odoo/metered-renewals/{run.id}", "metered_billing_review", login="biller"
        )
        self.assertEqual(
            self.states(run),
            {
                "Alpha": "review",
                "Beta": "held",
                "Gamma": "approved",
                "Delta": "approved",
            },
        )
        run.review_ids.approval_id._process()
        self.assertEqual(self.states(run)["Gamma"], "posted")
        held = run.review_ids.filtered(lambda row: row.state == "held")
        self.start_tour(
            f"/odoo/action-account.action_move_out_invoice_type/{held.invoice_id.id}",
            "metered_billing_review_invoice",
            login="biller",
        )
        self.assertEqual(self.states(run)["Beta"], "posted")
        self.start_tour(
            f"/odoo/metered-renewals/{run.id}",
            "metered_billing_review_rest",
            login="biller",
        )
        run.review_ids.approval_id.filtered(lambda a: a.state != "done")._process()
        self.assertEqual(set(self.states(run).values()), {"posted"})

    def test_without_invoicing(self):
        run = self.renew()
        self.start_tour(
            "/odoo/metered", "metered_billing_review_operator", login="operator"
        )
        self.assertEqual(set(self.states(run).values()), {"review"})

    def test_renew_on_the_list(self):
        self.start_tour("/odoo/metered", "metered_billing_renew_chosen", login="biller")
        run = self.env["metered.renewal"].search([], limit=1)
        self.assertEqual(run.expected, 1)
        run._process()
        self.assertEqual(len(self.subscriptions.invoice_ids), 1)
