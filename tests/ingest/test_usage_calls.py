# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The records of usage are found without an index on the usage, in every time zone."""

import re
from pathlib import Path

import numpy as np

from odoo import Command
from odoo.tests import tagged

from ...ingest.usage_calls import OF_USAGE, USAGE_CDRS, cdr_domain
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
            self.found(Cdr.search(cdr_domain(usage))), ["e1", "e2", "w1", "w2"]
        )
        self.assertFalse(Cdr.search(cdr_domain(usage.browse())))

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
        self.assertIn('"start_time" >=', str(query.select().code))
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
            f"SELECT usage.day, count(*) FROM metered_usage usage"
            f" JOIN metered_cdr cdr ON {OF_USAGE} GROUP BY usage.day ORDER BY 1"
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

    def test_nobody_looks_by_the_usage_alone(self):
        """Without its index that would read the whole table."""
        module = Path(__file__).resolve().parents[2]
        files = [
            file
            for folder in ("ingest", "stored", "models", "wizards")
            for file in (module / folder).rglob("*.py")
        ]
        self.assertGreater(len(files), 50)
        alone = re.compile(r"usage_id (= ANY|IN)\b")
        self.assertEqual(
            [file.name for file in files if alone.search(file.read_text())],
            ["usage_calls.py"],
        )

    def test_no_index_on_the_usage(self):
        """What an import would have to pay for again."""
        self.env.cr.execute(
            "SELECT indexdef FROM pg_indexes"
            " WHERE tablename = 'metered_cdr' AND indexdef LIKE '%%usage_id%%'"
        )
        self.assertFalse(self.env.cr.fetchall())
