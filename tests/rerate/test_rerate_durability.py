# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Re-rating in a process that is killed half way, and started again.

These commit for real, in the test database; what they store is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

from odoo import Command
from odoo.tests import tagged

from ..support.committed_case import CommittedCase

CUSTOMERS = 24
CALLS = 10
#: three customers a slice
SLICE = 3 * CALLS
PHONE = 12_125_560_000


@tagged("post_install", "-at_install")
class TestRerateDurability(CommittedCase):
    def setUp(self):
        super().setUp()
        self.old = self.make_deck("Durable old", price=0.06)
        self.new = self.make_deck(
            "Durable new", price=0.12, initial_increment=60, increment=60
        )
        self.partners = self.make_customers(CUSTOMERS, PHONE, self.old)
        # Four minutes a month, less than half of what is called.
        self.sell_plan(self.partners[::2], minutes=4)
        self.source = self.make_source("Durable switch")
        self.real.flush_all()
        self.cr.commit()
        rows = [
            f"c{place}-{call},2026-10-{call + 1:02d} 10:00:00,{30 + 7 * call},"
            f"+{PHONE + place},+12125550199"
            for place in range(CUSTOMERS)
            for call in range(CALLS)
        ]
        text = "\n".join(["call_id,start_time,duration,caller,callee", *rows])
        self.make_batch(self.source, text.encode())._process(commit=self.cr.commit)
        self.cr.commit()

    def _remove(self):
        self.cr.rollback()
        self.cr.execute("DELETE FROM metered_rerate_difference")
        self.cr.execute("DELETE FROM metered_rerate")
        self.cr.commit()
        return super()._remove()

    def make_run(self, phase):
        run = self.real["metered.rerate"].create(
            {
                "company_id": self.real.company.id,
                "partner_ids": [Command.set(self.partners.ids)],
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                "phase": phase,
                "expected": CUSTOMERS * CALLS,
            }
        )
        self.cr.commit()
        return run

    def work(self, run):
        """Start a process that works on the run."""
        return self.start("rerate_worker.py", run.id, SLICE)

    def work_and_kill(self, run):
        """Have it worked on by a process that is killed after some slices."""
        worker = self.work(run)
        slices = 0
        for line in worker.stdout:
            slices += line.startswith("committed") and not line.endswith(" 0\n")
            if slices == 4:
                break
        self.kill(worker)
        self.assertEqual(run.state, "running")
        self.assertTrue(0 < run.records < CUSTOMERS * CALLS, run.records)

    def charges(self):
        """What all calls cost and took, and what their usage and balances come to."""
        found = []
        for query in (
            "SELECT call_id, charge::text, billed_quantity::text, rate_id,"
            " plan_taken::text FROM metered_cdr WHERE partner_id = ANY(%s) ORDER BY 1",
            "SELECT partner_id, day, records, billed_quantity::text, amount::text"
            " FROM metered_usage WHERE partner_id = ANY(%s) ORDER BY 1, 2",
            "SELECT subscription_id, date_from, granted::text, used::text"
            " FROM metered_allowance_balance balance JOIN sale_subscription plan"
            " ON plan.id = subscription_id WHERE plan.partner_id = ANY(%s)"
            " ORDER BY 1, 2",
        ):
            self.cr.execute(query, (self.partners.ids,))
            found.append(self.cr.fetchall())
        return found

    def lines(self, run):
        return [
            (x.partner_id, x.changed, round(x.before, 6), round(x.after, 6))
            for x in run.line_ids.sorted(lambda line: line.partner_id.id)
        ]

    def test_killed_half_way_and_started_again(self):
        """The same as undisturbed: lines of a preview, charges, usage, balances."""
        before = self.charges()
        self.partners.metered_deck_id = self.new
        self.cr.commit()

        undisturbed = self.make_run("preview")
        undisturbed._process(commit=self.cr.commit)
        self.assertEqual(undisturbed.state, "done")
        preview = self.make_run("preview")
        self.work_and_kill(preview)
        self.finish(self.work(preview))
        self.assertEqual((preview.state, preview.records), ("done", CUSTOMERS * CALLS))
        self.assertEqual(self.lines(preview), self.lines(undisturbed))
        self.assertEqual(len(preview.line_ids), CUSTOMERS)
        self.assertEqual(self.charges(), before)

        run = self.make_run("apply")
        self.work_and_kill(run)
        self.finish(self.work(run))
        self.assertEqual((run.state, run.records), ("done", CUSTOMERS * CALLS))
        self.assertEqual(run.changed, CUSTOMERS * CALLS)
        self.assertEqual(self.lines(run), self.lines(undisturbed))
        after = self.charges()
        self.assertNotEqual(after, before)
        # Back and forth again without being killed: the very same.
        self.partners.metered_deck_id = self.old
        self.cr.commit()
        self.make_run("apply")._process(commit=self.cr.commit)
        self.assertEqual(self.charges(), before)
        self.partners.metered_deck_id = self.new
        self.cr.commit()
        self.make_run("apply")._process(commit=self.cr.commit)
        self.assertEqual(self.charges(), after)
