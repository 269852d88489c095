# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Many exceptions are worked on by a job: in slices, with progress, resumable."""

from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..support.metered_case import MeteredCase

NOBODY = "+14045559999"
JOB = "odoo.addons.metered_billing.models.exception.metered_exception_job"
LOGGER = "odoo.addons.metered_billing.models.job.metered_job"


@tagged("post_install", "-at_install")
class TestExceptionJob(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.newcomer = cls.make_customer("Newcomer")
        cls.batch = cls.import_calls(
            cls.source,
            *(
                (
                    f"c{n}",
                    f"2026-10-{n % 28 + 1:02d} 10:00:00",
                    60,
                    NOBODY,
                    "+12125550199" if n % 10 else "anonymous",
                )
                for n in range(40)
            ),
        )
        cls.env.cr.flush()

    def assign(self):
        """Give the number to the customer, with so many records that a job runs."""
        few = patch.dict(JOB + ".AT_ONCE", {"retry": 10})
        with few, patch.object(self.Job, "_slice_records", lambda self: 7):
            self.make_identifier(self.newcomer, NOBODY)
            self.env.cr.flush()
        return self.env["metered.exception.job"].search([])

    @property
    def Job(self):
        return type(self.env["metered.exception.job"])

    def test_many_are_tried_again_by_the_scheduled_action(self):
        cron = self.env.ref("metered_billing.ir_cron_exception_jobs")
        asked = [("cron_id", "=", cron.id)]
        before = self.env["ir.cron.trigger"].search_count(asked)
        job = self.assign()
        self.assertEqual((job.state, job.expected, job.records), ("queued", 40, 0))
        self.assertEqual(self.batch.rated, 0, "nothing is done while the user waits")
        self.assertGreater(self.env["ir.cron.trigger"].search_count(asked), before)
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.assertEqual(
            (job.state, job.records, job.cured, job.progress), ("done", 40, 36, 100)
        )
        self.assertEqual((self.batch.rated, self.batch.exceptions), (36, 4))
        self.assertEqual(self.batch.balance, "ok")

    def test_it_goes_on_where_it_was(self):
        job = self.assign()
        self.patch(self.Job, "_slice_records", lambda self: 7)
        done = []
        while not job._process(seconds=0):
            done.append(job.records)
            self.assertEqual(self.batch.balance, "ok")
            self.assertEqual(self.batch.rated, job.cured)
            self.assertEqual(job.state, "running")
        self.assertEqual(done, [7, 14, 21, 28, 35, 40])
        self.assertEqual(set(self.exceptions(self.batch).mapped("attempts")), {1})
        self.assertEqual(sum(self.usage(self.newcomer).mapped("records")), 36)

    def test_the_list_opens_the_job(self):
        with patch.dict(JOB + ".AT_ONCE", {"dismiss": 10}):
            cause = self.env["metered.exception.cause"].search([])
            action = self.env["metered.exception.job"]._start(
                "dismiss", cause._target(), {"reason": "Tests"}
            )
        self.assertEqual(action["res_model"], "metered.exception.job")
        job = self.env["metered.exception.job"].browse(action["res_id"])
        job._process()
        self.assertEqual(
            set(self.exceptions(self.batch).mapped("dismiss_reason")), {"Tests"}
        )
        self.assertEqual((self.batch.exceptions, self.batch.balance), (40, "ok"))

    def test_others_at_the_same_records(self):
        """What cannot be done at once, because others are at it, is done by a job."""
        retry = patch(JOB + ".retry_exceptions", side_effect=self.taken)
        with retry, mute_logger("odoo.sql_db"):
            action = self.exceptions(self.batch).action_retry()
        self.assertEqual(action["res_model"], "metered.exception.job")
        job = self.env["metered.exception.job"].browse(action["res_id"])
        self.assertEqual((job.state, job.records), ("queued", 0))
        self.assertTrue(job._process())
        self.assertEqual(job.state, "done")

    @staticmethod
    def taken(cr, settings, ids):
        raise_taken(cr)

    def test_what_fails_can_be_resumed(self):
        job = self.assign()
        cron = self.env.ref("metered_billing.ir_cron_exception_jobs")
        broken = patch(JOB + ".retry_exceptions", side_effect=ValueError("Disk full"))
        with self.enter_registry_test_mode(), broken, mute_logger(LOGGER):
            cron.method_direct_trigger()
        self.assertEqual((job.state, job.error), ("failed", "Disk full"))
        self.assertEqual(self.batch.rated, 0)
        job.action_resume()
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.assertEqual((job.state, job.cured), ("done", 36))
        self.assertFalse(job.error)


def raise_taken(cr):
    """Fail as a transaction does that another one was quicker than."""
    cr.execute("DO $$ BEGIN RAISE serialization_failure; END $$")
