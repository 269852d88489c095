# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""An undo says what it will do, leaves its trace, and is a job where it is large."""

from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

START = "2026-10-05 10:00:00"


@tagged("post_install", "-at_install")
class TestBatchUndoJob(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.other = cls.make_customer("Brook", "+14045550101")
        cls.env.cr.flush()

    def import_some(self, first=0):
        calls = [
            (
                f"c{number}",
                f"2026-10-{number % 3 + 5:02d} {10 + first // 100}:00:00",
                60 if number % 5 else "broken",
                f"+1404555010{number % 2}",
                "+12125550199",
            )
            for number in range(first, first + 30)
        ]
        return self.import_calls(self.source, *calls)

    def open_undo(self, batch):
        action = batch.action_open_undo()
        model = self.env[action["res_model"]].with_context(**action["context"])
        return model.create({})

    def total_usage(self):
        self.env.cr.execute(
            "SELECT sum(records), trim_scale(sum(amount))::text FROM metered_usage"
            " WHERE partner_id = ANY(%s)",
            ((self.customer + self.other).ids,),
        )
        return self.env.cr.fetchone()

    def queue_undo(self, batch):
        """Ask for an undo that is too large to be done at once."""
        with patch.object(type(batch), "_undo_at_once", lambda self: 10):
            wizard = self.open_undo(batch)
            self.assertTrue(wizard.as_job)
            action = wizard.action_undo()
        self.assertIn("background", action["params"]["message"])
        self.assertEqual((batch.state, batch.undo_progress), ("undoing", 0))
        self.patch(type(batch), "_undo_slice", lambda self: 7)

    def run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("metered_billing.ir_cron_undo_batches").method_direct_trigger()

    def test_the_confirmation_says_what_will_happen(self):
        batch = self.import_some()
        wizard = self.open_undo(batch)
        self.assertEqual((wizard.rated, wizard.exceptions), (24, 6))
        self.assertEqual(wizard.amount, "1.4400 USD")
        self.assertEqual((wizard.customers, wizard.usage_rows), (2, 6))
        self.assertEqual(
            wizard.line_ids.mapped(lambda line: (line.partner_id, line.records)),
            [(self.customer, 12), (self.other, 12)],
        )
        self.assertFalse(wizard.invoices)
        action = wizard.action_undo()
        self.assertIn("24 rated", action["params"]["message"])
        self.assertEqual(batch.state, "undone")
        self.assertEqual(batch.undone_uid, self.env.user)
        self.assertTrue(batch.undone_date)
        self.assertEqual((batch.undone_rated, batch.undone_exceptions), (24, 6))
        note = batch.message_ids[0]
        self.assertIn("24 rated", note.body)
        self.assertEqual(note.author_id, self.env.user.partner_id)
        self.assertFalse(self.usage(self.customer))

    def test_the_confirmation_names_the_invoice(self):
        batch = self.import_some()
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        invoice = subscription.create_invoice()
        invoice.name = "INV/2026/00042"
        wizard = self.open_undo(batch)
        self.assertEqual(wizard.invoiced, 12)
        self.assertIn("INV/2026/00042", wizard.invoices)
        with self.assertRaisesRegex(UserError, "INV/2026/00042"):
            wizard.action_undo()

    def test_a_large_undo_is_a_job_that_can_stop_anywhere(self):
        kept = self.import_some()
        before = self.total_usage()
        batch = self.import_some(first=100)
        self.queue_undo(batch)
        with self.assertRaisesRegex(UserError, "is being undone"):
            self.import_calls(self.source, ("x", START, 60, "+14045550100", "911"))
        with self.assertRaisesRegex(UserError, "already"):
            batch.action_undo()
        progress = []
        while not batch._process_undo(seconds=0):
            progress.append(batch.undo_progress)
            # At every moment usage is the sum of its calls.
            self.env.cr.execute(
                "SELECT count(*), trim_scale(sum(charge))::text FROM metered_cdr"
                " WHERE usage_id IS NOT NULL AND partner_id = ANY(%s)",
                ((self.customer + self.other).ids,),
            )
            self.assertEqual(self.env.cr.fetchone(), self.total_usage())
        self.assertEqual(progress, sorted(set(progress)))
        self.assertGreater(len(progress), 3)
        self.assertEqual(batch.state, "undone")
        self.assertEqual((batch.undone_rated, batch.undone_exceptions), (24, 6))
        self.assertEqual(self.total_usage(), before)
        self.assertEqual(kept.rated, 24)
        again = self.import_some(first=100)
        self.assertEqual((again.rated, again.duplicates), (24, 0))

    def test_invoiced_in_the_meantime(self):
        batch = self.import_some()
        self.queue_undo(batch)
        batch._process_undo(seconds=0)
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        invoice = subscription.create_invoice()
        self.run_cron()
        self.assertEqual(batch.state, "undoing")
        self.assertIn("invoiced in the meantime", batch.undo_error)
        with self.assertRaisesRegex(UserError, "on invoices"):
            batch.action_resume_undo()
        invoice.unlink()
        batch.action_resume_undo()
        self.run_cron()
        self.assertEqual((batch.state, batch.undo_error), ("undone", False))
        self.assertFalse(self.cdrs(batch))
        self.assertFalse(self.usage(self.customer) + self.usage(self.other))

    def test_exceptions_of_what_is_undone_are_left_alone(self):
        batch = self.import_some()
        self.queue_undo(batch)
        self.exceptions(batch).action_retry()
        self.assertEqual(self.exceptions(batch).mapped("attempts"), [0] * 6)
