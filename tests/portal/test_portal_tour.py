# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The portal in a real browser, and as axe-core finds it."""

import json
from pathlib import Path

import axe_core_python

from odoo.tests import tagged

from .test_portal_usage import ADDRESS, CALLED, PortalCase

AXE = Path(axe_core_python.__file__).with_name("axe.min.js")
DATA = Path(__file__).resolve().parent.parent / "data"


@tagged("post_install", "-at_install")
class TestPortalTour(PortalCase):
    def test_tour(self):
        self.made(self.invoice())
        today = self.company._metered_today()
        self.import_calls(
            self.source, ("n", f"{today} 00:00:01", 3600, "+14045550100", CALLED)
        )
        self.start_tour("/my", "metered_billing_portal", login="boss")
        alert = self.env["metered.alert"].search([("portal_contact_id", "!=", False)])
        self.assertEqual(alert.threshold_ids.value, 50)
        # Who looked at what is listed, and a contact's rights are on its form.
        self.start_tour(
            f"/odoo/res.partner/{self.clerk.partner_id.id}",
            "metered_billing_portal_access",
            login="admin",
        )
        self.assertTrue(self.clerk.partner_id.metered_portal_calls)
        self.assertFalse(self.clerk.partner_id.metered_portal_disputes)

    def test_accessibility(self):
        """Nothing serious on any page, wide and on a phone; no table is cut off."""
        invoice = self.invoice()
        self.made(invoice)
        calls = self.calls_of(self.customer)
        dispute = self.env["metered.dispute"]._dispute_calls(
            self.boss.partner_id, calls[5:7].ids, [], "price", "Too much", "portal"
        )
        question = "Why?"
        dispute.message_post(body=question, subtype_xmlid="mail.mt_comment")
        dispute.action_start()
        dispute._change("cancelled", "A mistake.")
        dispute = dispute._dispute_calls(
            self.boss.partner_id, calls[4:6].ids, [], "price", "Too much", "portal"
        )
        # What others named is text, on every page.
        markup = "<img src=x onerror=oops()>"
        for record in (calls.meter_id, calls.destination_id[:1], self.customer):
            record.name = markup
        dispute.line_ids.write({"number": markup, "destination": markup})
        dispute.text = markup
        self.env["metered.alert"].create(
            {
                "name": markup,
                "mails_customer": True,
                "threshold_ids": [(0, 0, {"value": 70})],
            }
        )
        self.env.flush_all()
        # route -> (address, what is clicked there)
        pages = {
            "/my/usage": ("/my/usage", ""),
            "/my/usage/forecast": ("/my/usage/forecast", ""),
            "/my/usage/calls": (ADDRESS, ""),
            "/my/usage/call/<int:id_>": (f"/my/usage/call/{calls[0].id}", ""),
            "/my/usage/alerts": ("/my/usage/alerts", ""),
            "/my/statements": ("/my/statements", ""),
            "/my/disputes": ("/my/disputes", ""),
            "/my/disputes/<int:dispute_id>": (f"/my/disputes/{dispute.id}", ""),
            "/my/disputes/new": (f"/my/usage/call/{calls[0].id}", "form button"),
            "the invoice": (f"/my/invoices/{invoice.id}", ""),
        }
        # What is added next month is looked at as well; files have no page.
        routes = {
            rule.rule
            for rule in self.env["ir.http"].routing_map().iter_rules()
            if "metered_billing" in rule.endpoint.original_endpoint.__module__
            and rule.rule.startswith("/my/")
        }
        files = {
            "/my/usage/calls/download",
            "/my/statements/<int:id_>/<string:kind>",
            "/my/disputes/<int:dispute_id>/file/<int:attachment_id>",
            "/my/disputes/<int:dispute_id>/message",
            "/my/disputes/page/<int:page>",
        }
        self.assertEqual(routes - files, {*pages} - {"the invoice"})
        code = (
            f"const AXE = {json.dumps(AXE.read_text(encoding='utf-8'))};"
            f"const PAGES = {json.dumps(list(pages.values()))};"
            + (DATA / "portal_accessibility.js").read_text(encoding="utf-8")
        )
        try:
            self.browser_js("/my/usage", code, login="boss", timeout=300)
        except self.failureException as error:
            # Without the script, which is longer than what is shown of a failure.
            said = str(error).rpartition(code)[2]
        else:
            return
        self.fail(said)
