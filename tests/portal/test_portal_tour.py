# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The portal in a real browser."""

from odoo.tests import tagged

from .test_portal_usage import CALLED, PortalCase


@tagged("post_install", "-at_install")
class TestPortalTour(PortalCase):
    def test_tour(self):
        self.made(self.invoice())
        today = self.company._metered_today()
        self.import_calls(
            self.source, ("n", f"{today} 00:00:01", 300, "+14045550100", CALLED)
        )
        self.start_tour("/my", "metered_billing_portal", login="boss")
        alert = self.env["metered.alert"].search([("portal_contact_id", "!=", False)])
        self.assertEqual(alert.threshold_ids.value, 50)
