# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Many accounts of one switch: what one costs, and one that fails among them."""

from dataclasses import replace
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.metered_billing.connectors import interface
from odoo.addons.metered_billing.demo.servers.faulty_http import Fault
from odoo.addons.metered_billing.demo.servers.netsapiens import (
    API_KEY,
    NetSapiensServer,
)
from odoo.addons.metered_billing.demo.servers.netsapiens_calls import (
    make_domain,
    month_of_calls,
)
from odoo.addons.metered_billing.models.job.metered_job import SLICE_SECONDS
from odoo.addons.metered_billing.models.source import metered_sync_job
from odoo.addons.metered_billing.models.source.metered_sync_job import KeptSettings

from .test_source_sync import DAY, SourceCase

ACCOUNTS = 12


@tagged("post_install", "-at_install")
class TestSourceMany(SourceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.domains = []
        for at in range(ACCOUNTS):
            domain = make_domain(f"many{at:02d}.service", number_of_users=1)
            domain.numbers = [(f"14045557{at:03d}", "to-user", "1001")]
            cls.domains.append(month_of_calls(domain, DAY, 1, 6))
        cls.many = NetSapiensServer(cls.domains)
        cls.many.__enter__()
        cls.addClassCleanup(cls.many.__exit__, None, None, None)

    def setUp(self):
        super().setUp()
        self.account.unlink()
        self.move_source(self.source, address=self.many.url)
        self.accounts = self.source.account_ids.union(
            *(
                self.make_account(
                    domain.name, self.env["res.partner"].create({"name": domain.name})
                )
                for domain in self.domains
            )
        )
        self.addCleanup(self.many.faults.clear)
        self.many.requests.clear()

    def start(self):
        return self.sync(self.accounts, days=1, run=False)

    def work(self, syncs, times=1):
        """What a slice of the scheduled action does, that many times."""
        for _time in range(times):
            syncs.not_before = False
            kept = KeptSettings()
            for sync in syncs.sorted("id"):
                if sync.filtered_domain(sync._due_domain()):
                    sync._process(kept=kept)

    def test_a_switch_that_is_down_is_not_tried_for_each_of_them(self):
        # What a request waits for between its attempts is tested with HttpClient.
        self.enterContext(patch.object(interface.time, "sleep"))
        syncs = self.start()
        self.move_source(self.source, address=self.closed_address())
        asked = []
        connect = type(self.source)._make_connector

        def counted(source, **surroundings):
            asked.append(source)
            return connect(source, **surroundings)

        with patch.object(type(self.source), "_make_connector", counted):
            self.work(syncs)
        self.assertEqual(len(asked), 2)  # the sync's own, and whether it is all of it
        self.assertEqual(set(syncs.mapped("state")), {"queued"})
        self.assertEqual(set(syncs.mapped("attempts")), {1})
        self.assertTrue(all(syncs.mapped("not_before")))
        for sync in syncs:
            self.assertIn("next attempt is in 1 min", sync.line_ids.message)
        self.assertFalse(self.source.activity_ids)
        self.work(syncs, times=5)
        self.assertEqual(set(syncs.mapped("state")), {"failed"})
        self.assertTrue(all(self.accounts.mapped("sync_error")))
        # Not one line a sync: one activity for the problem.
        [activity] = self.source.activity_ids
        self.assertEqual(activity.metered_count, 1)
        self.assertIn(f"and {ACCOUNTS - 1} more", activity.note)

        self.move_source(self.source, address=self.many.url)
        syncs.action_resume()
        self.work(syncs)
        self.assertEqual(set(syncs.mapped("state")), {"done"})
        self.assertFalse(any(self.accounts.mapped("sync_error")))
        self.assertFalse(self.source.activity_ids)

    def test_wrong_credentials_are_told_once(self):
        syncs = self.start()
        self.source.api_key = "nsd_wrong"
        self.work(syncs)
        self.assertEqual(set(syncs.mapped("state")), {"failed"})
        self.assertLess(len(self.many.requests), 6)
        [activity] = self.source.activity_ids
        self.assertEqual(activity.metered_count, 1)
        self.source.api_key = API_KEY

    def test_a_switch_that_is_asked_too_often_has_its_peace(self):
        self.many.faults.append(
            Fault("status", status=429, headers={"Retry-After": "600"}, times=99)
        )
        syncs = self.start()
        self.work(syncs)
        self.assertEqual(set(syncs.mapped("state")), {"queued"})
        self.assertLess(len(self.many.requests), 5)
        waits = {s.not_before - self.env.cr.now() for s in syncs}
        self.assertGreater(min(waits).total_seconds(), 500)

    def test_one_that_fails_is_in_nobodys_way(self):
        bad = self.domains[0].name
        self.many.faults.append(
            Fault("status", path=f"{bad}/cdrs", status=500, times=99)
        )
        syncs = self.start()
        once = replace(metered_sync_job.LIMITS, attempts=1)
        with patch.object(metered_sync_job, "LIMITS", once):
            self.work(syncs)
        failing = syncs.filtered(lambda s: s.account_id.name == bad)
        self.assertEqual(failing.state, "queued")
        self.assertEqual(set((syncs - failing).mapped("state")), {"done"})
        self.assertEqual(set((syncs - failing).mapped("attempts")), {0})

    def test_settings_are_read_once_and_extended(self):
        """A first sync creates identifiers: only these are read, with the same end."""
        reads = []

        def counted(source):
            reads.append(source)
            return load(source)

        kept = KeptSettings()
        syncs = self.start()
        load = type(self.source)._load_settings
        with patch.object(type(self.source), "_load_settings", counted):
            for sync in syncs.sorted("id"):
                sync._process(kept=kept)
            settings = kept.of(self.source)
        self.assertEqual(set(syncs.mapped("state")), {"done"})
        self.assertEqual(len(reads), 1)
        whole = self.source._load_settings()
        for name in ("identifier_id", "partner_id", "subscription_id"):
            self.assertEqual(
                list(getattr(settings.payers, name)), list(getattr(whole.payers, name))
            )
        for said in (
            lambda s: [s.zones[at] for at in s.payers.zone],
            lambda s: [s.dial_plans[at][0] for at in s.payers.dial_plan],
            lambda s: [s.chains[at] for at in s.payers.chain],
        ):
            self.assertEqual(said(settings), said(whole))
        rated = self.env["metered.cdr"].search(
            [("source_id", "=", self.source.id), ("state", "=", "rated")]
        )
        self.assertEqual(len(rated.partner_id), ACCOUNTS)

    def test_settings_that_a_new_customer_needs_are_read(self):
        deck = self.env["metered.rate.deck"].create({"name": "Another"})
        self.env["metered.rate"].create({"deck_id": deck.id, "price": 0.5})
        last = self.accounts.sorted("id")[-1]
        last.partner_id.metered_deck_id = deck
        self.work(self.start())
        calls = self.env["metered.cdr"].search(
            [
                ("source_id", "=", self.source.id),
                ("state", "=", "rated"),
                ("charge", "!=", 0),
            ]
        )
        of_last = calls.filtered(lambda c: c.partner_id == last.partner_id)
        self.assertTrue(of_last)
        self.assertEqual(of_last.rate_id.deck_id, deck)

    def test_a_number_in_the_way_stops_no_other(self):
        first, second = self.accounts.sorted("id")[:2]
        self.env["metered.identifier"].create(
            {
                "partner_id": second.partner_id.id,
                "source_id": self.source.id,
                "kind": "number",
                "value": self.domains[0].numbers[0][0],
                "date_from": "2099-01-01",
            }
        )
        self.work(self.start())
        kinds = sorted(first.identifier_ids.mapped("kind"))
        self.assertNotIn("number", kinds)
        self.assertIn("extension", kinds)
        self.assertIn("number", second.identifier_ids.mapped("kind"))

    def test_the_scheduled_action_ends_before_it_is_killed(self):
        """Odoo calls it in a row; it says how much it did, and stops by itself."""
        syncs = self.start()
        told = []

        def commit_progress(_cron, processed=0, *, remaining=None):
            told.append((processed, remaining))

        def process(sync, commit, seconds, **_given):
            self.assertLessEqual(seconds, SLICE_SECONDS)
            sync.state = "done"

        with (
            patch.object(
                type(self.env["ir.cron"]), "_commit_progress", commit_progress
            ),
            patch.object(type(syncs), "_process", process),
        ):
            late = syncs.with_context(cron_end_time=0)
            late._work_off(syncs._due_domain(), "_process")
            syncs._work_off(syncs._due_domain(), "_process")
        self.assertEqual(told, [(0, ACCOUNTS), (ACCOUNTS, 0)])
