# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The portal: statements, the usage on an invoice, and alerts of a contact."""

from lxml import html

from odoo import http
from odoo.tests import tagged

from .test_portal_usage import DIGITS, PortalCase


@tagged("post_install", "-at_install")
class TestPortalPapers(PortalCase):
    def invoice_page(self, invoice, login=None, token=False):
        """Texts of the card about usage on an invoice's page; None without."""
        address = f"/my/invoices/{invoice.id}"
        if token:
            address += f"?access_token={invoice._portal_ensure_token()}"
        got = self.page(login, address)
        self.assertFalse(DIGITS.search(got.text))
        cards = html.fromstring(got.content).xpath(
            "//section[contains(@class, 'o_metered_invoice_usage')]"
        )
        return " ".join(cards[0].text_content().split()) if cards else None

    def test_statements(self):
        invoice = self.invoice()
        statement = self.made(invoice)
        got = self.page("boss", "/my/statements")
        self.assertIn(statement.name, got.text)
        address = f"/my/statements/{statement.id}"
        for kind, begin in (
            ("pdf", b"%PDF"),
            ("xlsx", b"PK"),
            ("csv", b"\xef\xbb\xbf"),
        ):
            got = self.page("boss", f"{address}/{kind}")
            self.assertTrue(got.content.startswith(begin), kind)
            self.assertIn("attachment", got.headers["Content-Disposition"])
        log = self.env["metered.access.log"].search([])
        self.assertEqual(set(log.mapped("kind")), {"statement"})
        self.assertEqual(len(log), 3)
        self.assertEqual(self.page("boss", f"{address}/masking").status_code, 404)
        self.assertEqual(self.page("rival", f"{address}/pdf").status_code, 404)
        self.assertNotIn(statement.name, self.page("rival", "/my/statements").text)
        self.assertEqual(self.page("clerk", f"{address}/pdf").status_code, 403)
        # One that does not add up is not handed out.
        statement.adds_up = False
        self.env.flush_all()
        self.assertFalse(self.env["metered.portal"]._statements(self.boss))

    def test_invoice(self):
        invoice = self.invoice()
        self.env.flush_all()
        text = self.invoice_page(invoice, "boss")
        self.assertIn("How this amount was calculated", text)
        self.assertIn("Show Calls", text)
        self.assertIn("Amount excluding taxes", text)
        # Sums, for who may not see calls, and how they came about.
        text = self.invoice_page(invoice, "clerk")
        self.assertIn("How this amount was calculated", text)
        self.assertNotIn("Show Calls", text)
        # By a link with a token: sums only, also for another customer.
        for login in (None, "rival"):
            text = self.invoice_page(invoice, login, token=True)
            self.assertIn("Records", text)
            self.assertNotIn("How this amount", text)
            self.assertNotIn("Show Calls", text)
        self.assertIsNone(self.invoice_page(invoice, "rival"))

    def test_alerts(self):
        self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        given = self.env["metered.alert"].create(
            {
                "name": "House limit",
                "mails_customer": True,
                "threshold_ids": [(0, 0, {"value": 70, "caps": True})],
            }
        )
        self.env.flush_all()
        got = self.page("boss", "/my/usage/alerts")
        self.assertIn("House limit", got.text)
        self.assertNotIn("House limit", self.page("rival", "/my/usage/alerts").text)
        name = f"figure_{self.company.id}"
        saved = self.save(
            "boss", {f"{name}_0": "50", f"{name}_3": "80.5", "mails": "1"}
        )
        self.assertIn("Your alerts have been saved", saved.text)
        own = self.env["metered.alert"].search([("portal_contact_id", "!=", False)])
        self.assertEqual(own.partner_id, self.customer)
        self.assertEqual(own.contact_ids, self.boss.partner_id)
        self.assertEqual(own.threshold_ids.mapped("value"), [50, 80.5])
        self.assertFalse(any(own.threshold_ids.mapped("caps")))
        self.assertEqual(given.threshold_ids.value, 70)
        # The contact's own: another one of the customer neither sees nor changes it.
        self.assertNotIn('value="50', self.page("clerk", "/my/usage/alerts").text)
        for wrong in ("-1", "NaN", "inf", "x", "1e99"):
            got = self.save("boss", {f"{name}_0": wrong, "mails": "1"})
            self.assertIn("Nothing was saved", got.text, wrong)
        self.assertEqual(own.threshold_ids.mapped("value"), [50, 80.5])
        boss = self.boss.partner_id
        boss.email = "boss@example.com"
        self.assertEqual(own._contacts_to_mail(boss), boss)
        # Not to who has left the customer, nor to who wants none.
        boss.parent_id = self.stranger
        self.assertFalse(own._contacts_to_mail(boss))
        boss.parent_id = self.customer
        self.save("boss", {})
        self.assertFalse(own.active)
        self.assertFalse(boss.metered_alert_mails)
        self.assertFalse(given._contacts_to_mail(boss))

    def test_alerts_without_right(self):
        self.clerk.partner_id.metered_portal_alerts = False
        self.env.flush_all()
        self.assertEqual(self.page("clerk", "/my/usage/alerts").status_code, 403)
        got = self.save("clerk", {f"figure_{self.company.id}_0": "5"})
        self.assertEqual(got.status_code, 403)
        # Nor without the form.
        self.page("boss", "/my/usage/alerts")
        got = self.url_open("/my/usage/alerts", data={"mails": "1"})
        self.assertEqual(got.status_code, 400)
        self.assertFalse(
            self.env["metered.alert"].search([("portal_contact_id", "!=", False)])
        )

    def save(self, login, values):
        """Send the form of alerts."""
        self.page(login, "/my/usage/alerts")
        data = {"csrf_token": http.Request.csrf_token(self), **values}
        return self.url_open("/my/usage/alerts", data=data)
