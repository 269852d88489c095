# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Complete or not, silent or not, and what an invoice does about it."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import new_test_user, tagged

from odoo.addons.metered_billing.models.source import metered_completeness

from .test_source_sync import ACME, BOLT, DAY, SourceCase


@tagged("post_install", "-at_install")
class TestCompleteness(SourceCase):
    def days(self):
        return self.env["metered.completeness"].search(
            [("source_id", "=", self.source.id)], order="day"
        )

    def on_day(self, day):
        return sum(leg.start.date() == day for leg in self.acme.legs)

    def test_complete_days(self):
        self.sync()
        days = self.days()
        self.assertEqual(
            days.mapped("day"), [DAY.date(), DAY.date() + timedelta(days=1)]
        )
        for row in days:
            self.assertEqual((row.state, row.gap), ("ok", 0))
            self.assertEqual(row.held_count, self.on_day(row.day))
        self.assertFalse(self.source.activity_ids)

    def test_a_gap_is_told_once_and_fetched_again(self):
        domain, hidden = self.acme, self.acme.legs[10:17]
        domain.legs[10:17] = []
        self.sync()
        domain.legs[10:10] = hidden
        self.assertFalse(self.source.activity_ids)
        # Another sync that finds the switch counting more than came.
        sync = self.sync(run=False)
        with patch.object(type(sync), "_read_pages", lambda *args: True):
            sync._process()
        [first, second] = self.days()
        self.assertEqual((first.state, first.gap), ("gap", 7))
        self.assertEqual(second.state, "ok")
        self.assertEqual(self.source.gap_count, 1)
        [activity] = self.source.activity_ids
        self.assertEqual(
            activity.summary, "Records missing: 1 account, 1 day (7 records)"
        )
        action = first.action_fetch_again()["params"]["next"]
        again = self.env["metered.sync"].browse(action["res_id"])
        self.assertEqual(again.kind, "gap")
        again._process()
        self.assertEqual(again.records - again.batch_id.duplicates, 7)
        self.assertEqual((first.state, first.gap), ("ok", 0))
        self.assertFalse(self.source.activity_ids)
        self.assertEqual(len(self.held()), len(self.acme.legs))

    def test_gaps_of_many_accounts_are_told_as_they_stand(self):
        """Not how often they were found: what is missing, and no more of it later."""
        second = self.make_account(BOLT, self.other)
        hidden = self.acme.legs[10:17], self.bolt.legs[-3:]
        self.acme.legs[10:17], self.bolt.legs[-3:] = [], []
        for account in (self.account, second):
            self.sync(account)
        self.acme.legs[10:10], self.bolt.legs[len(self.bolt.legs) :] = hidden

        def compare(account):
            sync = self.sync(account, run=False)
            with patch.object(type(sync), "_read_pages", lambda *args: True):
                sync._process()

        for _night in (1, 2, 3):
            compare(self.account)
        [activity] = self.source.activity_ids
        compare(second)
        self.assertEqual(self.source.activity_ids, activity)
        self.assertEqual(
            activity.summary, "Records missing: 2 accounts, 2 days (10 records)"
        )
        self.assertIn("10 records", activity.note)
        self.assertNotIn("times", activity.note)
        self.sync()
        self.assertEqual(
            activity.summary, "Records missing: 1 account, 1 day (3 records)"
        )
        self.sync(second)
        self.assertFalse(self.source.activity_ids)
        self.assertIn("complete now", self.source.message_ids[0].body)

    def test_a_source_without_accounts_names_none(self):
        self.env["metered.completeness"].create(
            [
                {
                    "source_id": self.source.id,
                    "day": day,
                    "is_counted": True,
                    "gap": 1,
                }
                for day in ("2026-10-05", "2026-10-06")
            ]
        )
        self.source._tell_gaps()
        self.assertEqual(
            self.source.activity_ids.summary, "Records missing: 2 days (2 records)"
        )

    def test_the_checks_of_source_and_customer(self):
        """Red where records are missing: on the source, and on that customer alone."""
        second = self.make_account(BOLT, self.other)
        self.assertEqual(self.complete(self.source._checks()), [])
        (self.account | second).identifiers_synced = fields.Datetime.now()
        rows = self.env["metered.completeness"].create(
            [
                {
                    "source_id": self.source.id,
                    "account_id": account.id,
                    "day": "2026-10-05",
                    "is_counted": True,
                    "gap": gap,
                }
                for account, gap in ((self.account, 3), (second, 0))
            ]
        )
        words = "Records missing: 1 account, 1 day (3 records)"
        for checks in (self.source._checks(), self.of_customer(self.customer)):
            self.assertEqual(self.complete(checks), [(False, words)])
        others = self.of_customer(self.other)
        self.assertEqual(
            self.complete(others), [(True, "The number of records matches the switch.")]
        )
        self.assertNotIn(words, str(others))
        for record, args in (
            (self.source, ["gaps"]),
            (self.customer, ["gaps", self.source.id]),
        ):
            remedy = getattr(
                record,
                "action_remedy" if record == self.source else "action_metered_remedy",
            )
            shown = self.env["metered.completeness"].search(remedy(*args)["domain"])
            self.assertIn(rows[0], shown)
            self.assertEqual(rows[1] in shown, record == self.source)
        rows[0].gap = 0
        self.assertEqual(
            [ok for ok, _detail in self.complete(self.source._checks())], [True]
        )

    def complete(self, checks):
        return [(c.ok, c.detail) for c in checks if c.name == "Complete"]

    def of_customer(self, partner):
        return partner._metered_source_checks(self.source, [], None)

    def test_a_switch_that_cannot_count(self):
        self.source.netsapiens_api = "v1"
        self.sync()
        for row in self.days():
            self.assertEqual(row.state, "unknown")
            self.assertEqual(row.held_count, self.on_day(row.day))


@tagged("post_install", "-at_install")
class TestFetchAgain(SourceCase):
    """Which syncs a person starts by choosing days."""

    def make_days(self, *days, account=None, switch_count=1000):
        """Days of October on which records are missing."""
        return self.env["metered.completeness"].create(
            [
                {
                    "source_id": self.source.id,
                    "account_id": (self.account if account is None else account).id,
                    "day": f"2026-10-{day:02d}",
                    "is_counted": True,
                    "switch_count": switch_count,
                    "gap": 1,
                }
                for day in days
            ]
        )

    def fetch(self, rows):
        """What is started: (account, first day, last day); and what is said."""
        before = self.env["metered.sync"].search([])
        action = rows.action_fetch_again()
        self.assertEqual(action["tag"], "display_notification")
        syncs = self.env["metered.sync"].search([]) - before
        self.assertEqual(set(syncs.mapped("kind")) - {"gap"}, set())
        started = sorted(
            (s.account_id.name, s.date_from.day, (s.date_to - timedelta(days=1)).day)
            for s in syncs
        )
        return started, action["params"]["message"]

    def test_days_in_a_row_are_one_sync(self):
        started, message = self.fetch(self.make_days(5, 6, 7, 12))
        self.assertEqual(started, [(ACME, 5, 7), (ACME, 12, 12)])
        self.assertEqual(message, "1 account, 4 days: 2 syncs started.")

    def test_days_between_are_fetched_along_where_that_is_less_to_ask(self):
        rows = self.make_days(5, 7)
        # A page and a count for each: fewer than what a further sync begins with.
        quiet = self.make_days(6, switch_count=40)
        quiet.gap = 0
        self.assertEqual(self.fetch(rows)[0], [(ACME, 5, 7)])

    def test_busy_days_between_are_not(self):
        rows = self.make_days(5, 7)
        self.make_days(6, switch_count=600).gap = 0
        self.assertEqual(self.fetch(rows)[0], [(ACME, 5, 5), (ACME, 7, 7)])

    def test_nor_many_quiet_ones(self):
        rows = self.make_days(5, 20)
        self.make_days(*range(6, 20), switch_count=0).gap = 0
        self.assertEqual(self.fetch(rows)[0], [(ACME, 5, 5), (ACME, 20, 20)])

    def test_each_account_has_its_own(self):
        second = self.make_account(BOLT, self.other)
        rows = self.make_days(5, 6) | self.make_days(6, 7, account=second)
        started, message = self.fetch(rows)
        self.assertEqual(started, [(ACME, 5, 6), (BOLT, 6, 7)])
        self.assertEqual(message, "2 accounts, 3 days: 2 syncs started.")

    def test_no_longer_than_what_one_sync_compares(self):
        rows = self.make_days(*range(1, 32))
        with patch.object(metered_completeness, "MOST_DAYS", 20):
            started, _message = self.fetch(rows)
        self.assertEqual(started, [(ACME, 1, 20), (ACME, 21, 31)])

    def test_what_is_under_way_is_not_started_twice(self):
        rows = self.make_days(5, 6)
        self.fetch(rows)
        sync = self.source.sync_ids
        sync.not_before = fields.Datetime.now() + timedelta(hours=1)
        started, message = self.fetch(rows[:1])
        self.assertEqual(started, [])
        self.assertEqual(message, "1 account, 1 day: a sync is already in progress.")
        self.assertFalse(sync.not_before, "a person does not wait")
        started, message = self.fetch(rows | self.make_days(12))
        self.assertEqual(started, [(ACME, 12, 12)])
        self.assertTrue(
            message.endswith("1 sync started. Other syncs are already in progress.")
        )
        sync.state = "done"
        self.assertEqual(self.fetch(rows[:1])[0], [(ACME, 5, 5)])

    def test_a_source_without_accounts(self):
        self.account.unlink()
        self.source.source_type = "asterisk_sql"
        rows = self.make_days(5, 6, account=self.account.browse())
        started, message = self.fetch(rows)
        self.assertEqual(started, [(False, 5, 6)])
        self.assertEqual(message, "2 days: 1 sync started.")

    def test_by_somebody_who_may_only_look(self):
        clerk = new_test_user(self.env, "clerk", "metered_billing.group_metered_user")
        rows = self.make_days(5)
        self.assertEqual(self.fetch(rows.with_user(clerk))[0], [(ACME, 5, 5)])


@tagged("post_install", "-at_install")
class TestBeforeInvoice(SourceCase):
    def renew(self):
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.invoicing_mode = "invoice"
        run = self.env["metered.renewal"].create(
            {"company_id": self.company.id, "date": "2026-11-01", "expected": 1}
        )
        run._process()
        self.assertFalse(run.failure_ids, run.failure_ids.mapped("reason"))
        return subscription.metered_period_ids.invoice_id, run

    def test_what_is_missing_is_fetched_first(self):
        self.source.first_days = 400
        invoice, run = self.renew()
        self.assertEqual(run.sync_ids.kind, "invoice")
        self.assertEqual(run.sync_ids.state, "done", run.sync_ids.error)
        self.assertEqual(len(self.held()), len(self.acme.legs))
        self.assertEqual(invoice.state, "posted")
        self.assertTrue(invoice.invoice_line_ids.metered_usage_ids)

    def test_a_manual_invoice_asks_for_what_is_missing(self):
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
            }
        )
        wizard.action_search()
        self.assertIn(self.source.name, wizard.sync_note)
        [sync] = self.source.sync_ids
        sync.date_from = DAY.replace(tzinfo=None)
        sync._process()
        self.assertEqual(sync.state, "done", sync.error)
        wizard.action_search()
        self.assertFalse(wizard.sync_note)

    def test_held_while_it_cannot_be_asked(self):
        self.move_source(self.source, address=self.closed_address())
        invoice, run = self.renew()
        self.assertEqual(run.sync_ids.state, "failed")
        self.assertEqual(invoice.state, "draft")
        [activity] = invoice.activity_ids
        self.assertIn(self.source.name, activity.note)

    def test_billed_where_that_is_the_policy(self):
        self.move_source(self.source, address=self.closed_address())
        self.source.unreachable_policy = "bill"
        invoice, _run = self.renew()
        self.assertEqual(invoice.state, "posted")
        self.assertFalse(invoice.activity_ids)

    def test_what_comes_later_is_on_the_next_invoice(self):
        self.move_source(self.source, address=self.closed_address())
        self.source.write({"unreachable_policy": "bill", "first_days": 400})
        invoice, run = self.renew()
        self.assertFalse(invoice.invoice_line_ids.metered_usage_ids)
        self.move_source(self.source, address=self.server.url)
        later = run.create(
            {"company_id": self.company.id, "date": "2026-12-01", "expected": 1}
        )
        later._process()
        self.assertEqual(later.sync_ids.state, "done", later.sync_ids.error)
        [following] = later.period_ids.invoice_id
        rated = later.sync_ids.batch_id.rated
        self.assertTrue(rated)
        self.assertEqual(
            sum(following.invoice_line_ids.metered_usage_ids.mapped("records")), rated
        )
        self.assertEqual(following.state, "posted")

    def test_a_source_that_was_asked_since_is_not_asked_again(self):
        self.account.synced_until = fields.Datetime.now()
        _invoice, run = self.renew()
        self.assertFalse(run.sync_ids)
        self.assertEqual(self.account.name, ACME)
