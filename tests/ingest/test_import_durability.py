# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Imports in processes of their own: killed half way, and two at once.

These commit for real, in the test database; what they store is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..support.committed_case import CommittedCase
from ..support.metered_case import generic_csv

RECORDS = 3000
CHUNK = 100


@tagged("post_install", "-at_install")
class TestImportDurability(CommittedCase):
    def setUp(self):
        super().setUp()
        deck = self.make_deck("Durability", price=0.0371, initial_increment=6)
        self.customers = [
            self.make("res.partner", name=f"Durable {number}", metered_deck_id=deck.id)
            for number in range(7)
        ]
        for number, customer in enumerate(self.customers):
            self.make(
                "metered.identifier",
                partner_id=customer.id,
                value=f"+1404555010{number}",
                date_from="2026-01-01 00:00:00",
            )
        calls = [
            (
                f"call-{number}",
                f"2026-10-{number % 28 + 1:02d} 10:{number % 60:02d}:00",
                number % 300 if number % 50 else "broken",
                f"+1404555010{number % 8}",
                f"+1212555{number:04d}" if number % 3 else f"+44207946{number:04d}",
            )
            for number in range(RECORDS)
        ]
        # Every tenth call again, somewhere else in the file.
        calls += calls[::10]
        self.content = generic_csv(calls).encode()
        self.total = len(calls)

    def queue(self, source):
        """An import of the calls, committed."""
        batch = self.make_batch(source, self.content)
        self.cr.commit()
        return batch

    def work(self, batch):
        """Start a process that imports the batch."""
        return self.start("import_worker.py", batch.id, CHUNK)

    def stored(self, source):
        """Everything that an import leaves, without what differs between sources."""
        self.cr.execute(
            """
            SELECT call_id, line, start_time, quantity::text, billed_quantity::text,
                   caller, callee, state, meter_id, destination_id, partner_id,
                   rate_id, charge::text
              FROM metered_cdr WHERE source_id = %s ORDER BY call_id
            """,
            (source.id,),
        )
        cdrs = self.cr.fetchall()
        self.cr.execute(
            "SELECT call_id, line, reason, detail FROM metered_exception"
            " WHERE source_id = %s ORDER BY call_id",
            (source.id,),
        )
        return cdrs, self.cr.fetchall()

    def usage(self):
        self.cr.execute(
            """
            SELECT partner_id, meter_id, day, sum(records), sum(quantity)::text,
                   sum(billed_quantity)::text, sum(amount)::text
              FROM metered_usage WHERE partner_id = ANY(%s)
             GROUP BY partner_id, meter_id, day ORDER BY 1, 2, 3
            """,
            ([partner.id for partner in self.customers],),
        )
        return self.cr.fetchall()

    def assert_usage_is_sum_of_cdrs(self):
        self.cr.execute(
            """
            SELECT usage.id
              FROM metered_usage usage
              LEFT JOIN metered_cdr cdr ON cdr.usage_id = usage.id
             WHERE usage.partner_id = ANY(%s)
             GROUP BY usage.id
            HAVING usage.records != count(cdr.id)
                OR usage.amount != sum(cdr.charge)
                OR usage.quantity != sum(cdr.quantity)
                OR usage.billed_quantity != sum(cdr.billed_quantity)
            """,
            ([partner.id for partner in self.customers],),
        )
        self.assertFalse(self.cr.fetchall())

    def counters(self, batch):
        return {
            name: batch[name]
            for name in (
                "state",
                "records",
                "rated",
                "not_billable",
                "duplicates",
                "exceptions",
                "balance",
            )
        }

    def test_killed_half_way_and_started_again(self):
        calm, shot = self.make_source("Undisturbed"), self.make_source("Killed")
        undisturbed = self.queue(calm)
        self.finish(self.work(undisturbed))
        expected_usage = self.usage()

        batch = self.queue(shot)
        worker = self.work(batch)
        for _chunk, line in zip(range(12), worker.stdout, strict=False):
            self.assertIn("committed", line)
        self.kill(worker)
        self.assertEqual(batch.state, "running")
        self.assertTrue(0 < batch.records < self.total, batch.records)

        self.finish(self.work(batch))
        self.assertEqual(self.counters(batch), self.counters(undisturbed))
        self.assertEqual(batch.records, self.total)
        self.assertEqual(self.stored(shot), self.stored(calm))
        self.assert_usage_is_sum_of_cdrs()
        # Two sources, the same calls: everything is there twice, and nothing thrice.
        self.assertEqual(
            [(*row[:3], row[3]) for row in self.usage()],
            [(*row[:3], row[3] * 2) for row in expected_usage],
        )

    def test_two_imports_of_one_file_at_once(self):
        source = self.make_source("Twice")
        batches = [self.queue(source), self.queue(source)]
        for worker in [self.work(batch) for batch in batches]:
            self.finish(worker)
        cdrs, exceptions = self.stored(source)
        self.assertEqual(len(cdrs) + len(exceptions), RECORDS)
        for batch in batches:
            self.assertEqual((batch.state, batch.balance), ("done", "ok"))
            self.assertEqual(batch.records, self.total)
        self.assertEqual(sum(b.rated for b in batches), len(cdrs))
        self.assertEqual(sum(b.exceptions for b in batches), len(exceptions))
        self.assertEqual(sum(b.duplicates for b in batches), 2 * self.total - RECORDS)
        self.assert_usage_is_sum_of_cdrs()

    @mute_logger("odoo.addons.metered_billing.models.job.metered_job")
    def test_an_error_in_a_chunk_leaves_nothing_of_it(self):
        """Usage is stored before its calls: an error between them undoes both."""
        source = self.make_source("Broken")
        batch = self.queue(source)
        target = "odoo.addons.metered_billing.ingest.store.cdr_table"
        with patch(target, side_effect=RuntimeError("no more room")):
            self.assertTrue(batch._process(commit=self.cr.commit))
        self.refresh()
        self.assertEqual((batch.state, batch.records), ("failed", 0))
        self.assertIn("no more room", batch.error)
        self.assertEqual(self.stored(source), ([], []))
        self.assertEqual(self.usage(), [])

    def test_one_process_a_batch(self):
        """A second process leaves a running batch alone."""
        batch = self.queue(self.make_source("Locked"))
        with self.registry.cursor() as other:
            env = api.Environment(other, SUPERUSER_ID, {})
            twin = env["metered.batch"].browse(batch.id)
            self.assertTrue(twin._lock_job(other.commit))
            self.assertFalse(batch._process(commit=self.cr.commit))
            twin._unlock_job(other.commit)
        self.assertEqual(batch.state, "queued")
        self.assertTrue(batch._process(commit=self.cr.commit))
        self.assertEqual(batch.state, "done")
