# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The job: run by the scheduled action, watched, failed, resumed."""

from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from ..support.metered_case import MeteredCase, generic_csv


@tagged("post_install", "-at_install")
class TestBatchJob(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.cron = cls.env.ref("metered_billing.ir_cron_process_batches")

    def queue(self, count=30, source=None):
        calls = [
            (str(n), "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")
            for n in range(count)
        ]
        attachment = self.env["ir.attachment"].create(
            {"name": "calls.csv", "raw": generic_csv(calls).encode()}
        )
        return self.env["metered.batch"]._create_for_file(
            source or self.source, attachment
        )

    def test_an_upload_asks_for_the_scheduled_action(self):
        asked = [("cron_id", "=", self.cron.id)]
        before = self.env["ir.cron.trigger"].search_count(asked)
        batch = self.queue()
        self.assertEqual(self.env["ir.cron.trigger"].search_count(asked), before + 1)
        self.assertRecordValues(
            batch, [{"state": "queued", "expected": 30, "balance": "open"}]
        )

    def test_the_scheduled_action_runs_all_that_waits(self):
        batches = self.queue() + self.queue(20, self.make_source())
        with self.enter_registry_test_mode():
            self.cron.method_direct_trigger()
        self.assertEqual(batches.mapped("state"), ["done", "done"])
        self.assertEqual(batches.mapped("rated"), [30, 20])
        self.assertEqual(batches.mapped("progress"), [100.0, 100.0])

    def test_progress_while_it_runs(self):
        batch = self.queue()
        self.patch(type(batch), "_chunk_records", lambda self: 10)
        batch._process(seconds=0)
        self.assertRecordValues(
            batch,
            [{"state": "running", "records": 10, "rated": 10, "balance": "open"}],
        )
        self.assertAlmostEqual(batch.progress, 100 / 3)
        self.assertGreater(batch.speed, 0)
        self.assertRegex(batch.time_left, r"^\d+:\d\d$")

    def test_a_failure_keeps_what_was_stored_and_can_be_resumed(self):
        batch = self.queue()
        self.patch(type(batch), "_chunk_records", lambda self: 10)
        batch._process(seconds=0)
        target = (
            "odoo.addons.metered_billing.models.source.metered_source.load_settings"
        )
        with (
            self.enter_registry_test_mode(),
            patch(target, side_effect=RuntimeError("no more room")),
            mute_logger("odoo.addons.metered_billing.models.job.metered_job"),
        ):
            self.cron.method_direct_trigger()
        self.assertRecordValues(
            batch, [{"state": "failed", "records": 10, "rated": 10, "balance": "ok"}]
        )
        self.assertIn("record 11: no more room", batch.error)
        activity = self.source.activity_ids
        self.assertEqual(len(activity), 1)
        self.assertIn("no more room", activity.note)
        batch._fail("Again.")
        self.assertEqual(self.source.activity_ids, activity)
        self.assertEqual(activity.metered_count, 2)
        batch.action_resume()
        self.assertEqual(batch.state, "queued")
        batch._process()
        self.assertRecordValues(
            batch,
            [{"state": "done", "rated": 30, "balance": "ok", "error": False}],
        )
        self.assertFalse(self.source.activity_ids)

    def test_a_batch_that_does_not_add_up_is_wrong(self):
        batch = self.queue()
        batch._process()
        self.assertEqual(batch.balance, "ok")
        self.env.cr.execute(
            "DELETE FROM metered_cdr WHERE batch_id = %s AND line = 5", (batch.id,)
        )
        batch._verify()
        self.assertEqual(batch.balance, "wrong")

    def test_invoiced_and_open(self):
        batch = self.queue()
        batch._process()
        self.assertEqual((batch.invoiced, batch.uninvoiced), (0, 30))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.generate_invoice()
        batch.invalidate_recordset()
        self.assertEqual((batch.invoiced, batch.uninvoiced), (30, 0))

    def test_a_rated_call_without_usage_is_wrong(self):
        batch = self.queue()
        batch._process()
        self.env.cr.execute(
            "UPDATE metered_cdr SET usage_id = NULL WHERE batch_id = %s AND line = 5",
            (batch.id,),
        )
        batch._verify()
        self.assertEqual(batch.balance, "wrong")
