# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A NetSapiens switch connected, tested and synced: the real server on loopback."""

import logging
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tests.common import _super_send

from odoo.addons.metered_billing.connectors import interface
from odoo.addons.metered_billing.demo.servers.netsapiens import (
    API_KEY,
    NetSapiensServer,
)
from odoo.addons.metered_billing.demo.servers.netsapiens_calls import (
    make_domain,
    month_of_calls,
)
from odoo.addons.metered_billing.models.source.metered_sync_worker import SLOT

from ..support.metered_case import MeteredCase

DAY = datetime(2026, 10, 5, tzinfo=UTC)
ACME, BOLT = "acme.12345.service", "bolt.12345.service"


class SourceCase(MeteredCase):
    """A switch with two domains, and a source that is set up for it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.domains = [
            month_of_calls(make_domain(name, position=at), DAY, 2, 150)
            for at, name in enumerate((ACME, BOLT))
        ]
        cls.acme, cls.bolt = cls.domains
        cls.server = NetSapiensServer(cls.domains)
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.customer = cls.env["res.partner"].create({"name": "Acme"})
        cls.other = cls.env["res.partner"].create({"name": "Bolt"})

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        """Let requests reach the test's own server; Odoo's tests forbid them."""
        if request.url.startswith("http://127.0.0.1:"):
            return _super_send(session, request, **options)
        return super()._request_handler(session, request, **options)

    def setUp(self):
        super().setUp()
        self.source = self.make_source(
            "netsapiens",
            source_type="netsapiens",
            address=self.server.url,
            api_key=API_KEY,
            allowed_networks="127.0.0.1",
        )
        self.account = self.make_account(ACME, self.customer)

    def make_account(self, name, partner):
        return self.env["metered.source.account"].create(
            {"source_id": self.source.id, "name": name, "partner_id": partner.id}
        )

    def sync(self, account=None, days=2, start=DAY, run=True):
        """Sync two days of an account, in the test's own transaction."""
        begin = start.replace(tzinfo=None)
        sync = self.source._start_syncs(
            "manual", account or self.account, begin, begin + timedelta(days=days)
        )
        if run:
            sync._process()
        return sync

    def held(self, source=None):
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT call_id FROM metered_cdr WHERE source_id = %(id)s UNION ALL"
            " SELECT call_id FROM metered_exception WHERE source_id = %(id)s",
            {"id": (source or self.source).id},
        )
        return [row[0] for row in self.env.cr.fetchall()]


@tagged("post_install", "-at_install")
class TestConnection(SourceCase):
    def checks(self):
        return {check.name: check for check in self.source._test_connection()}

    def test_a_good_connection(self):
        action = self.source.action_test_connection()
        self.assertTrue(self.source.tested)
        found = {check["name"]: check for check in self.source.test_result}
        self.assertTrue(found["The server answers"]["ok"])
        self.assertTrue(found["The credentials are accepted"]["ok"])
        # The test server speaks plain HTTP, on this machine.
        self.assertTrue(found["The connection is private"]["ok"])
        self.assertEqual(action["params"]["type"], "success")

    def test_a_wrong_key_is_red_and_mended(self):
        self.source.api_key = "nsd_wrong"
        check = self.checks()["The credentials are accepted"]
        self.assertFalse(check.ok)
        self.assertTrue(check.remedy)
        self.assertEqual(self.source.check_state, "wrong")
        self.source.api_key = API_KEY
        self.assertTrue(self.checks()["The credentials are accepted"].ok)

    def test_this_server_is_refused_unless_allowed(self):
        self.source.allowed_networks = False
        check = self.checks()["The server answers"]
        self.assertFalse(check.ok)
        self.assertIn("this server itself", check.detail)

    def test_the_type_brings_its_columns(self):
        source = self.env["metered.source"].create(
            {"name": "New", "source_type": "netsapiens", "timezone": "UTC"}
        )
        self.assertEqual(source.preset, "netsapiens")
        self.assertTrue(source.column_ids and source.payer_ids)

    def test_not_tested_is_red_with_the_test_as_its_remedy(self):
        [check] = self.source._check_connection()
        self.assertEqual((check.ok, check.place), (False, "test"))


@tagged("post_install", "-at_install")
class TestCredentials(SourceCase):
    def test_never_given_out(self):
        values = self.source.read()[0]
        self.assertNotIn(API_KEY, str(values))
        self.assertNotIn(API_KEY, str(self.source.export_data(["name", "api_key"])))
        self.assertNotIn(API_KEY, str(self.source.web_read({"api_key": {}})))
        self.assertFalse(self.source.copy({"name": "Copy"}).api_key)
        self.assertEqual(self.source._get_secrets()["api_key"], API_KEY)

    def test_the_mask_changes_nothing_and_empty_removes(self):
        self.source.api_key = self.source.api_key
        self.assertEqual(self.source._get_secrets()["api_key"], API_KEY)
        self.source.api_key = False
        self.assertNotIn("api_key", self.source._get_secrets())

    def test_a_variable_is_named_not_shown(self):
        self.source.api_key = "env:METERED_TEST_KEY"
        self.assertEqual(self.source.api_key, "env:METERED_TEST_KEY")
        with patch.dict("os.environ", {"METERED_TEST_KEY": API_KEY}):
            checks = {c.name: c.ok for c in self.source._test_connection()}
        self.assertTrue(checks["The credentials are accepted"])

    def test_for_the_administrator_alone(self):
        user = new_test_user(self.env, "clerk", "metered_billing.group_metered_user")
        chief = new_test_user(
            self.env, "head", "metered_billing.group_metered_administrator"
        )
        as_user = self.source.with_user(user)
        for name in ("api_key", "password", "address", "username"):
            with self.assertRaises(AccessError):
                as_user.read([name])
            with self.assertRaises(AccessError):
                as_user.write({name: "x"})
        self.assertNotIn("api_key", as_user.fields_get())
        self.source.with_user(chief).write({"api_key": "other"})
        self.assertEqual(self.source._get_secrets()["api_key"], "other")
        for someone in (user, chief):
            with self.assertRaises(AccessError):
                self.env["metered.source.secret"].with_user(someone).search_read([])

    def test_a_failing_sync_writes_no_secret_anywhere(self):
        secret = "s3cret-p4ss/word+1"
        self.source.write(
            {
                "netsapiens_authentication": "password",
                "client_id": "metered",
                "client_secret": secret + "-client",
                "username": "billing",
                "password": secret,
            }
        )
        written = []

        class Keeper(logging.Handler):
            def emit(self, record):
                written.append(self.format(record))

        keeper = Keeper(logging.DEBUG)
        root = logging.getLogger()
        root.addHandler(keeper)
        self.addCleanup(root.removeHandler, keeper)
        for name in ("urllib3", "odoo.addons.metered_billing"):
            logger = logging.getLogger(name)
            self.addCleanup(logger.setLevel, logger.level)
            logger.setLevel(logging.DEBUG)
        sync = self.sync()
        self.assertEqual(sync.state, "failed")
        shown = "\n".join(
            [
                *written,
                sync.error,
                *sync.line_ids.mapped("message"),
                str(self.source.activity_ids.mapped("note")),
                str(self.source.message_ids.mapped("body")),
            ]
        )
        self.assertIn("/tokens", shown)
        self.assertNotIn("s3cret", shown)


@tagged("post_install", "-at_install")
class TestSync(SourceCase):
    def test_every_record_comes_in(self):
        sync = self.sync()
        self.assertEqual(sync.state, "done", sync.error)
        self.assertEqual(len(self.held()), len(self.acme.legs))
        self.assertEqual(sync.expected, len(self.acme.legs))
        batch = sync.batch_id
        self.assertEqual((batch.state, batch.balance), ("done", "ok"))
        self.assertEqual(batch.records, len(self.acme.legs))
        self.assertEqual(batch.account_id, self.account)
        self.assertTrue(batch.rated and batch.not_billable)
        self.assertFalse(self.account.sync_error)
        self.assertFalse(self.server.problems)
        self.assertIn("Done", sync.line_ids[-1].message)

    def test_again_costs_nothing(self):
        first = self.sync()
        usage = self.env["metered.usage"].search(
            [("partner_id", "=", self.customer.id)]
        )
        sums = usage.mapped(lambda u: (u.day, u.meter_id.id, u.records, u.amount))
        again = self.sync()
        self.assertEqual(again.batch_id.duplicates, again.records)
        self.assertEqual(again.records, first.records)
        self.assertEqual(
            usage.mapped(lambda u: (u.day, u.meter_id.id, u.records, u.amount)), sums
        )

    def test_numbers_are_identifiers_with_their_dates(self):
        self.sync()
        identifiers = self.account.identifier_ids
        kinds = {i.kind for i in identifiers}
        self.assertEqual(kinds, {"number", "extension", "account_code"})
        self.assertTrue(all(i.is_synced for i in identifiers))
        extension = identifiers.filtered(lambda i: i.value == f"1001@{ACME}")
        self.assertEqual(str(extension.date_from), "2025-03-01 00:00:00")
        # A number of nobody is not the customer's.
        self.assertNotIn("14045550199", identifiers.mapped("value"))
        cdrs = self.env["metered.cdr"].search([("source_id", "=", self.source.id)])
        rated = cdrs.filtered(lambda c: c.state == "rated")
        self.assertEqual(rated.partner_id, self.customer)

    def test_a_number_that_went_and_one_that_came(self):
        self.sync()
        number = self.account.identifier_ids.filtered(lambda i: i.kind == "number")[0]
        kept = list(self.acme.numbers)
        self.addCleanup(self.acme.numbers.__setitem__, slice(None), kept)
        self.acme.numbers[:] = [
            *(n for n in kept if n[0] != number.value),
            ("14045557777", "to-user", "1001"),
        ]
        before = self.account.identifiers_synced
        self.sync()
        self.assertTrue(number.date_to)
        new = self.account.identifier_ids.filtered(lambda i: i.value == "14045557777")
        self.assertEqual(new.date_from, before)

    def test_a_number_that_moved_to_another_customer(self):
        self.sync()
        second = self.make_account(BOLT, self.other)
        self.sync(second)
        kept = [list(domain.numbers) for domain in self.domains]
        self.addCleanup(self.acme.numbers.__setitem__, slice(None), kept[0])
        self.addCleanup(self.bolt.numbers.__setitem__, slice(None), kept[1])
        moved = kept[0][0]
        self.acme.numbers[:] = kept[0][1:]
        self.bolt.numbers[:] = [*kept[1], moved]
        old = self.account.identifier_ids.filtered(lambda i: i.value == moved[0])
        old.date_from = "2026-01-01"
        (self.account | second).identifiers_synced = fields.Datetime.now() - timedelta(
            days=1
        )
        self.sync(second)  # the new owner first
        new = second.identifier_ids.filtered(lambda i: i.value == moved[0])
        self.assertTrue(old.date_to and new)
        self.assertLessEqual(old.date_to, new.date_from)

    def test_it_goes_on_after_every_chunk(self):
        """Stored in small portions, with a new connection for each: the same rows."""
        whole = self.sync()
        expected = sorted(self.held())
        self.source = self.make_source(
            "netsapiens",
            source_type="netsapiens",
            address=self.server.url,
            api_key=API_KEY,
            allowed_networks="127.0.0.1",
        )
        self.account = self.make_account(ACME, self.customer)
        sync = self.sync(run=False)
        rounds = 0
        while not sync._process(seconds=0):
            rounds += 1
            self.assertEqual(sync.records, sync.batch_id.records)
        self.assertGreaterEqual(rounds, 3)
        self.assertEqual(sorted(self.held()), expected)
        self.assertEqual(sync.records, whole.records)
        self.assertEqual(sync.batch_id.rated, whole.batch_id.rated)

    def test_an_unreachable_switch_is_tried_again_and_then_told_once(self):
        # What a request waits for between its attempts is tested with HttpClient.
        self.enterContext(patch.object(interface.time, "sleep"))
        self.move_source(self.source, address=self.closed_address())
        sync = self.sync(run=False)
        waits = []
        for _attempt in range(5):
            sync._process()
            self.assertEqual(sync.state, "queued")
            waits.append(sync.not_before)
        sync._process()
        self.assertEqual(sync.state, "failed")
        self.assertTrue(self.account.sync_error)
        again = self.sync(run=False)
        again.attempts = 5
        again._process()
        [activity] = self.source.activity_ids
        self.assertEqual(activity.metered_count, 2)
        self.move_source(self.source, address=self.server.url)
        self.sync()
        self.assertFalse(self.source.activity_ids)
        self.assertFalse(self.account.sync_error)

    def test_an_account_that_the_switch_does_not_know(self):
        account = self.make_account("nobody.service", self.other)
        sync = self.sync(account)
        self.assertEqual(sync.state, "failed")
        self.assertIn("nobody.service", sync.error)

    def test_the_schedule(self):
        self.make_account(BOLT, self.other)
        Sync = type(self.env["metered.sync"])
        with patch.object(Sync, "_cron_process_syncs"):
            self.env["metered.source"]._cron_sync()
            self.env["metered.source"]._cron_sync()
        syncs = self.source.sync_ids
        self.assertEqual(set(syncs.mapped("account_id.name")), {ACME, BOLT})
        self.assertEqual(len(syncs), 2)
        self.assertEqual(set(syncs.mapped("kind")), {"schedule"})
        for sync in syncs:
            sync._process()
        self.assertEqual(self.account.synced_until, syncs[0].date_to)
        self.source.next_sync = False
        with patch.object(Sync, "_cron_process_syncs"):
            self.env["metered.source"]._cron_sync()
        later = (self.source.sync_ids - syncs)[0]
        self.assertEqual(
            later.date_from, self.account.synced_until - timedelta(hours=48)
        )

    def test_records_that_the_switch_shows_late(self):
        """A call that was up at the last sync: the next one looks back for it, once."""
        now = fields.Datetime.now()
        begin = now.replace(tzinfo=UTC) - timedelta(hours=30)
        domain = month_of_calls(make_domain("late.12345.service", position=5), begin)
        late = domain.legs.pop(0)
        self.server.domains[domain.name] = domain
        self.addCleanup(self.server.domains.pop, domain.name)
        account = self.make_account(domain.name, self.other)
        for legs in (0, 1):
            domain.legs[:0] = [late][:legs]
            [sync] = self.source._start_syncs("schedule", account)
            sync._process()
            self.assertEqual(sync.state, "done", sync.error)
            shown = [
                leg.id for leg in domain.legs if leg.start.replace(tzinfo=None) < now
            ]
            self.assertEqual(sorted(self.held()), sorted(shown))
        self.assertEqual(sync.records - sync.batch_id.duplicates, 1)

    def test_a_limit_of_syncs_at_the_same_time(self):
        self.source.parallel = 1
        sync = self.sync(run=False)
        with self.registry.cursor() as other:
            twin = self.source.with_env(self.env(cr=other))
            self.assertTrue(twin._lock_slot(0, lambda: None))
            self.assertIsNone(sync._take_slot(lambda: None))
            # One that may not commit, as in a wizard, is refused as well.
            self.assertIsNone(sync._take_slot(None))
            twin._unlock_slot(0, lambda: None)
            self.assertEqual(sync._take_slot(lambda: None), 0)
            sync._free_slot(0, lambda: None)
            self.assertEqual(sync._take_slot(None), 0)
            self.assertFalse(twin._lock_slot(0, lambda: None))

    def test_a_worker_leaves_the_limit_to_its_slot(self):
        self.source.parallel = 4
        self.source.requests_per_second = 8
        worker = self.sync(run=False)
        with SLOT.said(2):
            self.assertEqual(worker._take_slot(None), 2)
            # Four workers side by side ask as often as one alone.
            self.assertEqual(worker.source_id._throttle().interval, 1 / 2)
        self.assertEqual(self.source._throttle().interval, 1 / 8)

    def test_clocks_set_back_lose_and_double_no_hour(self):
        """The night of 1 November in New York, with a call every ten minutes."""
        domain = make_domain("dst.12345.service", position=3)
        night = datetime(2026, 11, 1, 3, tzinfo=UTC)
        month_of_calls(domain, night, 1, 1)
        template = domain.legs[0]
        domain.legs[:] = [
            self.leg_like(template, night + timedelta(minutes=10 * at), at)
            for at in range(6 * 6)
        ]
        self.server.domains[domain.name] = domain
        self.addCleanup(self.server.domains.pop, domain.name)
        self.source.timezone = "America/New_York"
        account = self.make_account(domain.name, self.other)
        for hour in range(7):
            # Windows that overlap across the change, as the schedule makes them.
            begin = night.replace(tzinfo=None) + timedelta(hours=hour - 1)
            self.source._start_syncs(
                "manual", account, begin, begin + timedelta(hours=2)
            )._process()
        self.env.cr.execute(
            "SELECT start_time FROM metered_cdr WHERE source_id = %s"
            " ORDER BY start_time",
            (self.source.id,),
        )
        starts = [row[0] for row in self.env.cr.fetchall()]
        self.assertEqual(
            starts, [leg.start.replace(tzinfo=None) for leg in domain.legs]
        )

    def leg_like(self, leg, start, at):
        from dataclasses import replace

        return replace(leg, id=f"{leg.id}-{at}", call_id=f"c{at}", start=start)
