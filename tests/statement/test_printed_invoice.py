# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the printed invoice says about usage."""

from odoo import Command
from odoo.tests import tagged

from .test_statements import StatementCase


@tagged("post_install", "-at_install")
class TestPrintedInvoice(StatementCase):
    def printed(self, invoice):
        """The invoice as its PDF is made from."""
        report = self.env["ir.actions.report"]
        content, _kind = report._render_qweb_html(
            "account.account_invoices", invoice.ids
        )
        return content.decode()

    def test_tiers_and_summary(self):
        meter = self.make_meter("Storage", unit="GB")
        price = self.make_price(meter, (2, 1.0), (0, 0.5), charge_model="volume")
        product = self.make_metered_product("Storage", price)
        self.use(meter, "2026-10-05", 3)
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.sale_subscription_line_ids = [
            Command.create({"product_id": product.id})
        ]
        subscription.template_id.invoicing_mode = "invoice"
        self.renew_due()
        [invoice] = self.invoices(subscription)
        [parts] = invoice._metered_breakdown().values()
        self.assertIn("Tier 2", parts[-1])
        self.assertIn("= 1.5", parts[-1])
        page = self.printed(invoice)
        self.assertIn("Tier 2", page)
        self.assertNotIn("Summary of Usage", page)
        self.company.metered_invoice_breakdown = False
        self.company.metered_invoice_summary = True
        page = self.printed(invoice)
        self.assertNotIn("Tier 2", page)
        self.assertIn("Summary of Usage", page)
        # An invoice without usage is printed as before.
        other = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_line_ids": [
                    Command.create({"name": "Desk", "price_unit": 5, "tax_ids": []})
                ],
            }
        )
        self.assertNotIn("Summary of Usage", self.printed(other))
