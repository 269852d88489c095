# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The app's first screen in a real browser."""

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestDashboardTours(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        new_test_user(
            cls.env,
            login="operator",
            groups="metered_billing.group_metered_user,"
            "account.group_account_invoice,sales_team.group_sale_salesman",
        )

    def test_dashboard(self):
        source = self.make_source(name="Tour Switch")
        self.make_customer("Tour Customer", "+14045550100")
        self.make_customer("Other Customer", "+14045550200")
        # The server's own clock counts here: in the middle of both months.
        month = fields.Date.today().replace(day=1)
        before = fields.Date.subtract(month, months=1)
        self.import_calls(
            source,
            ("o1", f"{before} 10:00:00", 600, "+14045550100", "+12125550199"),
            ("n1", f"{month} 10:00:00", 60, "+14045550100", "+12125550199"),
            ("n2", f"{month} 11:00:00", 120, "+14045550100", "+442079460120"),
            ("n3", f"{month} 11:00:00", 300, "+14045550200", "+33142685300"),
            ("x1", f"{month} 10:00:00", 60, "+14045559999", "+12125550199"),
        )
        self.start_tour("/odoo", "metered_billing_dashboard", login="operator")


@tagged("post_install", "-at_install")
class TestOnboardingTours(HttpCase):
    """Nothing is set up before these."""

    def test_to_the_first_invoice(self):
        # The cron worker does it a moment later, on a cursor of its own.
        batch = type(self.env["metered.batch"])
        self.patch(batch, "_enqueue", lambda batches: batches._process())
        self.start_tour("/odoo", "metered_billing_onboarding", login="admin")
        invoice = self.env["account.move"].search([], limit=1)
        self.assertEqual(invoice.partner_id.name, "First Customer")
        usage = self.env["metered.usage"].search([])
        self.assertEqual(usage.invoice_id, invoice)
        # 90 seconds at 0.02 and 60 at 0.25 a minute.
        self.assertAlmostEqual(sum(usage.mapped("amount")), 0.28)
        self.assertAlmostEqual(invoice.amount_untaxed, 0.28)

    def test_other_usage_to_the_first_invoice(self):
        batch = type(self.env["metered.batch"])
        self.patch(batch, "_enqueue", lambda batches: batches._process())
        self.start_tour("/odoo", "metered_billing_onboarding_usage", login="admin")
        invoice = self.env["account.move"].search([], limit=1)
        # 42 at 0.05
        self.assertAlmostEqual(invoice.amount_untaxed, 2.1)

    def test_preset_of_a_level_to_the_first_invoice(self):
        self.start_tour("/odoo", "metered_billing_preset_seats", login="admin")
        invoice = self.env["account.move"].search([], limit=1)
        self.assertAlmostEqual(invoice.amount_untaxed, 300)

    def test_preset_of_counters_to_the_first_invoice(self):
        self.start_tour("/odoo", "metered_billing_preset_electricity", login="admin")
        invoice = self.env["account.move"].search([], limit=1)
        # The first month's part of 150 kWh at 0.32 and 180 at 0.21.
        self.assertGreater(invoice.amount_untaxed, 0)
        self.assertLess(invoice.amount_untaxed, 85.8)
        self.assertEqual(len(invoice.invoice_line_ids), 2)

    def test_hide_and_bring_back(self):
        self.start_tour("/odoo/metered", "metered_billing_hide_setup", login="admin")
