# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A what-if that is killed half way goes on, and comes to the same.

This commits for real, in the test database; what it stores is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

from odoo.tests import tagged

from ..support.committed_case import CommittedCase
from ..support.metered_case import generic_csv

CUSTOMERS = 8
WITH_PLAN = 4
DAYS = 10


@tagged("post_install", "-at_install")
class TestSimulationDurability(CommittedCase):
    """Eight customers, four of them with a plan, call three times a day."""

    def setUp(self):
        super().setUp()
        self.deck = self.make_deck("Durable", price=0.06)
        self.tried = self.make_deck("Durable, tried", price=0.09)
        self.customers = [self.make_customer(n) for n in range(CUSTOMERS)]
        # Half of the customers: their calls use that up.
        self.sell_plan(self.customers[:WITH_PLAN], minutes=100)
        calls = [
            (
                f"d{customer}-{day}-{n}",
                f"2026-10-{day + 1:02} 1{n}:00:00",
                600 + customer,
                self.phone(customer),
                "+12125550199",
            )
            for customer in range(CUSTOMERS)
            for day in range(DAYS)
            for n in range(3)
        ]
        self.calls = len(calls)
        source = self.make_source("Durable")
        self.batch = self.make_batch(source, generic_csv(calls).encode())
        self.cr.commit()
        self.batch._process(commit=self.cr.commit)
        self.refresh()
        self.assertEqual(self.batch.rated, self.calls)

    def phone(self, number):
        return f"+1404555{number:04}"

    def make_customer(self, number):
        partner = self.make(
            "res.partner",
            name=f"Durable {number}",
            is_company=True,
            metered_deck_id=self.deck.id,
        )
        self.make(
            "metered.identifier",
            partner_id=partner.id,
            kind="number",
            value=self.phone(number),
        )
        return partner

    def _remove(self):
        self.cr.rollback()
        self.cr.execute("DELETE FROM metered_simulation")
        self.cr.commit()
        return super()._remove()

    def make_run(self):
        run = self.real["metered.simulation"].create(
            {
                "company_id": self.real.company.id,
                "deck_id": self.tried.id,
                "replaces_id": self.deck.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                "position": "2026-10-01",
                "expected": self.calls,
            }
        )
        self.cr.commit()
        return run

    def rows(self, run):
        self.cr.execute(
            """
            SELECT partner_id, meter_id, destination_id, currency_id, calls, seconds,
                   before::text, after::text, difference::text, unrated, below,
                   lost::text
              FROM metered_simulation_line WHERE simulation_id = %s
             ORDER BY 1, 2, 3, 4
            """,
            (run.id,),
        )
        return self.cr.fetchall()

    def test_killed_half_way_and_started_again(self):
        whole = self.make_run()
        whole._process(commit=self.cr.commit)
        expected = self.rows(whole)
        self.assertEqual(len(expected), CUSTOMERS)
        self.assertEqual((whole.state, whole.records), ("done", self.calls))
        # What plans include stays included: less than at the new deck's price.
        before = sum(float(row[6]) for row in expected)
        after = sum(float(row[7]) for row in expected)
        self.assertTrue(before < after < 1.5 * before + 4 * 0.06 * 100)
        for portions, phase in ((3, "calls"), (DAYS + 2, "plans")):
            with self.subTest(phase):
                run = self.make_run()
                worker = self.start("what_if_worker.py", run.id, portions)
                self.assertEqual(worker.stdout.readline(), f"halted {phase}\n")
                self.kill(worker)
                self.assertEqual((run.state, run.phase), ("running", phase))
                self.assertTrue(0 < run.records < self.calls, run.records)
                self.assertNotEqual(self.rows(run), expected)

                self.finish(self.start("what_if_worker.py", run.id, 0))
                self.assertEqual((run.state, run.records), ("done", self.calls))
                self.assertEqual(self.rows(run), expected)
