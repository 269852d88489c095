# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Disputes in the portal: a customer's own, masked, and nothing of anybody else."""

from unittest.mock import patch

from lxml import html

from odoo import Command, http
from odoo.exceptions import UserError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import format_date, mute_logger

from ...models.dispute import metered_dispute_portal as limits
from ...models.portal import metered_access_log
from ..portal.test_portal_usage import DIGITS, PortalCase
from .test_disputes import DisputeCase

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452")


@tagged("post_install", "-at_install")
class TestDisputePortal(PortalCase, DisputeCase):
    def setUp(self):
        super().setUp()
        self.import_some()
        self.calls = self.calls_of_customer(self.customer)

    def calls_of_customer(self, customer):
        return self.env["metered.cdr"].search(
            [("partner_id", "=", customer.id)], order="start_time, id"
        )

    def post(self, login, address, files=None, **values):
        self.page(login, "/my")
        values["csrf_token"] = http.Request.csrf_token(self)
        got = self.url_open(address, data=values, files=files)
        # No full number, whatever was asked for.
        self.assertFalse(DIGITS.search(got.text))
        self.env.invalidate_all()
        return got

    def open(self, login, calls, files=None, **values):
        values = {"reason": "duration", "text": "I hung up.", **values}
        ids = ",".join(map(str, calls.ids))
        return self.post(login, "/my/disputes/new", files, cdr_ids=ids, **values)

    def said(self, response):
        found = html.fromstring(response.content).xpath("//*[@role='alert']")
        return " ".join(" ".join(one.text_content().split()) for one in found)

    def disputes(self):
        return self.env["metered.dispute"].search([])

    def test_opened_and_answered(self):
        got = self.post("boss", "/my/disputes/new", cdr_ids=self.calls[0].id)
        self.assertIn("+12125550xxx", got.text)
        self.assertFalse(self.disputes())
        got = self.open(
            "boss", self.calls[:2], files={"files": ("a.png", PNG, "image/png")}
        )
        dispute = self.disputes()
        self.assertTrue(got.url.endswith(f"/my/disputes/{dispute.id}"))
        self.assertIn("+12125550xxx", got.text)
        self.assertIn("I hung up.", got.text)
        self.assertEqual(dispute.channel, "portal")
        self.assertEqual(dispute.event_ids.who, self.boss.partner_id.display_name)
        self.assertTrue(dispute.event_ids.address)
        [file] = dispute.message_ids.attachment_ids
        path = f"/my/disputes/{dispute.id}/file"
        got = self.page("boss", f"{path}/{file.id}")
        self.assertEqual(got.content, PNG)
        self.assertIn("attachment", got.headers["Content-Disposition"])
        other = self.env["ir.attachment"].create({"name": "x", "raw": b"secret"})
        self.env.flush_all()
        self.assertEqual(self.page("boss", f"{path}/{other.id}").status_code, 404)
        # What is asked is answered; internal notes are nobody's to read.
        dispute.with_user(self.agent)._change("pending", "How long did you talk?")
        note = "He always says that."
        dispute.message_post(body=note)
        self.env.flush_all()
        address = f"/my/disputes/{dispute.id}"
        text = self.page("boss", address).text
        self.assertIn("How long did you talk?", text)
        self.assertNotIn("He always says that.", text)
        got = self.post("boss", f"{address}/message", text="<b>A minute</b>")
        self.assertIn("&lt;b&gt;A minute", got.text)
        self.assertEqual(dispute.state, "in_progress")
        self.assertEqual(dispute.event_ids[-1].origin, "portal")
        self.assertEqual(dispute._verify(), [])
        self.assertIn("Tell us", self.said(self.post("boss", f"{address}/message")))
        # The decision, when there is one.
        self.assertNotIn("It was connected.", self.page("boss", address).text)
        self.decide(dispute.with_user(self.agent), 0, 0)
        self.env.flush_all()
        got = self.page("boss", address)
        self.assertIn("It was connected.", got.text)
        self.assertIn("Explanation of", got.text)
        self.assertFalse(DIGITS.search(got.text))

    def test_whose(self):
        """Others, contacts without the rights, and who is no customer, get nothing."""
        self.open("boss", self.calls[0])
        dispute = self.disputes()
        address = f"/my/disputes/{dispute.id}"
        theirs = self.calls_of_customer(self.stranger)
        for login, calls in (("rival", self.calls[1]), ("boss", theirs)):
            got = self.open(login, calls)
            self.assertIn("cannot be disputed", self.said(got), login)
        for login in ("rival", "nobody"):
            self.assertEqual(self.page(login, address).status_code, 404)
            got = self.post(login, f"{address}/message", text="Hello")
            self.assertEqual(got.status_code, 404)
            self.assertNotIn(dispute.name, self.page(login, "/my/disputes").text)
        self.assertIn("cannot be", self.said(self.open("nobody", self.calls[1])))
        # A contact who may not see calls sees that there is a dispute.
        self.assertIn("cannot be", self.said(self.open("clerk", self.calls[1])))
        text = self.page("clerk", address).text
        self.assertIn(dispute.name, text)
        self.assertNotIn("+12125550xxx", text)
        self.assertNotIn("10:00", text)
        self.boss.partner_id.metered_portal_disputes = False
        self.env.flush_all()
        self.assertEqual(self.page("boss", address).status_code, 404)
        self.assertEqual(self.open("boss", self.calls[1]).status_code, 404)
        self.assertEqual(self.disputes(), dispute)
        # Of a company in which the contact is no customer, nothing.
        other = self.env["res.company"].create({"name": "Other Telecom"})
        self.boss.partner_id.metered_portal_disputes = True
        self.boss.write(
            {"company_ids": [Command.set(other.ids)], "company_id": other.id}
        )
        self.env.flush_all()
        self.assertEqual(self.page("boss", address).status_code, 404)

    def test_shown_as_in_the_list_of_calls(self):
        """No form shows digits, or a call, that the list of calls does not."""
        self.customer.country_id = self.env.ref("base.at")
        self.company.write(
            {"metered_hidden_digits": False, "metered_hidden_caller_digits": False}
        )
        # It holds for periods that begin later.
        self.customer.metered_declared_on = "2026-10-20"
        self.env.flush_all()
        portal, call = self.env["metered.portal"], self.calls[0]
        shown = portal._masked_call(call)["to"]
        self.assertEqual(shown, "+12125550xxx")
        disputes = self.env["metered.dispute"]
        _cdrs, _usage, [one] = disputes.with_user(self.boss)._portal_charges(
            call.ids, []
        )
        self.assertEqual(one["number"], shown)
        # A helpline is not named either in a dispute that the office opened.
        self.env["metered.hidden.list"].create(
            {
                "name": "Helplines",
                "country_id": self.env.ref("base.us").id,
                "numbers": call.callee,
            }
        )
        [line] = self.dispute(call).line_ids
        self.assertFalse(line.number or line.destination)

    def test_no_right_on_the_models(self):
        self.open("boss", self.calls[0])
        env = self.env(user=self.boss)
        for name in (
            "metered.dispute",
            "metered.dispute.line",
            "metered.dispute.event",
            "metered.dispute.start",
        ):
            for method, args in (
                ("search_read", ([],)),
                ("web_search_read", ([], {"display_name": {}})),
                ("formatted_read_group", ([], [], ["__count"])),
                ("export_data", ([1], ["id"])),
                ("create", ({},)),
                ("write", ([1], {})),
            ):
                with (
                    self.subTest(name, method=method),
                    self.assertRaises(UserError),
                ):
                    call_kw(env[name], method, args, {})

    def test_refused(self):
        theirs = self.calls_of_customer(self.stranger)
        for values, words in (
            ({"text": ""}, "Tell us what is wrong"),
            ({"text": "x" * 5_001}, "at most 5000"),
            ({"reason": "evil"}, "Choose a reason"),
            ({"cdr_ids": "1e5,-1,x"}, "Select the charges"),
            ({"cdr_ids": str(10**17)}, "cannot be disputed"),
            ({"usage_ids": str(theirs.usage_id.id)}, "cannot be disputed"),
            ({"files": {"files": ("a.exe", b"MZ\x90\0", "image/png")}}, "attached"),
            ({"files": {"files": ("a.bat", b"del *", "text/plain")}}, "attached"),
        ):
            with self.subTest(ascii(values)[:60]):
                sent = {"cdr_ids": str(self.calls[0].id), "reason": "price"}
                sent |= {"text": "Too much", **values}
                got = self.post("boss", "/my/disputes/new", **sent)
                self.assertIn(words, self.said(got))
        with patch.object(limits, "MOST_BYTES", 3):
            got = self.open("boss", self.calls[0], files={"files": ("a.txt", b"text")})
            self.assertIn("larger than", self.said(got))
        with patch.object(limits, "MOST_BYTES_A_DAY", 3):
            got = self.open("boss", self.calls[0], files={"files": ("a.txt", b"text")})
            self.assertIn("many files today", self.said(got))
        self.assertFalse(self.disputes())
        often = {**metered_access_log.LIMITS, "dispute": 0}
        with patch.object(metered_access_log, "LIMITS", often):
            self.assertEqual(self.open("boss", self.calls[0]).status_code, 429)
        self.open("boss", self.calls[0])
        self.assertIn("already disputed", self.said(self.open("boss", self.calls[:2])))
        with patch.object(limits, "MOST_A_DAY", 1):
            said = self.said(self.open("boss", self.calls[1]))
            self.assertIn("many disputes today", said)
        address = f"/my/disputes/{self.disputes().id}/message"
        self.post("boss", address, text="One")
        with patch.object(limits, "MOST_AN_HOUR", 1):
            got = self.post("boss", address, text="Two")
            self.assertIn("many messages", self.said(got))
        log = self.env["metered.access.log"]
        entry = log.search([("kind", "=", "dispute")], limit=1)
        self.assertEqual(entry.user_id, self.boss)
        self.assertIn(str(self.calls[1].id), entry.what)
        # Without the form's token nothing is taken.
        with mute_logger("odoo.http"):
            got = self.url_open(address, data={"text": "Forged"})
        self.assertEqual(got.status_code, 400)

    def test_whose_charges_another_pays(self):
        """Whose parent pays follows what its own contact raised, and only that."""
        self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.stranger.parent_id = self.customer
        self.env.flush_all()
        got = self.open("rival", self.calls_of_customer(self.stranger))
        [dispute] = self.disputes()
        address = f"/my/disputes/{dispute.id}"
        self.assertTrue(got.url.endswith(address))
        self.assertEqual(got.status_code, 200)
        self.assertIn(dispute.name, self.page("rival", "/my/disputes").text)
        got = self.post("rival", f"{address}/message", text="And?")
        self.assertIn("And?", got.text)
        # Who pays sees it, too; but what that one raises itself is its own.
        self.assertIn("And?", self.page("boss", address).text)
        self.open("boss", self.calls[0])
        own = self.disputes() - dispute
        self.assertEqual(self.page("rival", f"/my/disputes/{own.id}").status_code, 404)
        contact = self.rival.partner_id
        self.assertEqual(dispute._mail_contact(), contact)
        contact.email = False
        self.assertEqual(dispute._mail_contact(), self.customer)
        self.stranger.email = "office@example.com"
        self.assertEqual(dispute._mail_contact(), self.stranger)
        contact.email = "rival@example.com"
        # A contact who goes to another company takes nothing along.
        other = self.make_customer("Other Inc", "+14045550300", is_company=True)
        self.rival.partner_id.parent_id = other
        self.env.flush_all()
        self.assertEqual(self.page("rival", address).status_code, 404)
        self.assertNotIn(dispute.name, self.page("rival", "/my/disputes").text)
        self.assertNotEqual(dispute._mail_contact(), self.rival.partner_id)

    def test_files_are_for_who_sees_calls(self):
        """How calls were charged is not for a contact who may not see them."""
        self.open("boss", self.calls[:2])
        [dispute] = self.disputes()
        self.post(
            "clerk",
            f"/my/disputes/{dispute.id}/message",
            files={"files": ("mine.png", PNG, "image/png")},
            text="See the picture.",
        )
        self.decide_of(dispute)
        explanation = dispute._portal_thread().attachment_ids.filtered(
            lambda one: one.name.endswith(".html")
        )
        mine = dispute._portal_thread().attachment_ids - explanation
        path = f"/my/disputes/{dispute.id}"
        for login, statuses in (("boss", (200, 200)), ("clerk", (404, 200))):
            text = self.page(login, path).text
            hides = "Files are for contacts who can view calls." in text
            self.assertEqual(hides, login == "clerk")
            self.assertEqual(explanation.name in text, login == "boss")
            for file, status in zip((explanation, mine), statuses, strict=True):
                got = self.page(login, f"{path}/file/{file.id}")
                self.assertEqual(got.status_code, status, (login, file.name))
        # Who looked at what is on record; who sees no call has looked at none.
        log = self.env["metered.access.log"].search([("kind", "=", "dispute_view")])
        self.assertIn(f"{dispute.id}: {explanation.name}", log.mapped("what"))
        clerks = log.filtered(lambda entry: entry.user_id == self.clerk)
        self.assertEqual(clerks.mapped("what"), [f"{dispute.id}: {mine.name}"])
        # Nobody of the customer follows it: who may see it is looked at each time.
        self.assertFalse(dispute.message_partner_ids.filtered("partner_share"))

    def decide_of(self, dispute):
        mine = dispute.with_user(self.agent)
        mine.action_start()
        self.decide(mine, *[0] * len(dispute.line_ids))
        self.env.flush_all()

    def test_the_same_time_everywhere(self):
        """A call has the time of the customer's zone, wherever it is shown."""
        self.company.metered_tz = "America/New_York"
        self.env.flush_all()
        call = self.calls[0]
        start = self.env["metered.portal"]._masked_call(call)["start"]
        self.assertIn("6:00:00", start)
        got = self.post("boss", "/my/disputes/new", cdr_ids=call.id)
        self.assertIn(start, " ".join(got.text.split()))
        text = self.open("boss", call).text
        self.assertIn(start, text)
        [dispute] = self.disputes()
        self.decide_of(dispute)
        [file] = dispute._portal_thread().attachment_ids
        self.assertIn(start, file.raw.decode())
        # The day of other usage is its own, also west of Greenwich.
        self.open("boss", call.browse(), usage_ids=str(self.calls[1].usage_id.id))
        whole = (self.disputes() - dispute).line_ids
        self.assertEqual(
            whole._portal_line(True, False)["start"],
            format_date(self.env, self.calls[1].usage_id.day),
        )

    def test_questioned_on_the_invoice(self):
        """A line of an invoice is questioned also by who may not see calls."""
        invoice = self.invoice()
        self.env.flush_all()
        path = f"/my/invoices/{invoice.id}"
        for login in ("boss", "clerk"):
            forms = html.fromstring(self.page(login, path).content).xpath(
                "//form[@action='/my/disputes/new']"
            )
            self.assertEqual(len(forms), len(self.usage_lines(invoice)), login)
        [ids] = forms[0].xpath("input[@name='usage_ids']/@value")
        got = self.post(
            "clerk", "/my/disputes/new", usage_ids=ids, reason="price", text="Why?"
        )
        self.assertRegex(got.url, r"/my/disputes/\d+$")
        self.assertEqual(
            set(self.disputes().line_ids.mapped("usage_id")),
            set(map(int, ids.split(","))),
        )
        self.clerk.partner_id.metered_portal_disputes = False
        self.env.flush_all()
        token = f"{path}?access_token={invoice._portal_ensure_token()}"
        for login, address in (("clerk", path), ("rival", token), (None, token)):
            text = self.page(login, address).text
            self.assertIn("o_metered_invoice_usage", text)
            self.assertNotIn("/my/disputes/new", text)
