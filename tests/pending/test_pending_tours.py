# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Invoices that wait for usage in a real browser."""

from decimal import Decimal

from odoo.tests import new_test_user, tagged

from .test_billforward import BillForwardCase

BILLER = (
    "metered_billing.group_metered_user,account.group_account_invoice,"
    "sales_team.group_sale_manager"
)


@tagged("post_install", "-at_install")
class TestPendingTours(BillForwardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        new_test_user(cls.env, "biller", groups=BILLER)

    def test_the_template(self):
        template = self.plan.template_id
        template.write({"metered_wait_policy": "none", "invoicing_mode": "invoice"})
        action = "subscription_oca.sale_subscription_template_act_window"
        self.start_tour(
            f"/odoo/action-{action}/{template.id}",
            "metered_billing_wait_policy",
            login="biller",
        )
        self.assertEqual(template.metered_wait_policy, "hold")

    def test_the_invoice(self):
        invoice = self.renew()
        self.charge_of(invoice)._recalculate(Decimal(105), "Tour Program")
        row = self.env["metered.review"]._add(invoice)
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_invoice",
            "metered_billing_pending_list",
            login="biller",
        )
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_review",
            "metered_billing_pending_review",
            login="biller",
        )
        self.start_tour(
            f"/odoo/action-account.action_move_out_invoice_type/{invoice.id}",
            "metered_billing_pending_invoice",
            login="biller",
        )
        self.assertEqual((invoice.state, invoice.amount_untaxed), ("posted", 10.25))
        self.assertEqual(row.state, "posted")
