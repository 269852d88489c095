# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Trying again and undoing in processes of their own that are killed half way.

These commit for real, in the test database; what they store is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

from odoo.tests import tagged

from odoo.addons.metered_billing.models.exception.metered_cure import NO_CURE

from ..support.committed_case import CommittedCase
from ..support.metered_case import generic_csv

RECORDS = 900
SLICE = 50
NOBODY = "+14045550177"


@tagged("post_install", "-at_install")
class TestCureDurability(CommittedCase):
    def setUp(self):
        super().setUp()
        self.enterContext(NO_CURE.said())
        deck = self.make_deck("Cure", price=0.0371, initial_increment=6)
        self.customer = self.make(
            "res.partner", name="Durable", metered_deck_id=deck.id
        )
        self.source = self.make_source("Cured")
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
        self.batch = self.make_batch(self.source, generic_csv(calls).encode())
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

    def work(self, what, record):
        """Start a process that works on the record."""
        return self.start("cure_worker.py", what, record.id, SLICE)

    def kill_after(self, worker, commits):
        for _commit, line in zip(range(commits), worker.stdout, strict=False):
            self.assertIn("committed", line)
        self.kill(worker)

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
        self.kill_after(self.work("retry", job), 14)
        self.assertEqual(job.state, "running")
        self.assertTrue(0 < job.records < RECORDS, job.records)
        calls, waiting = self.assert_whole()
        self.assertEqual(calls + waiting, RECORDS)
        self.assertEqual((calls, self.batch.balance), (self.batch.rated, "ok"))

        self.finish(self.work("retry", job))
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
        for worker in [self.work("retry", job) for job in (self.jobs, other)]:
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
        self.kill_after(self.work("undo", self.batch), 9)
        self.assertEqual(self.batch.state, "undoing")
        calls, _waiting = self.assert_whole()
        self.assertTrue(0 < self.batch.undone_rated < RECORDS)
        self.assertEqual(calls + self.batch.undone_rated, RECORDS - RECORDS // 9)

        self.finish(self.work("undo", self.batch))
        self.assertEqual(self.assert_whole(), (0, 0))
        self.assertEqual(self.batch.state, "undone")
        self.assertEqual(self.batch.undone_rated, RECORDS - RECORDS // 9)
        self.assertEqual(self.batch.undone_exceptions, RECORDS // 9)
