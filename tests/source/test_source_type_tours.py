# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Sources with a REST API on the screen, in a real browser, against a real server."""

from datetime import UTC, datetime, time, timedelta

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.metered_billing.demo.servers.rest import (
    API_KEY,
    SETTINGS,
    RestSwitch,
    make_tenant,
)

from ..support.metered_case import MeteredMakers
from ..support.source_case import LoopbackRequests
from ..support.tour_worker import TourWorker

ACME, BOLT = "acme.example.com", "bolt.example.com"


def today():
    """Today's first moment in UTC."""
    return datetime.combine(fields.Date.today(), time(), UTC)


@tagged("post_install", "-at_install")
class TestSourceTypeTours(TourWorker, LoopbackRequests, MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        begin = today() - timedelta(days=3)
        cls.server = RestSwitch(
            [
                make_tenant(ACME, "Acme Tours", "14045550100", begin, 250, 15),
                make_tenant(BOLT, "Bolt Tours", "14045550200", begin, 5),
            ]
        )
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.stop)
        cls.env["ir.config_parameter"].set_param("metered_tour.address", cls.server.url)
        cls.acme = cls.env["res.partner"].create({"name": "Acme Tours"})
        cls.user = new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_user,base.group_partner_manager",
        )

    def connect(self, source_type):
        return self.make_source(
            name="Tour switch",
            source_type=source_type,
            address=self.server.url,
            allowed_networks="127.0.0.1",
            api_key=API_KEY,
            **SETTINGS,
        )

    def test_a_rest_api_is_tried_out(self):
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_source",
            "metered_billing_try_out_rest_api",
            login="admin",
        )
        source = self.env["metered.source"].search([("name", "=", "Tour REST")])
        self.assertEqual(source._get_secrets()["api_key"], API_KEY)
        self.assertEqual(source.http_records_items, "data.calls")

    def test_the_domain_on_brightlink(self):
        source = self.connect("brightlink")
        source._test_connection()
        wait = self.start_worker("metered.sync", chunk=100, looks=2)
        self.start_tour(
            f"/odoo/res.partner/{self.acme.id}",
            "metered_billing_brightlink_domain",
            login="operator",
        )
        wait()
        [sync] = source.sync_ids
        self.assertEqual((sync.state, sync.account_id.name), ("done", ACME))
        self.assertEqual(sync.partner_id, self.acme)

    def test_the_account_is_chosen_from_the_switch(self):
        source = self.connect("http_json")
        bolt = self.env["res.partner"].create({"name": "Bolt Tours"})
        source._assign_account(BOLT, bolt)
        self.make_identifier(self.acme, "+14045550100", source_id=source.id)
        self.start_tour(
            f"/odoo/res.partner/{self.acme.id}",
            "metered_billing_choose_account",
            login="operator",
        )
        self.assertEqual(self.acme.metered_account_ids.name, ACME)

    def test_accounts_are_mapped_in_bulk(self):
        source = self.connect("http_json")
        self.env["res.partner"].create({"name": "bolt tours"})
        cord = self.env["res.partner"].create({"name": "Somebody else"})
        tenant = make_tenant("cord.example.com", "Cord", "14045550300", today(), 0)
        self.server.tenants[tenant.key] = tenant
        self.addCleanup(self.server.tenants.pop, tenant.key)
        self.start_tour(
            f"/odoo/action-metered_billing.action_metered_source/{source.id}",
            "metered_billing_map_accounts",
            login="operator",
        )
        owners = {a.name: a.partner_id.name for a in source.account_ids}
        self.assertEqual(
            owners, {ACME: "Acme Tours", BOLT: "bolt tours", tenant.key: cord.name}
        )

    def test_the_switch_is_asked_again(self):
        source = self.connect("http_json")
        source._list_accounts()
        tenant = make_tenant("cord.example.com", "Cord", "14045550300", today(), 0)
        self.server.tenants[tenant.key] = tenant
        self.addCleanup(self.server.tenants.pop, tenant.key)
        self.start_tour(
            f"/odoo/action-metered_billing.action_metered_source/{source.id}",
            "metered_billing_ask_again",
            login="operator",
        )
        self.assertIn(tenant.key, source.found_ids.mapped("name"))
