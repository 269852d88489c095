# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A webhook from its form to a message that arrived, in a real browser."""

from standardwebhooks.webhooks import Webhook

from odoo.tests import HttpCase, new_test_user, tagged

from ...demo.servers.faulty_http import Fault, FaultyServer, Reply
from ..support.metered_case import MeteredMakers
from ..support.source_case import LoopbackRequests


class Receiver(FaultyServer):
    """Answers everything with 200."""

    def answer(self, request):
        return Reply.of({"received": True})


@tagged("post_install", "-at_install")
class TestWebhookTours(LoopbackRequests, MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()

    def test_a_webhook_is_made_tried_and_sent_again(self):
        server = self.enterContext(Receiver())
        server.faults = [Fault("status", status=500)]
        loopback = self.env["metered.webhook"].create(
            {
                "name": "Loopback",
                "address": server.url,
                "allowed_networks": "127.0.0.1",
            }
        )
        secret = loopback._new_secret()
        new_test_user(
            self.env,
            "keeper",
            groups="metered_billing.group_metered_administrator",
        )
        self.start_tour(
            "/odoo/metered-webhooks", "metered_billing_webhook", login="keeper"
        )
        made = self.env["metered.webhook"].search([("name", "=", "Portal")])
        self.assertTrue(made.tells_invoice_issued)
        self.assertFalse(made.tells_invoice_paid)
        self.assertEqual((made.state, len(made._signing_secrets())), ("on", 1))
        self.env["metered.webhook.delivery"]._send_due()
        self.assertEqual(loopback.delivery_ids.state, "delivered")
        request = server.requests[-1]
        told = Webhook(secret).verify(request.body, dict(request.headers))
        self.assertEqual(told["type"], "test")
