# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The rate finder for customers with calling plans: what is left counts."""

from lxml import html

from odoo.fields import Datetime
from odoo.tests import tagged

from ..plan.test_calling_plans import PHONE_2, PlanCase


@tagged("post_install", "-at_install")
class TestRateFinderPlans(PlanCase):
    """Every call costs 0.06 a minute; 100 minutes of October are included."""

    def find(self, minutes, day="2026-10-20", partner=None, number="2125550199"):
        finder = self.env["metered.rate.finder"].create(
            {
                "number": number,
                "moment": Datetime.to_datetime(f"{day} 10:00:00"),
                "source_id": self.source.id,
                "partner_id": (partner or self.customer).id,
                "seconds": minutes * 60,
            }
        )
        found = html.fromstring(str(finder.result))
        return " ".join(found.text_content().split())

    def test_included_in_part(self):
        """90 minutes were used: of a call of 15, ten are included."""
        self.sell_minutes(100)
        self.call("2026-10-02", 90)
        said = self.find(15)
        self.assertIn("Allowance Included 0: 10 min left until 10/31/2026", said)
        self.assertIn("Included 0 includes 600 s of the call", said)
        self.assertIn("10 min 0 USD", said)
        self.assertIn("15 min 0.3 USD", said)

    def test_what_it_then_costs(self):
        """The call that is made costs what was told."""
        self.sell_minutes(100)
        self.call("2026-10-02", 90)
        self.assertIn("15 min 0.3 USD", self.find(15))
        self.call("2026-10-20", 15)
        self.assertEqual(self.charges(), [0, 0.3])
        self.assertIn("0 min left", self.find(15))
        self.assertIn("15 min 0.9 USD", self.find(15))

    def test_calls_that_wait_to_be_settled(self):
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 90)
        allowance.amount = 95
        self.assertTrue(self.env["metered.plan.mark"].search([]))
        self.assertIn("5 min left", self.find(15))
        self.assertTrue(self.env["metered.plan.mark"].search([]))

    def test_another_period_and_nobodys_plan(self):
        self.sell_minutes(100)
        self.call("2026-10-02", 90)
        self.assertIn("100 min left until 11/30/2026", self.find(15, "2026-11-05"))
        other = self.make_customer("Best", PHONE_2)
        said = self.find(15, partner=other)
        self.assertNotIn("Allowance", said)
        self.assertIn("15 min 0.9 USD", said)

    def test_rolled_over_and_own_price(self):
        self.sell_minutes(100, rollover_periods=1, overage="own", overage_price=0.1)
        self.call("2026-10-02", 60)
        said = self.find(150, "2026-11-05")
        self.assertIn("140 min left", said)
        self.assertIn("Included 0, used up covers 600 s of the call", said)
        self.assertIn("150 min 1 USD", said)

    def test_money_and_each_number(self):
        self.make_identifier(self.customer, PHONE_2)
        self.sell(
            self.make_plan(
                {"amount": 10, "scope": "identifier"},
                {"unit": "money", "amount": 1, "sequence": 9},
            )
        )
        self.call("2026-10-02", 5)
        self.call("2026-10-03", 20, number=PHONE_2)
        said = self.find(10)
        self.assertIn("Included 0, +14045550100: 5 min left", said)
        self.assertIn("Included 1: $ 0.40 left", said)
        self.assertIn("Included 1 pays 0.3 USD", said)
        self.assertIn("10 min 0 USD", said)
