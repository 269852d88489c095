# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The portal: what customers see of their usage, and that it is only theirs."""

import csv
import io
import json
import re
from datetime import date
from decimal import Decimal
from unittest.mock import patch

from lxml import html

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.service.model import call_kw
from odoo.tests import HttpCase, new_test_user, tagged

from ...models.portal import metered_access_log, metered_portal_calls
from ...models.portal.metered_portal_calls import Asked
from ...rating.exact import number
from ..statement.test_statements import StatementCase

#: of the customer, which calls others and is called, and of another customer
CALLED, CALLER, FOREIGN = "+12125550001", "+13105550077", "+14155550123"
DIGITS = re.compile(r"2125550\d\d\d|310555\d\d\d\d")


class PortalCase(StatementCase, HttpCase):
    """Two customers with calls; contacts of the first with and without the right."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.metered_hidden_digits = "3"
        cls.company.metered_hidden_caller_digits = "4"
        cls.customer.is_company = True
        cls.boss = cls.make_portal_user(cls.customer, "boss", metered_portal_calls=True)
        cls.clerk = cls.make_portal_user(cls.customer, "clerk")
        cls.stranger = cls.make_customer("Stranger Inc", FOREIGN, is_company=True)
        cls.rival = cls.make_portal_user(
            cls.stranger, "rival", metered_portal_calls=True
        )
        cls.nobody = new_test_user(cls.env, "nobody", groups="base.group_portal")
        cls.nobody.partner_id.metered_portal_calls = True

    def setUp(self):
        super().setUp()
        self.logged_in = None

    @classmethod
    def make_portal_user(cls, customer, login, **rights):
        user = new_test_user(cls.env, login, groups="base.group_portal")
        user.partner_id.write({"parent_id": customer.id, "type": "contact", **rights})
        return user

    def import_some(self, count=7):
        """Calls of both customers."""
        own = [
            (
                f"a{number}",
                f"2026-10-{number % 28 + 1:02d} 10:00:00",
                60 + number,
                "+14045550100",
                f"+1212555{number:04d}",
            )
            for number in range(count)
        ]
        self.import_calls(
            self.source, *own, ("b", "2026-10-03 11:00:00", 90, FOREIGN, "+12125550999")
        )
        self.env.flush_all()

    def calls_of(self, customer):
        return self.env["metered.cdr"].search(
            [("partner_id", "=", customer.id)], order="start_time, id"
        )

    def page(self, login, address):
        """A page that a user is shown."""
        if self.logged_in != login:
            self.authenticate(login, login)
            self.logged_in = login
        return self.url_open(address)

    def table(self, response):
        """Texts of the cells of a page's first table in a list of calls."""
        rows = html.fromstring(response.content).xpath(
            "//table[contains(@class, 'o_metered_calls')]/tbody/tr"
        )
        return [
            [" ".join(cell.text_content().split()) for cell in row.xpath("./td|./th")]
            for row in rows
        ]


ADDRESS = "/my/usage/calls?since=2026-10-01&until=2026-10-31"


@tagged("post_install", "-at_install")
class TestPortal(PortalCase):
    def test_usage(self):
        self.import_some()
        self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        got = self.page("clerk", "/my/usage")
        self.assertEqual(got.status_code, 200)
        self.assertIn("no-store", got.headers["Cache-Control"])
        text = got.text
        self.assertIn("Includes usage up to", text)
        [total] = html.fromstring(text).xpath(
            "//p[contains(@class, 'o_metered_so_far')]"
        )
        self.assertIn("0.24", total.text_content())
        self.assertNotIn("/my/usage/calls", text)
        self.assertFalse(DIGITS.search(text))
        self.assertIn("/my/usage/calls", self.page("boss", "/my/usage").text)
        self.assertIn("There is no usage", self.page("nobody", "/my/usage").text)
        # A page of a language that is written from the right says so.
        self.assertEqual(html.fromstring(text).get("dir"), "ltr")
        self.env["res.lang"]._lang_get("en_US").direction = "rtl"
        self.env.flush_all()
        text = self.page("clerk", "/my/usage").text
        self.assertEqual(html.fromstring(text).get("dir"), "rtl")
        home = self.env["metered.portal"]
        self.assertTrue(home._has_usage(self.clerk))
        self.assertFalse(home._has_usage(self.nobody))

    def test_forecast(self):
        """What the next invoice would be; only for who gets it."""
        self.import_some()
        self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.stranger.parent_id = self.customer
        self.env.flush_all()
        found = self.env["metered.portal"]._forecast(self.boss)
        self.assertEqual(len(found), 1)
        self.assertIn("10.", found[0]["sums"][0]["now"])
        self.assertIn("Line rental", self.page("boss", "/my/usage/forecast").text)
        self.assertFalse(self.env["metered.portal"]._forecast(self.rival))
        self.assertFalse(
            self.env["account.move"].search([("subscription_id", "!=", 0)])
        )

    def test_days(self):
        today = self.company._metered_today()
        self.import_calls(
            self.source,
            ("1", f"{today} 00:00:01", 60, "+14045550100", CALLED),
            ("2", f"{today} 00:00:02", 60, FOREIGN, CALLED),
        )
        by_day = self.env["metered.portal"]._usage_by_day(self.boss)
        [day] = by_day["days"]
        self.assertEqual(len(by_day["types"]), 1)
        self.assertEqual(sum(by_day["chart"]["series"][0]["values"]), 0.0333)
        chart = html.fromstring(self.page("boss", "/my/usage").content).xpath(
            "//*[@data-chart]/@data-chart"
        )
        self.assertEqual(json.loads(chart[0]), by_day["chart"])

    def test_calls(self):
        self.import_some()
        got = self.page("boss", ADDRESS)
        rows = self.table(got)
        self.assertEqual(len(rows), 7)
        self.assertTrue(all(row[2].endswith("xxx") for row in rows), rows)
        self.assertFalse(DIGITS.search(got.text))
        self.assertEqual(rows[-1][2], "+12125550xxx")
        self.assertEqual(rows[-1][-1], "$ 0.0333")
        # The call itself, in the customer's words.
        [own, *_rest] = self.calls_of(self.customer)
        got = self.page("boss", f"/my/usage/call/{own.id}")
        self.assertIn("+12125550xxx", got.text)
        self.assertFalse(DIGITS.search(got.text))
        self.assertIn("per minute", got.text)
        for hidden in ("House", "Rate deck", "Prefix"):
            self.assertNotIn(hidden, got.text)

    def test_filters(self):
        self.import_some()
        meter = self.calls_of(self.customer).meter_id[:1]
        for query, count in (
            ("", 7),
            (f"&type={meter.id}", 7),
            ("&type=999999", 0),
            ("&destination=999999", 0),
            ("&least=0.0335", 0),
            ("&least=0.0333", 7),
            # What makes no sense is left out.
            ("&least=NaN&type=x&destination=%27&after=..", 7),
            ("&since=2026-13-77&until=2026-10-31", 7),
            ("&until=2026-10-04&since=2026-10-03", 2),
        ):
            with self.subTest(query):
                days = ADDRESS if "since" not in query else "/my/usage/calls?"
                rows = self.table(self.page("boss", days + query))
                expected = count
                if query.startswith("&least=0.03"):
                    charges = self.calls_of(self.customer).mapped("charge")
                    least = float(query.partition("=")[2])
                    expected = len([one for one in charges if one >= least])
                self.assertEqual(len(rows), expected)

    def test_pages(self):
        """Page after page each call comes once, the newest first."""
        same = [(f"s{number}", "2026-10-09 09:00:00") for number in range(5)]
        self.import_calls(
            self.source,
            *((key, time, 60, "+14045550100", CALLED) for key, time in same),
            *(
                (f"d{day}", f"2026-10-{day:02d} 08:00:00", 60, "+14045550100", CALLED)
                for day in range(1, 9)
            ),
        )
        portal, found = self.env["metered.portal"], []
        texts = {"since": "2026-10-01", "until": "2026-10-31"}
        for size, searched, read in ((2, 10**6, 99), (3, 4, 99), (9, 10**6, 1)):
            with (
                patch.object(metered_portal_calls, "PAGE", size),
                patch.object(metered_portal_calls, "MOST_SEARCHED", searched),
                patch.object(metered_portal_calls, "MOST_READ", read),
            ):
                found, after = [], ""
                for _page in range(30):
                    asked = Asked.from_texts({**texts, "after": after}, date.today())
                    page = portal._calls_page(self.boss, asked)
                    self.assertLessEqual(len(page.calls), size)
                    found += page.calls
                    after = page.after
                    if not after:
                        break
            ids = [call["id"] for call in found]
            wanted = self.env["metered.cdr"].search(
                [("partner_id", "=", self.customer.id)],
                order="start_time desc, id desc",
            )
            self.assertEqual(ids, wanted.ids)

    def test_file(self):
        self.import_some()
        # What somebody named is not a formula.
        self.calls_of(self.customer).meter_id.name = "=1+1"
        self.env.flush_all()
        got = self.page("boss", ADDRESS.replace("calls?", "calls/download?"))
        self.assertIn("attachment", got.headers["Content-Disposition"])
        rows = list(csv.DictReader(io.StringIO(got.content.decode("utf-8-sig"))))
        self.assertEqual(len(rows), 7)
        self.assertEqual(rows[-1]["to"], "12125550xxx")
        self.assertEqual({row["call_type"] for row in rows}, {"'=1+1"})
        self.assertFalse(DIGITS.search(got.text))
        charged = sum(Decimal(row["charge"]) for row in rows)
        self.assertAlmostEqual(
            float(charged), sum(self.calls_of(self.customer).mapped("charge"))
        )

    def test_file_of_nothing(self):
        """A filter that finds nothing does not read all days; the name says how far."""
        self.import_some()
        address = ADDRESS.replace("calls?", "calls/download?")
        names = []
        for most, searched, query in (
            (20_000, 3, "&destination=999999"),
            (20_000, 1_000, "&destination=999999"),
            (2, 1_000, ""),
        ):
            with (
                patch.object(metered_portal_calls, "MOST_SEARCHED_FOR_FILE", searched),
                patch.object(metered_portal_calls, "MOST_DOWNLOADED", most),
                patch.object(metered_portal_calls, "FETCHED", 1),
            ):
                got = self.page("boss", address + query)
            names.append(got.headers["Content-Disposition"].partition("calls_")[2])
            rows = list(csv.DictReader(io.StringIO(got.content.decode("utf-8-sig"))))
            self.assertEqual(len(rows), 0 if query else 2)
        # Calls are of October 1 through 7.
        self.assertEqual(
            names,
            [f'2026-10-0{day}_2026-10-31.csv"' for day in (5, 1, 6)],
        )

    def test_days_that_are_not_read(self):
        """Where all calls of a day cost less than is asked for, none of them is."""
        self.import_some()
        portal, read = self.env["metered.portal"], []
        of_day = type(portal)._calls_of_day
        month = {"since": "2026-10-01", "until": "2026-10-31"}
        most = max(number(cdr.charge) for cdr in self.calls_of(self.customer))

        def noted(model, usage, *args):
            read.append(usage)
            return of_day(model, usage, *args)

        with patch.object(type(portal), "_calls_of_day", noted):
            for least, days, calls in (
                (most, 1, 1),
                (most + Decimal("0.000001"), 0, 0),
                (Decimal(0), 7, 7),
                (Decimal(-1), 7, 7),
            ):
                with self.subTest(least):
                    asked = Asked.from_texts(
                        {**month, "least": str(least)}, date.today()
                    )
                    rows = []
                    read.clear()
                    first = portal._calls_file(self.boss, asked, rows.append)
                    self.assertEqual((len(read), len(rows) - 1), (days, calls))
                    self.assertEqual(first, date(2026, 10, 1))
                    self.assertEqual(
                        len(portal._calls_page(self.boss, asked).calls), calls
                    )

    def test_not_listed(self):
        """What statements do not list, the portal does not either."""
        self.import_some()
        [own, *_rest] = self.calls_of(self.customer)
        self.customer.metered_statement_items = "none"
        self.assertEqual(self.table(self.page("boss", ADDRESS)), [])
        self.assertEqual(self.page("boss", f"/my/usage/call/{own.id}").status_code, 404)
        self.assertEqual(self.env["metered.portal"]._masked_call(own), {})

    def test_inbound(self):
        self.import_some(1)
        [cdr] = self.calls_of(self.customer)
        self.env.cr.execute(
            "UPDATE metered_cdr SET direction = 'inbound', caller = %s, callee = %s"
            " WHERE id = %s",
            (CALLER, "+14045550100", cdr.id),
        )
        cdr.invalidate_recordset()
        call = self.env["metered.portal"]._masked_call(cdr)
        self.assertEqual((call["from"], call["to"]), ("+1310555xxxx", "+14045550100"))

    # === WHO MAY NOT === #

    def test_others(self):
        """Nothing of another customer, whatever is asked for."""
        self.import_some()
        own, foreign = self.calls_of(self.customer), self.calls_of(self.stranger)
        self.assertEqual(len(self.table(self.page("rival", ADDRESS))), 1)
        for login, cdr, status in (
            ("rival", foreign, 200),
            ("rival", own[0], 404),
            ("boss", foreign, 404),
            ("clerk", own[0], 403),
            ("nobody", own[0], 404),
        ):
            got = self.page(login, f"/my/usage/call/{cdr.id}")
            self.assertEqual(got.status_code, status, (login, cdr))
        for address in (ADDRESS, ADDRESS.replace("calls?", "calls/download?")):
            self.assertNotIn("xxx", self.page("nobody", address).text)
            self.assertEqual(self.page("clerk", address).status_code, 403)
        self.assertFalse(self.env["metered.portal"]._call_of(self.boss, 10**30))
        for address in ("usage/call/%s", "statements/%s/pdf", "disputes/%s"):
            got = self.page("boss", f"/my/{address % 10**30}")
            self.assertEqual(got.status_code, 404, address)
        # Nobody gives itself a right.
        with self.assertRaises(AccessError):
            own = self.clerk.partner_id.with_user(self.clerk)
            call_kw(own, "write", [own.ids, {"metered_portal_calls": True}], {})
        self.authenticate(None, None)
        self.assertIn("/web/login", self.url_open(ADDRESS).url)

    def test_other_company(self):
        """Usage in a company that the user does not belong to is not seen."""
        self.import_some()
        other = self.env["res.company"].create({"name": "Other"})
        self.boss.write(
            {"company_ids": [Command.set(other.ids)], "company_id": other.id}
        )
        self.assertEqual(self.table(self.page("boss", ADDRESS)), [])
        cdr = self.calls_of(self.customer)[0]
        self.assertEqual(self.page("boss", f"/my/usage/call/{cdr.id}").status_code, 404)

    def test_child_company(self):
        """A company sees those it pays for; these see themselves, not their payer."""
        self.import_some()
        self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.stranger.parent_id = self.customer
        self.env.flush_all()
        self.assertEqual(len(self.table(self.page("boss", ADDRESS))), 8)
        self.assertEqual(len(self.table(self.page("rival", ADDRESS))), 1)
        so_far = self.env["metered.portal"]._usage_so_far(self.rival)
        self.assertNotIn(self.customer.name, repr(so_far))
        self.make_subscription(self.stranger, "2026-10-01", "2026-11-01")
        self.env.flush_all()
        self.assertEqual(len(self.table(self.page("boss", ADDRESS))), 7)

    def test_models(self):
        """By no method that a program may call is anything of ours read."""
        self.invoice()
        self.make_subscription(self.stranger, "2026-10-01", "2026-11-01")
        allowed, denied = [], 0
        for name in sorted(self.env.registry):
            model = self.env[name]
            if model._original_module != "metered_billing" or model._abstract:
                continue
            ids = model.sudo().search([], limit=1).ids or [1]
            for method, args in (
                ("search_read", [[]]),
                ("web_search_read", [[], {"display_name": {}}]),
                ("read_group", [[], ["__count"], []]),
                ("formatted_read_group", [[], [], ["__count"]]),
                ("read", [ids, ["display_name"]]),
                ("export_data", [ids, ["id"]]),
                ("create", [{}]),
            ):
                try:
                    got = call_kw(model.with_user(self.boss), method, args, {})
                except (AccessError, UserError):
                    denied += 1
                else:
                    allowed.append((name, method, got))
        self.assertFalse(allowed)
        self.assertGreater(denied, 400)

    def test_fields_of_odoo(self):
        """Nor by a field that this module puts on a model that portal users read."""
        invoice = self.invoice()
        statement = self.made(invoice)
        records = [invoice, invoice.invoice_line_ids, self.customer, self.boss]
        told = []
        for of_admin in records:
            record = of_admin.with_user(self.boss)
            for name, field in of_admin._fields.items():
                if field._module != "metered_billing":
                    continue
                try:
                    rows = call_kw(record, "read", [record.ids, [name]], {})
                except AccessError:
                    continue
                if DIGITS.search(repr(rows)):
                    told.append((record._name, name, rows))
        self.assertFalse(told)
        for name in ("pdf", "xlsx", "csv"):
            got = self.page(
                "boss", f"/web/content/metered.statement/{statement.id}/{name}"
            )
            self.assertIn(got.status_code, (403, 404))

    # === LOG === #

    def test_log(self):
        self.import_some()
        log = self.env["metered.access.log"]
        [own, *_rest] = self.calls_of(self.customer)
        self.page("clerk", ADDRESS)
        self.assertFalse(log.search([]))
        self.page("boss", ADDRESS)
        self.page("boss", f"/my/usage/call/{own.id}")
        self.page("boss", ADDRESS.replace("calls?", "calls/download?"))
        entries = log.search([], order="id")
        self.assertEqual(entries.mapped("kind"), ["calls", "call", "download"])
        self.assertEqual(entries.user_id, self.boss)
        self.assertEqual(entries.contact_id, self.boss.partner_id)
        self.assertEqual(entries.partner_id, self.customer)
        self.assertEqual(set(entries.mapped("address")), {"127.0.0.1"})
        self.assertEqual(entries[0].what, "since=2026-10-01, until=2026-10-31")
        # What it says of a call is what was shown of it.
        self.assertIn("+12125550xxx", entries[1].what)
        for change in (lambda: entries.write({"what": ""}), entries.unlink):
            with self.assertRaises(UserError):
                change()

    def test_amounts_that_are_typed(self):
        """None of them is so long, written out, that it fills the memory."""
        for text in ("1e-999999999", "1e999999999", "1e12", "0e-99999999", "1e-13"):
            asked = Asked.from_texts({"least": text}, date.today())
            self.assertIsNone(asked.least, text)
            self.assertEqual(asked.as_texts()["least"], "")
        for text in ("0", "-1", "0.000000000001", "999999999999"):
            asked = Asked.from_texts({"least": text}, date.today())
            self.assertEqual(asked.as_texts()["least"], text)

    def test_nobodys_forecast(self):
        """Who is no customer's gets an empty page, and no entry in the log."""
        new_test_user(self.env, "plain", groups="base.group_user")
        self.env.flush_all()
        self.assertEqual(self.page("plain", "/my/usage/forecast").status_code, 200)
        self.assertFalse(self.env["metered.access.log"].search([]))

    def test_too_often(self):
        self.import_some()
        limits = {**metered_access_log.LIMITS, "download": 2}
        download = ADDRESS.replace("calls?", "calls/download?")
        with patch.object(metered_access_log, "LIMITS", limits):
            statuses = [self.page("boss", download).status_code for _n in range(3)]
            self.assertEqual(statuses, [200, 200, 429])
            self.assertEqual(self.page("rival", download).status_code, 200)
