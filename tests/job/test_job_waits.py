# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Jobs of every kind wait for what passes by itself, and go on without a person."""

# What a job writes down, it commits.
# pylint: disable=invalid-commit

from unittest.mock import patch

import psycopg2
from psycopg2 import errors

from odoo import fields
from odoo.tests import tagged

from odoo.addons.metered_billing.ingest import conflicts
from odoo.addons.metered_billing.ingest.conflicts import StillInTheWay
from odoo.addons.metered_billing.models.job.metered_job import UNFINISHED

from ..support.committed_case import CommittedCase
from ..support.metered_case import generic_csv

CALL = ("c1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")
#: error -> what the job says that it waits for
PASSING = {
    errors.SerializationFailure: "Waiting for another job.",
    errors.DeadlockDetected: "Waiting for another job.",
    errors.LockNotAvailable: "Waiting for another job.",
    StillInTheWay: "Waiting for another job.",
    errors.QueryCanceled: "Waiting for the database: said so",
    errors.TooManyConnections: "Waiting for the database: said so",
    errors.DiskFull: "The server's disk is full or failing: said so. Data that was "
    "already stored is safe. Free up some space, then try again.",
}


@tagged("post_install", "-at_install")
class TestJobWaits(CommittedCase):
    def setUp(self):
        super().setUp()
        self.deck = self.make_deck("Waits", price=0.06)
        self.source = self.make_source("Waits")
        self.enterContext(patch.object(conflicts.time, "sleep"))

    def make_jobs(self):
        """One of each kind that there is."""
        company = {"company_id": self.real.company.id}
        days = {"date_from": "2026-10-01", "date_to": "2026-10-31"}
        jobs = [
            self.make_batch(self.source, generic_csv([CALL]).encode()),
            self.make("metered.sync", source_id=self.source.id, kind="manual", **days),
            self.make("metered.renewal", date="2026-11-01", **company),
            self.make("metered.approval", user_id=self.env.uid, **company),
            self.make(
                "metered.statement",
                name="ST/1",
                partner_id=self.real.user.partner_id.id,
                currency_id=self.real.company.currency_id.id,
                **company,
            ),
            self.make("metered.statement.zip", name="A.zip", **company),
            self.make("metered.rerate", **days, **company),
            self.make(
                "metered.retention.run",
                kind="files",
                before="2026-10-01",
                rule_id=self.make("metered.retention.rule", kind="files", **company).id,
                **company,
            ),
            self.make("metered.seal.check", **company),
            self.make("metered.evidence", name="A.zip", **company),
            self.make("metered.exception.job", operation="retry", target={}, **company),
            self.make(
                "metered.simulation",
                deck_id=self.deck.id,
                position="2026-10-01",
                **days,
                **company,
            ),
        ]
        kinds = self.registry["metered.job"]._inherit_children
        self.assertEqual({job._name for job in jobs}, set(kinds))
        self.cr.commit()
        return jobs

    def process(self, job, error=None):
        """Process a job whose work meets an error, or ends."""
        kind = type(job)
        with patch.object(
            kind, "_run", side_effect=error, return_value=True, autospec=True
        ):
            done = job._process(commit=self.cr.commit)
        self.refresh()
        return done

    def test_every_kind_waits(self):
        for job in self.make_jobs():
            for waits, (kind, words) in enumerate(PASSING.items(), start=1):
                with self.subTest(job=job._name, error=kind.__name__):
                    self.assertFalse(self.process(job, kind("said so")))
                    self.assertEqual((job.state, job.waits), ("running", waits))
                    self.assertEqual((job.waiting, job.error), (words, False))
                    now = fields.Datetime.now()
                    self.assertGreaterEqual(job.not_before, now)
                    # Left alone until then, and worked on after it.
                    ready = [*UNFINISHED, *job._not_waiting(), ("id", "=", job.id)]
                    self.assertFalse(job.search(ready))
                    cron = self.real.ref(job._cron_id())
                    self.assertIn(
                        job.not_before,
                        self.real["ir.cron.trigger"]
                        .search([("cron_id", "=", cron.id)])
                        .mapped("call_at"),
                    )
            with self.subTest(job=job._name):
                self.assertTrue(self.process(job))
                self.assertEqual((job.state, job.waits), ("done", 0))
                self.assertFalse(job.waiting or job.not_before or job.error)

    def test_a_lost_connection_is_no_failure(self):
        """Nothing can be written with it: the scheduled action begins anew."""
        for job in self.make_jobs():
            cr = self.registry.cursor()
            with self.subTest(job=job._name):
                lost = job.with_env(job.env(cr=cr))
                cr.execute("SELECT pg_backend_pid()")
                [pid] = cr.fetchone()

                def killed(*_arguments, pid=pid, cr=cr):
                    self.cr.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
                    cr.execute("SELECT 1")

                with (
                    patch.object(type(job), "_run", killed),
                    self.assertRaises(psycopg2.Error) as caught,
                ):
                    lost._process(commit=cr.commit)
                self.assertTrue(conflicts.is_temporary(caught.exception))
                cr._closed = True  # there is nothing to give back
                self.refresh()
                self.assertEqual((job.state, job.error), ("running", False))
            with self.subTest(job=job._name):
                self.assertTrue(self.process(job))
                self.assertEqual(job.state, "done")

    def test_plans_that_could_not_be_applied_stay_marked(self):
        """What passes by itself is no error; another one is told, and stops nothing."""
        marks = self.real["metered.plan.mark"]
        cron = self.real.ref("metered_billing.ir_cron_settle_plans")
        triggers = self.real["ir.cron.trigger"]
        met = {**PASSING, ValueError: None}
        with (
            patch.object(type(marks), "_exist_plans", return_value=True),
            patch.object(type(marks), "_apply_plans") as apply_plans,
        ):
            for kind, words in met.items():
                apply_plans.side_effect = kind("said so")
                triggers.search([("cron_id", "=", cron.id)]).unlink()
                self.cr.commit()
                told = self.assertNoLogs if words else self.assertLogs
                with (
                    self.subTest(kind.__name__),
                    told("odoo.addons.metered_billing", "ERROR"),
                ):
                    marks._apply_plans_quietly(commit=self.cr.commit)
                    self.refresh()
                    self.assertTrue(triggers.search([("cron_id", "=", cron.id)]))

    def test_what_is_marked_is_left_in_spite_of_others(self):
        """Others in the way of the last commit are tried again, by the one list."""
        marks = self.real["metered.plan.mark"]
        refused = [errors.SerializationFailure("x"), errors.DeadlockDetected("x"), None]

        def commit():
            error = refused.pop(0)
            if error:
                raise error
            self.cr.commit()

        marks._leave_marked(commit)
        self.assertFalse(refused)

    def test_other_errors_are_failures(self):
        for job in self.make_jobs():
            with (
                self.subTest(job=job._name),
                self.assertLogs("odoo.addons.metered_billing", "ERROR"),
            ):
                self.assertTrue(self.process(job, ValueError("a defect")))
                self.assertEqual(job.state, "failed")
                self.assertIn("a defect", job.error)
