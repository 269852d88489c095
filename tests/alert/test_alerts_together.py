# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Two transactions that reach a threshold at the same time tell it once."""
# pylint: disable=invalid-commit

import threading
from datetime import date, timedelta
from unittest.mock import patch

from odoo import SUPERUSER_ID, Command, api
from odoo.tests import tagged

from ...ingest.conflicts import again
from ..support.committed_case import CommittedCase
from ..support.metered_case import generic_csv


@tagged("post_install", "-at_install")
class TestAlertsTogether(CommittedCase):
    def setUp(self):
        super().setUp()
        deck = self.make_deck("Together", price=0.06)
        self.source = self.make_source("Together")
        self.customer = self.make_customers(1, 14045557700, deck)
        terms = self.make_terms("draft")
        stage = self.real["sale.subscription.stage"].search(
            [("type", "=", "in_progress")], limit=1
        )
        self.subscriptions = self.real["sale.subscription"].create(
            {"partner_id": self.customer.id, **terms}
        )
        self.subscriptions.stage_id = stage
        self.today = date.today()
        self.subscriptions.write(
            {
                "date_start": self.today - timedelta(days=20),
                "recurring_next_date": self.today + timedelta(days=5),
            }
        )
        self.alert = self.make(
            "metered.alert",
            name="Together",
            scope="customer",
            partner_id=self.customer.id,
            user_id=self.real.ref("base.user_admin").id,
            threshold_ids=[
                Command.create({"value": 3}),
                Command.create({"value": 6, "caps": True}),
            ],
        )
        self.cr.commit()

    def call(self, hour):
        """An hour's call."""
        start = f"{self.today - timedelta(days=1)} {hour}:00:00"
        calls = [(f"at{hour}", start, 3600, "14045557700", "13125550123")]
        batch = self.make_batch(self.source, generic_csv(calls).encode())
        self.cr.commit()
        batch._process(commit=self.cr.commit)
        self.refresh()
        self.assertEqual((batch.rated, batch.exceptions), (1, 0))

    def check_twice_at_once(self):
        """Both have read the amount when the first one notes it."""
        both, waited, failures = threading.Barrier(2, timeout=60), threading.local(), []
        State = type(self.real["metered.alert.state"])
        note = State._note

        def note_together(state, found):
            if not getattr(waited, "done", False):
                waited.done = True
                both.wait()
            return note(state, found)

        def run():
            try:
                with self.registry.cursor() as cr:
                    env = api.Environment(cr, SUPERUSER_ID, {})
                    customer = self.customer.with_env(env)
                    company = env.company

                    def work(_failed):
                        cr.execute("SET LOCAL lock_timeout = '5s'")
                        env.invalidate_all()
                        moments = {customer: self.today}
                        env["metered.alert"]._check_owners(company, moments)
                        cr.commit()

                    again(cr, work, cr.commit)
            except Exception as error:
                failures.append(error)

        with patch.object(State, "_note", note_together):
            threads = [threading.Thread(target=run) for _two in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertFalse(failures)
        self.refresh()

    def test_once(self):
        """First where nothing is noted of the period yet, then where something is."""
        events = self.real["metered.alert.event"]
        told = [("alert_id", "=", self.alert.id)]
        for hour, levels in ((10, [3]), (12, [3, 6])):
            self.call(hour)
            self.check_twice_at_once()
            found = events.search(told, order="id")
            self.assertEqual(found.mapped("level"), levels)
        self.assertEqual(len(self.subscriptions.activity_ids), 1)
        self.assertEqual(self.subscriptions.metered_cap_info, "Together")
