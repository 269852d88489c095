# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What an operator does on the screen, in a real browser."""

import threading
from datetime import timedelta
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, fields
from odoo.tests import HttpCase, new_test_user, tagged

from .metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestTours(MeteredMakers, HttpCase):
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

    def start_worker(self):
        """Do what the cron worker does, a record at a time, once somebody looks.

        :return: function that waits for the worker to end
        """
        watched, looks = threading.Event(), []
        Batch = type(self.env["metered.batch"])
        read = Batch.read

        def read_and_tell(batch, fields=None, load="_classic_read"):
            # What the job's widget asks for every second. The tour has to see it
            # before the job ends, so that it begins when it was asked for thrice.
            if fields and "time_left" in fields:
                looks.append(batch)
                if len(looks) >= 3:
                    watched.set()
            return read(batch, fields, load)

        for name, replacement in (
            ("_enqueue", lambda batch: None),
            ("_chunk_records", lambda batch: 1),
            ("read", read_and_tell),
        ):
            patcher = patch.object(Batch, name, replacement)
            patcher.start()
            self.addCleanup(patcher.stop)

        def work():
            if not watched.wait(60):
                return
            done = False
            while not done:
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    batch = env["metered.batch"].search(
                        [("state", "in", ("queued", "running"))], limit=1
                    )
                    done = bool(batch) and batch._process(seconds=0)

        worker = threading.Thread(target=work)
        worker.start()
        return worker.join

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
