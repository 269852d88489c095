# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether a small amount is invoiced now; without Odoo."""

import unittest
from datetime import date
from decimal import Decimal as D

from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating.carried import Waiting, add_months, decide

DAYS = st.dates(date(1999, 1, 1), date(2100, 12, 31))
FLOOR = D("1.00")
NEVER = Waiting(0, False)


class TestDecide(unittest.TestCase):
    def decide(self, total, since="2026-10-01", day="2026-11-01", **values):
        values = {"waiting": Waiting(), **values}
        return decide(
            D(total),
            FLOOR,
            date.fromisoformat(since),
            date.fromisoformat(day),
            **values,
        )

    def test_exactly_the_smallest_amount_is_invoiced(self):
        self.assertEqual(self.decide("1.00"), "reached")
        self.assertEqual(self.decide("0.99"), "")

    def test_with_an_invoice_that_is_made_anyway(self):
        self.assertEqual(self.decide("0.01", has_other=True), "fees")

    def test_below_zero_waits_whatever_its_age(self):
        self.assertEqual(self.decide("-5", since="2020-01-01"), "")

    def test_nothing_at_all_does_not_age(self):
        self.assertEqual(self.decide("0", since="2020-01-01"), "")
        self.assertEqual(decide(D(0), D(0), date.min, date.max, NEVER), "reached")

    def test_age(self):
        waiting = Waiting(12, False)
        for day, reason in (("2027-09-30", ""), ("2027-10-01", "age")):
            self.assertEqual(self.decide("0.5", day=day, waiting=waiting), reason)
            self.assertEqual(self.decide("0.5", day=day, waiting=NEVER), "")

    def test_year_end(self):
        waiting = Waiting(0, True)
        for day, reason in (("2026-12-31", ""), ("2027-01-01", "age")):
            self.assertEqual(self.decide("0.5", day=day, waiting=waiting), reason)

    @given(DAYS, st.integers(0, 1200))
    def test_months_are_counted_as_everywhere(self, day, months):
        self.assertEqual(add_months(day, months), day + relativedelta(months=months))

    @given(st.decimals(-10, 10, places=3), st.decimals(0, 10, places=3), DAYS, DAYS)
    def test_whoever_reaches_it_is_invoiced(self, total, floor, since, day):
        reason = decide(total, floor, since, day, NEVER)
        self.assertEqual(bool(reason), 0 <= total >= floor)
