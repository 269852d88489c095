# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""It is decided for a customer, whatever of it is renewed in which order."""

from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged

from .carry_case import CarryCase

RUN = "odoo.addons.metered_billing.models.billing.metered_renewal"


@tagged("post_install", "-at_install")
class TestCarryTogether(CarryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.sell(cls.customer, template_id=cls.subscription.template_id.id)
        cls.make_identifier(cls.customer, "+14045550122", subscription_id=cls.other.id)
        cls.customer.metered_identifier_ids.filtered(
            lambda i: i.value == "+14045550100"
        ).subscription_id = cls.subscription

    def call_both(self, day, cents, of_other):
        self.call(day, cents)
        self.call(day, of_other, "+14045550122")

    def check_one_invoice(self):
        invoice = self.all_invoices()
        self.assertEqual(self.lines(invoice), [("2026-01-01", 0.6)] * 2)
        self.assertEqual(self.states() + self.states(self.other), ["billed"] * 2)
        self.assert_billed_once()
        invoice.unlink()
        self.assertEqual(
            {*self.states(), *self.states(self.other)} - {"carried"}, {"unbilled"}
        )

    def test_two_subscriptions(self):
        self.call_both("2026-01-10", 60, 60)
        self.renew("2026-02-01")
        self.check_one_invoice()

    def test_in_portions_of_one(self):
        self.call_both("2026-01-10", 60, 60)
        with patch(f"{RUN}.FIRST_PORTION", 1), patch(f"{RUN}.PORTION", 1):
            run = self.renew("2026-02-01")
        self.assertEqual(run.records, 2)
        self.check_one_invoice()

    def test_one_after_the_other(self):
        self.call_both("2026-01-10", 60, 60)
        self.other.recurring_next_date = "2026-02-02"
        self.renew("2026-02-01")
        self.assertEqual(self.states(), ["carried"])
        self.renew("2026-02-02")
        invoice = self.all_invoices()
        self.assertEqual(invoice.amount_untaxed, 1.2)
        self.assertEqual(self.states() + self.states(self.other), ["billed"] * 2)
        self.assertEqual(self.reviewed(invoice), 0.6)

    def test_with_a_flat_fee_of_another(self):
        self.call_both("2026-01-10", 40, 20)
        self.other.sale_subscription_line_ids = [
            Command.create(
                {
                    "product_id": self.national.product_id.id,
                    "price_unit": 10,
                    "tax_ids": False,
                }
            )
        ]
        self.renew("2026-02-01")
        self.assertEqual(self.all_invoices().amount_untaxed, 10.6)
        self.assertEqual(self.states() + self.states(self.other), ["billed"] * 2)
        self.assertEqual(self.reviewed(self.all_invoices()), 0)

    def test_other_invoice_address(self):
        self.call_both("2026-01-10", 60, 60)
        self.other.partner_invoice_id = self.env["res.partner"].create(
            {"name": "Accounts", "parent_id": self.customer.id, "type": "invoice"}
        )
        self.renew("2026-02-01")
        self.assertEqual(self.states() + self.states(self.other), ["carried"] * 2)
        self.assertEqual(self.carried(), (1.2, "2026-01-01"))

    def test_of_a_contact_of_the_customer(self):
        contact = self.env["res.partner"].create(
            {"name": "Branch", "parent_id": self.customer.id}
        )
        self.call_both("2026-01-10", 40, 0)
        self.subscription.partner_id = contact
        self.subscription.partner_invoice_id = self.customer
        self.renew("2026-02-01")
        self.assertEqual(self.carried(), (0.4, "2026-01-01"))
        self.assertEqual(self.carried(contact), (0.4, "2026-01-01"))

    def test_merged_customers(self):
        double = self.make_customer("Acme Ltd", "+14045550133")
        third = self.sell(double)
        self.call_both("2026-01-10", 40, 0)
        self.call("2026-01-10", 35, "+14045550133")
        self.renew("2026-02-01")
        self.env["base.partner.merge.automatic.wizard"]._merge(
            (double | self.customer).ids, self.customer
        )
        self.assertEqual(self.carried(), (0.75, "2026-01-01"))
        self.call("2026-02-10", 25)
        self.renew("2026-03-01")
        self.assertEqual(self.all_invoices().amount_untaxed, 1.0)
        self.assertIn("billed", self.states(third))

    def test_no_approval_is_passed_by(self):
        """What waits for approval stays on invoices of its own."""
        self.call_both("2026-01-10", 60, 60)
        self.other.template_id = self.other.template_id.copy()
        self.other.template_id.metered_review_policy = "wait"
        self.renew("2026-02-01")
        self.assertEqual(self.all_invoices().mapped("amount_untaxed"), [0.6, 0.6])
