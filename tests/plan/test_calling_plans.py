# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calling plans on stored calls: what is included, what is left, what is billed."""

import datetime
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import html2plaintext

from ...ingest import store
from ...stored.find_allowance import find_plan
from ..support.metered_case import MeteredCase

PHONE = "+14045550100"
PHONE_2 = "+14045550101"
LONDON = "+442079460120"
NEW_YORK = "+12125550199"


class PlanCase(MeteredCase):
    """A customer with a monthly subscription from 1 October 2026, due 1 November.

    Every call costs 0.06 a minute, so a second costs 0.001.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", PHONE, is_company=True)
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.serial = 0

    # === MAKERS === #

    @classmethod
    def make_plan(cls, *allowances, name="Plan", **values):
        """A plan; each allowance a dict of values, 100 minutes where none are told."""
        return cls.env["metered.calling.plan"].create(
            {
                "name": name,
                "allowance_ids": [
                    Command.create({"name": f"Included {rank}", "sequence": rank, **a})
                    for rank, a in enumerate(allowances)
                ],
                **values,
            }
        )

    @classmethod
    def sell(cls, plan, subscription=None, quantity=1):
        """Put a product with the plan on a subscription; its line."""
        subscription = subscription or cls.subscription
        product = cls.env["product.product"].create(
            {"name": plan.name, "type": "service", "metered_plan_id": plan.id}
        )
        return cls.env["sale.subscription.line"].create(
            {
                "sale_subscription_id": subscription.id,
                "product_id": product.id,
                "name": plan.name,
                "product_uom_qty": quantity,
                "price_unit": 20.0,
                "tax_ids": [Command.clear()],
            }
        )

    @classmethod
    def sell_minutes(cls, amount=100, subscription=None, quantity=1, **values):
        """Sell so many minutes of all calls; the allowance."""
        plan = cls.make_plan({"unit": "minutes", "amount": amount, **values})
        cls.sell(plan, subscription, quantity)
        return plan.allowance_ids

    def call(self, start, minutes, number=PHONE, callee=NEW_YORK, seconds=0):
        """Import one call; its import."""
        type(self).serial += 1
        seconds += minutes * 60
        return self.import_calls(
            self.source,
            (f"c{self.serial}", f"{start} 10:00:00", seconds, number, callee),
        )

    # === WHAT CAME OF IT === #

    def charges(self, *partners):
        """Charges of all calls in the order of their start."""
        cdrs = self.env["metered.cdr"].search(
            [("partner_id", "in", [p.id for p in partners or (self.customer,)])],
            order="start_time, id",
        )
        return [round(cdr.charge, 6) for cdr in cdrs]

    def balance(self, allowance, date_from="2026-10-01", subscription=None):
        """(granted, rolled over, used, left) of an allowance in a period."""
        balance = self.env["metered.allowance.balance"].search(
            [
                ("allowance_id", "=", allowance.id),
                ("date_from", "=", date_from),
                ("subscription_id", "=", (subscription or self.subscription).id),
            ]
        )
        return tuple(
            round(value, 6)
            for value in (
                balance.granted,
                balance.rolled_in,
                balance.used,
                balance.left,
            )
        )

    def invoiced(self, invoice):
        """What the usage lines of an invoice come to."""
        lines = invoice.invoice_line_ids.filtered("metered_usage_ids")
        return round(sum(lines.mapped("price_subtotal")), 6)

    def assert_sums(self):
        """Every usage row is the sum of its CDRs."""
        self.env.cr.execute(
            """
            SELECT usage.id FROM metered_usage usage
              LEFT JOIN metered_cdr cdr ON cdr.usage_id = usage.id
             GROUP BY usage.id
            HAVING usage.records != count(cdr.id)
                OR usage.amount != coalesce(sum(cdr.charge), 0)
                OR usage.billed_quantity != coalesce(sum(cdr.billed_quantity), 0)
            """
        )
        self.assertFalse(self.env.cr.fetchall())

    def apply_plans(self):
        """Apply the plans as the scheduled action does."""
        self.env["metered.plan.mark"]._apply_plans()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestCallingPlans(PlanCase):
    def test_included_minutes(self):
        """100 minutes are free; the call that crosses the end is charged in part."""
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 50)
        self.call("2026-10-04", 1)
        self.assertEqual(self.charges(), [0, 0.6, 0.06])
        self.assertEqual(self.balance(allowance), (100, 0, 100, 0))
        cdr = self.env["metered.cdr"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual(
            [(c.deck_charge, c.plan_quantity) for c in cdr.sorted("start_time")],
            [(3.6, 3600), (3.0, 2400), (0, 0)],
        )
        self.assert_sums()
        self.assertFalse(self.env["metered.plan.mark"].search([]))
        invoice = self.subscription.create_invoice()
        self.assertEqual(self.invoiced(invoice), 0.66)
        line = invoice.invoice_line_ids.filtered("metered_explained")
        said = " ".join(html2plaintext(line.metered_explanation).split())
        self.assertIn(
            "What the rate deck would have charged without the plan 6.66 USD", said
        )
        self.assertIn("Included 0 includes 100 min of 2 calls", said)
        self.assertIn("3 calls on 3 days", said)

    def test_order_of_arrival_does_not_matter(self):
        """A late call takes its place: what came after it is charged instead."""
        allowance = self.sell_minutes(100)
        self.call("2026-10-04", 60)
        self.call("2026-10-03", 60)
        self.assertEqual(self.charges(), [0, 1.2])
        self.call("2026-10-02", 60)
        self.assertEqual(self.charges(), [0, 1.2, 3.6])
        self.assertEqual(self.balance(allowance), (100, 0, 100, 0))
        self.assert_sums()

    def test_same_start(self):
        """Of calls of one moment the order is that of their identity."""
        self.sell_minutes(60)
        for call_id in ("b", "a"):
            self.import_calls(
                self.source, (call_id, "2026-10-02 10:00:00", 3600, PHONE, NEW_YORK)
            )
        charges = {
            cdr.call_id: round(cdr.charge, 6)
            for cdr in self.env["metered.cdr"].search([])
        }
        self.assertEqual(charges, {"a": 0, "b": 3.6})

    def test_writes_only_what_changes(self):
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-06", 10)
        query = "SELECT id, xmin, ctid FROM metered_cdr ORDER BY start_time"
        self.env.cr.execute(query)
        before = self.env.cr.fetchall()
        self.call("2026-10-04", 35)
        self.env.cr.execute(query)
        after = self.env.cr.fetchall()
        self.assertEqual([row in before for row in after], [True, False, False])
        self.assertEqual(self.charges(), [0, 0, 0.3])

    def test_other_periods(self):
        """Each billing period has its own allowance."""
        allowance = self.sell_minutes(100)
        self.call("2026-10-31", 100)
        self.call("2026-11-01", 100)
        self.assertEqual(self.charges(), [0, 0])
        self.assertEqual(self.balance(allowance), (100, 0, 100, 0))
        self.assertEqual(self.balance(allowance, "2026-11-01"), (100, 0, 100, 0))

    def test_time_zone(self):
        """A period begins with the customer's day."""
        self.customer.metered_tz = "America/New_York"
        allowance = self.sell_minutes(100)
        # 20:00 on 31 October in New York
        self.import_calls(
            self.source, ("n", "2026-11-01 00:00:00", 600, PHONE, NEW_YORK)
        )
        self.assertEqual(self.balance(allowance), (100, 0, 10, 90))

    def test_rollover(self):
        """What is left is used first in the next period, and expires after it."""
        allowance = self.sell_minutes(100, rollover_periods=1)
        self.call("2026-10-05", 30)
        self.call("2026-11-05", 160)
        self.call("2026-12-05", 101)
        self.assertEqual(self.balance(allowance), (100, 0, 30, 70))
        self.assertEqual(self.balance(allowance, "2026-11-01"), (100, 70, 160, 10))
        # 10 of November are left; those of October are gone.
        self.assertEqual(self.balance(allowance, "2026-12-01"), (100, 10, 101, 9))
        self.assertEqual(self.charges(), [0, 0, 0])

    def test_rollover_of_a_period_without_calls(self):
        allowance = self.sell_minutes(100, rollover_periods=1)
        self.call("2026-11-05", 150)
        self.assertEqual(self.charges(), [0])
        self.assertEqual(self.balance(allowance, "2026-11-01"), (100, 100, 150, 50))

    def test_rollover_expires(self):
        """Of three periods with nothing used, one period's amount rolls over."""
        allowance = self.sell_minutes(100, rollover_periods=1)
        self.call("2026-12-05", 250)
        self.assertEqual(self.balance(allowance, "2026-12-01"), (100, 100, 200, 0))
        self.assertEqual(self.charges(), [3.0])

    def test_rollover_cap(self):
        allowance = self.sell_minutes(
            100, rollover_periods=3, rollover_limited=True, rollover_limit=40
        )
        self.call("2026-11-05", 1)
        self.assertEqual(self.balance(allowance, "2026-11-01"), (100, 40, 1, 139))

    def test_late_call_lessens_what_rolled_over(self):
        allowance = self.sell_minutes(100, rollover_periods=1)
        self.call("2026-11-05", 200)
        self.assertEqual(self.charges(), [0])
        self.call("2026-10-05", 30)
        self.assertEqual(self.charges(), [0, 1.8])
        self.assertEqual(self.balance(allowance, "2026-11-01"), (100, 70, 170, 0))

    def test_late_call_of_an_invoiced_period(self):
        """It gets what is left, and what is invoiced stays as it is."""
        allowance = self.sell_minutes(100)
        self.call("2026-10-10", 80)
        invoice = self.subscription.create_invoice()
        self.assertEqual(self.invoiced(invoice), 0)
        self.subscription._set_next_invoice_date_after_invoice()
        # Earlier than the invoiced one, and yet after it.
        self.call("2026-10-05", 50)
        self.assertEqual(self.charges(), [1.8, 0])
        self.assertEqual(self.balance(allowance), (100, 0, 100, 0))
        invoice = self.subscription.create_invoice()
        self.assertEqual(self.invoiced(invoice), 1.8)
        self.assert_sums()

    def test_late_call_leaves_what_rolled_over_and_is_invoiced(self):
        """Minutes that an invoiced period used are not granted again."""
        self.sell_minutes(100, rollover_periods=1)
        self.call("2026-10-10", 60)
        for _period in range(2):
            self.subscription.create_invoice()
            self.subscription._set_next_invoice_date_after_invoice()
            if self.subscription.recurring_next_date == datetime.date(2026, 12, 1):
                self.call("2026-11-10", 130)
        self.subscription.create_invoice()
        # November took 30 of October's 40: only 10 are left for the late call.
        self.call("2026-10-20", 25)
        self.assertEqual(self.charges(), [0, 0.9, 0])

    def test_undo(self):
        allowance = self.sell_minutes(100)
        first = self.call("2026-10-02", 60)
        self.call("2026-10-03", 60)
        self.assertEqual(self.charges(), [0, 1.2])
        first.action_undo()
        self.assertEqual(self.charges(), [0])
        self.assertEqual(self.balance(allowance), (100, 0, 60, 40))
        self.assert_sums()

    def test_cured_exception(self):
        self.sell_minutes(100)
        batch = self.call("2026-10-02", 60, number=PHONE_2)
        self.call("2026-10-03", 60)
        self.assertEqual(self.charges(), [0])
        self.make_identifier(self.customer, PHONE_2)
        self.exceptions(batch)._retry()
        self.apply_plans()
        self.assertEqual(self.charges(), [0, 1.2])

    def test_freed_invoice(self):
        """What an invoice charged is dealt out anew, with the rates of today."""
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 60)
        invoice = self.subscription.create_invoice()
        self.assertEqual(self.invoiced(invoice), 1.2)
        invoice.unlink()
        self.deck.rate_ids.date_to = "2026-10-03"
        self.make_rate(self.deck, "", price=0.6, date_from="2026-10-03")
        invoice = self.subscription.create_invoice()
        self.assertEqual(self.charges(), [0, 12.0])
        self.assertEqual(self.invoiced(invoice), 12.0)
        self.assertEqual(self.balance(allowance), (100, 0, 100, 0))
        self.assert_sums()

    def test_freed_and_billed_as_it_was(self):
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 60)
        self.subscription.create_invoice().unlink()
        invoice = self.subscription.create_invoice()
        self.assertEqual(self.charges(), [0, 1.2])
        self.assertEqual(self.invoiced(invoice), 1.2)

    def test_manual_invoice(self):
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 60)
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
            }
        )
        wizard.action_search()
        self.assertEqual(wizard.amount, 1.2)
        wizard.action_create_invoice()
        self.assertEqual(self.invoiced(wizard.invoice_id), 1.2)

    def test_quantity(self):
        plan = self.make_plan({"amount": 10})
        self.sell(plan, quantity=3)
        self.call("2026-10-02", 40)
        self.assertEqual(self.balance(plan.allowance_ids), (30, 0, 30, 0))
        self.assertEqual(self.charges(), [0.6])

    def test_quantity_does_not_count(self):
        plan = self.make_plan({"amount": 10, "times_quantity": False})
        self.sell(plan, quantity=3)
        self.call("2026-10-02", 40)
        self.assertEqual(self.charges(), [1.8])

    def test_each_identifier(self):
        allowance = self.sell_minutes(10, scope="identifier")
        self.make_identifier(self.customer, PHONE_2)
        self.call("2026-10-02", 15)
        self.call("2026-10-03", 15, number=PHONE_2)
        self.call("2026-10-04", 15)
        self.assertEqual(self.charges(), [0.3, 0.3, 0.9])
        balances = self.env["metered.allowance.balance"].search(
            [("allowance_id", "=", allowance.id), ("date_from", "=", "2026-10-01")]
        )
        self.assertEqual(
            sorted((b.identifier_id.value, b.used) for b in balances),
            [(PHONE, 10), (PHONE_2, 10)],
        )

    def test_pool_over_child_companies(self):
        """Calls of children take from the parent's shared allowance, in order."""
        child = self.make_customer(
            "Acme West", PHONE_2, is_company=True, parent_id=self.customer.id
        )
        allowance = self.sell_minutes(100, scope="customer")
        self.call("2026-10-03", 60)
        self.call("2026-10-02", 60, number=PHONE_2)
        self.assertEqual(self.charges(child), [0])
        self.assertEqual(self.charges(), [1.2])
        self.assertEqual(self.balance(allowance), (100, 0, 100, 0))
        self.call("2026-10-01", 10, number=PHONE_2)
        self.assertEqual(self.charges(), [1.8])
        self.assert_sums()

    def make_child(self, name="Acme West", number=PHONE_2, **values):
        """A child company, of Acme where nothing else is said."""
        values = {"is_company": True, "parent_id": self.customer.id, **values}
        return self.make_customer(name, number, **values)

    def apply_plans(self):
        self.env["metered.plan.mark"]._apply_plans()
        self.env.invalidate_all()

    def test_no_pool(self):
        """An allowance of the subscription is for what the subscription bills."""
        child = self.make_child()
        self.customer.metered_bills_children = False
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 10, number=PHONE_2)
        self.assertEqual(self.charges(child), [0.6])
        self.customer.metered_bills_children = True
        self.apply_plans()
        self.assertEqual(self.charges(child), [0])
        self.assertEqual(self.balance(allowance), (100, 0, 10, 90))
        self.customer.metered_bills_children = False
        self.apply_plans()
        self.assertEqual(self.charges(child), [0.6])
        self.assertEqual(self.balance(allowance), (100, 0, 0, 100))
        self.assert_sums()

    def test_calls_of_children_that_its_subscription_bills(self):
        """They take from its plan in the order of their start, grandchildren, too."""
        child = self.make_child()
        grandchild = self.make_child(
            "Acme Far West", "+14045550102", parent_id=child.id
        )
        allowance = self.sell_minutes(100)
        self.call("2026-10-03", 60)
        self.call("2026-10-02", 50, number=PHONE_2)
        self.call("2026-10-04", 20, number="+14045550102")
        self.assertEqual(self.charges(child), [0])
        self.assertEqual(self.charges(), [0.6])
        self.assertEqual(self.charges(grandchild), [1.2])
        self.assertEqual(self.balance(allowance), (100, 0, 100, 0))
        self.call("2026-10-01", 50, number="+14045550102")
        self.assertEqual(self.charges(grandchild), [0, 1.2])
        self.assertEqual((self.charges(child), self.charges()), ([0], [3.6]))
        self.assert_sums()
        # 30.00 of fees, and the 80 of 180 minutes that are beyond the plan.
        self.subscription.generate_invoice()
        invoice = self.subscription.invoice_ids
        self.assertAlmostEqual(invoice.amount_untaxed, 30 + 4.8, places=2)
        # A call that comes in late finds nothing left of it.
        self.call("2026-10-05", 10, number=PHONE_2)
        self.assertEqual(self.charges(child), [0, 0.6])
        self.assertEqual(self.balance(allowance), (100, 0, 100, 0))

    def test_a_child_that_pays_for_itself(self):
        """From then on its open calls take from no plan of its parent."""
        child = self.make_child()
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 10, number=PHONE_2)
        self.call("2026-10-03", 10)
        self.assertEqual(self.balance(allowance), (100, 0, 20, 80))
        own = self.make_subscription(child, "2026-10-01", "2026-11-01")
        self.apply_plans()
        self.assertEqual((self.charges(child), self.charges()), ([0.6], [0]))
        self.assertEqual(self.balance(allowance), (100, 0, 10, 90))
        own.close_subscription()
        self.apply_plans()
        # Its last invoice has its call; the next one is the parent's again.
        self.assertEqual(self.balance(allowance), (100, 0, 10, 90))
        self.call("2026-10-04", 10, number=PHONE_2)
        self.assertEqual(self.charges(child), [0.6, 0])
        self.assertEqual(self.balance(allowance), (100, 0, 20, 80))
        self.assert_sums()

    def test_a_child_that_gets_another_parent(self):
        child = self.make_child()
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 10, number=PHONE_2)
        self.assertEqual(self.balance(allowance), (100, 0, 10, 90))
        child.parent_id = self.make_customer("Other", is_company=True)
        self.apply_plans()
        self.assertEqual(self.charges(child), [0.6])
        self.assertEqual(self.balance(allowance), (100, 0, 0, 100))

    def test_what_its_invoice_holds_of_a_child_stays_used(self):
        """The child pays for itself since: its calls of before took what they took."""
        child = self.make_child()
        allowance = self.sell_minutes(30)
        self.call("2026-10-02", 20, number=PHONE_2)
        self.subscription.generate_invoice()
        self.make_subscription(child, "2026-11-01", "2026-12-01")
        self.call("2026-10-05", 20)
        self.assertEqual((self.charges(child), self.charges()), ([0], [0.6]))
        self.assertEqual(self.balance(allowance), (30, 0, 30, 0))

    def test_a_childs_identifier_that_names_the_subscription(self):
        child = self.make_child(number="+14045550102")
        self.make_subscription(child, "2026-10-01", "2026-11-01")
        self.make_identifier(child, PHONE_2, subscription_id=self.subscription.id)
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 10, number=PHONE_2)
        self.call("2026-10-02", 10, number="+14045550102")
        self.assertEqual(sorted(self.charges(child)), [0, 0.6])
        self.assertEqual(self.balance(allowance), (100, 0, 10, 90))
        self.call("2026-10-03", 5, number=PHONE_2)
        self.assertEqual(self.balance(allowance), (100, 0, 15, 85))

    def test_each_identifier_of_a_child_has_it(self):
        child = self.make_child()
        allowance = self.sell_minutes(10, scope="identifier")
        self.call("2026-10-02", 15, number=PHONE_2)
        self.call("2026-10-02", 15)
        self.assertEqual((self.charges(child), self.charges()), ([0.3], [0.3]))
        balances = self.env["metered.allowance.balance"].search(
            [("allowance_id", "=", allowance.id), ("date_from", "=", "2026-10-01")]
        )
        self.assertEqual(
            sorted((b.identifier_id.value, b.used) for b in balances),
            [(PHONE, 10), (PHONE_2, 10)],
        )

    def test_what_a_call_of_a_child_would_cost(self):
        """The rate finder and golden calls say what the plan will make of it."""
        child = self.make_child()
        self.sell_minutes(100)
        self.call("2026-10-02", 95)
        for bills, charge in ((True, 0.3), (False, 0.6)):
            self.customer.metered_bills_children = bills
            self.apply_plans()
            moment = datetime.datetime(2026, 10, 20, 10)
            book = self.env["metered.plan.mark"]._plan_book(self.env.company)
            plan = find_plan(book, child, moment)
            self.assertEqual(bool(plan), bills)
            self.call("2026-10-20", 10, number=PHONE_2)
            self.assertEqual(self.charges(child)[-1], charge)
            self.cdrs(self.env["metered.batch"].search([], limit=1)).batch_id._undo()
            self.apply_plans()

    def test_two_subscriptions(self):
        """A call takes from the plan of the subscription that it names."""
        other = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.make_identifier(self.customer, PHONE_2, subscription_id=other.id)
        first = self.sell_minutes(10)
        second = self.sell_minutes(20, subscription=other)
        self.call("2026-10-02", 30)
        self.call("2026-10-02", 30, number=PHONE_2)
        self.assertEqual(self.charges(), [1.2, 0.6])
        self.assertEqual(self.balance(first), (10, 0, 10, 0))
        self.assertEqual(self.balance(second, subscription=other), (20, 0, 20, 0))

    def test_subscription_without_plan(self):
        """It takes from what the customer's other one shares, from nothing else."""
        other = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.make_identifier(self.customer, PHONE_2, subscription_id=other.id)
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 10, number=PHONE_2)
        self.assertEqual(self.charges(), [0.6])
        allowance.scope = "customer"
        self.env["metered.plan.mark"]._mark(
            self.company, self.customer, "2026-10-01", "2026-10-31"
        )
        self.apply_plans()
        self.assertEqual(self.charges(), [0])

    def test_closed_subscription(self):
        """A part of a period has a part of the allowance, as soon as it is closed."""
        today = self.company._metered_today()
        start = today.replace(day=1)
        due = (start + datetime.timedelta(days=32)).replace(day=1)
        days = (due - start).days
        partner = self.make_customer("Brief", PHONE_2, is_company=True)
        subscription = self.make_subscription(partner, start, due)
        allowance = self.sell_minutes(days, subscription=subscription)
        self.call(str(start), days, number=PHONE_2)
        self.assertEqual(self.charges(partner), [0])
        subscription.close_subscription()
        granted = (today - start).days + 1
        self.assertEqual(
            self.balance(allowance, start, subscription),
            (granted, 0, granted, 0),
        )
        [charge] = self.charges(partner)
        self.assertEqual(charge, round(0.06 * (days - granted), 6))
        if charge:
            [invoice] = subscription.invoice_ids
            self.assertEqual(self.invoiced(invoice), round(charge, 2))

    def test_first_period_is_a_part(self):
        """From 16 October, of 31 days: 16 days."""
        partner = self.make_customer("Late", PHONE_2, is_company=True)
        subscription = self.make_subscription(partner, "2026-10-16", "2026-11-01")
        prorated = self.sell_minutes(310, subscription=subscription)
        self.call("2026-10-20", 200, number=PHONE_2)
        self.assertEqual(
            self.balance(prorated, "2026-10-16", subscription), (160, 0, 160, 0)
        )
        self.assertEqual(self.charges(partner), [2.4])
        prorated.prorated = False
        self.env["metered.plan.mark"]._mark(
            self.company, partner, "2026-10-16", "2026-10-31"
        )
        self.apply_plans()
        self.assertEqual(self.charges(partner), [0])

    def test_before_the_subscription(self):
        self.sell_minutes(100)
        self.call("2026-09-30", 10)
        self.assertEqual(self.charges(), [0.6])

    def test_plan_taken_away(self):
        """Calls that are not billed yet cost what the deck says again."""
        self.sell_minutes(100)
        self.call("2026-10-02", 10)
        self.assertEqual(self.charges(), [0])
        self.subscription.sale_subscription_line_ids.filtered(
            lambda line: line.product_id.metered_plan_id
        ).unlink()
        self.apply_plans()
        self.assertEqual(self.charges(), [0.6])
        cdr = self.env["metered.cdr"].search([("partner_id", "=", self.customer.id)])
        self.assertFalse(cdr.plan_taken or cdr.plan_quantity or cdr.deck_charge)
        self.assert_sums()

    def test_plan_sold_after_the_calls(self):
        self.call("2026-10-02", 10)
        self.assertEqual(self.charges(), [0.6])
        self.sell_minutes(100)
        invoice = self.subscription.create_invoice()
        self.assertEqual(self.charges(), [0])
        self.assertEqual(self.invoiced(invoice), 0)

    def test_calls_money_and_own_prices(self):
        """Two calls are free, the next ten minutes cost 0.01, money pays for more."""
        plan = self.make_plan(
            {"unit": "records", "amount": 2},
            {"unit": "minutes", "amount": 10, "price": 0.01},
            {"unit": "money", "amount": 1.0},
        )
        self.sell(plan)
        for day in range(1, 6):
            self.call(f"2026-10-0{day}", 10)
        # free, free, 10 x 0.01, 0.60 of the money each; 0.30 of it are left for the
        # last, of which it pays 0.30
        self.assertEqual(self.charges(), [0, 0, 0, 0, 0.3])
        used = [self.balance(allowance)[2] for allowance in plan.allowance_ids]
        self.assertEqual(used, [2, 10, 1.0])

    def test_tiers_of_the_period(self):
        """Ten minutes at 0.05, ten at 0.03, the rest at 0.01."""
        self.sell(
            self.make_plan(
                {"amount": 10, "price": 0.05},
                {"amount": 10, "price": 0.03, "overage": "own", "overage_price": 0.01},
            )
        )
        self.call("2026-10-02", 15)
        self.call("2026-10-03", 15)
        # 10 x 0.05 + 5 x 0.03; 5 x 0.03 + 10 x 0.01
        self.assertEqual(self.charges(), [0.65, 0.25])
        self.assert_sums()

    def test_call_types_and_destinations(self):
        meter = self.env.ref("metered_billing.meter_international")
        self.sell_minutes(100, meter_ids=[Command.set(meter.ids)])
        self.call("2026-10-02", 10)
        self.call("2026-10-03", 10, callee=LONDON)
        self.assertEqual(self.charges(), [0.6, 0])

    def test_fair_use(self):
        allowance = self.sell_minutes(0, unlimited=True, fair_use=60)
        self.call("2026-10-02", 90)
        self.assertEqual(self.charges(), [1.8])
        self.assertEqual(self.balance(allowance), (60, 0, 60, 0))

    def test_unlimited(self):
        allowance = self.sell_minutes(0, unlimited=True)
        self.call("2026-10-02", 90)
        self.assertEqual(self.charges(), [0])
        self.assertEqual(self.balance(allowance), (0, 0, 90, 0))

    def test_connection_fee(self):
        self.deck.rate_ids.date_to = "2026-10-01"
        self.make_rate(
            self.deck, "", price=0.06, connection_fee=0.5, date_from="2026-10-01"
        )
        allowance = self.sell_minutes(100)
        self.call("2026-10-02", 10)
        self.assertEqual(self.charges(), [0.5])
        allowance.waive_fee = True
        self.env["metered.plan.mark"]._mark(
            self.company, self.customer, "2026-10-01", "2026-10-31"
        )
        self.apply_plans()
        self.assertEqual(self.charges(), [0])

    def test_refused_terms(self):
        for values in (
            {"amount": 0},
            {"unit": "money", "amount": 5, "price": 0.1},
            {"unit": "money", "amount": 5, "overage": "own"},
            {"unit": "records", "amount": 2.5},
            {"unlimited": True, "rollover_periods": 1},
            {"unlimited": True, "overage": "own"},
        ):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.make_plan({"amount": 100, **values})

    def test_no_plan_costs_no_query(self):
        """An import asks nothing about plans where there are none."""
        self.env["metered.plan.mark"]._exist_plans()
        texts = []
        execute = type(self.env.cr).execute

        def listen(cursor, query, *args, **kwargs):
            texts.append(str(query))
            return execute(cursor, query, *args, **kwargs)

        with patch.object(type(self.env.cr), "execute", listen):
            self.call("2026-10-02", 10)
        self.assertTrue(texts)
        for word in ("metered_plan", "metered_calling_plan", "metered_allowance"):
            self.assertFalse([text for text in texts if word in text], word)

    def test_customers_without_plan_are_not_marked(self):
        """A chunk asks one thing more, and only where a customer has a plan."""
        self.sell_minutes(100)
        self.make_customer("Beta", PHONE_2)
        marks = []
        with patch.object(store, "mark_plans", lambda *args: marks.append(args)):
            self.call("2026-10-02", 10, number=PHONE_2)
        self.assertEqual(len(marks), 1)
        self.call("2026-10-03", 10, number=PHONE_2)
        self.assertFalse(self.env["metered.plan.mark"].search([]))

    def test_rated_again(self):
        """A new rate is for what the plan left; looking first tells the same."""
        self.sell_minutes(60)
        self.call("2026-10-02", 90)
        self.call("2026-10-03", 10)
        self.assertEqual(self.charges(), [1.8, 0.6])
        deck = self.make_deck("Own")
        self.make_rate(deck, "", price=0.6)
        self.customer.metered_deck_id = deck
        usage = self.usage(self.customer)
        told = usage._rerate(write=False)
        self.assertEqual(told.after["charge_micro"].sum(), 24_000_000)
        self.assertEqual(self.charges(), [1.8, 0.6])
        usage._rerate()
        self.env.invalidate_all()
        self.assertEqual(self.charges(), [18.0, 6.0])
        self.assert_sums()
        self.apply_plans()
        self.assertEqual(self.charges(), [18.0, 6.0])

    def test_explained(self):
        plan = self.make_plan(
            {"name": "Evening minutes", "amount": 10},
            {"name": "Credit", "unit": "money", "amount": 0.1},
        )
        self.sell(plan)
        self.call("2026-10-02", 15)
        cdr = self.env["metered.cdr"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual(self.charges(), [0.2])
        text = str(cdr.explanation)
        self.assertIn("Evening minutes includes 600 s of the call", text)
        self.assertIn("300 s are charged by the rate deck", text)
        self.assertIn("Credit pays 0.1 USD", text)
        self.assertNotIn("can no longer be explained", text)

    def test_own_price_explained(self):
        self.sell(
            self.make_plan(
                {"name": "First", "amount": 10, "overage": "own", "overage_price": 0.01}
            )
        )
        self.call("2026-10-02", 15)
        cdr = self.env["metered.cdr"].search([("partner_id", "=", self.customer.id)])
        self.assertEqual(self.charges(), [0.05])
        self.assertIn("First, used up covers 300 s", str(cdr.explanation))

    def test_invoice_line_explained(self):
        """What each kind of allowance took of the calls of a line."""
        self.sell(
            self.make_plan(
                {"name": "Texts", "unit": "records", "amount": 1},
                {"name": "First", "amount": 10, "price": 0.03},
                {"name": "Credit", "unit": "money", "amount": 0.1},
                {"name": "Last", "amount": 1, "overage": "own", "overage_price": 0.01},
            )
        )
        self.call("2026-10-02", 5)
        self.call("2026-10-03", 15)
        # 5 minutes are a call that is free; 10 x 0.03, 1 free, 4 x 0.01, less 0.10
        self.assertEqual(self.charges(), [0, 0.24])
        line = self.subscription.create_invoice().invoice_line_ids.filtered(
            "metered_explained"
        )
        said = " ".join(html2plaintext(line.metered_explanation).split())
        for words in (
            "What the rate deck would have charged without the plan 1.2 USD",
            "Texts includes 1 call",
            "First covers 10 min of 1 call at its own price",
            "Credit pays $\N{NO-BREAK SPACE}0.10 of 1 call",
            "Last includes 1 min of 1 call",
            "Last, used up: 4 min of 1 call at its own price",
        ):
            self.assertIn(" ".join(words.split()), said)

    def test_tiers_within_the_call(self):
        """A minute at 0.06, then 0.60 a minute; a plan takes the beginning."""
        deck = self.make_deck("Tiered")
        rate = self.make_rate(deck, "", price=0.06)
        tier = self.env["metered.rate.tier"].create(
            {"rate_id": rate.id, "from_second": 60, "price": 0.6}
        )
        self.customer.metered_deck_id = deck
        self.call("2026-10-02", 3)
        self.assertEqual(self.charges(), [1.26])
        cdr = self.env["metered.cdr"].search([("partner_id", "=", self.customer.id)])
        self.assertIn("From second 60", str(cdr.explanation))
        self.sell_minutes(2)
        self.apply_plans()
        self.assertEqual(self.charges(), [0.6])
        for change in (
            lambda: tier.write({"price": 1}),
            lambda: tier.unlink(),
            lambda: rate.write({"tier_ids": [Command.create({"from_second": 90})]}),
        ):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                change()

    def test_merged_customers(self):
        """What comes over takes from the plan of the customer that stays."""
        twin = self.make_customer("Acme again", PHONE_2)
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 60, number=PHONE_2)
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge([twin.id, self.customer.id], self.customer)
        self.apply_plans()
        self.assertEqual(self.charges(), [0, 1.2])
        self.assert_sums()

    def test_gauge_of_a_period_without_calls(self):
        """It shows what the period begins with, although nothing is stored."""
        self.sell_minutes(100, rollover_periods=2)
        self.env["metered.allowance.balance"].search([]).unlink()
        [balance] = self.subscription._metered_balances_on(datetime.date(2026, 12, 5))
        gauge = balance._as_gauge()
        self.assertEqual(
            (gauge["used"], gauge["total"], gauge["left"], gauge["rolled"]),
            ("0 min", "300 min", "300 min", "200 min"),
        )
        self.call("2026-12-04", 30)
        [balance] = self.subscription._metered_balances_on(datetime.date(2026, 12, 5))
        gauge = balance._as_gauge()
        self.assertEqual(
            (gauge["used"], gauge["total"], gauge["percent"]),
            ("30 min", "300 min", 10),
        )

    def test_gauges_on_the_customer(self):
        """Its own, and what a parent company shares; a hint where there is nothing."""
        child = self.make_customer(
            "Acme West", PHONE_2, is_company=True, parent_id=self.customer.id
        )
        info = self.customer.metered_allowance_info
        self.assertFalse(info["blocks"])
        self.assertIn("No calling plan", info["hint"])
        self.sell_minutes(100, scope="customer")
        for partner in (self.customer, child):
            partner.invalidate_recordset()
            [block] = partner.metered_allowance_info["blocks"]
            self.assertEqual(block["title"], self.subscription.display_name)
            self.assertEqual(len(block["gauges"]), 1)
