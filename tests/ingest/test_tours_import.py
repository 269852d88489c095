# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The import of a file that leaves much open, in a real browser."""

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers
from ..support.tour_worker import TourWorker


@tagged("post_install", "-at_install")
class TestToursImport(TourWorker, MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source(name="Asking Switch")
        cls.source.payer_ids.unlink()
        cls.source.column_ids.unlink()
        cls.customer = cls.make_customer("Tour Customer", "+14045550100")
        new_test_user(
            cls.env,
            login="asked",
            groups="metered_billing.group_metered_administrator",
        )

    def test_answer_what_a_file_leaves_open(self):
        wait = self.start_worker()
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_import",
            "metered_billing_import_questions",
            login="asked",
        )
        wait()
        batch = self.env["metered.batch"].search([], limit=1)
        self.assertEqual((batch.rated, batch.exceptions), (2, 0))
        calls = self.env["metered.cdr"].search(
            [("batch_id", "=", batch.id)], order="line"
        )
        self.assertEqual(calls.mapped("quantity")[:2], [240, 720])
        self.assertEqual(
            {c.target: c.style or "" for c in self.source.column_ids},
            {
                "start_time": "dmy",
                "seconds": "h:mm",
                "caller": "",
                "callee": "",
                "direction": "",
            },
        )
        self.assertEqual(
            self.source._remembered_words(),
            {"gehend": "outbound", "quer": "internal"},
        )
