# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Sources on the screen, in a real browser, against a real server."""

from datetime import UTC, datetime, time, timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.metered_billing.connectors.http import HttpLimits
from odoo.addons.metered_billing.demo.servers.netsapiens import (
    API_KEY,
    NetSapiensServer,
)
from odoo.addons.metered_billing.demo.servers.netsapiens_calls import (
    make_domain,
    month_of_calls,
)
from odoo.addons.metered_billing.models.source import metered_sync_job

from ..support.metered_case import MeteredMakers
from ..support.source_case import LoopbackRequests
from ..support.tour_worker import TourWorker


@tagged("post_install", "-at_install")
class TestSourceTours(TourWorker, LoopbackRequests, MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        today = datetime.combine(fields.Date.today(), time(), UTC)
        cls.domain = month_of_calls(
            make_domain("tour.12345.service"), today - timedelta(days=3), 3, 150
        )
        cls.server = NetSapiensServer([cls.domain])
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.env["ir.config_parameter"].set_param("metered_tour.address", cls.server.url)
        cls.customer = cls.env["res.partner"].create({"name": "Tour Customer"})
        cls.user = new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_user,base.group_partner_manager",
        )

    def connect(self):
        self.source = self.make_source(
            "netsapiens",
            name="Tour PBX",
            source_type="netsapiens",
            address=self.server.url,
            api_key=API_KEY,
            allowed_networks="127.0.0.1",
        )
        self.account = self.env["metered.source.account"].create(
            {
                "source_id": self.source.id,
                "name": self.domain.name,
                "partner_id": self.customer.id,
            }
        )

    def test_connect_a_source(self):
        for name in ("extensions", "allowed", "active"):
            self.make_meter(f"Tour {name}", kind="gauge", aggregation="max")
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_source",
            "metered_billing_connect_source",
            login="admin",
        )
        source = self.env["metered.source"].search([("name", "=", "Tour PBX")])
        self.assertEqual(source._get_secrets()["api_key"], API_KEY)
        self.assertTrue(source.column_ids)
        self.assertEqual(
            [meter.name for meter in source._sampled().values()],
            ["Tour extensions", "Tour allowed", "Tour active"],
        )
        self.assertEqual(source.sample_minutes, 15)

    def test_sync_a_customer(self):
        self.connect()
        wait = self.start_worker("metered.sync", chunk=100, looks=2)
        self.start_tour(
            f"/odoo/res.partner/{self.customer.id}",
            "metered_billing_sync_customer",
            login="operator",
        )
        wait()
        [sync] = self.source.sync_ids
        self.assertEqual((sync.state, sync.records), ("done", len(self.domain.legs)))

    def test_a_gap_is_found_and_fetched_again(self):
        self.connect()
        # Of yesterday, which the second sync looks back to.
        hidden = self.domain.legs[-60:-53]
        self.domain.legs[-60:-53] = []
        [sync] = self.source._start_syncs("manual")
        sync._process()
        self.domain.legs[-53:-53] = hidden
        [again] = self.source._start_syncs("manual")
        with patch.object(type(again), "_read_pages", lambda *args: True):
            again._process()
        self.assertEqual(self.source.gap_count, 1)
        wait = self.start_worker("metered.sync", chunk=100, looks=2)
        self.start_tour(
            f"/odoo/action-metered_billing.action_metered_source/{self.source.id}",
            "metered_billing_fetch_gap",
            login="operator",
        )
        wait()
        self.assertEqual(self.source.gap_count, 0)

    def test_a_switch_that_is_not_reached_is_told_while_one_looks(self):
        self.connect()
        self.move_source(self.source, address="http://127.0.0.1:9")
        [sync] = self.source._start_syncs("manual")
        limits = patch.object(metered_sync_job, "LIMITS", HttpLimits(attempts=1))
        limits.start()
        self.addCleanup(limits.stop)
        wait = self.start_worker("metered.sync", looks=2, once=True)
        self.start_tour(
            f"/odoo/metered-syncs/{sync.id}",
            "metered_billing_sync_waits",
            login="operator",
        )
        wait()
        self.assertEqual((sync.state, sync.attempts), ("queued", 1))

    def test_what_is_missing_is_told_on_the_source_and_on_its_customer(self):
        self.connect()
        self.env["metered.completeness"].create(
            {
                "source_id": self.source.id,
                "account_id": self.account.id,
                "day": "2026-10-05",
                "is_counted": True,
                "switch_count": 7,
                "gap": 7,
            }
        )
        for url in (
            f"/odoo/action-metered_billing.action_metered_source/{self.source.id}",
            f"/odoo/res.partner/{self.customer.id}",
        ):
            self.start_tour(url, "metered_billing_gap_check", login="operator")
