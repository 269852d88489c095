# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""An import with several connections stores what one stores alone.

They commit for real, in the test database; what they store is removed at the end.
"""

# Other connections see only what is committed.
# pylint: disable=invalid-commit

import random
import threading
from contextlib import contextmanager
from unittest.mock import patch

from psycopg2 import errors

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.metered_billing.ingest import abreast, store
from odoo.addons.metered_billing.models.record import metered_batch_job

from ..support.committed_case import CommittedCase
from ..support.metered_case import generic_csv

CUSTOMERS = 4
PHONE = 14045550180
JOB = "odoo.addons.metered_billing.models.job.metered_job"


@tagged("post_install", "-at_install")
class TestImportAbreast(CommittedCase):
    def setUp(self):
        super().setUp()
        deck = self.make_deck("Abreast", price=0.0371, initial_increment=6)
        self.customers = self.make_customers(CUSTOMERS, PHONE, deck)

    def queue(self, calls, name="Abreast"):
        """An import of calls, committed."""
        batch = self.make_batch(self.make_source(name), generic_csv(calls).encode())
        self.cr.commit()
        return batch

    @contextmanager
    def lanes(self, count=2, chunk=100):
        """Yields what is noted: a batch id for each chunk that a lane stored."""
        noted, original = [], abreast.Abreast._finish

        def finish(this, flights):
            original(this, flights)
            noted.append(this.batch_id)

        batches = type(self.real["metered.batch"])
        with (
            patch.object(metered_batch_job, "LANES", count),
            patch.object(batches, "_chunk_records", lambda _self: chunk),
            patch.object(abreast.Abreast, "_finish", finish),
        ):
            yield noted

    def work(self, batch):
        batch._process(commit=self.cr.commit)
        self.refresh()

    def left_by(self, batch):
        """All that an import leaves, without ids that differ between two."""
        self.cr.execute(
            """
            SELECT cdr.call_id, cdr.line, cdr.start_time, cdr.quantity::text,
                   cdr.billed_quantity::text, cdr.caller, cdr.callee, cdr.state,
                   cdr.partner_id, cdr.rate_id, cdr.charge::text, cdr.fingerprint,
                   usage.partner_id, usage.day, usage.meter_id
              FROM metered_cdr cdr
              LEFT JOIN metered_usage usage ON usage.id = cdr.usage_id
             WHERE cdr.batch_id = %s ORDER BY cdr.line
            """,
            (batch.id,),
        )
        cdrs = self.cr.fetchall()
        self.cr.execute(
            "SELECT call_id, line, reason, detail FROM metered_exception"
            " WHERE batch_id = %s ORDER BY line, call_id",
            (batch.id,),
        )
        names = ("state", "records", "rated", "not_billable", "duplicates")
        names += ("exceptions", "balance", "first_start", "last_start", "elsewhere")
        return cdrs, self.cr.fetchall(), [batch[name] for name in names]

    def usage(self):
        """All usage, which is the sum of its calls."""
        self.assert_usage_is_sum_of_cdrs()
        self.cr.execute(
            """
            SELECT partner_id, meter_id, day, collecting, records, quantity::text,
                   billed_quantity::text, amount::text
              FROM metered_usage WHERE partner_id = ANY(%s) ORDER BY 1, 2, 3, 4
            """,
            (self.customers.ids,),
        )
        return self.cr.fetchall()

    def forget(self, batch):
        """Have the next import begin with nothing."""
        for table in ("metered_cdr", "metered_exception"):
            self.cr.execute(f"DELETE FROM {table} WHERE batch_id = %s", (batch.id,))
        self.cr.execute(
            "DELETE FROM metered_usage WHERE partner_id = ANY(%s)",
            (self.customers.ids,),
        )
        self.cr.commit()

    def assert_usage_is_sum_of_cdrs(self):
        self.cr.execute(
            """
            SELECT usage.id
              FROM metered_usage usage
              FULL JOIN (SELECT * FROM metered_cdr WHERE state = 'rated') cdr
                ON cdr.usage_id = usage.id
             WHERE coalesce(usage.partner_id, cdr.partner_id) = ANY(%s)
             GROUP BY usage.id
            HAVING usage.id IS NULL OR usage.records != count(cdr.id)
                OR usage.amount != sum(cdr.charge)
                OR usage.quantity != sum(cdr.quantity)
                OR usage.billed_quantity != sum(cdr.billed_quantity)
            """,
            (self.customers.ids,),
        )
        self.assertFalse(self.cr.fetchall())

    def calls(self, count, chance=None):
        """Calls of the same few days, so that all chunks add to the same usage.

        :param chance: random.Random that makes some of them wrong, repeated, or those
            of nobody; None: all are as they should be
        """
        calls = []
        for number in range(count):
            call = (
                f"abreast-{number}",
                f"2026-10-{number % 5 + 1:02d} 10:{number % 60:02d}:{number % 59:02d}",
                str(1 + number % 300),
                f"+{PHONE + number % CUSTOMERS}",
                f"+1212555{number:04d}",
            )
            if chance and chance.random() < 0.02:
                call = chance.choice(
                    [
                        (*call[:2], "broken", *call[3:]),
                        (*call[:3], f"+{PHONE + 90}", call[4]),
                        chance.choice(calls or [call]),
                        ("", *call[1:]),
                        (chance.choice(calls or [call])[0], *call[1:]),
                        (*call[:2], "0", *call[3:]),
                    ]
                )
            calls.append(call)
        return calls

    def test_as_one_alone(self):
        """Repeated, wrong, and all other kinds of records, in chunks of any size."""
        was_abreast = 0
        for seed in range(6):
            chance = random.Random(seed)
            chunk = chance.randrange(20, 160)
            with self.subTest(seed=seed, chunk=chunk):
                # Without what is known, all is stored by two.
                calls = self.calls(700, chance if seed else None)
                with self.lanes(0, chunk) as noted:
                    alone = self.queue(calls, f"Alone {seed}")
                    self.work(alone)
                    expected = self.left_by(alone), self.usage()
                    self.assertFalse(noted)
                    self.forget(alone)
                with self.lanes(2, chunk) as noted:
                    together = self.queue(calls, f"Together {seed}")
                    self.work(together)
                    found = self.left_by(together), self.usage()
                    self.forget(together)
                    was_abreast += len(noted)
                    if not seed:
                        self.assertEqual(len(noted), -(-700 // chunk) - 1)
                self.assertEqual(found, expected)
        self.assertGreater(was_abreast, 12)

    def failing(self, owner, name, error, at):
        """Has a method fail the so many-th time that it is called."""
        original, calls = getattr(owner, name), []

        def fail(*args, **kwargs):
            calls.append(1)
            if len(calls) == at:
                raise error
            return original(*args, **kwargs)

        return patch.object(owner, name, fail)

    @mute_logger(JOB)
    def test_an_error_leaves_nothing_of_its_chunk(self):
        """Nor of those after it; then the import goes on from there."""
        calls = self.calls(900)
        for number, (owner, name) in enumerate(
            (
                (store.Storing, "copy_cdrs"),
                (store.Storing, "finish"),
                (abreast.Abreast, "_finish"),
                (store, "copy_text"),
            )
        ):
            with self.subTest(name=name), self.lanes() as noted:
                batch = self.queue(calls, f"Error {number}")
                with self.failing(owner, name, RuntimeError("no more room"), 5):
                    self.work(batch)
                self.assertEqual(batch.state, "failed")
                self.assertIn("no more room", batch.error)
                self.assertTrue(0 < batch.records < 900, batch.records)
                self.assertEqual(batch.records % 100, 0)
                self.assertEqual(batch.balance, "ok")
                self.cr.execute(
                    "SELECT line FROM metered_cdr WHERE batch_id = %s ORDER BY line",
                    (batch.id,),
                )
                lines = [line for (line,) in self.cr.fetchall()]
                self.assertEqual(lines, [*range(2, batch.records + 2)])
                self.assert_usage_is_sum_of_cdrs()
                batch.action_resume()
                self.cr.commit()
                self.work(batch)
                self.assertEqual(
                    (batch.state, batch.records, batch.rated, batch.balance),
                    ("done", 900, 900, "ok"),
                )
                self.assert_usage_is_sum_of_cdrs()
                self.assertTrue(noted)
                self.forget(batch)

    def test_what_passes_is_no_error(self):
        """A conflict, and a value that the database refuses, are tried alone."""
        for error in (errors.DeadlockDetected("deadlock"), ValueError("a value")):
            with self.subTest(error=ascii(error)), self.lanes() as noted:
                batch = self.queue(self.calls(900), type(error).__name__)
                with self.failing(store.Storing, "finish", error, 5):
                    self.work(batch)
                self.assertEqual(
                    (batch.state, batch.rated, batch.balance), ("done", 900, "ok")
                )
                self.assert_usage_is_sum_of_cdrs()
                # It goes on with two.
                self.assertGreater(len(noted), 4)
                self.forget(batch)

    def test_usage_that_is_closed_between_copy_and_sums(self):
        """Calls that were copied for it are moved to the row that collects then."""
        original, closed = store.Storing.finish, []

        def finish(storing):
            if not closed and isinstance(storing.cr, type(self.cr)):
                with self.registry.cursor() as cr:
                    cr.execute(
                        "UPDATE metered_usage SET collecting = FALSE"
                        " WHERE partner_id = %s RETURNING id",
                        (self.customers[0].id,),
                    )
                    closed.extend(cr.fetchall())
            return original(storing)

        with self.lanes() as noted, patch.object(store.Storing, "finish", finish):
            batch = self.queue(self.calls(900))
            self.work(batch)
        self.assertEqual((batch.state, batch.rated), ("done", 900))
        self.assertTrue(closed)
        self.assertTrue(noted)
        self.assert_usage_is_sum_of_cdrs()

    def test_another_import_of_the_source_takes_turns(self):
        """Whoever waits for the source gets it before the import ends."""
        batch = self.queue(self.calls(900))
        asked = []

        def is_wanted(cr, source_id):
            asked.append(source_id)
            return len(asked) == 3

        locks, original = [], store.lock_source

        def lock(*args):
            locks.append(args)
            return original(*args)

        with (
            self.lanes() as noted,
            patch.object(abreast, "source_is_wanted", is_wanted),
            patch.object(abreast, "lock_source", lock),
        ):
            self.work(batch)
        self.assertEqual((batch.state, batch.rated), ("done", 900))
        self.assertEqual(len(noted), 8)
        self.assertEqual(len(locks), 2)

    def test_who_waits_for_a_source(self):
        source = self.make_source("Wanted")
        self.cr.commit()
        self.assertFalse(store.source_is_wanted(self.cr, source.id))
        with store.lock_source(self.cr, source.id, self.cr.commit):
            self.assertFalse(store.source_is_wanted(self.cr, source.id))
            with self.registry.cursor() as other:
                other.execute("SET LOCAL lock_timeout = '20s'")
                pid = other.connection.info.backend_pid
                waiting = self.start_waiting(other, source.id)
                while not store.source_is_wanted(self.cr, source.id):
                    self.assertTrue(waiting.is_alive())
                    self.cr.rollback()
                self.assertFalse(store.source_is_wanted(self.cr, source.id + 1))
                self.cr.execute("SELECT pg_cancel_backend(%s)", (pid,))
                waiting.join()

    def start_waiting(self, cr, source_id):
        """A thread that waits for a source, until it is canceled."""

        def wait():
            try:
                cr.execute(
                    "SELECT pg_advisory_xact_lock(%s, %s)",
                    (store.LOCK_CLASS, source_id),
                    log_exceptions=False,
                )
            except errors.QueryCanceled:
                cr.rollback()

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        return thread

    def test_what_is_not_committed_is_stored_by_one(self):
        """In a test, or in a transaction of somebody's own, there is no other one."""
        batch = self.make_batch(
            self.make_source("Own"), generic_csv(self.calls(300)).encode()
        )
        with batch._open_lanes(print) as lanes:
            self.assertEqual(lanes, [])
        self.cr.commit()
        with batch._open_lanes(print) as lanes:
            self.assertEqual(len(lanes), 2)
            env = api.Environment(self.cr, SUPERUSER_ID, {})
            pids = {lane.cr.connection.info.backend_pid for lane in lanes}
            pids.add(env.cr.connection.info.backend_pid)
            self.assertEqual(len(pids), 3)
