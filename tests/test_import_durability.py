# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Imports in processes of their own: killed half way, and two at once.

These commit for real, in the test database; what they store is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

import signal
import socket
import subprocess
import sys
from pathlib import Path

from odoo import SUPERUSER_ID, api
from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from .metered_case import generic_csv

MODULE = Path(__file__).resolve().parent.parent
RECORDS = 3000
CHUNK = 100


@tagged("post_install", "-at_install")
class TestImportDurability(TransactionCase):
    def setUp(self):
        super().setUp()
        self.cr = self.registry.cursor()
        self.addCleanup(self.cr.close)
        self.real = api.Environment(self.cr, SUPERUSER_ID, {})
        self.made = []
        self.addCleanup(self._remove)
        deck = self.make("metered.rate.deck", name="Durability", timezone="UTC")
        self.make("metered.rate", deck_id=deck.id, price=0.0371, initial_increment=6)
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

    def make(self, model, **values):
        record = self.real[model].create(values)
        self.made.append(record)
        return record

    def make_source(self, name):
        return self.make(
            "metered.source",
            name=name,
            preset="generic",
            timezone="UTC",
            country_id=self.real.ref("base.us").id,
            max_age_days=0,
            future_hours=24 * 365 * 100,
        )

    def make_batch(self, source):
        attachment = self.make("ir.attachment", name="calls.csv", raw=self.content)
        batch = self.real["metered.batch"]._create_for_file(source, attachment)
        self.made.append(batch)
        self.cr.commit()
        return batch

    def _remove(self):
        self.cr.rollback()
        batches = [r.id for r in self.made if r._name == "metered.batch"]
        partners = [r.id for r in self.made if r._name == "res.partner"]
        for table in ("metered_cdr", "metered_exception"):
            self.cr.execute(f"DELETE FROM {table} WHERE batch_id = ANY(%s)", (batches,))
        self.cr.execute(
            "DELETE FROM metered_usage WHERE partner_id = ANY(%s)", (partners,)
        )
        self.cr.execute(
            "UPDATE metered_batch SET records = 0 WHERE id = ANY(%s)", (batches,)
        )
        self.cr.execute("UPDATE metered_rate SET used = FALSE WHERE used")
        self.real.invalidate_all()
        for record in reversed(self.made):
            record.exists().unlink()
        self.cr.commit()

    def start(self, batch):
        """Start a process that imports the batch."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        worker = subprocess.Popen(
            [
                sys.executable,
                MODULE / "scripts" / "odoo_env.py",
                "--config",
                config["config"],
                "--database",
                self.cr.dbname,
                "--http-port",
                str(port),
                MODULE / "tests" / "import_worker.py",
                str(batch.id),
                str(CHUNK),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(worker.stdout.close)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        return worker

    def finish(self, worker):
        output, _error = worker.communicate(timeout=120)
        self.assertEqual(worker.returncode, 0, output)

    def refresh(self):
        """See what the other processes committed."""
        self.cr.commit()
        self.real.invalidate_all()

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
        undisturbed = self.make_batch(calm)
        self.finish(self.start(undisturbed))
        self.refresh()
        expected_usage = self.usage()

        batch = self.make_batch(shot)
        worker = self.start(batch)
        for _chunk, line in zip(range(12), worker.stdout, strict=False):
            self.assertIn("committed", line)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        self.refresh()
        self.assertEqual(batch.state, "running")
        self.assertTrue(0 < batch.records < self.total, batch.records)

        self.finish(self.start(batch))
        self.refresh()
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
        batches = [self.make_batch(source), self.make_batch(source)]
        for worker in [self.start(batch) for batch in batches]:
            self.finish(worker)
        self.refresh()
        cdrs, exceptions = self.stored(source)
        self.assertEqual(len(cdrs) + len(exceptions), RECORDS)
        for batch in batches:
            self.assertEqual((batch.state, batch.balance), ("done", "ok"))
            self.assertEqual(batch.records, self.total)
        self.assertEqual(sum(b.rated for b in batches), len(cdrs))
        self.assertEqual(sum(b.exceptions for b in batches), len(exceptions))
        self.assertEqual(sum(b.duplicates for b in batches), 2 * self.total - RECORDS)
        self.assert_usage_is_sum_of_cdrs()

    def test_one_process_a_batch(self):
        """A second process leaves a running batch alone."""
        batch = self.make_batch(self.make_source("Locked"))
        with self.registry.cursor() as other:
            env = api.Environment(other, SUPERUSER_ID, {})
            twin = env["metered.batch"].browse(batch.id)
            self.assertTrue(twin._lock_job(other.commit))
            self.assertFalse(batch._process(commit=self.cr.commit))
            twin._unlock_job(other.commit)
        self.assertEqual(batch.state, "queued")
        self.assertTrue(batch._process(commit=self.cr.commit))
        self.assertEqual(batch.state, "done")
