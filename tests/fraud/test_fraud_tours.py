# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The page of the alarms, and the limits, in a real browser."""

from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestFraudTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.make_rate(cls.deck, "372", price=1.0)
        for name in ("chief", "operator"):
            group = "administrator" if name == "chief" else "user"
            new_test_user(
                cls.env, name, f"base.group_user,metered_billing.group_metered_{group}"
            )

    def test_alarms(self):
        begin = fields.Datetime.now().replace(minute=0, second=0, microsecond=0)
        source, alarms = self.make_source(), self.env["metered.fraud.alarm"]
        for number, name in enumerate(("Tour Before", "Tour Hacked")):
            phone = f"1404555010{number}"
            self.make_customer(name, f"+{phone}", country_id=self.usa.id)
            rows = [
                (
                    f"{number}-{nth}",
                    str(begin - timedelta(hours=9, seconds=60 * nth)),
                    600,
                    phone,
                    "37282001122",
                )
                for nth in range(20)
            ]
            self.import_calls(source, *rows)
            if not number:
                alarms.search([]).action_confirm()
        alarm = alarms.search([("state", "=", "open")])
        self.assertEqual(alarm.partner_id.name, "Tour Hacked")
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_fraud_alarms",
            "metered_billing_fraud_alarms",
            login="operator",
        )
        self.assertEqual((alarm.state, alarm.dismissal), ("dismissed", "once"))

    def test_limits(self):
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_fraud_limit",
            "metered_billing_fraud_limits",
            login="chief",
        )
        limit = self.env["metered.fraud.limit"].search([])
        self.assertEqual((limit.hour_limit, limit.sensitivity), (50, "high"))

    def test_high_risk_numbers(self):
        self.start_tour(
            "/odoo/metered-high-risk-numbers",
            "metered_billing_fraud_risk",
            login="chief",
        )
        [risk] = self.env["metered.fraud.risk"].search([])
        self.assertEqual((risk.name, risk.prefixes), ("Tour Notice", "37282 37283"))
