# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A defect of the program blames no record: the import fails, and can go on later."""

# Other transactions see only what is committed.
# pylint: disable=invalid-commit

from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.metered_billing.ingest import isolate
from odoo.addons.metered_billing.models.record import metered_batch_job

from ..support.committed_case import CommittedCase
from ..support.metered_case import generic_csv

RECORDS = 30
#: of them in a portion; the second one meets the defect
FROM = 10


@tagged("post_install", "-at_install")
class TestImportDefect(CommittedCase):
    def setUp(self):
        super().setUp()
        deck = self.make_deck("Defect", price=0.06)
        self.customer = self.make_customers(1, 14045550900, deck)
        self.source = self.make_source("Defect")
        self.enterContext(patch.object(metered_batch_job, "CHUNK_RECORDS", FROM))
        # With several, it is ingest/test_abreast.py.
        self.enterContext(patch.object(metered_batch_job, "LANES", 0))

    def make_waiting(self):
        calls = [
            (str(at), "2026-10-05 10:00:00", 60, "+14045550900", "+12125550199")
            for at in range(RECORDS)
        ]
        batch = self.make_batch(self.source, generic_csv(calls).encode())
        self.cr.commit()
        return batch

    def process(self, batch, store=None):
        """Process it where storing meets a defect."""
        with patch.object(isolate, "store", store or isolate.store):
            self.assertTrue(batch._process(commit=self.cr.commit))
        self.refresh()

    def failing_store(self, error, portions):
        """What stores a portion, and meets an error with the second one."""
        real = isolate.store

        def store(*arguments):
            portions.append(arguments)
            if len(portions) == 2:
                raise error
            return real(*arguments)

        return store

    def test_nothing_is_lost(self):
        for error in (
            *(KeyError("call_id"), IndexError("list index out of range")),
            *(AttributeError("no such"), TypeError("not so"), NameError("no name")),
        ):
            batch, portions = self.make_waiting(), []
            store = self.failing_store(error, portions)
            with self.subTest(type(error).__name__):
                with self.assertLogs("odoo.addons.metered_billing", "ERROR"):
                    self.process(batch, store)
                self.assertEqual(len(portions), 2)
                self.assertEqual((batch.state, batch.records), ("failed", FROM))
                self.assertEqual((batch.rated, batch.exceptions), (FROM, 0))
                self.assertIn(f"stopped at record {FROM + 1}", batch.error)
                self.assertIn(f"{type(error).__name__}: {error}", batch.error)
                self.assertTrue(batch.attachment_id.raw)
                batch.action_resume()
                self.process(batch)
                self.assertEqual((batch.state, batch.balance), ("done", "ok"))
                self.assertEqual((batch.rated, batch.exceptions), (RECORDS, 0))
                batch._undo()
                self.cr.commit()

    def test_the_data_stop_nothing(self):
        """The other way round: what a record says makes an exception of it."""
        batch, real = self.make_waiting(), isolate.store

        def store(cr, prepared, *arguments):
            if "15" in prepared.cdrs["call_id"].to_pylist():
                raise ValueError("no number")
            return real(cr, prepared, *arguments)

        self.process(batch, store)
        self.assertEqual((batch.state, batch.balance), ("done", "ok"))
        self.assertEqual((batch.rated, batch.exceptions), (RECORDS - 1, 1))
