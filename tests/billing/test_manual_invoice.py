# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Invoicing usage by hand: what is found, what is made of it, and by whom."""

from datetime import date

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, freeze_time, new_test_user, tagged

from ..support.metered_case import MeteredCase

PHONE = "+14045550100"


class ManualInvoiceCase(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source(name="Switch")
        cls.customer = cls.make_customer("Acme", PHONE)
        cls.national = cls.env.ref("metered_billing.meter_national")
        cls.international = cls.env.ref("metered_billing.meter_international")

    def call(self, call_id, start, seconds=60, to="+12125550199"):
        return (call_id, start, seconds, PHONE, to)

    def import_october(self):
        return self.import_calls(
            self.source,
            self.call("1", "2026-10-01 00:00:00", 61),
            self.call("2", "2026-10-31 23:59:59", 30),
            self.call("3", "2026-10-15 12:00:00", 5, to="+442079460120"),
            self.call("4", "2026-09-30 23:59:59", 600),
            self.call("5", "2026-11-01 00:00:00", 600),
        )

    def wizard(self, user=None, **values):
        """The wizard for October, searched."""
        env = self.env(user=user) if user else self.env
        wizard = env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                **values,
            }
        )
        wizard.action_search()
        return wizard

    def invoice(self, wizard):
        """The invoice that the wizard makes and opens."""
        action = wizard.action_create_invoice()
        self.assertEqual(action["res_model"], "account.move")
        return self.env["account.move"].browse(action["res_id"])


@tagged("post_install", "-at_install")
class TestManualInvoice(ManualInvoiceCase):
    def test_search_and_create(self):
        batch = self.import_october()
        # 61, 30, 5, 600 and 600 seconds at 0.001
        self.assertEqual(batch.charged.replace("\xa0", ""), "$1.30")
        wizard = self.wizard()
        self.assertRecordValues(
            wizard.line_ids,
            [
                {
                    "meter_id": self.national.id,
                    "records": 2,
                    "minutes": 91 / 60,
                    "rated": "0.091 USD",
                    "amount": 0.09,
                },
                {
                    "meter_id": self.international.id,
                    "records": 1,
                    "minutes": 5 / 60,
                    "rated": "0.005 USD",
                    "amount": 0.01,
                },
            ],
        )
        self.assertEqual((wizard.found, wizard.billed, wizard.unrated), (3, 0, 0))
        self.assertEqual(wizard.amount, 0.10)
        self.assertFalse(wizard.problem)
        self.assertIn("Last file imported on", wizard.checks)
        self.assertIn("From House", wizard.checks)
        self.assertNotIn("text-danger", wizard.checks)
        invoice = self.invoice(wizard)
        self.assertEqual(invoice.state, "draft")
        self.assertEqual(invoice.partner_id, self.customer)
        self.assertRecordValues(
            invoice.invoice_line_ids,
            [
                {
                    "product_id": self.national.product_id.id,
                    "quantity": 1.0,
                    "price_unit": 0.09,
                    "name": "National calls\n10/01/2026 – 10/31/2026: 2 calls, "
                    "1.5 minutes",
                },
                {
                    "product_id": self.international.product_id.id,
                    "quantity": 1.0,
                    "price_unit": 0.01,
                    "name": "International calls\n10/01/2026 – 10/31/2026: 1 call, "
                    "0.1 minutes",
                },
            ],
        )
        self.assertEqual(invoice.metered_usage_count, 3)
        self.assertIn("Manual Invoicing", invoice.message_ids[0].body)
        action = self.wizard().action_view_invoices()
        self.assertEqual(self.env["account.move"].search(action["domain"]), invoice)

    def test_only_some_call_types(self):
        self.import_october()
        wizard = self.wizard(meter_ids=self.international.ids)
        self.assertEqual(wizard.line_ids.meter_id, self.international)
        self.assertEqual(len(self.invoice(wizard).invoice_line_ids), 1)
        self.assertEqual(self.wizard().line_ids.meter_id, self.national)

    def test_contacts_belong_to_the_customer(self):
        site = self.make_customer(
            "Site", "+14045550101", parent_id=self.customer.id, active=False
        )
        address = self.make_customer(
            "Accounts", parent_id=self.customer.id, type="invoice"
        )
        self.import_calls(
            self.source,
            ("1", "2026-10-05 10:00:00", 60, "+14045550101", "+12125550199"),
        )
        invoice = self.invoice(self.wizard())
        self.assertEqual(invoice.partner_id, address)
        self.assertEqual(invoice.commercial_partner_id, self.customer)
        self.assertEqual(self.usage(site).invoice_id, invoice)

    def test_renewal_does_not_bill_it_again(self):
        self.import_october()
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        period = subscription.metered_period_ids
        manual = self.invoice(self.wizard(meter_ids=self.international.ids))
        self.assertEqual(subscription.metered_period_ids, period)
        subscription.generate_invoice()
        renewal = subscription.invoice_ids
        self.assertEqual(
            renewal.invoice_line_ids.filtered("metered_usage_ids").mapped("price_unit"),
            [0.09],
        )
        self.assertEqual(subscription.metered_period_ids.invoice_id, renewal)
        self.assertEqual(manual.metered_usage_count, 1)
        self.assertEqual(
            self.wizard().problem,
            "All usage of these days is already invoiced: "
            f"{(manual | renewal)._metered_label()}.",
        )

    def test_of_a_subscription(self):
        """Usage that is meant for one subscription can be taken by hand too."""
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.customer.metered_identifier_ids.subscription_id = subscription
        self.import_october()
        self.invoice(self.wizard())
        subscription.generate_invoice()
        self.assertEqual(
            subscription.invoice_ids.invoice_line_ids.mapped("price_unit"), [10.0]
        )

    def test_created_once(self):
        """Pressing again opens what was made."""
        self.import_october()
        wizard = self.wizard()
        invoice = self.invoice(wizard)
        self.assertEqual(self.invoice(wizard), invoice)
        self.assertEqual(wizard.action_create_invoice()["res_id"], invoice.id)

    # === WHAT CHANGED SINCE === #

    def test_new_calls_since_search(self):
        self.import_october()
        wizard = self.wizard()
        self.import_calls(self.source, self.call("6", "2026-10-07 10:00:00", 60))
        action = wizard.action_create_invoice()
        self.assertEqual(action["res_id"], wizard.id)
        self.assertEqual(
            wizard.changes,
            "National calls: 2 records, 0.091 USD before; 3 records, 0.151 USD now",
        )
        self.assertFalse(self.usage(self.customer).invoice_id)
        self.assertEqual(wizard.line_ids[0].records, 3)
        invoice = self.invoice(wizard)
        self.assertEqual(invoice.metered_usage_count, 4)

    def test_billed_by_somebody_else_since_search(self):
        self.import_october()
        first, second = self.wizard(), self.wizard()
        invoice = self.invoice(first)
        second.action_create_invoice()
        self.assertIn("National calls: 2 records, 0.091 USD before; 0", second.changes)
        self.assertIn(invoice._metered_label(), second.problem)
        self.assertFalse(second.invoice_id)
        with self.assertRaisesRegex(UserError, "already invoiced"):
            second.action_create_invoice()

    def test_another_question_needs_another_search(self):
        self.import_october()
        with Form(self.wizard()) as form:
            self.assertEqual(form.state, "found")
            form.date_to = "2026-10-20"
            self.assertEqual(form.state, "ask")

    # === NOTHING TO BILL === #

    def test_no_calls(self):
        wizard = self.wizard()
        self.assertEqual(wizard.problem, "Acme has no usage on these days.")
        self.assertIn("Nothing imported yet", wizard.checks)
        self.assertIn("text-danger", wizard.checks)
        with self.assertRaisesRegex(UserError, "Acme has no usage"):
            wizard.action_create_invoice()

    def test_nobody_knows_the_customer(self):
        wizard = self.wizard(partner_id=self.make_customer("Unknown").id)
        self.assertIn("Add a service identifier", wizard.checks)

    def test_only_exceptions(self):
        self.company.metered_deck_id = False
        self.import_october()
        wizard = self.wizard()
        self.assertEqual((wizard.found, wizard.unrated), (0, 3))
        self.assertIn("Check the open exceptions", wizard.problem)
        self.assertIn("has a rate deck", wizard.checks)
        action = wizard.action_view_exceptions()
        self.assertEqual(
            self.env["metered.exception"].search_count(action["domain"]), 3
        )

    def test_no_rate_in_these_days(self):
        self.import_october()
        self.deck.rate_ids.date_to = "2026-10-01"
        self.assertIn("no rate is valid for these days", self.wizard().checks)

    def test_no_product(self):
        self.import_october()
        self.national.product_id = False
        wizard = self.wizard()
        self.assertIn("No invoice product for National calls", wizard.problem)
        with self.assertRaisesRegex(UserError, "No invoice product"):
            wizard.action_create_invoice()
        self.assertFalse(self.usage(self.customer).invoice_id)

    def test_no_journal(self):
        self.import_october()
        self.env["account.journal"].search([("type", "=", "sale")]).active = False
        self.assertIn("has no sales journal", self.wizard().problem)

    def test_failed_import(self):
        self.import_october().state = "failed"
        self.assertIn("The import of calls.csv failed", self.wizard().checks)

    def test_dates_in_order(self):
        with self.assertRaisesRegex(UserError, "is before"):
            self.wizard(date_to="2026-09-30")

    @freeze_time("2026-10-20")
    def test_days_that_are_not_over(self):
        self.assertIn("go on the next invoice", self.wizard().checks)

    @freeze_time("2026-03-10")
    def test_last_month_by_default(self):
        form = Form(self.env["metered.manual.invoice"])
        self.assertEqual(
            (form.date_from, form.date_to), (date(2026, 2, 1), date(2026, 2, 28))
        )

    def test_customers_time_zone(self):
        """Days, and the exceptions among them, begin where the customer lives."""
        self.customer.metered_tz = "America/New_York"
        self.company.metered_deck_id = False
        self.import_calls(
            self.source,
            self.call("1", "2026-10-01 03:59:59"),
            self.call("2", "2026-10-01 04:00:00"),
            self.call("3", "2026-11-01 03:59:59"),
            self.call("4", "2026-11-01 04:00:00"),
        )
        self.assertEqual(self.wizard().unrated, 2)

    # === FREED USAGE === #

    def test_freed_usage_is_shown_as_it_will_be_billed(self):
        batch = self.import_october()
        self.invoice(self.wizard()).button_cancel()
        deck = self.make_deck("Own")
        self.make_rate(deck, "1", price=0.6)
        self.customer.metered_deck_id = deck
        self.company.metered_deck_id = False
        wizard = self.wizard()
        self.assertEqual(wizard.line_ids.mapped("amount"), [0.91])
        self.assertIn("no rate matches now: 1 call.", wizard.checks)
        self.assertIn("for 0.096 USD", wizard.checks)
        self.assertIn("current rates: 0.91 USD", wizard.checks)
        # Looking changes nothing.
        self.assertEqual(
            self.cdrs(batch).filtered("usage_id")[:2].mapped("charge"), [0.061, 0.03]
        )
        self.assertEqual(batch.exceptions, 0)
        invoice = self.invoice(wizard)
        self.assertEqual(invoice.invoice_line_ids.mapped("price_unit"), [0.91])
        self.assertIn(
            "Previously invoiced and re-rated: 3 calls",
            " ".join(invoice.message_ids.mapped("body")),
        )
        self.assertEqual(batch.exceptions, 1)
        self.assertEqual(batch.balance, "ok")

    def test_freed_usage_without_any_rate(self):
        self.import_october()
        self.invoice(self.wizard()).button_cancel()
        self.deck.active = False
        self.assertIn("No rate matches the calls of these days", self.wizard().problem)

    def test_freed_by_a_credit_note(self):
        self.import_october()
        first = self.invoice(self.wizard())
        first.action_post()
        first._reverse_moves(cancel=True)
        second = self.invoice(self.wizard())
        self.assertEqual(second.metered_usage_count, 3)
        self.assertEqual(first.metered_usage_count, 0)

    # === MONEY === #

    def test_currency_of_the_pricelist(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            [
                {"currency_id": euro.id, "name": "2026-01-01", "rate": 0.5},
                {"currency_id": euro.id, "name": "2026-12-01", "rate": 0.25},
            ]
        )
        self.env.user.group_ids += self.env.ref("product.group_product_pricelist")
        self.customer.property_product_pricelist = self.env["product.pricelist"].create(
            {"name": "Euro", "currency_id": euro.id}
        )
        self.deck.rate_ids.price = 0.0042
        self.import_calls(
            self.source,
            *(
                self.call(str(number), f"2026-10-05 10:{number % 60:02d}:00")
                for number in range(1000)
            ),
        )
        with freeze_time("2026-12-02"):
            wizard = self.wizard()
            # 4.20 dollars, at the rate of the invoice's day
            self.assertEqual(wizard.currency_id, euro)
            self.assertEqual(wizard.line_ids.mapped("amount"), [1.05])
            self.assertEqual(wizard.line_ids.rated, "4.20 USD")
            invoice = self.invoice(wizard)
        self.assertEqual(invoice.currency_id, euro)
        self.assertEqual(invoice.invoice_line_ids.price_unit, 1.05)

    def test_fiscal_position(self):
        """Taxes and accounts are those of the customer, not of the product."""
        account = self.env["account.account"]
        income, foreign = (
            account.create({"name": name, "code": code, "account_type": "income"})
            for name, code in (("Calls", "400900"), ("Calls abroad", "400901"))
        )
        position = self.env["account.fiscal.position"].create({"name": "Abroad"})
        tax = self.env["account.tax"].create({"name": "10 %", "amount": 10})
        reverse = self.env["account.tax"].create(
            {
                "name": "0 %",
                "amount": 0,
                "fiscal_position_ids": position.ids,
                "original_tax_ids": tax.ids,
            }
        )
        position.account_ids = [
            Command.create({"account_src_id": income.id, "account_dest_id": foreign.id})
        ]
        self.national.product_id.write(
            {"taxes_id": tax.ids, "property_account_income_id": income.id}
        )
        self.customer.property_account_position_id = position
        self.import_october()
        invoice = self.invoice(self.wizard(meter_ids=self.national.ids))
        self.assertEqual(invoice.fiscal_position_id, position)
        line = invoice.invoice_line_ids
        self.assertEqual((line.tax_ids, line.account_id), (reverse, foreign))


@tagged("post_install", "-at_install")
class TestManualInvoiceSecurity(ManualInvoiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator = new_test_user(
            cls.env, "operator", "metered_billing.group_metered_user"
        )
        cls.other_company = cls.env["res.company"].create({"name": "Other Telecom"})
        cls.stranger = new_test_user(
            cls.env,
            "stranger",
            "metered_billing.group_metered_administrator",
            company_id=cls.other_company.id,
            company_ids=[Command.set(cls.other_company.ids)],
        )

    def test_user_without_accounting_rights(self):
        """The draft is made, and told of: it is not the user's to see."""
        self.import_october()
        wizard = self.wizard(user=self.operator)
        action = wizard.action_create_invoice()
        self.assertEqual(action["tag"], "display_notification")
        invoice = self.usage(self.customer).invoice_id
        self.assertEqual(invoice.state, "draft")
        self.assertIn(invoice.display_name, action["params"]["message"])
        self.assertIn(
            invoice.currency_id.format(invoice.amount_total),
            action["params"]["message"],
        )
        self.assertEqual(invoice.create_uid, self.operator)
        # A second time it says the same, and makes nothing.
        self.assertEqual(wizard.action_create_invoice(), action)
        self.assertEqual(
            self.wizard(user=self.operator).problem,
            f"All usage of these days is already invoiced: {invoice._metered_label()}.",
        )

    def test_freed_and_billed_again_by_a_user(self):
        self.import_october()
        self.invoice(self.wizard()).button_cancel()
        deck = self.make_deck("Own")
        self.make_rate(deck, "", price=0.6)
        self.customer.metered_deck_id = deck
        self.wizard(user=self.operator).action_create_invoice()
        invoice = self.usage(self.customer).invoice_id
        self.assertEqual(invoice.invoice_line_ids.mapped("price_unit"), [0.91, 0.05])

    def test_user_with_accounting_rights(self):
        self.operator.group_ids += self.env.ref("account.group_account_invoice")
        self.import_october()
        invoice = self.invoice(self.wizard(user=self.operator))
        self.assertTrue(invoice.with_user(self.operator).has_access("write"))

    def test_other_company(self):
        """Its user sees nothing of this company's usage, and can bill none."""
        self.import_october()
        wizard = self.wizard(user=self.stranger)
        self.assertEqual((wizard.found, wizard.billed), (0, 0))
        self.assertFalse(wizard.line_ids)
        self.assertTrue(wizard.problem)
        with self.assertRaises(AccessError):
            self.wizard(user=self.stranger, company_id=self.company.id)
        self.customer.company_id = self.company
        with self.assertRaises(AccessError):
            self.wizard(user=self.stranger)

    def test_outsider(self):
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        with self.assertRaises(AccessError):
            self.wizard(user=outsider)

    def test_others_cannot_use_ones_wizard(self):
        self.import_october()
        wizard = self.wizard(user=self.operator)
        with self.assertRaises(AccessError):
            wizard.with_user(self.stranger).action_create_invoice()
