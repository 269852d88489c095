# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records are found by their usage, a customer's too, in every time zone."""

import re
from pathlib import Path
from unittest.mock import patch

import numpy as np

from odoo import Command
from odoo.tests import tagged

from ...ingest import usage_store
from ...ingest.usage_calls import NEWEST_OF_CONTACT, USAGE_CDRS
from ...models.record import owner_many2one
from ...stored.plan_calls import read_calls
from ..support.metered_case import MeteredCase

#: the furthest from UTC: their days begin 14 hours before it, and end 12 hours after it
EAST, WEST = "Pacific/Kiritimati", "Etc/GMT+12"
PHONES = {EAST: "+14045550100", WEST: "+14045550101"}
CALLEE = "+12125550199"


@tagged("post_install", "-at_install")
class TestUsageCalls(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customers = {
            zone: cls.make_customer(zone, phone) for zone, phone in PHONES.items()
        }
        for zone, customer in cls.customers.items():
            customer.metered_tz = zone
        cls.batch = cls.import_calls(
            cls.make_source(),
            # First and last second of the fifth in either zone, as UTC has them.
            ("e1", "2026-10-04 10:00:00", 60, PHONES[EAST], CALLEE),
            ("e2", "2026-10-05 09:59:59", 60, PHONES[EAST], CALLEE),
            ("e3", "2026-10-05 10:00:00", 60, PHONES[EAST], CALLEE),
            ("w0", "2026-10-05 11:59:59", 60, PHONES[WEST], CALLEE),
            ("w1", "2026-10-05 12:00:00", 60, PHONES[WEST], CALLEE),
            ("w2", "2026-10-06 11:59:59", 60, PHONES[WEST], CALLEE),
        )

    def test_sums_are_added_quickly_after_all_usage_was_deleted(self):
        """The statistics still say that the table is empty: no loop within a loop."""
        cr = self.env.cr
        if cr.connection.server_version < 180_000:
            self.skipTest("Statistics cannot be set.")
        self.set_rows_of_usage(0)
        ids = list(range(1, 2000))
        cr.execute(usage_store._NOT_ROW_BY_ROW)
        cr.execute(f"EXPLAIN {usage_store._ADD}", (ids, ids, ids, ids, ids))
        self.assertNotIn("Nested Loop", str(cr.fetchall()))
        cr.execute(usage_store._AS_USUAL)
        cr.execute("SHOW enable_nestloop")
        self.assertEqual(cr.fetchone(), ("on",))
        # As soon as the statistics know of usage, they are believed.
        self.set_rows_of_usage(10_000)
        cr.execute(usage_store._NOT_ROW_BY_ROW)
        cr.execute("SHOW enable_nestloop")
        self.assertEqual(cr.fetchone(), ("on",))

    def set_rows_of_usage(self, count):
        """Have the statistics say that there are so many."""
        self.env.cr.execute(
            "SELECT pg_restore_relation_stats('schemaname', current_schema()::text,"
            " 'relname', 'metered_usage', 'relpages', 100, 'reltuples', %s::real)",
            (count,),
        )

    def usage_of_day(self, day):
        usage = self.env["metered.usage"].search([("day", "=", day)])
        self.assertEqual(set(usage.partner_id.mapped("metered_tz")), {EAST, WEST})
        return usage

    def found(self, cdrs):
        return sorted(cdrs.mapped("call_id"))

    def test_domain(self):
        usage = self.usage_of_day("2026-10-05")
        Cdr = self.env["metered.cdr"]
        self.assertEqual(
            self.found(Cdr.search([("usage_id", "in", usage.ids)])),
            ["e1", "e2", "w1", "w2"],
        )
        self.assertFalse(Cdr.search(usage.browse().action_view_cdrs()["domain"]))

    def test_action(self):
        usage = self.usage_of_day("2026-10-05")
        action = usage.action_view_cdrs()
        self.assertEqual(
            self.found(self.env["metered.cdr"].search(action["domain"])),
            ["e1", "e2", "w1", "w2"],
        )

    def test_search_for_an_invoice(self):
        """By number and by id, by customer and day; without an invoice, too."""
        usage = self.usage_of_day("2026-10-05")
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customers[EAST].id,
                "name": "BILL/OF/MINUTES/7",
                "invoice_line_ids": [Command.create({"name": "Calls"})],
            }
        )
        Usage = self.env["metered.usage"]
        Usage._link_to_lines([(key, move.invoice_line_ids.id) for key in usage.ids])
        on_it = ["e1", "e2", "w1", "w2"]
        for domain, expected in (
            ([("invoice_id", "=", move.id)], on_it),
            ([("invoice_id", "in", move.ids)], on_it),
            ([("invoice_id", "ilike", "of/minutes/7")], on_it),
            ([("invoice_id", "ilike", "of/minutes/8")], []),
            ([("invoice_id.name", "=", "BILL/OF/MINUTES/7")], on_it),
            ([("invoice_id", "!=", move.id)], ["e3", "w0"]),
            ([("invoice_id", "not ilike", "minutes")], ["e3", "w0"]),
            ([("invoice_id", "!=", False)], on_it),
            ([("invoice_id", "=", False)], ["e3", "w0"]),
            ([("invoice_id", "in", [move.id, False])], [*on_it, "e3", "w0"]),
        ):
            with self.subTest(domain):
                found = self.env["metered.cdr"].search(domain)
                self.assertEqual(self.found(found), sorted(expected))
        query = self.env["metered.cdr"]._search([("invoice_id", "=", move.id)])
        self.assertIn('"usage_id" IN', str(query.select().code))
        found = self.env["metered.cdr"].search([("call_id", "=", "e1")])
        self.assertEqual(found.invoice_id, move)

    def test_queries(self):
        usage = self.usage_of_day("2026-10-05")
        self.env.flush_all()
        self.env.cr.execute(f"SELECT call_id FROM {USAGE_CDRS}", {"usage": usage.ids})
        self.assertEqual(
            sorted(call for (call,) in self.env.cr.fetchall()), ["e1", "e2", "w1", "w2"]
        )
        self.env.cr.execute(
            "SELECT usage.day, count(*) FROM metered_usage usage"
            " JOIN metered_cdr cdr ON cdr.usage_id = usage.id"
            " GROUP BY usage.day ORDER BY 1"
        )
        self.assertEqual([count for _day, count in self.env.cr.fetchall()], [1, 4, 1])

    def test_rerating_and_plans_read_all(self):
        deck = self.make_deck("Dear")
        self.make_rate(deck, "", price=9, initial_increment=60, increment=60)
        for customer in self.customers.values():
            customer.metered_deck_id = deck
        usage = self.env["metered.usage"].search([])
        self.assertEqual(usage._rerate().changed, 6)
        self.assertEqual(len(read_calls(self.env.cr, np.array(usage.ids, np.int64))), 6)

    def test_a_customers_records(self):
        """With and without usage; by the usage where they are few."""
        self.import_calls(
            self.make_source(default_outcome="not_billable"),
            ("n1", "2026-10-05 10:00:00", 60, PHONES[EAST], CALLEE),
        )
        customer = self.customers[EAST]
        Cdr = self.env["metered.cdr"]
        for domain, expected in (
            ([("partner_id", "=", customer.id)], ["e1", "e2", "e3", "n1"]),
            ([("partner_id", "child_of", customer.ids)], ["e1", "e2", "e3", "n1"]),
            ([("partner_id.name", "=", EAST)], ["e1", "e2", "e3", "n1"]),
            ([("partner_id", "ilike", EAST)], ["e1", "e2", "e3", "n1"]),
            ([("partner_id", "!=", customer.id)], ["w0", "w1", "w2"]),
            ([("partner_id", "in", [customer.id, False])], ["e1", "e2", "e3", "n1"]),
            ([("partner_id", "=", self.env.user.partner_id.id)], []),
        ):
            for name, most, by_usage in (
                ("MOST_BY_USAGE", 3, True),
                ("MOST_BY_USAGE", 2, False),
                ("MOST_USAGE", 2, False),
            ):
                with (
                    self.subTest(ascii((domain, name, most))),
                    patch.object(owner_many2one, name, most),
                ):
                    self.assertEqual(self.found(Cdr.search(domain)), expected)
                    if domain[0][1] == "child_of":
                        code = str(Cdr._search(domain).select().code)
                        self.assertEqual("usage_id" in code, by_usage)

    def test_a_customers_newest_records(self):
        self.import_calls(
            self.make_source(default_outcome="not_billable"),
            ("n1", "2026-10-05 09:59:58", 60, PHONES[EAST], CALLEE),
        )
        self.env.flush_all()
        newest = ["e3", "e2", "n1", "e1"]
        for most in range(1, 6):
            self.env.cr.execute(
                "SELECT call_id FROM unnest(%(contacts)s) AS contact (id)"
                f" CROSS JOIN {NEWEST_OF_CONTACT}",
                {"contacts": self.customers[EAST].ids, "most": most},
            )
            found = [call for (call,) in self.env.cr.fetchall()]
            self.assertEqual(found, newest[:most])

    def test_nobody_looks_by_the_customer_alone(self):
        """Without its index that would read the whole table."""
        module = Path(__file__).resolve().parents[2]
        files = [
            file
            for folder in ("ingest", "stored", "models", "wizards")
            for file in (module / folder).rglob("*.py")
        ]
        self.assertGreater(len(files), 50)
        alone = re.compile(r"cdr\.partner_id (=|IN)")
        self.assertEqual(
            {file.name for file in files if alone.search(file.read_text())},
            # Of a period, in What If; calls without usage, which have the index.
            {"simulate.py", "metered_usage_level.py"},
        )

    def test_no_index_on_all_customers(self):
        """What an import would have to pay for again."""
        self.env.cr.execute(
            "SELECT indexdef FROM pg_indexes"
            " WHERE tablename = 'metered_cdr' AND indexdef LIKE '%%partner_id%%'"
        )
        [[definition]] = self.env.cr.fetchall()
        self.assertIn("WHERE (usage_id IS NULL)", definition)
