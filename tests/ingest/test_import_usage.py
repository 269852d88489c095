# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Events and readings come in as calls do, and end on the invoice."""

from decimal import Decimal

from odoo.tests import tagged

from ..billing.test_metered_invoice import MeteredInvoiceCase

HEADER = "id,time,identifier,quantity,meter,properties\n"


@tagged("post_install", "-at_install")
class TestImportUsage(MeteredInvoiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.meter.code = "sms"
        cls.source = cls.make_source("usage", meter_id=cls.meter.id)
        cls.make_identifier(cls.customer, "key-1", kind="key")

    def exact(self, query, *params):
        self.env.cr.execute(query, params)
        return self.env.cr.fetchall()

    def import_texts(self, count, day="2026-10-05", first=0, **named):
        rows = "".join(
            f"{number},{day} 10:00:00,key-1,1,,\n"
            for number in range(first, first + count)
        )
        return self.import_text(self.source, HEADER + rows, name="texts.csv", **named)

    def test_the_preset(self):
        self.assertEqual(self.source.record_kind, "usage")

    def test_from_a_file_to_the_invoice(self):
        """The first 100 texts are free, the 101st costs 0.05."""
        plan = self.make_plan()

        batch = self.import_texts(101)

        self.assertEqual((batch.state, batch.rated), ("done", 101))
        usage = self.usage(self.customer)
        self.assertEqual((usage.records, usage.quantity, usage.amount), (101, 101, 0))
        invoice = self.renew(plan)
        self.assertEqual(self.usage_lines(invoice), [("101 texts", 1, 0.05, 0.05)])
        line = invoice.invoice_line_ids.filtered("metered_price_id")
        self.assertEqual(self.cdrs(batch).usage_id.invoice_line_id, line)

    def test_twice_is_once(self):
        self.import_texts(10)

        batch = self.import_texts(15)

        self.assertEqual((batch.rated, batch.duplicates), (5, 10))
        self.assertEqual(self.usage(self.customer).quantity, 15)

    def test_quantities_are_exact(self):
        self.import_text(
            self.source,
            HEADER
            + "1,2026-10-05 10:00:00,key-1,0.1,,\n"
            + "2,2026-10-05 11:00:00,key-1,123456789012345678.000000002,,\n",
        )
        self.import_text(
            self.source, HEADER + "3,2026-10-05 12:00:00,key-1,0.2,,\n", name="b.csv"
        )

        [(total,)] = self.exact("SELECT sum(quantity)::text FROM metered_usage")
        self.assertEqual(Decimal(total), Decimal("123456789012345678.300000002"))
        [(single,)] = self.exact("SELECT sum(quantity)::text FROM metered_cdr")
        self.assertEqual(Decimal(single), Decimal(total))

    def test_meter_and_properties_of_the_record(self):
        meter = self.make_meter("Storage", aggregation="unique", unique_property="user")
        self.product.metered_price_id = False
        self.product.metered_meter_id = meter
        self.product.metered_price_id = self.make_price(meter, unit_price=4)
        plan = self.make_plan()

        batch = self.import_text(
            self.source,
            HEADER
            + '1,2026-10-05 10:00:00,key-1,1,storage,"{""user"": ""ann""}"\n'
            + '2,2026-10-06 10:00:00,key-1,1,storage,"{""user"": ""bob""}"\n'
            + '3,2026-10-07 10:00:00,key-1,1,storage,"{""user"": ""ann""}"\n',
        )

        self.assertEqual(self.cdrs(batch)[0].properties, {"user": "ann"})
        self.assertEqual(self.usage_lines(self.renew(plan))[0][3], 8.0)

    def test_without_a_column_of_quantities_each_counts_one(self):
        self.import_text(
            self.source, "id,time,identifier\n1,2026-10-05 10:00:00,key-1\n"
        )

        self.assertEqual(self.usage(self.customer).quantity, 1)

    def test_a_column_of_numbers_that_is_not_read_may_be_the_quantity(self):
        """1,536 bytes are not billed as 1; what the column is, a person says."""
        rows = (
            "id,time,identifier,volume,cell\n"
            "1,2026-10-05 10:00:00,key-1,1536,a\n"
            "2,2026-10-05 10:01:00,key-1,2048.5,b\n"
        )
        batch = self.import_text(self.source, rows)
        waiting = self.exceptions(batch)
        self.assertEqual(waiting.mapped("reason"), ["unclear_quantity"] * 2)
        self.assertEqual(waiting[0].detail, "volume = 1536")
        self.assertIn("Keep with the record", waiting[0].message)
        self.env["metered.source.column"].create(
            {"source_id": self.source.id, "target": "quantity", "columns": "volume"}
        )
        waiting.action_retry()
        self.assertEqual(set(waiting.mapped("state")), {"resolved"})
        self.assertEqual(self.usage(self.customer).quantity, 3584.5)

    def test_what_is_no_quantity_is_kept_or_counted(self):
        for column, values in (
            ("phone", ("14045550100", "14045550101")),
            ("cell", ("a1", "7")),
            ("one", ("1", "1")),
            ("code", ("007", "12")),
        ):
            with self.subTest(column):
                text = f"time,identifier,{column}\n" + "".join(
                    f"2026-10-05 10:0{minute}:00,key-1,{value}\n"
                    for minute, value in enumerate(values)
                )
                batch = self.import_text(self.source, text, name=column)
                self.assertEqual(batch.exceptions, 0)
        self.meter.aggregation = "count"
        batch = self.import_text(
            self.source,
            "id,time,identifier,volume\nx,2026-10-05 10:00:00,key-1,1536\n",
        )
        self.assertEqual((batch.rated, batch.exceptions), (1, 0))

    def test_what_cannot_be_matched_waits(self):
        batch = self.import_text(
            self.source,
            HEADER
            + "1,2026-10-05 10:00:00,key-9,1,,\n"
            + "2,2026-10-05 10:00:00,key-1,many,,\n"
            + "3,2026-10-05 10:00:00,key-1,1,fax,\n"
            + "4,2026-10-05 10:00:00,key-1,1,,nonsense\n"
            + "5,yesterday,key-1,1,,\n"
            + "6,2026-10-05 10:00:00,key-1,1,,\n",
        )

        self.assertEqual((batch.rated, batch.exceptions), (1, 5))
        self.assertEqual(
            self.exceptions(batch).mapped("reason"),
            [
                "unknown_customer",
                "invalid_quantity",
                "unknown_meter",
                "invalid_properties",
                "invalid_time",
            ],
        )
        for exception in self.exceptions(batch):
            self.assertTrue(exception.message)
        self.assertIn("No meter has the code fax", self.exceptions(batch)[2].message)

    def test_cured_by_an_identifier_or_a_meter(self):
        batch = self.import_text(
            self.source,
            HEADER
            + "1,2026-10-05 10:00:00,key-9,1,,\n"
            + "2,2026-10-05 10:00:00,key-1,1,fax,\n",
        )
        self.make_identifier(self.customer, "key-9", kind="key")
        self.make_meter("fax")

        self.exceptions(batch).action_retry()
        self.env["metered.exception.job"].search([])._process()

        self.assertFalse(self.exceptions(batch).filtered(lambda e: e.state == "open"))
        self.assertEqual(sum(self.usage(self.customer).mapped("records")), 2)

    def test_an_import_can_be_undone(self):
        self.import_texts(3)
        batch = self.import_texts(4, first=10)
        batch.action_undo()

        self.assertEqual(self.usage(self.customer).quantity, 3)
        self.assertEqual(self.usage(self.customer).amount, 0)
