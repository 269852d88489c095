# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Old syncs leave with their logs; what anything still needs of them stays."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.metered_billing.models.source import metered_sync

from .test_source_sync import BOLT, SourceCase


@tagged("post_install", "-at_install")
class TestSyncAge(SourceCase):
    def setUp(self):
        super().setUp()
        self.second = self.make_account(BOLT, self.other)
        self.company.metered_sync_days = 30

    def ended(self, days=100, account=None, state="done", **values):
        """A sync that ended so many days ago."""
        ended = fields.Datetime.now() - timedelta(days=days)
        return self.env["metered.sync"].create(
            {
                "source_id": self.source.id,
                "account_id": (account or self.account).id,
                "kind": "schedule",
                "date_from": ended - timedelta(days=1),
                "date_to": ended,
                "state": state,
                "finished": ended,
                **values,
            }
        )

    def remove(self):
        return self.env["metered.sync"]._gc_syncs()

    def test_old_ones_leave_with_their_logs(self):
        old, young, last = self.ended(), self.ended(20), self.ended(10)
        old._note("Done.")
        line = old.line_ids
        young._note("Done.")
        self.assertEqual(self.remove(), (1, False))
        self.assertFalse(old.exists() or line.exists())
        self.assertEqual((young | last).exists(), young | last)
        self.assertTrue(young.line_ids)
        self.assertEqual(self.remove(), (0, False))

    def test_the_age_counts_from_the_end(self):
        old = self.ended(100, finished=fields.Datetime.now())
        self.ended(0)
        self.remove()
        self.assertTrue(old.exists())

    def test_the_last_of_each_account_stays(self):
        first = self.ended(300) | self.ended(300, self.second)
        last = self.ended(200) | self.ended(250, self.second)
        self.remove()
        self.assertFalse(first.exists())
        self.assertEqual(last.exists(), last)

    def test_a_source_without_accounts(self):
        old, last = (
            self.ended(days, account_id=False, source_id=self.make_source().id)
            for days in (300, 200)
        )
        last.source_id = old.source_id
        self.remove()
        self.assertEqual((old | last).exists(), last)

    def test_what_is_not_over_stays(self):
        syncs = self.ended(300, state="queued") | self.ended(300, state="running")
        self.ended(0)
        self.remove()
        self.assertEqual(syncs.exists(), syncs)

    def test_a_failure_stays_as_long_as_it_is_the_accounts_problem(self):
        before = self.ended(310, state="failed")
        failed = self.ended(300, state="failed", error="Refused")
        self.ended(200)
        self.account.sync_error = "Refused"
        self.remove()
        self.assertFalse(before.exists())
        self.assertTrue(failed.exists())
        self.account.sync_error = False
        self.remove()
        self.assertFalse(failed.exists())

    def test_what_a_renewal_waits_for_stays(self):
        old = self.ended(kind="invoice")
        self.ended(0)
        renewal = self.env["metered.renewal"].create(
            {"company_id": self.company.id, "date": "2026-11-01", "sync_ids": old.ids}
        )
        self.remove()
        self.assertTrue(old.exists())
        renewal.state = "done"
        self.remove()
        self.assertFalse(old.exists())

    def test_for_ever_where_a_company_wants_that(self):
        old = self.ended(4000)
        self.ended(0)
        self.company.metered_sync_days = 0
        self.assertEqual(self.remove(), (0, False))
        self.assertTrue(old.exists())
        with self.assertRaisesRegex(ValidationError, "-1"):
            self.company.metered_sync_days = -1

    def test_in_portions(self):
        old = self.env["metered.sync"].union(*(self.ended(300) for _at in range(5)))
        self.ended(0)
        with patch.object(metered_sync, "PORTION", 2):
            self.assertEqual(self.remove(), (2, True))
            self.assertEqual(old.exists(), old[2:])
            self.assertEqual(self.remove(), (2, True))
            self.assertEqual(self.remove(), (1, False))
        self.assertFalse(old.exists())

    def test_records_stay_and_are_counted_without_the_sync(self):
        """A day that is compared again is as complete as it was."""
        first = self.sync()
        batch, moments = first.batch_id, (first.date_from, first.date_to)
        again = self.sync()
        known = again.batch_id
        with self.assertRaisesRegex(UserError, "has records"):
            known.unlink()
        (first | again).write({"finished": first.finished - timedelta(days=100)})
        later = self.sync()
        self.assertEqual(self.remove(), (2, False))
        self.assertFalse(known.exists(), "all of it had been known")
        self.assertEqual(len(self.held()), len(self.acme.legs))
        self.assertEqual(batch.exists().account_id, self.account)
        self.assertEqual((batch.date_from, batch.date_to), moments)
        self.assertEqual((batch.balance, batch.records), ("ok", len(self.acme.legs)))
        with self.assertRaisesRegex(UserError, "has records"):
            batch.unlink()
        self.sync()
        days = self.source.completeness_ids
        self.assertEqual(set(days.mapped("state")), {"ok"})
        self.assertEqual(sum(days.mapped("held_count")), len(self.acme.legs))
        self.assertTrue(later.exists())
