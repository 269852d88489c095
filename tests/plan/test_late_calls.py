# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls that come in late, and what later periods had of what was rolled over."""

import json
import random
from datetime import date, datetime, timedelta

from lxml import html

from odoo.tests import tagged

from ..rerate.test_rerate_plans import RerateCase
from ..support.reference_plans import Lots
from ..what_if.test_what_if_plans import TrialCase
from .test_calling_plans import PHONE, PHONE_2

MINUTE = 60
OCTOBER = date(2026, 10, 1)
MONTHS = [OCTOBER, date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]


class LateCase(RerateCase, TrialCase):
    """100 minutes a month from October on; October and November are billed."""

    def bill_two(self, october, november, **values):
        """Bill so many minutes of each; the allowance."""
        allowance = self.sell_minutes(100, rollover_periods=1, **values)
        self.call("2026-10-10", october)
        self.bill()
        self.call("2026-11-10", november)
        self.bill()
        return allowance


@tagged("post_install", "-at_install")
class TestLateCalls(LateCase):
    def test_a_simulation_leaves_it_what_it_took(self):
        """30 of October's 40 were November's: a late call gets 10 of them."""
        self.bill_two(60, 130)
        self.call("2026-10-20", 25)
        self.assertEqual(self.charges(), [0, 0.9, 0])
        self.assertEqual(self.outcome(self.attempt(deck_id=self.deck)), (0.9, 0.9))
        run = self.attempt(deck_id=self.deck, date_to=date(2026, 11, 30))
        self.assertEqual(self.outcome(run), (0.9, 0.9))
        # Twice as dear, and nothing else.
        dear = self.own_deck(0.12)
        self.assertEqual(self.outcome(self.attempt(deck_id=dear)), (0.9, 1.8))

    def test_of_a_period_with_nothing_else(self):
        """Nothing of October was billed, but all of it is November's."""
        self.bill_two(0, 200)
        self.call("2026-10-20", 25)
        self.assertEqual(self.charges()[1:], [1.5, 0])
        self.assertEqual(self.outcome(self.attempt(deck_id=self.deck)), (1.5, 1.5))

    def test_the_rate_finder_knows_it(self):
        """What is left of October is 40 minutes, of which 30 are November's."""
        self.bill_two(60, 130)
        finder = self.env["metered.rate.finder"].create(
            {
                "number": "2125550199",
                "moment": datetime(2026, 10, 20, 10),
                "source_id": self.source.id,
                "partner_id": self.customer.id,
                "seconds": 25 * MINUTE,
            }
        )
        said = " ".join(html.fromstring(str(finder.result)).text_content().split())
        self.assertIn("10 min left until 10/31/2026", said)
        self.assertIn("25 min 0.9 USD", said)

    def test_identifiers_that_have_none_for_themselves(self):
        """Where a number has ended, a period grants it nothing that could make up for
        what a later call of it had."""
        self.sell_minutes(100, scope="identifier", rollover_periods=3)
        self.call("2026-10-10", 60)
        self.bill()
        self.bill()
        self.call("2026-12-10", 130)
        self.bill()
        number = self.env["metered.identifier"].search([("value", "=", PHONE)])
        number.date_to = "2026-11-01"
        self.call("2026-10-20", 25)
        self.assertEqual(self.charges(), [0, 0.9, 0])


@tagged("post_install", "-at_install")
class TestLateCallsAtRandom(LateCase):
    """Calls of any period, invoices between them: what is billed stays, and no minute
    is used twice; nothing changes by rating again, or in a simulation."""

    def test_at_random(self):
        child = self.make_customer(
            "Acme West", PHONE_2, is_company=True, parent_id=self.customer.id
        )
        late = 0
        # Worlds with each kind of roll-over, with a pool and without.
        for seed in (1, 4, 12):
            with self.subTest(seed=seed), self.env.cr.savepoint() as savepoint:
                late += self.live(random.Random(seed), child)
                savepoint.rollback()
                self.env.invalidate_all(flush=False)
                self.env.registry.clear_all_caches()
        self.assertGreater(late, 5)

    def live(self, rnd, child):
        """A life of a plan; the number of calls that came in late."""
        periods, limit = rnd.choice([0, 1, 1, 2, 3]), rnd.choice([100, 40, 130, 10**6])
        allowance = {"scope": rnd.choice(["subscription", "customer"])}
        if periods:
            allowance |= {
                "rollover_periods": periods,
                "rollover_limited": True,
                "rollover_limit": limit,
            }
        self.sell_minutes(100, **allowance)
        month = late = 0
        for _step in range(14):
            billed = self.billed()
            if rnd.random() < 0.3 and month < 3:
                self.subscription.create_invoice()
                self.subscription._set_next_invoice_date_after_invoice()
                month += 1
            else:
                place = rnd.randint(0, min(month + 1, 3))
                day = MONTHS[place] + timedelta(days=rnd.randint(0, 27))
                number = rnd.choice([PHONE, PHONE_2])
                minutes = rnd.choice([10, 40, 90, 150])
                self.call(day.isoformat(), minutes, number=number)
                late += place < month
            now = self.billed()
            self.assertEqual({key: now[key] for key in billed}, billed)
            self.assert_granted_once(Lots(100 * MINUTE, periods, limit * MINUTE))
        self.assert_sums()
        if self.env["metered.usage"].search([("invoice_line_id", "=", False)]):
            self.assertFalse(self.start(date_to=date(2027, 1, 31)).line_ids)
        charged = self.charged(self.customer, child)
        run = self.attempt(deck_id=self.deck, date_to=date(2027, 1, 31))
        self.assertEqual(self.outcome(run), (charged, charged))
        days = {usage.day for usage in self.env["metered.usage"].search([])}
        for first in MONTHS:
            last = first + timedelta(days=27)
            if any(first <= day <= last for day in days):
                run = self.attempt(deck_id=self.deck, date_from=first, date_to=last)
                before, after = self.outcome(run)
                self.assertEqual(before, after, first)
        return late

    def billed(self):
        """Charges of the calls that are on invoices."""
        self.env.cr.execute(
            "SELECT cdr.id, cdr.charge::text FROM metered_cdr cdr"
            " JOIN metered_usage usage ON usage.id = cdr.usage_id"
            " WHERE usage.invoice_line_id IS NOT NULL"
        )
        return dict(self.env.cr.fetchall())

    def assert_granted_once(self, lots):
        self.env.cr.execute(
            "SELECT date_trunc('month', usage.day)::date, cdr.plan_taken::text"
            "  FROM metered_cdr cdr JOIN metered_usage usage ON usage.id = cdr.usage_id"
            " WHERE cdr.plan_taken IS NOT NULL"
        )
        taken = dict.fromkeys(MONTHS, 0)
        for month, text in self.env.cr.fetchall():
            taken[month] += sum(quantity for quantity, _s in json.loads(text).values())
        for month in MONTHS:
            self.assertEqual(lots.use(taken[month]), 0, month)
