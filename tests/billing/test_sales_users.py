# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Sales people without rights to Metered Billing or Invoicing keep their buttons."""

from datetime import date

from odoo.tests import Form, new_test_user, tagged

from .test_metered_invoice import MeteredInvoiceCase


@tagged("post_install", "-at_install")
class TestSalesUsers(MeteredInvoiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.seller = new_test_user(
            cls.env, "seller", "sales_team.group_sale_salesman_all_leads"
        )
        cls.plan = cls.make_plan()
        cls.make_records("2026-10-05", *[1] * 102)

    def test_create_invoice(self):
        """As subscription_oca lets them: the invoice is made with its own rights."""
        subscription = self.plan.with_user(self.seller)
        action = subscription.manual_invoice()
        invoice = self.env["account.move"].browse(action["res_id"])
        self.assertEqual(
            sorted(invoice.invoice_line_ids.mapped("price_subtotal")), [0.1, 10]
        )
        self.assertEqual(subscription.recurring_next_date, date(2026, 12, 1))

    def test_the_second_period(self):
        """What was billed before is known, although they may not see periods."""
        subscription = self.plan.with_user(self.seller)
        subscription.manual_invoice()
        self.make_records("2026-11-05", *[1] * 101)
        action = subscription.manual_invoice()
        lines = self.env["account.move"].browse(action["res_id"]).invoice_line_ids
        self.assertEqual(sorted(lines.mapped("price_subtotal")), [0.05, 10])

    def test_close(self):
        self.plan.with_user(self.seller).close_subscription()
        self.assertTrue(self.plan.invoice_ids)

    def test_the_form(self):
        with Form(self.plan.with_user(self.seller)) as form:
            form.description = "Seen"
            self.assertIn(
                "above 100",
                form.sale_subscription_line_ids._records[1]["metered_price_text"],
            )
