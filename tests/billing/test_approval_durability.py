# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Approvals in processes and transactions of their own: killed half way, two at once.

These commit for real, in the test database; what they store is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

import threading

from odoo import SUPERUSER_ID, api
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_renewal_durability import DUE, RenewalCommittedCase

INVOICES = 60


@tagged("post_install", "-at_install")
class TestApprovalDurability(RenewalCommittedCase):
    def make_drafts(self, count):
        """Drafts of one run that wait for approval; their rows."""
        subscriptions = self.make_subscriptions(count)
        subscriptions.template_id.metered_review_policy = "wait"
        run = self.real["metered.renewal"].create(
            {"company_id": self.real.company.id, "date": DUE, "expected": count}
        )
        run._process()
        self.real.flush_all()
        self.cr.commit()
        self.assertEqual(set(run.review_ids.mapped("state")), {"review"})
        return run.review_ids

    def _remove(self):
        self.cr.rollback()
        self.cr.execute("DELETE FROM metered_approval")
        self.cr.commit()
        return super()._remove()

    def work(self, approval):
        """Start a process that works on the approval."""
        return self.start("approval_worker.py", approval.id)

    def test_killed_half_way_and_started_again(self):
        rows = self.make_drafts(INVOICES)
        approval, _left = rows._approve()
        self.cr.commit()
        worker = self.work(approval)
        portions = 0
        for line in worker.stdout:
            portions += line.startswith("committed") and not line.endswith(" 0\n")
            if portions == 4:
                break
        self.kill(worker)
        self.refresh()
        self.assertEqual(approval.state, "running")
        self.assertTrue(0 < approval.records < INVOICES, approval.records)
        posted = rows.filtered(lambda row: row.state == "posted")
        self.assertEqual(len(posted), approval.records)
        self.assertEqual(set(posted.invoice_id.mapped("state")), {"posted"})
        self.assertEqual(set((rows - posted).invoice_id.mapped("state")), {"draft"})

        self.finish(self.work(approval))
        self.refresh()
        self.assertEqual(
            (approval.state, approval.records, approval.posted, approval.failures),
            ("done", INVOICES, INVOICES, 0),
        )
        self.assertEqual(set(rows.mapped("state")), {"posted"})
        names = rows.invoice_id.mapped("name")
        self.assertEqual(len(set(names)), INVOICES)
        self.assertEqual(
            rows.mapped("posted_amount"), rows.invoice_id.mapped("amount_total")
        )
        self.assertEqual(rows.mapped("posted_amount"), rows.mapped("approved_amount"))
        self.assertEqual(set(rows.invoice_id.mapped("amount_untaxed")), {11.5})

    @mute_logger("odoo.sql_db")
    def test_two_people_at_once(self):
        """Who comes second waits, begins again, and finds nothing to approve."""
        rows = self.make_drafts(1)
        failed = []

        def press_the_button():
            with self.registry.cursor() as other:
                env = api.Environment(other, SUPERUSER_ID, {})
                try:
                    env["metered.review"].browse(rows.ids)._approve()
                except Exception as error:  # told below
                    failed.append(error)
                    other.rollback()

        rows._approve()
        self.real.flush_all()
        person = threading.Thread(target=press_the_button)
        person.start()
        self.wait_until_blocked(person, "metered_review")
        self.cr.commit()
        person.join(300)
        [error] = failed
        self.assertEqual(error.pgcode, "40001", "Odoo repeats the request after it")
        self.refresh()
        again, left = rows._approve()
        self.assertFalse(again)
        self.assertEqual(left, rows)
        self.assertEqual(self.real["metered.approval"].search_count([]), 1)
