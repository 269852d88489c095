# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Renewals by hand, in a real browser."""

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers

RENEWALS = "/odoo/action-metered_billing.action_metered_renewal"


@tagged("post_install", "-at_install")
class TestRenewalTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.customer = cls.make_customer("Tour Customer")
        new_test_user(
            cls.env, login="operator", groups="metered_billing.group_metered_user"
        )

    def setUp(self):
        super().setUp()
        # Those of other modules' demo data are none of this company's business here.
        self.env["sale.subscription"].search([]).write({"in_progress": False})

    def test_renew_what_is_due(self):
        today = fields.Date.context_today(self.customer)
        start = fields.Date.subtract(today, months=1)
        subscription = self.make_subscription(self.customer, start, today)
        self.start_tour(RENEWALS, "metered_billing_renew", login="operator")
        run = self.env["metered.renewal"].search([], limit=1)
        self.assertEqual((run.state, run.expected), ("queued", 1))
        run._process()
        self.assertEqual(len(subscription.invoice_ids), 1)

    def test_nothing_is_due(self):
        self.start_tour(RENEWALS, "metered_billing_renew_nothing", login="operator")
        self.assertFalse(self.env["metered.renewal"].search([]))
