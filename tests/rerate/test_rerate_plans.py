# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage of customers with calling plans, rated again: open, and invoiced."""

from datetime import date
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..plan.test_calling_plans import LONDON, PHONE, PHONE_2, PlanCase


class RerateCase(PlanCase):
    """Calls at 0.06 a minute, by the second, until their deck is another one."""

    def start(self, scope="open", **values):
        wizard = self.env["metered.rerate.start"].create(
            {
                "date_from": date(2026, 10, 1),
                "date_to": date(2026, 12, 31),
                "scope": scope,
                **values,
            }
        )
        return self.env["metered.rerate"].browse(wizard.action_preview()["res_id"])

    def lines(self, run):
        return [
            (line.partner_id, round(line.before, 6), round(line.after, 6))
            for line in run.line_ids
        ]

    def approve(self, run):
        """Post the difference; its document."""
        self.env["metered.rerate.approve"].create(
            {"rerate_id": run.id, "reason": "The rates were wrong."}
        ).action_post()
        return run.difference_ids.move_id

    def own_deck(self, price, **rate):
        """Another deck for the customer from now on."""
        deck = self.make_deck(f"Own {price} {rate}")
        self.make_rate(deck, "", price=price, **rate)
        self.customer.metered_deck_id = deck
        return deck

    def bill(self):
        """Renew the subscription, and post the invoice."""
        invoice = self.subscription.create_invoice()
        self.subscription._set_next_invoice_date_after_invoice()
        invoice.action_post()
        return invoice

    def balances(self, allowance):
        """What every period of an allowance has: its balances are never changed."""
        found = self.env["metered.allowance.balance"].search(
            [("allowance_id", "=", allowance.id)], order="date_from"
        )
        return [
            (b.date_from, b.granted, b.rolled_in, b.used, b.left)
            for b in found.sorted("date_from")
        ]

    def assert_nothing_more(self):
        again = self.start("invoiced")
        self.assertFalse(again.line_ids)
        self.assertFalse(again.difference_ids)


@tagged("post_install", "-at_install")
class TestReratePlans(RerateCase):
    # === NOT INVOICED === #

    def test_preview_is_what_comes_of_it(self):
        """By whole minutes, calls take more of the allowance: others are charged."""
        allowance = self.sell_minutes(10)
        for day in range(1, 6):
            self.call(f"2026-10-0{day}", 1, seconds=30)
        self.assertEqual(self.charges(), [0] * 5)
        self.assertEqual(self.balance(allowance), (10, 0, 7.5, 2.5))
        self.own_deck(0.12, initial_increment=180, increment=180)
        run = self.start()
        # Three minutes each: three calls, and a minute of the fourth.
        self.assertEqual(self.lines(run), [(self.customer, 0, 0.6)])
        self.assertEqual(self.charges(), [0] * 5)
        self.assertEqual(self.balance(allowance), (10, 0, 7.5, 2.5))
        run.action_apply()
        self.assertEqual(self.lines(run), [(self.customer, 0, 0.6)])
        self.assertEqual(self.charges(), [0, 0, 0, 0.24, 0.36])
        self.assertEqual(self.balance(allowance), (10, 0, 10, 0))
        self.assert_sums()
        self.assertFalse(self.start().line_ids)

    def test_other_days_that_change(self):
        """Calls of days that were not asked for are charged, and told."""
        self.sell_minutes(10)
        self.call("2026-10-02", 1, seconds=30)
        self.call("2026-10-20", 9)
        self.assertEqual(self.charges(), [0, 0.03])
        self.own_deck(0.06, initial_increment=300, increment=300)
        run = self.start(date_to=date(2026, 10, 10))
        self.assertEqual(self.lines(run), [(self.customer, 0.03, 0.24)])
        run.action_apply()
        self.assertEqual(self.charges(), [0, 0.24])
        self.assertEqual(self.lines(run), [(self.customer, 0.03, 0.24)])

    def test_rolled_over(self):
        allowance = self.sell_minutes(10, rollover_periods=1)
        self.call("2026-10-02", 1)
        self.call("2026-11-02", 19)
        self.assertEqual(self.charges(), [0, 0])
        self.own_deck(0.06, initial_increment=300, increment=300)
        run = self.start(date_to=date(2026, 10, 31))
        # Five of October are left for November instead of nine.
        self.assertEqual(self.lines(run), [(self.customer, 0, 0.24)])
        run.action_apply()
        self.assertEqual(self.charges(), [0, 0.24])
        self.assertEqual(self.balance(allowance, "2026-11-01"), (10, 5, 15, 0))

    def family(self):
        """Ten minutes that a company shares with two child companies."""
        child, other = (
            self.make_customer(
                name, number, is_company=True, parent_id=self.customer.id
            )
            for name, number in (("West", PHONE_2), ("East", "+14045550102"))
        )
        self.sell_minutes(10, scope="customer")
        return child, other

    def test_pool_in_slices(self):
        """Who shares an allowance is previewed together, whatever a slice has."""
        child, other = self.family()
        for day in range(1, 7):
            self.call(f"2026-10-0{day}", 2, number=PHONE_2 if day % 2 else PHONE)
        self.call("2026-10-07", 1, number="+14045550102")
        everybody = (self.customer, child, other)
        self.assertEqual(self.charges(*everybody), [0, 0, 0, 0, 0, 0.12, 0.06])
        deck = self.own_deck(0.12, initial_increment=240, increment=240)
        child.metered_deck_id = other.metered_deck_id = deck
        with patch(
            "odoo.addons.metered_billing.models.rerate.metered_rerate_run.SLICE_CALLS",
            1,
        ):
            run = self.start()
            preview = self.lines(run)
            run.action_apply()
        # Four minutes each: two calls of it and half of the third, a child's.
        self.assertEqual(self.charges(*everybody), [0, 0, 0.24, 0.48, 0.48, 0.48, 0.48])
        self.assertEqual(self.lines(run), preview)
        self.assertEqual(
            sorted(preview, key=lambda line: line[0].id),
            [
                (self.customer, 0.12, 0.96),
                (child, 0, 0.72),
                (other, 0.06, 0.48),
            ],
        )
        self.assertFalse(self.start().line_ids)

    def test_others_of_a_pool(self):
        """What becomes of calls of those that are not asked for is told, too."""
        child, other = self.family()
        self.call("2026-10-01", 1, number="+14045550102")
        self.call("2026-10-02", 6)
        self.call("2026-10-03", 4, number=PHONE_2)
        everybody = (self.customer, child, other)
        self.assertEqual(self.charges(*everybody), [0, 0, 0.06])
        deck = self.make_deck("Begun")
        self.make_rate(deck, "", price=0.06, initial_increment=480, increment=480)
        other.metered_deck_id = deck
        run = self.start(partner_ids=[Command.set(other.ids)])
        preview = self.lines(run)
        self.assertEqual(
            sorted(preview, key=lambda line: line[0].id),
            # Eight minutes of the pool: two are left for the next call.
            [(self.customer, 0, 0.24), (child, 0.06, 0.24), (other, 0, 0)],
        )
        run.action_apply()
        self.assertEqual(self.charges(*everybody), [0, 0.24, 0.24])
        self.assertEqual(self.lines(run), preview)

    def test_no_rate_in_a_preview(self):
        """What becomes an exception leaves the allowance to others; nothing stays."""
        self.sell_minutes(10)
        self.call("2026-10-02", 10, callee=LONDON)
        self.call("2026-10-03", 10)
        self.assertEqual(self.charges(), [0, 0.6])
        deck = self.make_deck("National")
        self.make_rate(deck, "1", price=0.06)
        self.customer.metered_deck_id = deck
        self.company.metered_deck_id = False
        run = self.start()
        self.assertEqual((run.unrated, self.lines(run)), (1, [(self.customer, 0.6, 0)]))
        self.assertEqual(self.charges(), [0, 0.6])
        self.assertFalse(self.env["metered.exception"].search([]))
        run.action_apply()
        self.assertEqual(self.charges(), [0])
        self.assertEqual(len(self.env["metered.exception"].search([])), 1)

    # === INVOICED === #

    def test_difference_of_what_the_plan_left(self):
        """Twice as dear: the rest of the call that crossed the end, no more."""
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 50)
        invoice = self.bill()
        self.assertEqual(self.invoiced(invoice), 0.6)
        balances = self.balances(allowance)
        self.own_deck(0.12)
        run = self.start("invoiced")
        self.assertEqual(self.lines(run), [(self.customer, 0.6, 1.2)])
        move = self.approve(run)
        self.assertEqual((move.move_type, move.amount_untaxed), ("out_invoice", 0.6))
        self.assertEqual(self.charges(), [0, 0.6])
        self.assertEqual(self.balances(allowance), balances)
        self.assert_nothing_more()
        # A late call finds what was left of the allowance: nothing.
        self.call("2026-10-05", 10)
        self.assertEqual(self.charges(), [0, 0.6, 1.2])
        self.assertEqual(self.invoiced(self.bill()), 1.2)
        self.assert_nothing_more()

    def test_what_stays_is_rounded_with_what_changes(self):
        """The invoice and its corrections come to what the invoice would be."""
        deck = self.own_deck(0.0004)
        rate = self.make_rate(deck, "1312", price=0.0003)
        self.call("2026-10-02", 10)
        self.call("2026-10-03", 10, callee="+13125550199")
        self.assertEqual(self.charges(), [0.004, 0.003])
        self.assertEqual(self.invoiced(self.bill()), 0.01)
        rate.copy({"prefix": "13125", "price": 0.0006})
        run = self.start("invoiced")
        self.assertEqual(self.lines(run), [(self.customer, 0.007, 0.01)])
        # 0.010 is a cent, too: there is nothing to bill.
        self.assertFalse(self.approve(run))
        rate.copy({"prefix": "131255", "price": 0.0018})
        self.assertEqual(self.approve(self.start("invoiced")).amount_untaxed, 0.01)

    def test_other_increments(self):
        """What calls took together is given to them anew: all of it is used."""
        allowance = self.sell_minutes(2)
        self.own_deck(0.06, initial_increment=60, increment=60)
        for day in range(1, 5):
            self.call(f"2026-10-0{day}", 0, seconds=30)
        self.assertEqual(self.charges(), [0, 0, 0.06, 0.06])
        self.bill()
        balances = self.balances(allowance)
        self.own_deck(0.06)
        # Half a minute each: two minutes are enough for all of them.
        run = self.start("invoiced")
        self.assertEqual(self.lines(run), [(self.customer, 0.12, 0)])
        credit = self.approve(run)
        self.assertEqual(
            (credit.move_type, credit.amount_untaxed), ("out_refund", 0.12)
        )
        self.assertEqual(self.balances(allowance), balances)
        self.assert_nothing_more()

    def test_they_get_no_more_than_they_took(self):
        """What was left may be used by now: it was rolled over."""
        allowance = self.sell_minutes(3, rollover_periods=1)
        for day in range(1, 3):
            self.call(f"2026-10-0{day}", 0, seconds=30)
        self.bill()
        self.call("2026-11-02", 5)
        self.assertEqual(self.charges(), [0, 0, 0])
        balances = self.balances(allowance)
        self.own_deck(0.06, initial_increment=60, increment=60)
        run = self.start("invoiced")
        # A minute of two is what they took.
        self.assertEqual(self.lines(run), [(self.customer, 0, 0.06)])
        self.approve(run)
        self.assertEqual(self.balances(allowance), balances)
        self.assert_nothing_more()

    def test_money(self):
        """What money paid for one call pays for another that is dearer now."""
        self.sell(self.make_plan({"unit": "money", "amount": 1.0}))
        self.call("2026-10-02", 10, callee=LONDON)
        self.call("2026-10-03", 10)
        self.assertEqual(self.charges(), [0, 0.2])
        self.bill()
        deck = self.own_deck(0.12)
        self.make_rate(deck, "44", price=0.01)
        # 0.10 and 1.20, of which 1.00 is paid
        run = self.start("invoiced")
        self.assertEqual(self.lines(run), [(self.customer, 0.2, 0.3)])
        self.assertEqual(self.approve(run).amount_untaxed, 0.1)
        self.assert_nothing_more()

    def test_late_calls_took_what_was_left(self):
        """Nothing changed: invoices keep what their calls took, whenever they began."""
        self.sell_minutes(100)
        self.call("2026-10-10", 80)
        self.bill()
        self.call("2026-10-05", 50)
        self.bill()
        self.assertEqual(self.charges(), [1.8, 0])
        self.assert_nothing_more()
        self.own_deck(0.12)
        run = self.start("invoiced")
        self.assertEqual(self.lines(run), [(self.customer, 1.8, 3.6)])

    def test_pool(self):
        """Calls of a child company that took of it have their part in it."""
        child = self.make_customer(
            "Acme West", PHONE_2, is_company=True, parent_id=self.customer.id
        )
        # The allowance is the family's, the child's calls are not on its invoices.
        self.customer.metered_bills_children = False
        self.sell_minutes(10, scope="customer")
        self.call("2026-10-02", 8)
        self.call("2026-10-03", 8, number=PHONE_2)
        self.assertEqual((self.charges(), self.charges(child)), ([0], [0.36]))
        self.bill()
        self.own_deck(0.12)
        self.assertFalse(self.start("invoiced").line_ids)
        child.metered_deck_id = self.customer.metered_deck_id
        # The child's call is not invoiced: it is charged anew.
        run = self.start(partner_ids=[Command.set(child.ids)])
        self.assertEqual(self.lines(run), [(child, 0.36, 0.72)])

    def test_plan_sold_no_more(self):
        """What invoiced calls took stays theirs."""
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 50)
        self.bill()
        self.subscription.sale_subscription_line_ids.filtered(
            lambda line: line.product_id.metered_plan_id
        ).unlink()
        self.own_deck(0.12)
        run = self.start("invoiced")
        self.assertEqual(self.lines(run), [(self.customer, 0.6, 1.2)])

    def test_rate_that_is_missing_is_in_the_way(self):
        self.sell_minutes(10)
        self.call("2026-10-02", 60)
        self.bill()
        self.customer.metered_deck_id = self.make_deck("Empty")
        self.company.metered_deck_id = False
        run = self.start("invoiced")
        self.assertIn("Calls without a rate", run.line_ids.note)
        with self.assertRaisesRegex(UserError, "no difference"):
            self.approve(run)
