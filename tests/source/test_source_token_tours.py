# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The tokens of a switch that posts, on the screen, in a real browser."""

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestSourceTokenTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()

    def test_tokens_are_made_and_removed(self):
        source = self.make_source("freeswitch", source_type="freeswitch_json")
        new_test_user(
            self.env, "keeper", groups="metered_billing.group_metered_administrator"
        )
        self.start_tour(
            f"/odoo/metered-sources/{source.id}",
            "metered_billing_source_tokens",
            login="keeper",
        )
        self.assertEqual(len(source.token_ids), 1)
