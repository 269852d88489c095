# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Disputes in a real browser: in the back office, and in the portal."""

from odoo.tests import new_test_user, tagged

from ..portal.test_portal_usage import CALLED, PortalCase
from .test_disputes import DisputeCase


@tagged("post_install", "-at_install")
class TestDisputeTours(PortalCase, DisputeCase):
    def test_back_office(self):
        self.company.metered_hidden_digits = "0"
        invoice = self.invoice()
        new_test_user(
            self.env,
            "operator",
            groups="metered_billing.group_metered_user,account.group_account_invoice",
        )
        self.start_tour(
            f"/odoo/account.move/{invoice.id}",
            "metered_billing_disputes",
            login="operator",
        )
        dispute = invoice._metered_disputes()
        self.assertEqual(dispute.state, "resolved")
        self.assertEqual(dispute.line_ids.mapped("outcome"), ["credit", "refuse"])
        self.assertEqual(dispute.line_ids.credit_id.state, "posted")

    def test_portal(self):
        today = self.company._metered_today()
        self.import_calls(
            self.source,
            ("a", f"{today} 00:00:01", 300, "+14045550100", CALLED),
            ("b", f"{today} 00:10:01", 400, "+14045550100", CALLED),
        )
        self.start_tour("/my", "metered_billing_portal_disputes", login="boss")
        dispute = self.env["metered.dispute"].search([])
        self.assertEqual(dispute.contact_id, self.boss.partner_id)
        self.assertEqual(dispute.partner_id, self.customer)
        self.assertEqual(dispute.event_ids.mapped("origin"), ["portal"])
        self.assertEqual(len(dispute.line_ids), 2)
