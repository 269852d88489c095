# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What if, for customers with calling plans: what they take is worked out anew."""

from datetime import date

from odoo import Command
from odoo.tests import tagged

from ..plan.test_calling_plans import LONDON, PHONE_2, PlanCase

#: what must stay as it is while something is tried
WATCHED = (
    "SELECT count(*), sum(charge), sum(plan_quantity), md5(string_agg("
    " concat(id, charge, plan_taken, xmin), ';' ORDER BY id)) FROM metered_cdr",
    "SELECT count(*), sum(amount), md5(string_agg(concat(id, amount, xmin), ';'"
    " ORDER BY id)) FROM metered_usage",
    "SELECT count(*), sum(used), md5(string_agg(concat(id, used, lots), ';'"
    " ORDER BY id)) FROM metered_allowance_balance",
    "SELECT count(*), max(id) FROM metered_plan_mark",
    "SELECT count(*) FILTER (WHERE used), max(id) FROM metered_rate",
)


class TrialCase(PlanCase):
    """What is tried on the calls of October 2026."""

    def watched(self):
        """What the database holds of usage, balances, marks and rates."""
        self.env.flush_all()
        found = []
        for query in WATCHED:
            self.env.cr.execute(query)
            found.append(self.env.cr.fetchone())
        return found

    def attempt(self, **values):
        """Try something; the run. Nothing but its result is written."""
        wizard = self.env["metered.simulation.start"].create(
            {
                "date_from": date(2026, 10, 1),
                "date_to": date(2026, 10, 31),
                **{
                    name: value.id if name.endswith("_id") else value
                    for name, value in values.items()
                },
            }
        )
        before = self.watched()
        action = wizard.action_run()
        self.assertEqual(self.watched(), before)
        run = self.env["metered.simulation"].browse(action["res_id"])
        self.assertEqual(run.state, "done")
        return run

    def outcome(self, run, *partners):
        """(now, then) of all calls, or of those of some customers."""
        lines = run.line_ids
        if partners:
            lines = lines.filtered(lambda line: line.partner_id in partners)
        return tuple(round(sum(lines.mapped(name)), 6) for name in ("before", "after"))

    def charged(self, *partners):
        return round(sum(self.charges(*partners)), 6)


@tagged("post_install", "-at_install")
class TestSimulationPlans(TrialCase):
    def test_nothing_changed(self):
        """The same deck comes to exactly what was charged, allowances and all."""
        self.sell_minutes(100)
        for day, minutes in ((2, 60), (3, 50), (4, 1)):
            self.call(f"2026-10-0{day}", minutes)
        run = self.attempt(deck_id=self.deck)
        self.assertEqual(self.outcome(run), (0.66, 0.66))
        self.assertEqual((run.records, run.left_out, run.unrated), (3, 0, 0))
        self.subscription.create_invoice()
        self.assertEqual(self.outcome(self.attempt(deck_id=self.deck)), (0.66, 0.66))

    def test_a_deck_that_is_dearer(self):
        """What is above the allowance is dearer; what is within it stays included."""
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 50)
        dearer = self.make_deck("Dearer", active=False)
        self.make_rate(dearer, "", price=0.12)
        self.assertEqual(self.outcome(self.attempt(deck_id=dearer)), (0.6, 1.2))

    def test_a_deck_with_other_increments(self):
        """Minutes that are counted as begun use the allowance up sooner."""
        self.sell_minutes(10)
        for day in range(1, 9):
            self.call(f"2026-10-0{day}", 1, seconds=30)
        begun = self.make_deck("Begun minutes", active=False)
        self.make_rate(begun, "", price=0.06, initial_increment=60, increment=60)
        run = self.attempt(deck_id=begun)
        # 8 calls of 1:30 are 12 minutes, or 16 begun ones; 10 are included.
        self.assertEqual(self.outcome(run), (0.12, 0.36))

    def test_an_archived_plan(self):
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 50)
        smaller = self.make_plan(
            {"amount": 30, "overage": "own", "overage_price": 0.1},
            name="Smaller",
            active=False,
        )
        # 110 minutes, 30 are included, 80 at 0.10 a minute.
        self.assertEqual(self.outcome(self.attempt(plan_id=smaller)), (0.6, 8.0))

    def test_in_place_of_a_plan(self):
        other = self.make_customer("Best", PHONE_2, is_company=True)
        theirs = self.make_subscription(other, "2026-10-01", "2026-11-01")
        allowance = self.sell_minutes(10)
        self.sell_minutes(20, theirs)
        self.call("2026-10-02", 30)
        self.call("2026-10-02", 30, number=PHONE_2)
        plan = self.make_plan({"amount": 25}, name="New")
        run = self.attempt(plan_id=plan, plan_replaces_id=allowance.plan_id)
        self.assertEqual(run.line_ids.partner_id, self.customer)
        self.assertEqual(self.outcome(run), (1.2, 0.3))
        self.assertEqual((run.records, run.left_out), (2, 1))
        everybody = self.attempt(plan_id=plan)
        self.assertEqual(self.outcome(everybody, self.customer), (1.2, 0.3))
        self.assertEqual(self.outcome(everybody, other), (0.6, 0.3))

    def test_times_the_quantity(self):
        allowance = self.sell_minutes(10, quantity=3)
        self.call("2026-10-02", 50)
        plan = self.make_plan({"amount": 12}, name="New")
        run = self.attempt(plan_id=plan, plan_replaces_id=allowance.plan_id)
        self.assertEqual(self.outcome(run), (1.2, 0.84))

    def test_customers_without_a_plan(self):
        """They have it on their first subscription; without one it is not theirs."""
        self.make_customer("No subscription", PHONE_2)
        self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        self.call("2026-10-02", 30)
        self.call("2026-10-02", 30, number=PHONE_2)
        plan = self.make_plan({"amount": 20}, name="New")
        run = self.attempt(plan_id=plan)
        self.assertEqual(run.line_ids.partner_id, self.customer)
        self.assertEqual(self.outcome(run), (1.8, 0.6))

    def test_deck_and_plan_together(self):
        self.call("2026-10-02", 30)
        dearer = self.make_deck("Dearer", active=False)
        self.make_rate(dearer, "", price=0.12)
        plan = self.make_plan({"amount": 20}, name="New")
        run = self.attempt(plan_id=plan, deck_id=dearer)
        self.assertEqual(self.outcome(run), (1.8, 1.2))

    def test_plans_that_wait_to_be_applied(self):
        """Now is what the calls will be charged, not what they were stored with."""
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-04", 60)
        self.assertEqual(self.charges(), [0, 1.2])
        allowance = self.env["metered.calling.plan.allowance"].search([], limit=1)
        allowance.amount = 90
        self.assertTrue(self.env["metered.plan.mark"].search([]))
        run = self.attempt(deck_id=self.deck)
        self.assertEqual(self.charges(), [0, 1.2])
        self.assertEqual(self.outcome(run), (1.8, 1.8))
        self.apply_plans()
        self.assertEqual(self.charged(), 1.8)

    def test_margins_of_plans_that_wait_to_be_applied(self):
        """Calls are sold for what they will be billed at."""
        allowance = self.sell_minutes(100)
        costs = self.make_deck("Carrier", purpose="cost")
        self.make_rate(costs, "", price=0.02)
        self.company.metered_cost_deck_id = costs
        self.call("2026-10-02", 60)
        self.call("2026-10-04", 60)
        allowance.amount = 90
        wizard = self.env["metered.simulation.start"].create(
            {
                "kind": "margin",
                "date_from": date(2026, 10, 1),
                "date_to": date(2026, 10, 31),
            }
        )
        run = self.env["metered.simulation"].browse(wizard.action_run()["res_id"])
        self.assertEqual(self.outcome(run), (1.8, 2.4))
        self.assertEqual(self.charged(), 1.8)

    def test_a_plan_that_ended(self):
        """Calls that no plan is for any more cost what their deck says."""
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.subscription.sale_subscription_line_ids[-1].unlink()
        run = self.attempt(deck_id=self.deck)
        self.assertEqual(self.charges(), [0])
        self.assertEqual(self.outcome(run), (3.6, 3.6))

    def test_a_call_that_came_in_late(self):
        """It took what was left when its days had been billed, and still does."""
        self.sell_minutes(100)
        self.call("2026-10-05", 60)
        self.call("2026-10-06", 60)
        self.subscription.create_invoice()
        self.call("2026-10-02", 30)
        self.assertEqual(self.charges(), [1.8, 0, 1.2])
        self.assertEqual(self.outcome(self.attempt(deck_id=self.deck)), (3.0, 3.0))
        more = self.make_plan({"amount": 130}, name="More")
        run = self.attempt(plan_id=more)
        self.assertEqual(self.outcome(run), (3.0, 1.2))

    def test_shared_with_child_companies(self):
        child = self.make_customer(
            "Child", PHONE_2, is_company=True, parent_id=self.customer.id
        )
        self.sell_minutes(100, scope="customer")
        self.call("2026-10-02", 60)
        self.call("2026-10-03", 60, number=PHONE_2)
        self.call("2026-10-04", 60)
        now = (self.charged(self.customer), self.charged(child))
        self.assertEqual(now, (3.6, 1.2))
        run = self.attempt(deck_id=self.deck)
        self.assertEqual(self.outcome(run, child), (1.2, 1.2))
        self.assertEqual(self.outcome(run, self.customer), (3.6, 3.6))
        run = self.attempt(deck_id=self.deck, partner_ids=[Command.set(child.ids)])
        self.assertEqual(self.outcome(run), (1.2, 1.2))
        plan = self.make_plan({"amount": 100}, name="Not shared")
        # The subscription bills the child's calls: they are its own as well.
        run = self.attempt(plan_id=plan)
        self.assertEqual(self.outcome(run, child), (1.2, 1.2))
        self.assertEqual(self.outcome(run, self.customer), (3.6, 3.6))
        self.customer.metered_bills_children = False
        run = self.attempt(plan_id=plan)
        self.assertEqual(self.outcome(run, child), (1.2, 3.6))
        self.assertEqual(self.outcome(run, self.customer), (3.6, 1.2))

    def test_each_identifier_and_money(self):
        self.make_identifier(self.customer, PHONE_2)
        plan = self.make_plan(
            {"amount": 10, "scope": "identifier"},
            {"unit": "money", "amount": 1, "sequence": 9},
        )
        self.sell(plan)
        self.call("2026-10-02", 30)
        self.call("2026-10-03", 30, number=PHONE_2)
        self.assertEqual(self.charged(), 1.4)
        self.assertEqual(self.outcome(self.attempt(deck_id=self.deck)), (1.4, 1.4))
        dearer = self.make_deck("Dearer")
        self.make_rate(dearer, "", price=0.12)
        self.assertEqual(self.outcome(self.attempt(deck_id=dearer)), (1.4, 3.8))

    def test_rolled_over(self):
        self.sell_minutes(100, rollover_periods=1)
        self.call("2026-10-02", 40)
        self.call("2026-11-02", 200)
        values = {"date_from": date(2026, 11, 1), "date_to": date(2026, 11, 30)}
        run = self.attempt(deck_id=self.deck, **values)
        self.assertEqual(self.outcome(run), (2.4, 2.4))
        both = {"date_from": date(2026, 10, 1), "date_to": date(2026, 11, 30)}
        plan = self.make_plan({"amount": 50, "rollover_periods": 1}, name="Half")
        self.assertEqual(self.outcome(self.attempt(plan_id=plan, **both)), (2.4, 8.4))

    def test_part_of_a_period(self):
        """Calls before the days that are asked for take their part first."""
        self.sell_minutes(100)
        self.call("2026-10-02", 60)
        self.call("2026-10-20", 60)
        run = self.attempt(deck_id=self.deck, date_from=date(2026, 10, 15))
        self.assertEqual((run.records, self.outcome(run)), (1, (1.2, 1.2)))

    def test_no_rate_any_more(self):
        self.sell_minutes(10)
        self.call("2026-10-02", 5, callee=LONDON)
        self.call("2026-10-03", 10)
        home = self.make_deck("Home")
        self.make_rate(home, "1", price=0.06)
        self.company.metered_deck_id = home
        run = self.attempt(deck_id=home)
        self.assertEqual((self.outcome(run), run.unrated), ((0.3, 0.0), 1))
