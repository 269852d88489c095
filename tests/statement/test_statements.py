# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Statements of invoices: complete, to the cent, masked, and the same again."""

import base64
import csv
import io
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256

import openpyxl

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..billing.test_renewal import RenewalCase


class StatementCase(RenewalCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.make_identifier(cls.customer, "+14045550101")
        cls.deck.rate_ids.price = 0.0333
        cls.product = cls.env["product.product"].create(
            {"name": "Storage", "type": "service"}
        )

    def invoice(self, calls=7, seconds=1):
        """A posted invoice of some calls of two numbers, each longer than the last."""
        rows = [
            (
                f"{self.id()}-{number}",
                f"2026-10-{number % 28 + 1:02d} 10:00:00",
                17 * number + seconds,
                "+14045550101" if number % 3 else "+14045550100",
                f"+1212555{number:04d}",
            )
            for number in range(calls)
        ]
        self.import_calls(self.source, *rows)
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.invoicing_mode = "invoice"
        run = self.renew_due()
        self.assertFalse(run.failure_ids.mapped("reason"))
        [invoice] = self.invoices(subscription)
        return invoice

    def use(self, meter, day, quantity, **values):
        """A record of a meter, as an import stores it."""
        shared = {
            "company_id": self.company.id,
            "partner_id": self.customer.id,
            "meter_id": meter.id,
            "quantity": quantity,
        }
        usage = self.env["metered.usage"].create(
            {
                **shared,
                "day": day,
                "currency_id": self.company.currency_id.id,
                "records": 1,
                "collecting": True,
            }
        )
        self.env["metered.cdr"].create(
            {
                **shared,
                "start_time": f"{day} 10:00:00",
                "state": "rated",
                "usage_id": usage.id,
                **values,
            }
        )

    def currency(self, code):
        """A currency that is used."""
        found = self.env["res.currency"].with_context(active_test=False)
        currency = found.search([("name", "=", code)])
        currency.active = True
        return currency

    def made(self, invoice):
        """The statement of an invoice, made at once."""
        statement = invoice._metered_make_statements()
        statement._process()
        self.assertEqual((statement.state, statement.error), ("done", False))
        return statement

    def content(self, statement, name):
        content = base64.b64decode(statement[name])
        self.assertEqual(sha256(content).hexdigest(), statement[f"{name}_sha256"])
        return content

    def table(self, statement):
        text = self.content(statement, "csv").decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline="")))


@tagged("post_install", "-at_install")
class TestStatements(StatementCase):
    def test_to_the_cent(self):
        statement = self.made(self.invoice())
        rows = self.table(statement)
        self.assertEqual(len(rows), 7)
        self.assertEqual(statement.calls, 7)
        charge = sum(Decimal(row["charge"]) for row in rows)
        self.assertEqual(charge, Decimal(repr(statement.usage_amount)))
        self.assertEqual(
            charge.quantize(Decimal("0.01")), Decimal(repr(statement.invoice_amount))
        )
        self.assertTrue(statement.rounding)
        self.assertTrue(statement.adds_up)
        self.assertEqual(statement.partner_id, self.customer)
        self.assertRegex(statement.name, r"^ST/\d{4}/\d{5}$")
        self.assertEqual(rows[0]["service"], "14045550100")
        self.assertEqual(rows[0]["start_utc"], "2026-10-01T10:00:00Z")
        self.assertEqual(rows[0]["price"], "0.0333")
        book = openpyxl.load_workbook(io.BytesIO(self.content(statement, "xlsx")))
        sheet = book["Calls"]
        self.assertEqual(sheet.max_row, 8)
        self.assertIn("Tariff", [cell.value for cell in sheet[1]])
        pages = statement._content().pages()
        self.assertIn(("Tariff", self.deck.name), pages.facts)
        self.assertNotIn("Tariff", [one.title for one in pages.sections[2].columns])
        self.assertAlmostEqual(
            sum(row[-1] for row in sheet.iter_rows(2, values_only=True)), float(charge)
        )
        self.assertTrue(self.content(statement, "pdf").startswith(b"%PDF"))
        self.assertEqual(statement.pages, 1)

    def test_tariffs(self):
        """Where there are several, each call says which."""
        own = self.make_deck("Own")
        self.make_rate(own, "12125550001", 0.5)
        self.customer.metered_deck_id = own
        statement = self.made(self.invoice())
        pages = statement._content().pages()
        self.assertNotIn("Tariff", dict(pages.facts))
        section = pages.sections[2]
        place = [one.title for one in section.columns].index("Tariff")
        told = {row[place] for each in pages.sections[2:] for row in each.rows}
        self.assertEqual(told, {"Own", self.deck.name})
        self.assertEqual(len(section.total), len(section.columns))

    def test_currencies(self):
        """To the smallest coin, whatever that is, and one rounding per line."""
        prices = {"JPY": 7.31, "EUR": 0.0333, "KWD": 0.01237}
        subscriptions = {}
        for place, (code, price) in enumerate(prices.items()):
            currency = self.currency(code)
            deck = self.make_deck(code, currency_id=currency.id)
            self.make_rate(deck, "", price)
            number = f"+1404555020{place}"
            customer = self.make_customer(code, number, metered_deck_id=deck.id)
            made = self.make_subscription(customer, "2026-10-01", "2026-11-01")
            made.template_id.invoicing_mode = "invoice"
            made.pricelist_id.currency_id = currency
            subscriptions[currency] = made
            self.import_calls(
                self.source,
                *(
                    (
                        f"{code}-{call}",
                        f"2026-10-{call % 28 + 1:02d} 10:{call % 60:02d}:00",
                        17 * call % 4001 + 1,
                        number,
                        f"+1212555{call:04d}",
                    )
                    for call in range(200)
                ),
            )
        self.renew_due()
        for currency, subscription in subscriptions.items():
            with self.subTest(currency.name):
                statement = self.made(self.invoices(subscription))
                self.assertEqual(statement.currency_id, currency)
                self.assertTrue(statement.adds_up)
                self.assertEqual(statement.calls, 200)
                charges = sum(Decimal(row["charge"]) for row in self.table(statement))
                book = openpyxl.load_workbook(
                    io.BytesIO(self.content(statement, "xlsx"))
                )
                cells = book["Calls"].iter_rows(2, values_only=True)
                self.assertEqual(sum(Decimal(repr(row[-1])) for row in cells), charges)
                places = Decimal(1).scaleb(-currency.decimal_places)
                self.assertEqual(
                    charges.quantize(places, ROUND_HALF_UP),
                    Decimal(repr(statement.invoice_amount)),
                )
                self.assertNotEqual(charges, charges.quantize(places))
                total = statement._content().pages().sections[0].total[-1]
                self.assertEqual(total, charges.quantize(places, ROUND_HALF_UP))

    def test_changed_by_hand(self):
        invoice = self.invoice()
        invoice.button_draft()
        self.usage_lines(invoice)[0].price_unit += 1
        invoice.action_post()
        self.assertFalse(self.made(invoice).adds_up)

    def test_made_again(self):
        invoice = self.invoice()
        first = self.made(invoice)
        before = [self.content(first, name) for name in ("pdf", "xlsx", "csv")]
        second = self.made(invoice)
        self.assertEqual((first.is_current, second.is_current), (False, True))
        self.assertEqual(
            before, [self.content(first, name) for name in ("pdf", "xlsx", "csv")]
        )
        # The same but for its number.
        second.name = first.name
        second._run(None, None)
        self.assertEqual(
            before, [self.content(second, name) for name in ("pdf", "xlsx", "csv")]
        )

    def test_masked_as_it_was_made(self):
        self.customer.metered_hidden_digits = "3"
        self.company.metered_hidden_caller_digits = "4"
        invoice = self.invoice()
        statement = self.made(invoice)
        self.customer.metered_hidden_digits = "0"
        for row in self.table(statement):
            self.assertRegex(row["to"], r"^1212555\dxxx$")
            self.assertRegex(row["from"], r"^140455501")
        for name in ("pdf", "xlsx"):
            self.assertNotIn(b"12125550001", self.content(statement, name))
        statement._run(None, None)
        self.assertRegex(self.table(statement)[0]["to"], "xxx$")

    def test_calls_that_are_not_listed(self):
        self.customer.metered_statement_items = "none"
        invoice = self.invoice()
        statement = self.made(invoice)
        self.assertEqual((statement.calls, self.table(statement)), (0, []))
        self.assertTrue(statement.adds_up)
        content = statement._content()
        [remainder] = content._remainders()
        self.assertEqual(remainder[1], 7)
        self.assertEqual(remainder[2], Decimal(repr(statement.usage_amount)))
        # What SQL says of a call is what the one function says of it.
        masking = {"items": "charged", "never_shown": ["1212555000", "=12125550011"]}
        statement.masking = {**statement.masking, **masking}
        listed = {call.callee for call in statement._read_calls()}
        for cdr in self.env["metered.cdr"].search([("invoice_id", "=", invoice.id)]):
            expected = statement._masking().lists(cdr.callee, bool(cdr.charge))
            self.assertEqual(cdr.callee in listed, expected, cdr.callee)

    def test_many_calls_are_in_the_table_only(self):
        self.company.metered_statement_rows = 3
        statement = self.made(self.invoice())
        sections = statement._content().pages().sections
        titles = [section.title for section in sections]
        self.assertEqual(titles, ["Summary", "By Service"])
        self.assertEqual(len(self.table(statement)), 7)

    def test_after_posting(self):
        self.company.metered_statement_auto = True
        invoice = self.invoice()
        [statement] = invoice.metered_statement_ids
        self.assertEqual(statement.state, "queued")
        statement._process()
        # What is drafted and posted again gets another one.
        invoice.button_draft()
        invoice.action_post()
        self.assertEqual(len(invoice.metered_statement_ids), 2)
        self.assertFalse(statement.is_current)

    def test_no_invoice_any_more(self):
        invoice = self.invoice()
        with self.assertRaisesRegex(UserError, "Only posted invoices with usage"):
            self.env["account.move"].create(
                {"move_type": "out_invoice"}
            ).action_metered_statement()
        statement = invoice._metered_make_statements()
        invoice.button_draft()
        with self.assertRaisesRegex(UserError, "is no longer posted"):
            statement._process()
        statement.write({"state": "failed", "error": "It was no longer posted."})
        invoice.action_post()
        statement.action_resume()
        self.assertEqual((statement.state, statement.error), ("queued", False))

    def test_who_may_see_it(self):
        statement = self.made(self.invoice())
        portal = new_test_user(self.env, "portal", groups="base.group_portal")
        with self.assertRaises(AccessError):
            statement.with_user(portal).read(["pdf"])
        self.customer.user_ids = portal
        with self.assertRaises(AccessError):
            statement.invoice_id.with_user(portal).action_metered_statement()
        user = new_test_user(
            self.env, "operator", groups="metered_billing.group_metered_user"
        )
        found = statement.with_user(user)
        self.assertEqual(found.name, statement.name)
        action = found.with_context(metered_file="pdf").action_download()
        self.assertIn(f"/metered.statement/{statement.id}/pdf", action["url"])
        with self.assertRaises(AccessError):
            found.write({"name": "other"})
        other = self.env["res.company"].create({"name": "Other"})
        user.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        with self.assertRaises(AccessError):
            found.with_company(other).read(["name"])
