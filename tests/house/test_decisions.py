# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The decisions of ``DESIGN.md`` that a change of the tables could break."""

from decimal import ROUND_HALF_UP, Decimal

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestDecisions(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def calls(self, count, month=10, start=0):
        return [
            (
                f"{month}-{number}",
                f"2026-{month:02d}-{number % 28 + 1:02d} 10:00:00",
                61 + number,
                "+14045550100",
                "+12125550199",
            )
            for number in range(start, start + count)
        ]

    def changes(self, table):
        """Rows inserted, updated and deleted in this transaction."""
        self.env.cr.execute(
            "SELECT n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_xact_user_tables"
            " WHERE relname = %s",
            (table,),
        )
        return self.env.cr.fetchone()

    def test_a_cdr_is_written_once_and_invoicing_leaves_it_alone(self):
        before = self.changes("metered_cdr")
        self.import_calls(self.source, *self.calls(100))
        inserted = (before[0] + 100, *before[1:])
        self.assertEqual(self.changes("metered_cdr"), inserted)
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.generate_invoice()
        subscription.invoice_ids.action_post()
        self.assertEqual(
            self.cdrs(self.env["metered.batch"].search([], limit=1))[:1].invoice_id,
            subscription.invoice_ids,
        )
        self.assertEqual(self.changes("metered_cdr"), inserted)

    def test_the_invoice_line_is_the_exact_sum_of_its_calls(self):
        self.deck.write({"decimals": 6})
        self.deck.rate_ids.price = 0.00731
        self.import_calls(self.source, *self.calls(500))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.generate_invoice()
        line = subscription.invoice_ids.invoice_line_ids.filtered("metered_usage_ids")
        self.env.cr.execute(
            "SELECT sum(charge)::text, (SELECT sum(amount)::text FROM metered_usage"
            " WHERE partner_id = %(id)s)"
            " FROM metered_cdr WHERE partner_id = %(id)s",
            {"id": self.customer.id},
        )
        charges, usage = map(Decimal, self.env.cr.fetchone())
        expected = sum(
            (Decimal("0.00731") * seconds / 60).quantize(
                Decimal("0.000001"), ROUND_HALF_UP
            )
            for seconds in range(61, 561)
        )
        self.assertEqual(charges, expected)
        self.assertEqual(usage, expected)
        rounded = expected.quantize(Decimal("0.01"), ROUND_HALF_UP)
        self.assertEqual(line.price_unit, float(rounded))

    def test_large_and_small_prices_are_stored_exactly(self):
        """Odoo's own digits drift from a million on; these fields have none."""
        rate = self.make_rate(self.deck, "44", price=123456.12345678)
        self.deck.flush_recordset()
        rate.flush_recordset()
        self.env.cr.execute(
            "SELECT price::text FROM metered_rate WHERE id = %s", (rate.id,)
        )
        self.assertEqual(self.env.cr.fetchone()[0], "123456.12345678")
        call = ("1", "2026-10-05 10:00:00", 86399, "+14045550100", "+442079460120")
        cdr = self.cdrs(self.import_calls(self.source, call))
        self.env.cr.execute(
            "SELECT charge::text FROM metered_cdr WHERE id = %s", (cdr.id,)
        )
        exact = Decimal("123456.12345678") * 86399 / 60
        self.assertEqual(
            Decimal(self.env.cr.fetchone()[0]), exact.quantize(Decimal("0.0001"))
        )

    def test_other_usage_than_calls_fits_the_same_table(self):
        """Octets beyond 32 bits, fractions of a kWh, dimensions: columns hold them."""
        self.env.cr.execute(
            """
            INSERT INTO metered_cdr (company_id, source_id, batch_id, call_id,
                                     start_time, quantity, state, properties)
            SELECT company_id, id, 0, 'event-1', now() AT TIME ZONE 'UTC',
                   9876543210123.000001, 'rated', '{"region": "eu"}'
              FROM metered_source WHERE id = %s
         RETURNING id, quantity::text
            """,
            (self.source.id,),
        )
        cdr_id, quantity = self.env.cr.fetchone()
        self.assertEqual(quantity, "9876543210123.000001")
        cdr = self.env["metered.cdr"].browse(cdr_id)
        self.assertEqual(cdr.properties, {"region": "eu"})

    def test_ids_of_64_bits(self):
        self.env.cr.execute(
            "SELECT atttypid::regtype::text FROM pg_attribute"
            " WHERE attrelid = 'metered_cdr'::regclass AND attname = 'id'"
        )
        self.assertEqual(self.env.cr.fetchone()[0], "bigint")
        self.env.cr.execute(
            "SELECT data_type::text FROM pg_sequences"
            " WHERE sequencename = 'metered_cdr_id_seq'"
        )
        self.assertEqual(self.env.cr.fetchone()[0], "bigint")

    def test_a_month_leaves_without_rewriting_the_table(self):
        """Found by an index on the start time, and the file stays the same one."""
        self.import_calls(self.source, *self.calls(50, month=9))
        kept = self.import_calls(self.source, *self.calls(50, month=10))
        where = "start_time >= '2026-09-01' AND start_time < '2026-10-01'"
        cr = self.env.cr
        cr.execute("SELECT pg_relation_filenode('metered_cdr')")
        node = cr.fetchone()
        cr.execute("SET LOCAL enable_seqscan = off")
        cr.execute(f"EXPLAIN DELETE FROM metered_cdr WHERE {where}")
        plan = "\n".join(row[0] for row in cr.fetchall())
        # Of a small table the planner may take any index that knows the time.
        self.assertIn("Index Cond: ((start_time >=", plan)
        cr.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'metered_cdr_start_idx'"
        )
        self.assertIn("(start_time", cr.fetchone()[0])
        cr.execute(f"DELETE FROM metered_cdr WHERE {where}")
        self.assertEqual(cr.rowcount, 50)
        cr.execute("SELECT pg_relation_filenode('metered_cdr')")
        self.assertEqual(cr.fetchone(), node)
        self.assertEqual(len(self.cdrs(kept)), 50)

    def test_no_foreign_key_slows_the_copy(self):
        self.env.cr.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'f'"
            " AND conrelid = 'metered_cdr'::regclass"
        )
        self.assertFalse(self.env.cr.fetchall())

    def test_usage_of_calls_cannot_lose_what_it_points_to(self):
        """What the CDRs are not protected from, their usage and its meter are."""
        self.import_calls(self.source, *self.calls(1))
        self.env["metered.identifier"].search([]).unlink()
        with self.assertRaisesRegex(UserError, "Acme has usage"):
            self.customer.unlink()
        with self.assertRaisesRegex(UserError, "National calls cannot be deleted"):
            self.env.ref("metered_billing.meter_national").unlink()

    def test_merging_customers_hands_their_usage_over(self):
        """Also where both have usage of the same day."""
        twin = self.make_customer("Acme again", "+14045550101")
        call = ("2026-10-05 10:00:00", 60)
        self.import_calls(
            self.source,
            ("1", *call, "+14045550100", "+12125550199"),
            ("2", *call, "+14045550101", "+12125550199"),
        )
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([twin.id, self.customer.id], self.customer)
        self.assertFalse(twin.exists())
        usage = self.usage(self.customer)
        self.assertEqual(usage.mapped("records"), [1, 1])
        self.assertEqual(
            self.env["metered.cdr"].search_count(
                [("partner_id", "=", self.customer.id)]
            ),
            2,
        )
        self.import_calls(self.source, ("3", *call, "+14045550101", "+12125550199"))
        self.assertEqual(sum(self.usage(self.customer).mapped("records")), 3)
