# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What an operator does on the screen, in a real browser."""

from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers
from ..support.tour_worker import TourWorker


@tagged("post_install", "-at_install")
class TestTours(TourWorker, MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source(name="Tour Switch")
        cls.customer = cls.make_customer("Tour Customer", "+14045550100")
        cls.user = new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_user,"
            "account.group_account_invoice,sales_team.group_sale_salesman",
        )

    def test_import_usage(self):
        wait = self.start_worker()
        self.start_tour("/odoo", "metered_billing_import_usage", login="operator")
        wait()
        batch = self.env["metered.batch"].search([], limit=1)
        self.assertEqual(batch.file_name, "october.csv")
        self.assertEqual(
            (batch.records, batch.rated, batch.duplicates, batch.exceptions),
            (4, 2, 1, 1),
        )

    def test_open_invoice(self):
        batch = self.import_calls(
            self.source,
            ("t1", "2026-10-05 10:00:00", 90, "+14045550100", "+12125550199"),
            ("t2", "2026-10-06 11:00:00", 60, "+14045550100", "+442079460120"),
        )
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.generate_invoice()
        subscription.invoice_ids.action_post()
        self.assertEqual(batch.invoiced, 2)
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_cdr",
            "metered_billing_open_invoice",
            login="operator",
        )

    def test_customer_tab(self):
        today = fields.Datetime.now()
        self.customer.metered_identifier_ids.date_to = today - timedelta(days=1)
        self.import_calls(
            self.source,
            ("t1", f"{today - timedelta(days=2)}", 90, "+14045550100", "+12125550199"),
        )
        self.make_subscription(
            self.customer,
            today.date() - timedelta(days=10),
            today.date() + timedelta(days=20),
        )
        self.user.group_ids += self.env.ref("base.group_partner_manager")
        self.start_tour(
            f"/odoo/res.partner/{self.customer.id}",
            "metered_billing_customer_tab",
            login="operator",
        )
        self.assertEqual(len(self.customer.metered_identifier_ids), 2)

    def test_source_checks(self):
        self.source.payer_ids.unlink()
        self.start_tour(
            f"/odoo/action-metered_billing.action_metered_source/{self.source.id}",
            "metered_billing_source_checks",
            login="operator",
        )
