# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Small amounts wait for more, and are billed together, each period on its line."""

from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .carry_case import CarryCase


@tagged("post_install", "-at_install")
class TestCarryForward(CarryCase):
    def test_three_periods_on_one_invoice(self):
        self.use(40)
        self.assertEqual(self.states(), ["carried"])
        period = self.subscription.metered_period_ids
        self.assertEqual((period.carried_floor, period.was_billed), (1.0, False))
        self.assertEqual(period.carried_amount, 0.4)
        self.assertIn("0.40 is carried forward", self.subscription.message_ids[0].body)
        self.use(35, first=2)
        self.assertFalse(self.all_invoices())
        self.assertEqual(self.carried(), (0.75, "2026-01-01"))
        self.use(30, first=3)
        invoice = self.all_invoices()
        self.assertEqual(
            self.lines(invoice),
            [("2026-01-01", 0.4), ("2026-02-01", 0.35), ("2026-03-01", 0.3)],
        )
        self.assertEqual(invoice.amount_untaxed, 1.05)
        self.assertFalse(any(invoice.invoice_line_ids.mapped("metered_late")))
        self.assertEqual(self.states(), ["billed"] * 3)
        first = self.subscription.metered_period_ids[-1]
        self.assertEqual((first.carry_end, first.invoice_id), ("reached", invoice))
        self.assertIsNone(self.carried())
        self.assert_billed_once()
        runs = self.subscription.metered_period_ids.sorted("date_from").renewal_id
        self.assertEqual(
            [run.carried_info for run in runs.sorted("id")],
            ["$\N{NO-BREAK SPACE}0.40", "$\N{NO-BREAK SPACE}0.35", ""],
        )
        self.assertEqual(self.reviewed(invoice), 0.75)

    def test_exactly_the_smallest_invoice(self):
        self.use(50, 50)
        self.assertEqual(self.all_invoices().amount_untaxed, 1.0)

    def test_no_smallest_invoice(self):
        self.floor.amount = 0
        self.use(5)
        self.assertEqual(self.all_invoices().amount_untaxed, 0.05)

    def test_a_flat_fee_bills_whatever_it_comes_to(self):
        self.use(40)
        fee = self.env["product.product"].create({"name": "Rental", "type": "service"})
        self.subscription.sale_subscription_line_ids = [
            Command.create({"product_id": fee.id, "price_unit": 0.1, "tax_ids": False})
        ]
        self.use(35, first=2)
        self.assertEqual(
            sorted(self.all_invoices().invoice_line_ids.mapped("price_subtotal")),
            [0.1, 0.35, 0.4],
        )
        self.assertEqual(self.states(), ["billed"] * 2)

    def test_rounded_once_as_on_the_invoice(self):
        """Three periods of 0.333 are three lines of 0.33, and that is not 1.00."""
        for month in (1, 2, 3):
            self.call(f"2026-{month:02}-10", 33.333333)
        self.floor.amount = 0.34
        self.renew("2026-02-01")
        self.assertEqual(self.carried(), (0.33, "2026-01-01"))
        self.floor.amount = 1.0
        self.renew("2026-04-01")
        self.assertFalse(self.all_invoices())
        self.assertEqual(self.carried(), (0.99, "2026-01-01"))

    def test_prices_with_taxes_included_count_without(self):
        tax = self.env["account.tax"].create(
            {
                "name": "25 included",
                "amount": 25.0,
                "price_include_override": "tax_included",
            }
        )
        self.national.product_id.taxes_id = tax
        self.use(120)
        self.assertEqual(self.states(), ["carried"])
        self.assertEqual(self.carried(), (0.96, "2026-01-01"))
        self.use(5, first=2)
        self.assertEqual(self.all_invoices().amount_untaxed, 1.0)

    def test_nothing_used_is_nothing(self):
        self.use(0, 40, 0)
        self.assertEqual(self.states(), ["nothing", "carried", "nothing"])
        self.assertEqual(self.carried(), (0.4, "2026-02-01"))

    # === AGE === #

    def test_age(self):
        self.company.write({"metered_carry_year_end": False, "metered_carry_months": 3})
        self.use(40, 0, 0)
        invoice = self.all_invoices()
        self.assertEqual(self.lines(invoice), [("2026-01-01", 0.4)])
        self.assertEqual(self.subscription.metered_period_ids[-1].carry_end, "age")

    def test_year_end(self):
        self.company.metered_carry_months = 0
        self.subscription.recurring_next_date = "2026-12-01"
        self.call("2026-11-20", 40)
        self.renew("2026-12-01")
        self.assertFalse(self.all_invoices())
        self.renew("2027-01-01")
        self.assertEqual(self.all_invoices().amount_untaxed, 0.4)

    def bill_aged(self, today):
        """Run the daily job; its invoices."""
        with freeze_time(f"{today} 04:00:00"):
            return self.env["sale.subscription"]._metered_bill_aged()

    def test_year_end_of_a_paused_subscription(self):
        self.use(40, 35)
        paused = self.env["sale.subscription.stage"].create(
            {"name": "Paused", "type": "draft"}
        )
        self.subscription.write({"stage_id": paused.id, "in_progress": False})
        self.subscription.template_id.invoicing_mode = "invoice"
        self.assertFalse(self.bill_aged("2026-12-31"))
        invoice = self.bill_aged("2027-01-01")
        self.assertEqual(
            self.lines(invoice), [("2026-01-01", 0.4), ("2026-02-01", 0.35)]
        )
        self.assertEqual(invoice.state, "posted")
        self.assertEqual(str(invoice.invoice_date), "2027-01-01")
        ends = self.subscription.metered_period_ids.mapped("carry_end")
        self.assertEqual(ends, ["age"] * 2)
        self.assertIsNone(self.carried())
        self.assertFalse(self.bill_aged("2027-01-02"))
        self.assert_billed_once()

    def test_age_is_left_to_the_renewal_that_is_due(self):
        self.company.write({"metered_carry_year_end": False, "metered_carry_months": 2})
        self.use(40)
        for day in ("2026-02-28", "2026-03-01", "2026-03-07"):
            self.assertFalse(self.bill_aged(day), day)
        self.assertEqual(self.bill_aged("2026-03-08").amount_untaxed, 0.4)
        self.renew("2026-03-09")
        self.assert_billed_once()

    def test_age_and_no_price(self):
        """Somebody is told, once, and nothing of others waits for it."""
        other = self.make_customer("Bravo", "+14045550111")
        self.sell(other)
        self.call("2026-01-10", 35, "+14045550111")
        self.use(40)
        self.company.write({"metered_carry_year_end": False, "metered_carry_months": 1})
        self.env["sale.subscription"].search([]).in_progress = False
        own = type(self.subscription)._metered_bill_carried_of

        def fail(subscription, carried, reason):
            if subscription == self.subscription:
                raise UserError(subscription.env._("It has no price."))
            return own(subscription, carried, reason)

        with patch.object(type(self.subscription), "_metered_bill_carried_of", fail):
            for _day in range(2):
                self.bill_aged("2026-03-08")
        self.assertEqual(self.all_invoices(other).amount_untaxed, 0.35)
        activity = self.subscription.activity_ids
        self.assertIn("It has no price.", activity.note)
        self.assertEqual(activity.metered_count, 2)
        self.assertEqual(self.bill_aged("2026-03-09").amount_untaxed, 0.4)
        self.assertFalse(self.subscription.activity_ids)

    # === CLOSING === #

    def test_closing_bills_what_is_left(self):
        self.use(40)
        with freeze_time("2026-02-15"):
            self.subscription.close_subscription()
        self.assertEqual(self.lines(self.all_invoices()), [("2026-01-01", 0.4)])
        self.assertEqual(self.subscription.metered_period_ids[-1].carry_end, "closing")

    def test_closing_waives_less_than_a_second_amount(self):
        self.floor.waived_below = 0.5
        self.use(40)
        with freeze_time("2026-02-15"):
            self.subscription.close_subscription()
        self.assertFalse(self.all_invoices())
        self.assertEqual(set(self.states()), {"waived"})
        self.assertIn("is waived", self.subscription.metered_period_ids[0].carry_note)
        usage = self.usage(self.customer)
        self.assertFalse(usage.no_renewal)
        self.assertIsNone(self.carried())
        # Nothing bills it any more, unless somebody bills the period again.
        with freeze_time("2026-02-15"):
            other = self.sell(self.customer, due="2026-03-01")
        self.renew("2026-03-01")
        self.assertFalse(self.all_invoices())
        self.assertEqual(self.states(other), ["nothing"])
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-01-01",
                "date_to": "2026-01-31",
            }
        )
        wizard.action_search()
        with self.assertRaises(UserError):
            wizard.action_create_invoice()
        self.subscription.metered_period_ids[-1]._bill_again()
        self.assertEqual(self.all_invoices().amount_untaxed, 0.4)

    def test_a_waived_end_is_billed_again_without_a_fee(self):
        """The end of a subscription has usage alone, also when it was waived first."""
        fee = self.env["product.product"].create({"name": "Rental", "type": "service"})
        self.floor.waived_below = 0.5
        self.subscription.sale_subscription_line_ids = [
            Command.create({"product_id": fee.id, "price_unit": 7.0, "tax_ids": False})
        ]
        self.use(0)
        before = self.all_invoices()
        self.call("2026-02-10", 40)
        with freeze_time("2026-02-15"):
            self.subscription.close_subscription()
        self.assertEqual(self.all_invoices(), before)
        self.assertEqual(self.states(), ["billed", "waived"])
        again = self.subscription.metered_period_ids[0]._bill_again()
        self.assertEqual(self.lines(again), [("2026-02-01", 0.4)])

    def test_closing_bills_the_second_amount(self):
        self.floor.waived_below = 0.4
        self.use(40)
        with freeze_time("2026-02-15"):
            self.subscription.close_subscription()
        self.assertEqual(self.all_invoices().amount_untaxed, 0.4)

    # === BY HAND === #

    def test_by_hand(self):
        self.use(40, 35)
        invoice = self.subscription._metered_bill_carried()
        self.assertEqual(
            self.lines(invoice), [("2026-01-01", 0.4), ("2026-02-01", 0.35)]
        )
        self.assertEqual(invoice.state, "draft")
        self.assertEqual(self.states(), ["billed"] * 2)
        self.assertEqual(str(self.subscription.recurring_next_date), "2026-04-01")
        self.assertFalse(self.subscription._metered_bill_carried())
        self.assert_billed_once()

    def test_create_invoice_asks_for_no_smallest_invoice(self):
        self.use(40)
        self.call("2026-02-10", 35)
        self.subscription.manual_invoice()
        self.assertEqual(
            self.lines(self.all_invoices()), [("2026-01-01", 0.4), ("2026-02-01", 0.35)]
        )
        self.assertEqual(self.states(), ["billed"] * 2)

    # === WHICH ONE APPLIES === #

    def test_customer_before_template_before_group_before_company(self):
        group = self.env["metered.customer.group"].create({"name": "Small"})
        self.customer.metered_group_id = group
        floors = self.floor
        for name, record in (
            ("group_id", group),
            ("template_id", self.subscription.template_id),
            ("partner_id", self.customer),
        ):
            own = self.make_floor(2.0, **{name: record.id})
            floors |= own
            self.assertEqual(floors._for(self.subscription), own)
        euro = self.env.ref("base.EUR")
        euro.active = True
        floors.currency_id = euro
        self.assertFalse(floors._for(self.subscription))

    def test_one_rule_for_one_thing(self):
        with self.assertRaises(ValidationError):
            self.make_floor(3.0)
        with self.assertRaises(ValidationError):
            self.make_floor(-1.0, partner_id=self.customer.id)
        group = self.env["metered.customer.group"].create({"name": "Small"})
        with self.assertRaises(ValidationError):
            self.make_floor(1.0, partner_id=self.customer.id, group_id=group.id)
