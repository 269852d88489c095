# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The discount of a subscription line counts for its usage too, and is explained.

Usage, what-if and margins are at the price of the usage; the discount is the invoice
line's, as it is of every other line.
"""

from odoo.tests import tagged
from odoo.tools import html2plaintext

from .test_metered_invoice import MeteredInvoiceCase


@tagged("post_install", "-at_install")
class TestUsageDiscount(MeteredInvoiceCase):
    def make_discounted(self, discount, **values):
        plan = self.make_plan()
        line = plan.sale_subscription_line_ids.filtered("metered_meter_id")
        line.write({"discount": discount, **values})
        return plan

    def usage_line(self, invoice):
        return invoice.invoice_line_ids.filtered("metered_price_id")

    def test_the_agreed_price_less_the_discount(self):
        agreed = self.make_price(self.meter, unit_price=0.037, name="Agreed")
        plan = self.make_discounted(12.5, metered_price_id=agreed.id)
        self.make_records("2026-10-05", *[1] * 101)
        line = self.usage_line(self.renew(plan))
        # 101 x 0.037 = 3.737, rounded 3.74; less 12.5 %: 3.2725
        self.assertEqual(
            (line.price_unit, line.discount, line.price_subtotal), (3.74, 12.5, 3.27)
        )
        self.assertEqual(sum(line.metered_usage_ids.mapped("amount")), 3.74)
        text = html2plaintext(line.metered_explanation)
        self.assertIn("12.5% off the rounded amount", text)
        self.assertIn("3.27", text)
        self.assertNotIn("changed manually", text)

    def test_what_was_changed_by_hand_is_still_told(self):
        plan = self.make_discounted(10)
        plan.template_id.invoicing_mode = "draft"
        self.make_records("2026-10-05", *[1] * 300)
        line = self.usage_line(self.renew(plan))
        line.price_unit = 11
        text = html2plaintext(line.metered_explanation)
        amount = "$\N{NO-BREAK SPACE}9.00"
        self.assertIn(f"differs from the sum of its usage ({amount})", text)

    def test_every_tier_has_it(self):
        self.meter.presentation = "detail"
        plan = self.make_discounted(50)
        self.make_records("2026-10-05", *[1] * 300)
        lines = self.usage_line(self.renew(plan))
        self.assertEqual(lines.mapped("discount"), [50.0, 50.0])
        self.assertEqual(lines.mapped("price_subtotal"), [0.0, 5.0])
        for line in lines:
            self.assertNotIn("manually", html2plaintext(line.metered_explanation))

    def test_late_usage_has_it(self):
        plan = self.make_discounted(50)
        self.make_records("2026-10-05", *[1] * 300)
        self.assertEqual(self.usage_line(self.renew(plan)).price_subtotal, 5)
        late = self.make_records("2026-10-06", *[1] * 20)
        late.collecting = False
        line = self.usage_line(self.renew(plan))
        self.assertEqual((line.price_unit, line.price_subtotal), (1.0, 0.5))

    def test_the_customers_table_says_what_is_invoiced(self):
        plan = self.make_discounted(10)
        self.make_records("2026-10-05", *[1] * 300)
        invoice = self.renew(plan)
        usage = invoice._metered_mail_usage()
        self.assertEqual(usage["rows"][0]["amount"], "$\N{NO-BREAK SPACE}9.00")

    def test_the_line_says_so(self):
        plan = self.make_discounted(12.5)
        line = plan.sale_subscription_line_ids.filtered("metered_meter_id")
        self.assertEqual(
            line.metered_price_text, "0 – 100: $0.00, above 100: $0.05; 12.5% off"
        )
        line.discount = 0
        self.assertEqual(line.metered_price_text, "0 – 100: $0.00, above 100: $0.05")
