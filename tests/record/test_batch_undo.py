# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""An import is taken back as one act, unless something of it is invoiced."""

from odoo.exceptions import UserError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

START = "2026-10-05 10:00:00"


@tagged("post_install", "-at_install")
class TestBatchUndo(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def call(self, call_id, seconds=60, to="+14045550199"):
        return (call_id, START, seconds, "+14045550100", to)

    def test_undo_takes_everything_back(self):
        kept = self.import_calls(self.source, self.call("1"))
        batch = self.import_calls(
            self.source,
            self.call("2", 120),
            self.call("3", to="+442079460120"),
            self.call("4", seconds="x"),
        )
        self.assertEqual(len(self.usage(self.customer)), 2)
        batch.action_undo()
        self.assertEqual(batch.state, "undone")
        self.assertFalse(self.cdrs(batch))
        self.assertFalse(self.exceptions(batch))
        usage = self.usage(self.customer)
        self.assertRecordValues(
            usage,
            [{"records": 1, "quantity": 60.0, "billed_quantity": 60.0, "amount": 0.06}],
        )
        self.assertEqual(len(self.cdrs(kept)), 1)
        self.assertIn("2 rated", batch.message_ids[0].body)

    def test_undone_records_can_be_imported_again(self):
        batch = self.import_calls(self.source, self.call("1"))
        batch.action_undo()
        again = self.import_calls(self.source, self.call("1"))
        self.assertEqual((again.rated, again.duplicates), (1, 0))

    def test_refused_where_invoiced(self):
        batch = self.import_calls(self.source, self.call("1"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        invoice = subscription.create_invoice()
        invoice.name = "INV/2026/00017"
        with self.assertRaisesRegex(UserError, "INV/2026/00017"):
            batch.action_undo()
        self.assertEqual(batch.state, "done")
        self.assertEqual((batch.invoiced, batch.uninvoiced), (1, 0))
        invoice.unlink()
        batch.action_undo()
        self.assertEqual(batch.state, "undone")

    def test_the_dialog_of_other_usage_guesses_no_money(self):
        """It has its price when it is invoiced."""
        meter = self.make_meter("Texts", code="sms")
        self.make_price(meter, unit_price=0.05)
        self.make_identifier(self.customer, "key-1", kind="key")
        batch = self.import_text(
            self.make_source("usage", meter_id=meter.id),
            "id,time,identifier,quantity,meter,properties\n"
            "1,2026-10-05 10:00:00,key-1,3,,\n",
        )
        wizards = self.env["metered.batch.undo"]
        wizard = wizards.with_context(default_batch_id=batch.id).create({})
        self.assertEqual((wizard.rated, wizard.amount), (1, ""))
        self.assertRecordValues(
            wizard.line_ids,
            [{"partner_id": self.customer.id, "records": 1, "currency_id": False}],
        )
        wizard.action_undo()
        self.assertEqual(batch.state, "undone")

    def test_a_batch_with_records_is_not_deleted(self):
        batch = self.import_calls(self.source, self.call("1"))
        with self.assertRaisesRegex(UserError, "Undo"):
            batch.unlink()
