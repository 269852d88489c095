# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Retention on the screen, in a real browser."""

from unittest.mock import patch

from odoo.tests import HttpCase, tagged

from .test_retention import RetentionCase


@tagged("post_install", "-at_install")
class TestRetentionTour(RetentionCase, HttpCase):
    def test_preview_and_turn_on(self):
        rule = self.rule(days=62)
        runs = type(self.env["metered.retention.run"])
        # What the scheduled action does soon after, on a day when the calls are old.
        with (
            patch.object(runs, "_enqueue", lambda run, _at=None: run._process()),
            patch.object(
                type(rule), "_before", lambda _rule: (self.env.cr.now().date(), 0)
            ),
        ):
            self.start_tour(
                f"/odoo/metered.retention.rule/{rule.id}",
                "metered_billing_retention",
                login="keeper",
            )
        self.assertEqual(rule.run_ids.records, 9)
        self.assertFalse(rule.is_on)
        self.assertFalse(self.left())

    def test_lift_a_hold(self):
        hold = self.env["metered.hold"].create({"name": "Order 4711"})
        self.start_tour(
            f"/odoo/metered.hold/{hold.id}", "metered_billing_hold", login="keeper"
        )
        self.assertEqual(hold.lifted_uid, self.manager)
