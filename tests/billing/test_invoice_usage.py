# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage on the subscription's invoice: exact, once, in the right period."""

from odoo import Command
from odoo.tests import tagged

from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestInvoiceUsage(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.national = cls.env.ref("metered_billing.meter_national")
        cls.international = cls.env.ref("metered_billing.meter_international")

    def call(self, call_id, start, seconds=60, to="+12125550199"):
        return (call_id, start, seconds, "+14045550100", to)

    def usage_lines(self, invoice):
        return invoice.invoice_line_ids.filtered("metered_usage_ids")

    def renew(self, subscription):
        known = subscription.invoice_ids
        subscription.generate_invoice()
        return subscription.invoice_ids - known

    def test_one_exact_line_per_call_type(self):
        self.make_rate(self.deck, "44", price=0.0123, initial_increment=60)
        self.import_calls(
            self.source,
            self.call("1", "2026-10-01 00:00:00", 61),
            self.call("2", "2026-10-31 23:59:59", 30),
            self.call("3", "2026-10-15 12:00:00", 5, to="+442079460120"),
            self.call("4", "2026-09-30 23:59:59", 600),
            self.call("5", "2026-11-01 00:00:00", 600),
        )
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        invoice = self.renew(subscription)
        lines = self.usage_lines(invoice)
        self.assertRecordValues(
            lines,
            [
                {
                    "product_id": self.national.product_id.id,
                    "quantity": 1.0,
                    # 61 s and 30 s at 0.06 a minute: 0.0610 + 0.0300
                    "price_unit": 0.09,
                },
                {
                    "product_id": self.international.product_id.id,
                    "quantity": 1.0,
                    # 60 s at 0.0123 a minute
                    "price_unit": 0.01,
                },
            ],
        )
        self.assertIn("2 calls", lines[0].name)
        self.assertIn("1.5 minutes", lines[0].name)
        self.assertIn("10/01/2026", lines[0].name)
        self.assertIn("10/31/2026", lines[0].name)
        self.assertEqual(len(invoice.invoice_line_ids), 3)
        self.assertEqual(
            self.usage(self.customer).filtered("invoice_line_id").mapped("day"),
            [line.day for line in lines.metered_usage_ids.sorted("day")],
        )

    def test_never_twice(self):
        self.import_calls(self.source, self.call("1", "2026-10-05 10:00:00"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.assertTrue(self.usage_lines(self.renew(subscription)))
        subscription.recurring_next_date = "2026-11-01"
        self.assertFalse(self.usage_lines(self.renew(subscription)))

    def test_other_subscription_of_the_customer_takes_none(self):
        self.import_calls(self.source, self.call("1", "2026-10-05 10:00:00"))
        first = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        second = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.assertTrue(self.usage_lines(self.renew(first)))
        self.assertFalse(self.usage_lines(self.renew(second)))

    def test_deleting_the_invoice_frees_the_usage(self):
        self.import_calls(self.source, self.call("1", "2026-10-05 10:00:00"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        invoice = self.renew(subscription)
        usage = self.usage(self.customer)
        self.assertEqual(usage.invoice_id, invoice)
        invoice.unlink()
        self.assertFalse(usage.invoice_line_id)
        subscription.recurring_next_date = "2026-11-01"
        self.assertEqual(
            self.usage_lines(self.renew(subscription)).metered_usage_ids, usage
        )

    def test_deleting_the_line_frees_the_usage(self):
        self.import_calls(self.source, self.call("1", "2026-10-05 10:00:00"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        invoice = self.renew(subscription)
        self.usage_lines(invoice).unlink()
        self.assertFalse(self.usage(self.customer).invoice_line_id)
        subscription.recurring_next_date = "2026-12-01"
        self.assertTrue(self.usage_lines(self.renew(subscription)))

    def test_late_records_go_on_the_next_invoice(self):
        """They never change what an invoice says, and they are not lost."""
        self.import_calls(self.source, self.call("1", "2026-10-05 10:00:00"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        october = self.renew(subscription)
        self.import_calls(
            self.source,
            self.call("2", "2026-10-05 11:00:00", 600),
            self.call("3", "2026-11-02 11:00:00", 1200),
        )
        self.assertEqual(len(self.usage(self.customer)), 3)
        self.assertEqual(self.usage_lines(october).price_unit, 0.06)
        lines = self.usage_lines(self.renew(subscription))
        self.assertEqual(lines.mapped("price_unit"), [0.6, 1.2])
        self.assertIn("recorded late", lines[0].name)
        self.assertNotIn("recorded late", lines[1].name)

    def test_only_what_came_in_late_is_called_so(self):
        """What was on an invoice that is gone did not come in late, what came in after
        that invoice did, and stays late when its own invoice is gone."""
        self.import_calls(self.source, self.call("1", "2026-10-05 10:00:00"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        october = self.renew(subscription)
        self.import_calls(self.source, self.call("2", "2026-10-05 11:00:00", 600))
        october.unlink()
        for due in ("2027-01-01", "2027-02-01"):
            invoice = self.renew(subscription)
            lines = self.usage_lines(invoice)
            self.assertEqual(lines.mapped("price_unit"), [0.06, 0.6])
            self.assertEqual(lines.mapped("metered_late"), [False, True])
            self.assertNotIn("recorded late", lines[0].name)
            self.assertIn("recorded late", lines[1].name)
            self.assertEqual(str(subscription.recurring_next_date), due)
            invoice.unlink()
        titles = {
            block["title"].partition(",")[0].partition(" (")[0]
            for block in self.customer._metered_subscription_blocks(
                subscription, [False]
            )
        }
        self.assertLess({"From earlier periods", "Recorded late"}, titles)

    def test_freed_usage_beside_late_usage_of_the_same_day(self):
        """Two open rows of one day: deleting the invoice must still work."""
        self.import_calls(self.source, self.call("1", "2026-10-05 10:00:00"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        invoice = self.renew(subscription)
        self.import_calls(self.source, self.call("2", "2026-10-05 11:00:00", 600))
        invoice.unlink()
        subscription.recurring_next_date = "2026-11-01"
        lines = self.usage_lines(self.renew(subscription))
        self.assertEqual(lines.mapped("price_unit"), [0.66])
        self.assertEqual(len(lines.metered_usage_ids), 2)

    def test_before_the_subscription_began(self):
        self.import_calls(self.source, self.call("1", "2026-09-20 10:00:00"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.assertFalse(self.usage_lines(self.renew(subscription)))

    def test_the_customers_day(self):
        """23:30 in New York on 31 October is November in UTC, and still October."""
        self.customer.metered_tz = "America/New_York"
        self.import_calls(self.source, self.call("1", "2026-11-01 03:30:00"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.assertTrue(self.usage_lines(self.renew(subscription)))

    def test_usage_of_an_identifier_with_a_subscription(self):
        first = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        second = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.make_identifier(self.customer, "+14045550101", subscription_id=second.id)
        self.import_calls(
            self.source,
            ("1", "2026-10-05 10:00:00", 60, "+14045550101", "+12125550199"),
        )
        self.assertFalse(self.usage_lines(self.renew(first)))
        self.assertTrue(self.usage_lines(self.renew(second)))

    def test_usage_of_a_site_goes_on_the_companys_invoice(self):
        site = self.make_customer(
            "Branch", "+14045550102", parent_id=self.customer.id, type="other"
        )
        self.import_calls(
            self.source,
            ("1", "2026-10-05 10:00:00", 60, "+14045550102", "+12125550199"),
        )
        self.assertEqual(len(self.usage(site)), 1)
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.assertTrue(self.usage_lines(self.renew(subscription)))

    def test_usage_alone_makes_an_invoice(self):
        self.import_calls(self.source, self.call("1", "2026-10-05 10:00:00"))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.sale_subscription_line_ids.unlink()
        self.assertEqual(len(self.renew(subscription).invoice_line_ids), 1)

    def test_taxes_and_account_of_the_product_through_the_fiscal_position(self):
        tax = self.env["account.tax"].create(
            {"name": "VAT 20", "amount": 20.0, "type_tax_use": "sale"}
        )
        reverse = self.env["account.tax"].create(
            {
                "name": "Reverse charge",
                "amount": 0.0,
                "type_tax_use": "sale",
                "original_tax_ids": [Command.set(tax.ids)],
            }
        )
        income, foreign = self.env["account.account"].create(
            [
                {
                    "name": name,
                    "code": code,
                    "account_type": "income",
                }
                for name, code in (("Usage", "USG1"), ("Usage abroad", "USG2"))
            ]
        )
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Abroad",
                "tax_ids": [Command.set(reverse.ids)],
                "account_ids": [
                    Command.create(
                        {"account_src_id": income.id, "account_dest_id": foreign.id}
                    )
                ],
            }
        )
        self.national.product_id.write(
            {
                "taxes_id": [Command.set(tax.ids)],
                "property_account_income_id": income.id,
            }
        )
        self.import_calls(self.source, self.call("1", "2026-10-05 10:00:00", 6000))
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        home = self.renew(subscription)
        line = self.usage_lines(home)
        self.assertEqual((line.tax_ids, line.account_id), (tax, income))
        home.unlink()
        subscription.write(
            {"recurring_next_date": "2026-11-01", "fiscal_position_id": position.id}
        )
        line = self.usage_lines(self.renew(subscription))
        self.assertEqual((line.tax_ids, line.account_id), (reverse, foreign))

    def test_currency_is_converted_once(self):
        """1,000 calls of 0.0042 are 4.20, not a thousand times 0.00."""
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": "2026-01-01", "rate": 0.5}
        )
        self.deck.rate_ids.price = 0.0042
        self.import_calls(
            self.source,
            *(
                self.call(str(number), f"2026-10-05 10:{number % 60:02d}:00")
                for number in range(1000)
            ),
        )
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.pricelist_id.currency_id = euro
        invoice = self.renew(subscription)
        self.assertEqual(invoice.currency_id, euro)
        self.assertEqual(self.usage_lines(invoice).price_unit, 2.10)
