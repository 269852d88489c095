# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A key is made, and an event is tried, in a real browser."""

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestApiTours(MeteredMakers, HttpCase):
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

    def test_an_event_is_tried(self):
        meter = self.make_meter("API calls", code="api")
        self.env["metered.event.type"].create(
            {"source_id": self.source.id, "name": "api.call", "meter_id": meter.id}
        )
        self.make_identifier(self.make_customer("Acme"), "acme", kind="key")
        self.start_tour(
            f"/odoo/metered-sources/{self.source.id}",
            "metered_billing_try_event",
            login="keeper",
        )
        self.assertFalse(
            self.env["metered.inbox"].search_count([("source_id", "=", self.source.id)])
        )
