# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Trying again and undoing in processes of their own that are killed half way.

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
RECORDS = 900
SLICE = 50
NOBODY = "+14045550177"


@tagged("post_install", "-at_install")
class TestCureDurability(TransactionCase):
    def setUp(self):
        super().setUp()
        self.cr = self.registry.cursor()
        self.addCleanup(self.cr.close)
        self.real = api.Environment(
            self.cr, SUPERUSER_ID, {"metered_no_cure": True, "tracking_disable": True}
        )
        self.made = []
        self.addCleanup(self._remove)
        deck = self.make("metered.rate.deck", name="Cure", timezone="UTC")
        self.make("metered.rate", deck_id=deck.id, price=0.0371, initial_increment=6)
        self.customer = self.make(
            "res.partner", name="Durable", metered_deck_id=deck.id
        )
        self.source = self.make(
            "metered.source",
            name="Cured",
            preset="generic",
            timezone="UTC",
            country_id=self.real.ref("base.us").id,
            max_age_days=0,
            future_hours=24 * 365 * 100,
        )
        calls = [
            (
                f"call-{number}",
                f"2026-10-{number % 28 + 1:02d} 10:{number % 60:02d}:00",
                number % 300,
                NOBODY,
                f"+1212555{number:04d}" if number % 9 else "anonymous",
            )
            for number in range(RECORDS)
        ]
        attachment = self.make(
            "ir.attachment", name="calls.csv", raw=generic_csv(calls).encode()
        )
        self.batch = self.real["metered.batch"]._create_for_file(
            self.source, attachment
        )
        self.made.append(self.batch)
        self.batch._process()
        self.assertEqual(self.batch.exceptions, RECORDS)
        self.make("metered.identifier", partner_id=self.customer.id, value=NOBODY)
        self.jobs = self.real["metered.exception.job"]._create_jobs(
            "retry",
            {"reasons": ["unknown_customer"], "source_id": self.source.id},
            companies=self.source.company_id,
        )
        self.made.append(self.jobs)
        self.cr.commit()

    def make(self, model, **values):
        record = self.real[model].create(values)
        self.made.append(record)
        return record

    def _remove(self):
        self.cr.rollback()
        for table in ("metered_cdr", "metered_exception"):
            self.cr.execute(
                f"DELETE FROM {table} WHERE batch_id = %s", (self.batch.id,)
            )
        self.cr.execute(
            "DELETE FROM metered_usage WHERE partner_id = %s", (self.customer.id,)
        )
        self.cr.execute(
            "UPDATE metered_batch SET records = 0 WHERE id = %s", (self.batch.id,)
        )
        self.cr.execute("UPDATE metered_rate SET used = FALSE WHERE used")
        self.real.invalidate_all()
        for record in reversed(self.made):
            record.exists().unlink()
        self.cr.commit()

    def start(self, what, record):
        """Start a process that works on the record."""
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
                MODULE / "tests" / "cure_worker.py",
                what,
                str(record.id),
                str(SLICE),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(worker.stdout.close)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)
        return worker

    def kill_after(self, worker, commits):
        for _commit, line in zip(range(commits), worker.stdout, strict=False):
            self.assertIn("committed", line)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        self.refresh()

    def finish(self, worker):
        output, _error = worker.communicate(timeout=120)
        self.assertEqual(worker.returncode, 0, output)
        self.refresh()

    def refresh(self):
        """See what the other processes committed."""
        self.cr.commit()
        self.real.invalidate_all()

    def assert_whole(self):
        """Every record is stored once, and everything is the sum of its records."""
        self.cr.execute(
            """
            SELECT (SELECT count(*) FROM metered_cdr WHERE batch_id = %(batch)s),
                   (SELECT count(DISTINCT call_id) FROM metered_cdr
                     WHERE batch_id = %(batch)s),
                   (SELECT count(*) FROM metered_exception
                     WHERE batch_id = %(batch)s AND state = 'open'),
                   (SELECT trim_scale(sum(charge)) = (
                        SELECT trim_scale(sum(amount)) FROM metered_usage
                         WHERE partner_id = %(partner)s)
                      FROM metered_cdr WHERE batch_id = %(batch)s),
                   (SELECT coalesce(sum(records), 0) FROM metered_usage
                     WHERE partner_id = %(partner)s)
            """,
            {"batch": self.batch.id, "partner": self.customer.id},
        )
        calls, distinct, waiting, exact, usage = self.cr.fetchone()
        self.assertEqual(calls, distinct)
        self.assertEqual(calls, usage)
        self.assertIn(exact, (True, None))
        return calls, waiting

    def test_killed_while_trying_again(self):
        job = self.jobs
        self.kill_after(self.start("retry", job), 14)
        self.assertEqual(job.state, "running")
        self.assertTrue(0 < job.records < RECORDS, job.records)
        calls, waiting = self.assert_whole()
        self.assertEqual(calls + waiting, RECORDS)
        self.assertEqual((calls, self.batch.balance), (self.batch.rated, "ok"))

        self.finish(self.start("retry", job))
        cured = RECORDS - RECORDS // 9
        self.assertEqual(self.assert_whole(), (cured, RECORDS // 9))
        self.assertEqual((job.state, job.cured), ("done", cured))
        self.assertEqual(
            (self.batch.rated, self.batch.exceptions, self.batch.balance),
            (cured, RECORDS // 9, "ok"),
        )

    def test_two_at_once(self):
        """The same records in two jobs are rated once."""
        other = self.real["metered.exception.job"]._create_jobs(
            "retry", {"source_id": self.source.id}, companies=self.source.company_id
        )
        self.made.append(other)
        self.cr.commit()
        for worker in [self.start("retry", job) for job in (self.jobs, other)]:
            self.finish(worker)
        cured = RECORDS - RECORDS // 9
        self.assertEqual(self.assert_whole(), (cured, RECORDS // 9))
        self.assertEqual(self.jobs.cured + other.cured, cured)
        self.assertEqual((self.batch.rated, self.batch.balance), (cured, "ok"))

    def test_killed_while_undoing(self):
        self.jobs._process()
        self.patch(type(self.batch), "_undo_at_once", lambda self: 10)
        self.batch.action_undo()
        self.cr.commit()
        self.kill_after(self.start("undo", self.batch), 9)
        self.assertEqual(self.batch.state, "undoing")
        calls, _waiting = self.assert_whole()
        self.assertTrue(0 < self.batch.undone_rated < RECORDS)
        self.assertEqual(calls + self.batch.undone_rated, RECORDS - RECORDS // 9)

        self.finish(self.start("undo", self.batch))
        self.assertEqual(self.assert_whole(), (0, 0))
        self.assertEqual(self.batch.state, "undone")
        self.assertEqual(self.batch.undone_rated, RECORDS - RECORDS // 9)
        self.assertEqual(self.batch.undone_exceptions, RECORDS // 9)
