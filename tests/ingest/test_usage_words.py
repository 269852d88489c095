# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage of meters is not spoken of as calls."""

import base64

from odoo.tests import tagged
from odoo.tools import html2plaintext

from ..billing.test_metered_invoice import MeteredInvoiceCase


@tagged("post_install", "-at_install")
class TestUsageWords(MeteredInvoiceCase):
    def record(self):
        usage = self.make_records("2026-10-05", 1, 2.5)
        return self.env["metered.cdr"].search([("usage_id", "=", usage.id)])[:1]

    def test_a_record_is_named_by_its_quantity(self):
        record = self.record()
        self.assertEqual(record.display_name, "Texts: 2.5 texts")
        text = html2plaintext(record.explanation)
        self.assertIn("2.5 texts on", text)
        self.assertIn("Priced together with all other usage of its period", text)
        for word in ("?", "connected", "Call type"):
            self.assertNotIn(word, text)

    def test_a_call_is_named_by_its_numbers(self):
        record = self.env["metered.cdr"].sudo().create({"caller": "+14045550100"})
        self.assertEqual(record.display_name, "+14045550100 → ?")

    def test_mail_speaks_of_records(self):
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 120)
        invoice = self.renew(plan)
        template = self.env.ref("metered_billing.mail_template_invoice_usage")
        body = template._render_field("body_html", invoice.ids)[invoice.id]
        text = html2plaintext(body)
        self.assertFalse(invoice._metered_mail_usage()["only_calls"])
        for word in ("Usage", "Records", "Quantity", "120.00 texts"):
            self.assertIn(word, text)
        for word in ("Calls", "Minutes"):
            self.assertNotIn(word, text)

    def test_preview_says_what_identifies_the_customer(self):
        source = self.make_source("usage", meter_id=self.meter.id)
        rows = "id,time,identifier,quantity\n1,2026-10-05 10:00:00,key-1,2.5\n"
        wizard = self.env["metered.import"].create(
            {
                "source_id": source.id,
                "file": base64.b64encode(rows.encode()),
                "file_name": "texts.csv",
            }
        )
        wizard.action_preview()
        self.assertEqual(
            [column["meaning"] for column in wizard.preview["columns"]],
            [
                "Record ID (unique)",
                "Start time",
                "Identifies the customer",
                "Quantity",
            ],
        )
        [row] = wizard.preview["rows"]
        self.assertEqual((row["quantity"], row["meter"]), ("2.5", "Texts"))

    def test_check_of_meters_without_a_product(self):
        """Only where usage of the customer waits for one."""
        meter = self.make_meter("Gigabytes", unit="GB")
        check = self.customer._metered_check_call_types()
        self.assertNotIn("Gigabytes", check.detail)
        self.make_plan()
        self.make_records("2026-10-05", 1)
        check = self.customer._metered_check_call_types()
        self.assertNotIn("Texts", check.detail, "it has a line of the subscription")
        self.make_records("2026-10-05", 1, meter=meter)
        check = self.customer._metered_check_call_types()
        self.assertIn("Gigabytes", check.detail)
