# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A key is made, an event is tried, sent and told, in a real browser."""

from standardwebhooks.webhooks import Webhook

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers
from ..support.source_case import LoopbackRequests
from ..webhook.test_webhook_tours import Receiver


@tagged("post_install", "-at_install")
class TestApiTours(LoopbackRequests, MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source("events", source_type="events", name="Tour Events")
        new_test_user(
            cls.env, "keeper", groups="metered_billing.group_metered_administrator"
        )

    def test_a_key_is_made_and_revoked(self):
        self.start_tour(
            "/odoo/metered-api-keys", "metered_billing_api_key", login="keeper"
        )
        key = self.env["metered.api.key"].search([("name", "=", "Tour Shop")])
        self.assertEqual((key.state, key.source_ids), ("revoked", self.source))
        self.assertTrue(key.prefix)
        self.assertFalse(key.sudo().digest)

    def set_up_events(self):
        """What an event needs; its meter."""
        meter = self.make_meter("API calls", code="api")
        self.env["metered.event.type"].create(
            {"source_id": self.source.id, "name": "api.call", "meter_id": meter.id}
        )
        self.make_identifier(self.make_customer("Acme"), "acme", kind="key")
        return meter

    def test_from_an_event_to_the_message_about_it(self):
        """Sent from the form, rated, and told to a receiver on loopback."""
        server = self.enterContext(Receiver())
        webhook = self.env["metered.webhook"].create(
            {
                "name": "Loopback",
                "address": server.url,
                "allowed_networks": "127.0.0.1",
                "tells_usage_imported": True,
            }
        )
        secret = webhook._new_secret()
        meter = self.set_up_events()
        price = self.make_price(meter, (0, 0.5))
        meter.product_id = self.make_metered_product("API calls", price)
        self.start_tour(
            f"/odoo/metered-sources/{self.source.id}",
            "metered_billing_send_event",
            login="keeper",
        )
        self.start_tour(
            "/odoo/metered-usage", "metered_billing_event_rated", login="keeper"
        )
        self.env["metered.webhook.delivery"]._send_due()
        self.start_tour(
            "/odoo/metered-webhook-deliveries",
            "metered_billing_event_told",
            login="keeper",
        )
        [request] = server.requests
        told = Webhook(secret).verify(request.body, dict(request.headers))
        self.assertEqual(told["type"], "usage.imported")

    def test_an_event_is_tried(self):
        self.set_up_events()
        self.start_tour(
            f"/odoo/metered-sources/{self.source.id}",
            "metered_billing_try_event",
            login="keeper",
        )
        self.assertFalse(
            self.env["metered.inbox"].search_count([("source_id", "=", self.source.id)])
        )
