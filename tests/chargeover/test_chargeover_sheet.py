# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage of lines as a CSV or Excel file, with the names of the API as columns."""

import io

import openpyxl

from odoo import Command
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

HEADER = (
    "line_item_id",
    "line_item_external_key",
    "customer_external_key",
    "item_external_key",
    "usage_value",
    "type",
    "from",
    "to",
    "external_key",
    "custom_1",
)
BEGIN, END = "2026-10-01 00:00:00", "2026-10-31 23:59:59"


@tagged("post_install", "-at_install")
class TestChargeOverSheet(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.meter = cls.make_meter("Gigabytes", code="gb")
        price = cls.make_price(cls.meter, (0, 2))
        product = cls.make_metered_product("Data", price, default_code="GB")
        cls.customer = cls.make_customer("Acme", ref="ACME")
        cls.plan = cls.make_subscription(cls.customer, "2026-10-01", "2026-11-01")
        cls.plan.sale_subscription_line_ids = [
            Command.create(
                {"product_id": product.id, "metered_external_key": "acme-gb"}
            )
        ]
        cls.line = cls.plan._metered_lines()
        cls.source = cls.make_source("usage_lines")
        cls.rows = (
            (cls.line.id, "", "", "", 1.5, "add", BEGIN, END, "k1", "x"),
            ("", "acme-gb", "", "", 2, "", BEGIN, END, "k2", ""),
            ("", "", "ACME", "GB", 4, "", BEGIN, END, "", ""),
        )

    def csv(self, *rows):
        lines = (HEADER, *rows)
        return "\n".join(",".join(map(str, row)) for row in lines) + "\n"

    def check(self, batch):
        cdrs = self.cdrs(batch)
        self.assertEqual(cdrs.mapped("quantity"), [1.5, 2, 4], self.exceptions(batch))
        self.assertEqual(cdrs.usage_id.subscription_id, self.plan)
        self.assertEqual(cdrs.partner_id, self.customer)
        self.assertEqual(cdrs.meter_id, self.meter)
        self.assertEqual(cdrs[0].properties["custom_1"], "x")
        self.assertEqual(self.plan._metered_renew().amount_untaxed, 10 + 2 * 7.5)

    def test_as_csv(self):
        batch = self.import_text(self.source, self.csv(*self.rows))
        again = self.import_text(self.source, self.csv(*self.rows), name="again.csv")
        self.assertFalse(self.cdrs(again))
        self.check(batch)

    def test_as_excel(self):
        book, content = openpyxl.Workbook(), io.BytesIO()
        for row in (HEADER, *self.rows):
            book.active.append([value if value != "" else None for value in row])
        book.save(content)
        batch = self.import_bytes(self.source, content.getvalue(), "usage.xlsx")
        self.check(batch)

    def test_what_is_not_clear_waits(self):
        second = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        second.sale_subscription_line_ids = [
            Command.create({"product_id": self.line.product_id.id})
        ]
        batch = self.import_text(
            self.source,
            self.csv(
                (self.line.id + 10**6, "", "", "", 1, "", BEGIN, END, "a", ""),
                ("", "", "ACME", "GB", 4, "", BEGIN, END, "b", ""),
                (self.line.id, "", "", "", 1, "max", BEGIN, END, "c", ""),
                (self.line.id, "", "", "", 1, "pia", BEGIN, END, "d", ""),
                (self.line.id, "", "", "", "many", "", BEGIN, END, "e", ""),
                ("", "", "", "", 1, "", BEGIN, END, "f", ""),
            ),
        )
        found = {row.call_id: row.reason for row in self.exceptions(batch)}
        self.assertEqual(
            found,
            {
                "a": "unknown_customer",
                "b": "unknown_customer",
                "c": "wrong_type",
                "d": "wrong_type",
                "e": "invalid_quantity",
                "f": "unknown_customer",
            },
        )
        self.assertFalse(self.cdrs(batch))
        for row in self.exceptions(batch):
            self.assertTrue(row.message)

    def test_references_with_a_hyphen(self):
        """They lead to their own line, and never to one that reads the same."""
        product = self.line.product_id
        self.customer.ref, product.default_code = "A-1", "2"
        for customer, item in (("A", "1-2"), ("A-1-2", ""), ("", "A-1-2")):
            batch = self.import_text(
                self.source,
                self.csv(("", "", customer, item, 4, "", BEGIN, END, "", "")),
                name=f"{customer}.csv",
            )
            self.assertEqual(self.exceptions(batch).reason, "unknown_customer")
        row = ("", "", "A-1", "2", 4, "", BEGIN, END, "", "")
        batch = self.import_text(self.source, self.csv(row))
        self.assertEqual(self.cdrs(batch).quantity, 4, self.exceptions(batch))

    def test_references_in_one_column(self):
        """They are joined already: what can be two lines is none."""
        self.source.column_ids.filtered(
            lambda column: column.target == "line_item"
        ).columns = "customer_external_key"
        self.customer.ref, self.line.product_id.default_code = "A-1", "2"
        row = ("", "", "A-1-2", "", 4, "", BEGIN, END, "k", "")
        batch = self.import_text(self.source, self.csv(row))
        self.assertEqual(self.cdrs(batch).quantity, 4, self.exceptions(batch))
        other = self.make_customer("Other", ref="A")
        plan = self.make_subscription(other, "2026-10-01", "2026-11-01")
        product = self.line.product_id.copy({"default_code": "1-2"})
        plan.sale_subscription_line_ids = [Command.create({"product_id": product.id})]
        row = (*row[:4], 5, *row[5:8], "other", "")
        batch = self.import_text(self.source, self.csv(row), name="again.csv")
        self.assertEqual(self.exceptions(batch).reason, "unknown_customer")

    def test_a_line_cures_what_waited_for_it(self):
        self.line.metered_external_key = False
        batch = self.import_text(self.source, self.csv(self.rows[1]))
        self.assertEqual(self.exceptions(batch).reason, "unknown_customer")
        self.line.metered_external_key = "acme-gb"
        self.env.cr.precommit.run()
        self.env["metered.exception.job"].search([])._process()
        self.env.invalidate_all()
        self.assertEqual(self.cdrs(batch).quantity, 2)
