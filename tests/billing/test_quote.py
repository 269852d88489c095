# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A quote of the running period is the invoice that its renewal then makes."""

from decimal import Decimal

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, new_test_user, tagged

from .test_metered_invoice import MeteredInvoiceCase

#: what a quote must leave as it is
TABLES = (
    "metered_usage",
    "metered_period",
    "metered_plan_mark",
    "metered_allowance_balance",
    "account_move",
    "account_move_line",
    "sale_order",
    "sale_subscription",
    "mail_message",
    "ir_cron_trigger",
)


class QuoteCase(MeteredInvoiceCase):
    """A quote beside the invoice that follows."""

    def stored(self):
        """All rows of these tables, as text."""
        self.env.cr.flush()
        found = {}
        for table in TABLES:
            self.env.cr.execute(
                f"SELECT array_agg(t::text ORDER BY t::text) FROM {table} t"  # noqa: S608
            )
            [found[table]] = self.env.cr.fetchone()
        return found

    def quote(self, subscription, quantities=None):
        """The quote of one subscription, after which all is as it was before."""
        before = self.stored()
        [quote] = subscription._metered_quotes(quantities)
        self.assertEqual(self.stored(), before)
        return quote

    def facts_of_quote(self, quote):
        return {
            "lines": sorted(
                (one["name"], one["quantity"], one["unit_price"], one["amount"])
                for one in quote["lines"]
            ),
            "taxes": sorted((one["name"], one["amount"]) for one in quote["taxes"]),
            "totals": (quote["untaxed"], quote["tax"], quote["total"]),
            "date": quote["invoice_date"],
        }

    def facts_of_invoice(self, invoice):
        return {
            "lines": sorted(
                (one.name, one.quantity, one.price_unit, one.price_subtotal)
                for one in invoice.invoice_line_ids
            ),
            "taxes": sorted(
                (one.tax_line_id.name, -one.amount_currency)
                for one in invoice.line_ids
                if one.tax_line_id
            ),
            "totals": (
                invoice.amount_untaxed,
                invoice.amount_tax,
                invoice.amount_total,
            ),
            "date": invoice.invoice_date,
        }

    def assert_is_invoiced(self, *subscriptions):
        """Renewed in this order, each has the invoice of its quote."""
        quotes = [self.quote(one) for one in subscriptions]
        for quote, subscription in zip(quotes, subscriptions, strict=True):
            invoice = self.renew(subscription)
            self.assertEqual(self.facts_of_quote(quote), self.facts_of_invoice(invoice))
        return quotes


@tagged("post_install", "-at_install")
@freeze_time("2026-10-20 12:00:00")
class TestQuote(QuoteCase):
    """100 texts of a month are free, then each costs 0.05; the fee is 10."""

    def test_is_the_invoice_that_follows(self):
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 90)
        self.make_records("2026-10-06", *[1] * 30)
        [quote] = self.assert_is_invoiced(plan)
        self.assertEqual(quote["untaxed"], 11, "the fee, and 20 above 100")

    def test_with_taxes(self):
        taxes = self.env["account.tax"].create(
            [
                {"name": f"Tax {rate}", "amount": rate, "type_tax_use": "sale"}
                for rate in (7, 19)
            ]
        )
        plan = self.make_plan()
        for line, tax in zip(plan.sale_subscription_line_ids, taxes, strict=True):
            line.tax_ids = tax
        self.make_records("2026-10-05", *[1] * 133)
        [quote] = self.assert_is_invoiced(plan)
        self.assertEqual(len(quote["taxes"]), 2)

    def test_each_way_of_invoicing(self):
        for mode in ("draft", "invoice", "invoice_send", "sale_and_invoice"):
            with self.subTest(mode=mode):
                partner = self.make_customer(f"Customer {mode}")
                plan = self.make_plan(partner=partner)
                plan.template_id = plan.template_id.copy({"invoicing_mode": mode})
                self.make_records("2026-10-05", *[1] * 120, partner=partner)
                self.assert_is_invoiced(plan)

    def test_what_is_invoiced_by_delivery_is_not_yet(self):
        plan = self.make_plan()
        plan.template_id = plan.template_id.copy({"invoicing_mode": "sale_and_invoice"})
        fee = plan._metered_flat_lines()
        fee.product_id.invoice_policy = "delivery"
        self.make_records("2026-10-05", *[1] * 120)
        [quote] = self.assert_is_invoiced(plan)
        self.assertEqual(quote["untaxed"], 1)

    def test_late_usage_and_a_minimum(self):
        self.price.minimum = 4
        plan = self.make_plan(due="2026-10-01")
        self.make_records("2026-09-05", *[1] * 120)
        self.renew(plan)
        self.make_records("2026-09-06", *[1] * 100)
        self.make_records("2026-10-06", *[1] * 10)
        self.assert_is_invoiced(plan)

    def test_two_of_one_customer(self):
        """What names no subscription is taken by the one that is due first."""
        first = self.make_plan(due="2026-11-01")
        second = self.make_subscription(self.customer, "2026-09-01", "2026-11-05")
        self.make_records("2026-10-05", *[1] * 120)
        self.assert_is_invoiced(first, second)

    def test_a_term_that_ends_has_no_further_fee(self):
        plan = self.make_plan()
        plan.template_id = plan.template_id.copy({"recurring_rule_boundary": "limited"})
        plan.date = "2026-10-31"
        self.make_records("2026-10-05", *[1] * 120)
        quote = self.quote(plan)
        with freeze_time("2026-10-31 12:00:00"):
            plan.close_subscription()
        self.assertEqual(quote["untaxed"], plan.invoice_ids.amount_untaxed)

    def test_a_billed_period_says_so(self):
        plan = self.make_plan()
        invoice = plan.create_invoice()
        quote = self.quote(plan)
        self.assertIn(invoice._metered_label(), quote["billed"])
        self.assertEqual((quote["lines"], quote["total"]), ([], 0))

    def test_what_could_not_be_invoiced_cannot_be_quoted(self):
        plan = self.make_plan()
        self.make_records("2026-10-05", 3, meter=self.make_meter("GB", unit="GB"))
        before = self.stored()
        with self.assertRaisesRegex(UserError, "price"):
            plan._metered_quotes()
        self.assertEqual(self.stored(), before)

    # === GIVEN QUANTITIES === #

    def test_quantities_that_are_given(self):
        """What if: the invoice of as many records."""
        for how in ("sum", "count", "max", "min", "last", "average", "unique"):
            for quantity in (0, 120, 300):
                with self.subTest(how=how, quantity=quantity):
                    meter = self.make_meter(
                        f"{how} {quantity}",
                        unit="texts",
                        aggregation=how,
                        unique_property="device" if how == "unique" else False,
                    )
                    product = self.make_metered_product(
                        meter.name, self.make_price(meter, (100, 0), (0, 0.05))
                    )
                    partner = self.make_customer(meter.name)
                    plan = self.make_plan(product, partner=partner)
                    self.make_records(
                        "2026-10-05", 7, meter=meter, partner=partner, device="a"
                    )
                    quote = self.quote(plan, {meter: Decimal(quantity)})
                    above = max(quantity - 100, 0) * 0.05
                    self.assertAlmostEqual(quote["untaxed"], 10 + above, 6)

    def test_a_given_quantity_is_as_records_of_it(self):
        plan = self.make_plan()
        given = self.quote(plan, {self.meter: Decimal("130.5")})
        self.make_records("2026-10-31", 130.5)
        self.assertEqual(
            self.facts_of_quote(given), self.facts_of_quote(self.quote(plan))
        )
        self.assert_is_invoiced(plan)

    def test_given_for_a_meter_without_a_line(self):
        meter = self.make_meter("Seats", unit="seats")
        price = self.make_price(meter, (0, 2))
        meter.product_id = self.make_metered_product("Seats", price)
        plan = self.make_plan()
        quote = self.quote(plan, {meter: Decimal(3)})
        self.assertEqual(quote["untaxed"], 16)

    def test_what_was_billed_before_is_not_billed_again(self):
        """A part of the period is on an invoice: the quantity is that of all of it."""
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 120)
        usage = self.usage(self.customer)
        lines = usage._prepare_invoice_lines(
            company=self.company,
            currency=self.company.currency_id,
            partner=self.customer,
            date_from=usage.day,
            date_to=plan.recurring_next_date,
        )
        invoice = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": self.customer.id,
                "invoice_line_ids": [Command.create(values) for values, _ids in lines],
            }
        )
        usage._link_to_invoice(invoice, lines)
        quote = self.quote(plan, {self.meter: Decimal(300)})
        self.assertEqual(quote["untaxed"] + invoice.amount_untaxed, 10 + 10)

    def test_what_cannot_be_given(self):
        plan = self.make_plan()
        calls = self.env.ref("metered_billing.meter_international")
        counted = self.make_meter("Counted", unit="x", aggregation="count")
        for meter, quantity, words in (
            (calls, "1", "call type"),
            (self.meter, "-1", "0 or a positive number"),
            (self.meter, "NaN", "0 or a positive number"),
            (self.meter, "1e40", "0 or a positive number"),
            (self.meter, "1e-40", "0 or a positive number"),
            (counted, "1.5", "whole"),
        ):
            with (
                self.subTest(quantity=quantity),
                self.assertRaisesRegex(UserError, words),
            ):
                plan._metered_quotes({meter: Decimal(quantity)})

    # === THE DIALOG === #

    def test_dialog_of_subscription_and_customer(self):
        plan = self.make_plan()
        self.make_records("2026-10-05", *[1] * 120)
        user = new_test_user(
            self.env,
            "quoting",
            groups="metered_billing.group_metered_user,sales_team.group_sale_manager",
        )
        for record in (plan, self.customer):
            action = record.with_user(user).action_metered_quote()
            quote = self.env["metered.quote"].browse(action["res_id"])
            self.assertEqual(quote.total, "$\xa011.00")
            self.assertEqual(quote.line_ids.mapped("amount"), [10, 1])
            self.assertIn("11/01/2026", quote.periods)

    def test_dialog_without_anything_to_renew(self):
        with self.assertRaisesRegex(UserError, "no next invoice"):
            self.make_customer("Nobody").action_metered_quote()

    def test_sales_people_see_no_usage(self):
        plan = self.make_plan()
        seller = new_test_user(
            self.env, "selling", groups="sales_team.group_sale_salesman_all_leads"
        )
        with self.assertRaises(AccessError):
            plan.with_user(seller).action_metered_quote()
