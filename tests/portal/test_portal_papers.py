# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The portal: statements, the usage on an invoice, and alerts of a contact."""

from lxml import html

from odoo import http
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import JsonRpcException, tagged
from odoo.tools import SQL, mute_logger

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
        # Sums by destination, unless the customer gets no items.
        call = self.calls_of(self.customer)[:1]
        other = self.env["metered.destination"].search(
            [("id", "!=", call.destination_id.id)], limit=1
        )
        self.env.cr.execute(
            "UPDATE metered_cdr SET destination_id = %s WHERE id = %s",
            (other.id, call.id),
        )
        self.assertIn(other.name, self.invoice_page(invoice, "clerk"))
        self.customer.metered_statement_items = "none"
        self.env.flush_all()
        text = self.invoice_page(invoice, "clerk")
        self.assertIn("How this amount was calculated", text)
        self.assertNotIn(other.name, text)

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

    # === THE FRAMEWORK'S OWN WAYS === #

    def told_by_everything(self):
        """An invoice, its statement, and a refused dispute, with full numbers in notes.

        :return: (invoice, statement, dispute)
        """
        invoice = self.invoice()
        statement = self.made(invoice)
        calls = self.calls_of(self.customer)
        dispute = self.env["metered.dispute"]._dispute_calls(
            self.boss.partner_id, calls[5:7].ids, [], "not_mine", "We slept", "portal"
        )
        dispute.action_start()
        dispute.line_ids.write({"outcome": "refuse", "answer": "It was connected."})
        dispute.action_decide()
        said, question = f"They called {calls[0].callee}.", "And then?"
        for record in (invoice, dispute, self.customer, self.boss.partner_id):
            record.message_post(body=said)
        dispute.message_post(body=question, subtype_xmlid="mail.mt_comment")
        self.env.flush_all()
        return invoice, statement, dispute

    def test_files_by_any_address(self):
        """No file of this module is handed out by an address of Odoo's own."""
        _invoice, statement, dispute = self.told_by_everything()
        files = self.env["ir.attachment"].sudo()
        rows = self.env.execute_query(
            SQL("SELECT id FROM ir_attachment WHERE res_model LIKE 'metered.%%'")
        )
        files = files.browse(id_ for (id_,) in rows)
        self.assertGreater(len(files), 3)
        contents = {file.raw for file in files}
        addresses = [
            f"/web/{way}/{file.id}{token}"
            for file in files
            for way, token in (
                ("content", ""),
                ("image", ""),
                ("content", "?access_token=1"),
            )
        ]
        addresses += [
            f"/web/content?model=metered.statement&id={statement.id}&field=csv",
            f"/web/image/metered.statement/{statement.id}/pdf",
            f"/web/content/metered.dispute/{dispute.id}/text",
        ]
        for login in ("boss", None):
            for address in addresses:
                got = self.page(login, address)
                self.assertNotIn(got.content, contents, (login, address))
                self.assertFalse(DIGITS.search(got.text), (login, address))

    def test_reports_by_any_address(self):
        """An invoice's report has sums, for whoever may have it."""
        invoice, _statement, dispute = self.told_by_everything()
        token = invoice._portal_ensure_token()
        own = f"/my/invoices/{invoice.id}"
        for login, address, has_it in (
            ("boss", f"{own}?report_type=html", True),
            ("boss", f"{own}?report_type=pdf&download=1", True),
            ("clerk", f"{own}?report_type=pdf", True),
            ("rival", f"{own}?report_type=html", False),
            (None, f"{own}?report_type=html", False),
            (None, f"{own}?report_type=html&access_token={token}", True),
            (None, f"{own}?report_type=pdf&download=1&access_token={token}", True),
            (None, f"/my/disputes/{dispute.id}?access_token={token}", False),
            (None, f"/my/usage/calls?access_token={token}", False),
            ("boss", f"/report/html/account.report_invoice/{invoice.id}", False),
            ("rival", f"/report/html/account.report_invoice/{invoice.id}", False),
        ):
            with self.subTest(address, login=login), mute_logger("odoo.http"):
                text = self.page(login, address).text
                self.assertFalse(DIGITS.search(text))
                self.assertEqual(invoice.name in text, has_it)

    def test_messages_and_searches(self):
        """Neither a thread nor a search nor the bus tells a number in full."""
        invoice, statement, dispute = self.told_by_everything()
        sent = self.env.cr.precommit.data.get("bus.bus.values") or []
        self.assertFalse(DIGITS.search(repr(sent)))
        self.assertFalse(dispute.message_partner_ids.filtered("partner_share"))
        requests = [
            (path, {"thread_model": record._name, "thread_id": record.id, **more})
            for record in (invoice, dispute, statement, self.customer)
            for path, more in (
                ("/mail/thread/messages", {}),
                ("/mail/thread/messages", {"fetch_params": {"search_term": "called"}}),
                ("/mail/chatter_fetch", {}),
                ("/mail/chatter_fetch", {"fetch_params": {"search_term": "called"}}),
            )
        ]
        for login in ("boss", "rival"):
            self.page(login, "/my")
            for path, params in requests:
                try:
                    with mute_logger("odoo.http"):
                        got = self.make_jsonrpc_request(path, params)
                except JsonRpcException:
                    continue
                self.assertFalse(DIGITS.search(repr(got)), (login, path, params))
        searched = 0
        for user in (self.boss, self.clerk, self.rival):
            for name in (
                *("mail.message", "mail.notification", "mail.followers", "mail.mail"),
                *("mail.tracking.value", "ir.attachment", "bus.bus", "mail.activity"),
                *("account.move", "account.move.line", "res.partner", "res.users"),
            ):
                try:
                    rows = call_kw(
                        self.env[name].with_user(user), "search_read", [[]], {}
                    )
                except (AccessError, UserError):
                    continue
                searched += 1
                self.assertFalse(DIGITS.search(repr(rows)), (user.login, name))
        self.assertGreater(searched, 6)

    def test_searched_by_what_is_hidden(self):
        """What may not be read is not found out by searching for it either."""
        invoice, _statement, _dispute = self.told_by_everything()
        for record in (invoice, invoice.invoice_line_ids[:1], self.customer, self.boss):
            theirs = record.with_user(self.boss)
            for name, field in record._fields.items():
                if field._module != "metered_billing" or not field.comodel_name:
                    continue
                if self.env[field.comodel_name]._original_module != "metered_billing":
                    continue
                with self.subTest(model=record._name, field=name):
                    try:
                        found = theirs.search([(f"{name}.id", "!=", 0)])
                    except (AccessError, UserError, ValueError):
                        continue
                    self.assertFalse(found)

    def save(self, login, values):
        """Send the form of alerts."""
        self.page(login, "/my/usage/alerts")
        data = {"csrf_token": http.Request.csrf_token(self), **values}
        return self.url_open("/my/usage/alerts", data=data)
