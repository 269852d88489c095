# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Plans are applied by two processes at once: nothing granted twice, nothing missed."""

# Other transactions see only what is committed.
# pylint: disable=invalid-commit

import threading

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged

from ..support.committed_case import CommittedCase

PHONE = "+14045550178"


@tagged("post_install", "-at_install")
class TestCallingPlanTogether(CommittedCase):
    def setUp(self):
        super().setUp()
        deck = self.make_deck("Plans together", price=0.06)
        self.partner = self.make(
            "res.partner",
            name="Plans together",
            metered_deck_id=deck.id,
            metered_tz="UTC",
            is_company=True,
        )
        self.make("metered.identifier", partner_id=self.partner.id, value=PHONE)
        self.source = self.make_source("Plans together")
        self.sell_plan([self.partner], 10)
        self.cr.commit()

    def _remove(self):
        super()._remove()
        self.cr.execute("DELETE FROM metered_plan_mark")
        return self.cr.commit()

    def store(self, *calls):
        """Import calls (id, day, minutes) without applying the plans."""
        lines = [
            "call_id,start_time,duration,caller,callee",
            *(
                f"{call_id},2026-10-{day:02d} 10:00:00,{minutes * 60},{PHONE},"
                "+12125550199"
                for call_id, day, minutes in calls
            ),
        ]
        batch = self.make_batch(self.source, "\n".join(lines).encode())
        type(batch)._apply_plans, kept = lambda *_args: None, type(batch)._apply_plans
        try:
            batch._process()
        finally:
            type(batch)._apply_plans = kept
        self.cr.commit()

    def apply_in_thread(self):
        """Apply the plans in a transaction of its own, as a scheduled action does."""
        errors = []

        def work():
            with self.registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                try:
                    env["metered.plan.mark"]._apply_plans(commit=cr.commit)
                except Exception as error:
                    errors.append(error)
                    raise

        thread = threading.Thread(target=work)
        thread.start()
        self.addCleanup(thread.join)
        return thread, errors

    def charges(self):
        self.refresh()
        cdrs = self.real["metered.cdr"].search(
            [("partner_id", "=", self.partner.id)], order="start_time"
        )
        self.assertEqual(
            round(sum(cdrs.mapped("charge")), 6),
            round(sum(cdrs.usage_id.mapped("amount")), 6),
        )
        return [round(cdr.charge, 6) for cdr in cdrs]

    def test_two_settle_at_once(self):
        self.store(("a", 2, 8), ("b", 3, 8))
        self.real["metered.plan.mark"]._apply_plans()
        thread, errors = self.apply_in_thread()
        # It waits for this one, and finds out that all of it is done.
        self.cr.commit()
        thread.join()
        self.assertFalse(errors)
        self.assertEqual(self.charges(), [0, 0.36])
        self.assertFalse(self.real["metered.plan.mark"].search([]))
        [balance] = self.subscriptions.metered_balance_ids.filtered("used")
        self.assertEqual((balance.used, balance.left), (10, 0))

    def test_a_call_comes_in_meanwhile(self):
        """What this one did not see stays marked, and is next."""
        self.store(("b", 3, 8))
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            # The other transaction sees what there is now.
            self.assertTrue(env["metered.plan.mark"].search([]))
            self.store(("a", 2, 8))
            env["metered.plan.mark"]._apply_plans()
            cr.commit()
        self.refresh()
        self.assertEqual(self.charges(), [0.48, 0])
        self.assertTrue(self.real["metered.plan.mark"].search([]))
        self.real["metered.plan.mark"]._apply_plans()
        self.cr.commit()
        self.assertEqual(self.charges(), [0, 0.36])
        self.assertFalse(self.real["metered.plan.mark"].search([]))
