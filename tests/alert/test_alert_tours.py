# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Alerts are made, and looked at where they were triggered, in a real browser."""

from odoo.tests import HttpCase, new_test_user, tagged

from .test_alerts import AlertCase


@tagged("post_install", "-at_install")
class TestAlertTours(AlertCase, HttpCase):
    def setUp(self):
        super().setUp()
        groups = ("metered_billing.group_metered_administrator",)
        new_test_user(
            self.env,
            "keeper",
            groups=",".join((*groups, "sales_team.group_sale_manager")),
            lang="en_US",
        )

    def test_an_alert_is_made(self):
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_alert",
            "metered_billing_alerts",
            login="keeper",
        )
        alert = self.env["metered.alert"].search([("name", "=", "Fax limit")])
        self.assertEqual(alert.basis, "allowance")
        self.assertEqual(alert.threshold_ids.mapped("value"), [50, 80, 100])

    def test_a_cap_is_looked_at_and_lifted(self):
        self.make_alert({"value": 3, "caps": True}, user_id=False)
        self.call(60)
        self.start_tour(
            f"/odoo/sale.subscription/{self.subscription.id}",
            "metered_billing_alert_triggered",
            login="keeper",
        )
        self.assertTrue(self.subscription._metered_entitlement()["allowed"])
