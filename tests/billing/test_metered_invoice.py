# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From usage of meters to invoice lines, by renewals."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import html2plaintext

from ..support.metered_case import MeteredCase


class MeteredInvoiceCase(MeteredCase):
    """A phone plan: 5 a month in advance, texts in arrears, 100 of them free."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.meter = cls.make_meter("Texts", unit="texts")
        cls.price = cls.make_price(cls.meter, (100, 0), (0, 0.05))
        cls.product = cls.make_metered_product("Text messages", cls.price)
        cls.customer = cls.make_customer("Acme")

    @classmethod
    def make_plan(cls, *products, partner=None, start="2026-09-01", due="2026-11-01"):
        """A subscription with a fee of 10 in advance and metered products."""
        subscription = cls.make_subscription(partner or cls.customer, start, due)
        for product in products or [cls.product]:
            subscription.sale_subscription_line_ids = [
                Command.create({"product_id": product.id})
            ]
        return subscription

    @classmethod
    def make_records(cls, day, *values, meter=None, partner=None, **properties):
        """Records of one day, with their usage, as an import stores them."""
        meter, partner = meter or cls.meter, partner or cls.customer
        Usage = cls.env["metered.usage"].sudo()
        usage = Usage.search(
            [
                ("partner_id", "=", partner.id),
                ("meter_id", "=", meter.id),
                ("day", "=", day),
                ("collecting", "=", True),
            ]
        )
        if not usage:
            usage = Usage.create(
                {
                    "company_id": cls.company.id,
                    "partner_id": partner.id,
                    "meter_id": meter.id,
                    "day": day,
                    "currency_id": cls.company.currency_id.id,
                    "collecting": True,
                }
            )
        usage.records += len(values)
        usage.quantity += sum(values)
        begin = datetime.fromisoformat(f"{day} 10:00:00")
        cls.env["metered.cdr"].sudo().create(
            [
                {
                    "company_id": cls.company.id,
                    "start_time": begin + timedelta(seconds=number),
                    "quantity": value,
                    "state": "rated",
                    "meter_id": meter.id,
                    "partner_id": partner.id,
                    "usage_id": usage.id,
                    "properties": properties or None,
                }
                for number, value in enumerate(values)
            ]
        )
        usage.flush_recordset()
        return usage

    def renew(self, subscription):
        """Renew a subscription; its newest invoice."""
        invoices = subscription._metered_renew()
        return invoices

    def usage_lines(self, invoice):
        """(description after the colon, quantity, price, amount) of usage lines."""
        return [
            (
                line.name.partition(": ")[2],
                line.quantity,
                line.price_unit,
                line.price_subtotal,
            )
            for line in invoice.invoice_line_ids.sorted("id")
            if line.metered_price_id
        ]

    def assert_lines_are_their_usage(self, invoice):
        """Each line is the sum of its usage, to the last digit."""
        for line in invoice.invoice_line_ids.filtered("metered_price_id"):
            self.env.cr.execute(
                "SELECT sum(amount)::text FROM metered_usage"
                " WHERE invoice_line_id = %s",
                (line.id,),
            )
            self.assertEqual(
                Decimal(self.env.cr.fetchone()[0]), Decimal(str(line.price_subtotal))
            )


@tagged("post_install", "-at_install")
class TestMeteredInvoice(MeteredInvoiceCase):
    def test_more_than_an_invoice_holds_is_told(self):
        subscription = self.make_plan()
        self.make_records("2026-10-05", 10**16)
        with self.assertRaisesRegex(
            UserError, "Text messages.* too large for an invoice"
        ):
            subscription.create_invoice()

    def test_the_phone_plan(self):
        """A flat fee in advance, texts in arrears: the 101st costs 0.05."""
        for mode in ("draft", "invoice", "invoice_send", "sale_and_invoice"):
            with self.subTest(mode):
                partner = self.make_customer(f"Acme {mode}")
                plan = self.make_plan(partner=partner)
                plan.template_id.invoicing_mode = mode
                self.make_records("2026-10-01", *[1] * 60, partner=partner)
                self.make_records("2026-10-31", *[1] * 41, partner=partner)
                # Of the next period.
                self.make_records("2026-11-01", *[1] * 500, partner=partner)

                invoice = self.renew(plan)

                self.assertEqual(len(invoice), 1)
                self.assertEqual(invoice.amount_untaxed, 10.05)
                self.assertEqual(len(invoice.invoice_line_ids), 2)
                [(text, *_rest, amount)] = self.usage_lines(invoice)
                self.assertEqual((text, amount), ("101 texts", 0.05))
                self.assert_lines_are_their_usage(invoice)
                self.assertEqual(
                    invoice.state, "draft" if mode == "draft" else "posted"
                )

                following = self.renew(plan)

                self.assertEqual(self.usage_lines(following)[0][3], 20.0)

    def test_by_hand_too(self):
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 120)

        invoice = plan.create_invoice()

        self.assertEqual(invoice.amount_untaxed, 11.0)
        self.assertEqual(len(invoice.invoice_line_ids), 2)

    def test_a_line_for_each_tier(self):
        self.meter.presentation = "detail"
        self.price.tier_ids[0].unit_price = 0.02
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 150)

        invoice = self.renew(plan)

        self.assertEqual(
            self.usage_lines(invoice),
            [("0 – 100 texts", 100, 0.02, 2.0), ("above 100 texts", 50, 0.05, 2.5)],
        )
        self.assert_lines_are_their_usage(invoice)

    def test_what_is_free_has_a_line_too(self):
        self.meter.presentation = "detail"
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 101)

        self.assertEqual(
            self.usage_lines(self.renew(plan)),
            [("0 – 100 texts", 100, 0, 0), ("above 100 texts", 1, 0.05, 0.05)],
        )

    def test_tiers_that_are_not_exact_come_to_the_sum(self):
        """Fractions of a cent in each tier: rounded once, not tier by tier."""
        self.meter.presentation = "detail"
        self.price.tier_ids.unlink()
        self.price.write(
            {
                "tier_ids": [
                    Command.create({"up_to": 1, "unit_price": 0.005}),
                    Command.create({"up_to": 2, "unit_price": 0.005}),
                    Command.create({"unit_price": 0.005}),
                ]
            }
        )
        plan = self.make_plan()
        self.make_records("2026-10-05", 1, 1, 1)

        invoice = self.renew(plan)

        self.assertEqual(
            [line[3] for line in self.usage_lines(invoice)], [0.01, 0, 0.01]
        )
        self.assertEqual(invoice.amount_untaxed, 10.02)
        self.assert_lines_are_their_usage(invoice)

    def test_late_usage_fills_the_tiers_of_its_own_period(self):
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 90)
        first = self.renew(plan)
        self.assertEqual(self.usage_lines(first)[0][3], 0.0)
        self.make_records("2026-10-20", *[1] * 30)
        self.make_records("2026-11-20", *[1] * 100)

        second = self.renew(plan)

        late, own = self.usage_lines(second)
        self.assertEqual(late[3], 1.0)
        self.assertEqual(late[0], "30 texts")
        self.assertEqual(own[3], 0.0)
        self.assertIn("recorded late", second.invoice_line_ids.sorted("id")[1].name)
        self.assert_lines_are_their_usage(second)

    def test_only_what_came_in_late_is_called_so(self):
        """Usage whose invoice was deleted did not come in late."""
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 130)
        first = self.renew(plan)
        self.assertFalse(any(first.invoice_line_ids.mapped("metered_late")))
        first.unlink()
        second = self.renew(plan)
        lines = second.invoice_line_ids.filtered("metered_usage_ids")
        self.assertEqual(lines.mapped("price_subtotal"), [1.5])
        self.assertNotIn("recorded late", lines.name)
        self.assertIn("10/01/2026", lines.name)
        self.assert_lines_are_their_usage(second)

    def test_a_minimum_without_usage(self):
        self.price.minimum = 3
        plan = self.make_plan()

        invoice = self.renew(plan)

        self.assertEqual(self.usage_lines(invoice), [("0 texts", 1, 3, 3)])
        self.assert_lines_are_their_usage(invoice)
        # What comes late is within the minimum that was charged.
        self.make_records("2026-10-20", *[1] * 120)
        second = self.renew(plan)
        self.assertEqual([line[3] for line in self.usage_lines(second)], [0.0, 3.0])

    def test_no_line_without_usage_and_minimum(self):
        self.assertFalse(self.usage_lines(self.renew(self.make_plan())))

    def test_nothing_before_the_first_period(self):
        """The renewal on the first day has the fee in advance, and no minimum."""
        self.price.minimum = 3
        plan = self.make_plan(start="2026-11-01", due="2026-11-01")

        self.assertFalse(self.usage_lines(self.renew(plan)))

    def test_a_part_period_is_prorated_where_it_says_so(self):
        self.price.minimum = 31
        self.price.prorate = True
        plan = self.make_plan(start="2026-10-22", due="2026-11-01")

        self.assertEqual(self.usage_lines(self.renew(plan))[0][3], 10.0)

    def test_freed_usage_is_priced_again(self):
        self.price.minimum = 3
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 120)
        invoice = self.renew(plan)
        self.assertEqual(self.usage_lines(invoice)[0][3], 3.0)
        invoice.unlink()
        self.price.minimum = 0

        plan.recurring_next_date = "2026-11-01"
        again = self.renew(plan)

        self.assertEqual(self.usage_lines(again)[0][3], 1.0)
        self.assert_lines_are_their_usage(again)

    def test_a_deleted_tier_is_billed_again(self):
        self.meter.presentation = "detail"
        self.price.tier_ids[0].unit_price = 0.02
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 150)
        invoice = self.renew(plan)
        invoice.invoice_line_ids.filtered(lambda line: "above" in line.name).unlink()

        second = self.renew(plan)

        self.assertEqual([line[3] for line in self.usage_lines(second)], [2.5])
        self.assert_lines_are_their_usage(second)

    def test_cancelled_and_taken_back(self):
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 120)
        invoice = self.renew(plan)
        invoice.button_cancel()
        self.assertFalse(invoice.invoice_line_ids.metered_usage_ids)

        invoice.button_draft()

        self.assertEqual(self.usage_lines(invoice)[0][3], 1.0)
        self.assert_lines_are_their_usage(invoice)

    def test_a_price_that_changes_within_the_period(self):
        price = self.make_price(self.meter, unit_price=1)
        self.product.metered_price_id = price
        price._keep_until(date(2026, 10, 16))
        price.unit_price = 2
        plan = self.make_plan()
        self.make_records("2026-10-15", 1, 1, 1)
        self.make_records("2026-10-16", 1, 1)

        invoice = self.renew(plan)

        self.assertEqual(self.usage_lines(invoice)[0][3], 7.0)
        steps = invoice.invoice_line_ids[1]._metered_price_steps()
        self.assertEqual([step.code for step in steps].count("price_version"), 2, steps)

    def test_no_price_yet_when_the_period_begins(self):
        self.price.date_from = "2026-10-15"
        self.make_records("2026-10-20", 1)

        with self.assertRaisesRegex(UserError, "No version of the price is valid"):
            self.renew(self.make_plan())

    def test_whose_price(self):
        """The line's, else the customer's, else the product's."""
        self.product.metered_price_id = self.make_price(self.meter, unit_price=1)
        plan = self.make_plan()
        line = plan.sale_subscription_line_ids[1]
        self.assertEqual(line.metered_price_text, "$1.00 per texts")
        parent = self.make_customer("Acme Group", is_company=True)
        self.customer.parent_id = parent
        self.make_price(self.meter, unit_price=2, partner_ids=parent.ids)
        line.invalidate_recordset()
        self.assertEqual(line.metered_price_text, "$2.00 per texts")
        line.metered_price_id = self.make_price(self.meter, unit_price=3)
        self.assertEqual(line.metered_price_text, "$3.00 per texts")
        self.make_records("2026-10-05", 1)

        self.assertEqual(self.usage_lines(self.renew(plan))[0][3], 3.0)

    def test_found_through_the_meter(self):
        """No line is for it: the meter's own product is what it is invoiced as."""
        self.meter.product_id = self.product
        plan = self.make_subscription(self.customer, "2026-09-01", "2026-11-01")
        self.make_records("2026-10-05", *[1] * 102)

        invoice = self.renew(plan)

        line = invoice.invoice_line_ids.filtered("metered_price_id")
        self.assertEqual(line.product_id, self.product)
        self.assertEqual(line.price_subtotal, 0.1)

    def test_usage_without_a_price_is_told(self):
        meter = self.make_meter("Gigabytes")
        self.make_records("2026-10-05", 1, meter=meter)

        with self.assertRaisesRegex(UserError, "no price for Gigabytes of Acme"):
            self.renew(self.make_plan())

    def test_the_subscription_with_a_line_has_the_usage(self):
        other = self.make_subscription(self.customer, "2026-09-01", "2026-11-01")
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 101)

        self.assertFalse(self.usage_lines(self.renew(other)))
        self.assertEqual(self.usage_lines(self.renew(plan))[0][3], 0.05)

    def test_one_line_a_meter(self):
        with self.assertRaisesRegex(ValidationError, "Two lines of .* are for Texts"):
            self.make_plan(self.product, self.product)

    def test_a_metered_line_has_no_price_of_its_own(self):
        self.product.list_price = 7
        line = self.make_plan().sale_subscription_line_ids[1]

        self.assertEqual(line.price_unit, 0.0)

    def test_every_aggregation(self):
        days = {"2026-10-05": (3, 1), "2026-10-06": (8,), "2026-10-07": (4, 4)}
        cases = {
            "sum": 20,
            "count": 5,
            "max": 8,
            "min": 1,
            "average": 4,
            "last": 4,
            "unique": 2,
        }
        for how, amount in cases.items():
            with self.subTest(how):
                partner = self.make_customer(f"Acme {how}")
                meter = self.make_meter(how, aggregation=how, unique_property="user")
                price = self.make_price(meter, unit_price=1)
                product = self.make_metered_product(how, price)
                plan = self.make_plan(product, partner=partner)
                for day, values in days.items():
                    self.make_records(
                        day,
                        *values,
                        meter=meter,
                        partner=partner,
                        user="a" if day == "2026-10-06" else "b",
                    )

                invoice = self.renew(plan)

                self.assertEqual(self.usage_lines(invoice)[0][3], amount)
                self.assert_lines_are_their_usage(invoice)

    def test_a_peak_that_comes_late_costs_the_difference(self):
        meter = self.make_meter("Channels", aggregation="max", kind="gauge")
        price = self.make_price(meter, unit_price=10)
        plan = self.make_plan(self.make_metered_product("Channels", price))
        self.make_records("2026-10-05", 3, 7, meter=meter)
        self.assertEqual(self.usage_lines(self.renew(plan))[0][3], 70.0)
        self.make_records("2026-10-06", 9, meter=meter)

        self.assertEqual(self.usage_lines(self.renew(plan))[0][3], 20.0)

    def test_each_payment_has_its_fee(self):
        """Percentage and a fee per event need the single records."""
        meter = self.make_meter("Payments", unit="USD")
        price = self.make_price(
            meter, charge_model="percentage", rate=2.9, fixed_fee=0.3, free_events=1
        )
        plan = self.make_plan(self.make_metered_product("Payments", price))
        self.make_records("2026-10-05", 100, 50, meter=meter)
        self.make_records("2026-10-06", 10, meter=meter)

        # 60 x 2.9 % + 2 x 0.30
        self.assertEqual(self.usage_lines(self.renew(plan))[0][3], 2.34)

    def test_each_record_that_is_counted_has_its_fee(self):
        """Not each day: two of the records are of the same."""
        meter = self.make_meter("Transfers", aggregation="count")
        price = self.make_price(
            meter, charge_model="percentage", rate=0, fixed_fee=0.3, free_events=1
        )
        plan = self.make_plan(self.make_metered_product("Transfers", price))
        self.make_records("2026-10-05", 100, 50, meter=meter)
        self.make_records("2026-10-06", 10, meter=meter)

        self.assertEqual(self.usage_lines(self.renew(plan))[0][3], 0.6)

    def test_another_currency_is_converted_once(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.env["res.currency.rate"].create(
            {"currency_id": euro.id, "name": "2020-01-01", "rate": 0.5}
        )
        price = self.make_price(self.meter, unit_price=0.001, currency_id=euro.id)
        self.product.metered_price_id = price
        plan = self.make_plan()
        self.make_records("2026-10-05", 1, 1, 1)

        invoice = self.renew(plan)

        # 0.003 EUR are 0.006 USD: not 0.00 EUR, rounded before it is converted.
        self.assertEqual(self.usage_lines(invoice)[0][3], 0.01)
        usage = invoice.invoice_line_ids.metered_usage_ids
        self.assertEqual(usage.currency_id, euro)
        self.assertEqual(usage.amount, 0.003)

    def test_the_last_bill_has_the_usage_too(self):
        plan = self.make_plan(start="2026-10-01", due="2099-01-01")
        plan.template_id.recurring_interval = 12 * 100
        day = str(self.company._metered_today())
        self.make_records(day, *[1] * 110)

        plan.close_subscription()

        line = self.env["account.move.line"].search(
            [("metered_subscription_id", "=", plan.id)]
        )
        self.assertEqual(line.price_subtotal, 0.5)

    def test_why(self):
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 101)

        line = self.renew(plan).invoice_line_ids.filtered("metered_price_id")

        texts = [step.text for step in line._metered_price_steps()]
        self.assertEqual(
            texts,
            [
                "Measured (sum): 101; priced unit: 101.",
                "Tier 1, up to 100: 100 at 0, fee 0 = 0.",
                "Tier 2, up to None: 1 at 0.05, fee 0 = 0.05.",
                "Rounded to 2 decimals (half_up): 0.05 to 0.05.",
            ],
        )
        self.assertFalse(line.copy_data()[0].get("metered_pricing"))
        said = " ".join(html2plaintext(line.metered_explanation).split())
        for words in ("101 measured", "100 at 0 USD", "1 at 0.05 USD", "101 records"):
            self.assertIn(words, said)
        self.assertNotIn("calls", said)


@tagged("post_install", "-at_install")
class TestMeteredManualInvoice(MeteredInvoiceCase):
    """Usage of meters, invoiced by hand between the renewals."""

    def search(self, first, last):
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": first,
                "date_to": last,
            }
        )
        wizard.action_search()
        return wizard

    def test_half_a_period_by_hand_the_rest_by_the_renewal(self):
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 101)
        self.make_records("2026-10-20", *[1] * 9)

        wizard = self.search("2026-10-01", "2026-10-15")
        self.assertEqual(wizard.amount, 0.05)
        self.assertEqual(wizard.line_ids.records, 101)
        self.assertFalse(wizard.problem)
        wizard.action_create_invoice()
        first = wizard.invoice_id
        second = self.renew(plan)

        self.assertEqual(self.usage_lines(first)[0][3], 0.05)
        self.assertEqual(self.usage_lines(second)[0][3], 0.45)
        self.assert_lines_are_their_usage(first | second)

    def test_looking_changes_nothing(self):
        self.make_plan()
        usage = self.make_records("2026-10-05", *[1] * 101)

        self.search("2026-10-01", "2026-10-31")

        self.assertEqual(usage.amount, 0.0)
        self.assertTrue(usage.collecting)

    def test_without_a_subscription_the_days_asked_for_are_the_period(self):
        self.meter.product_id = self.product
        self.make_records("2026-10-05", *[1] * 101)
        self.make_records("2026-10-20", *[1] * 101)

        wizard = self.search("2026-10-01", "2026-10-31")
        wizard.action_create_invoice()

        self.assertEqual(self.usage_lines(wizard.invoice_id)[0][3], 5.1)

    def test_what_has_no_price_is_told(self):
        self.make_records("2026-10-05", 1, meter=self.make_meter("Gigabytes"))

        wizard = self.search("2026-10-01", "2026-10-31")

        self.assertIn("There is no price for Gigabytes", wizard.problem)
