# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The life of an allowance: periods, late records, invoices, and rating again.

Whatever happens in whatever order, what calls took of an allowance was there, once:
the periods are gone through by hand with what was taken in each of them.
"""

import random
from unittest import TestCase

import numpy as np
import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating import Deck
from odoo.addons.metered_billing.rating.allowances import (
    Allowance,
    balances,
    close,
    grant,
    opening_of_next,
)
from odoo.addons.metered_billing.rating.calling_plans import apply_plans
from odoo.addons.metered_billing.rating.reserves import (
    less,
    needed_before,
    reserves,
)
from odoo.addons.metered_billing.tests.support.reference_plans import Lots
from odoo.addons.metered_billing.tests.support.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    rates_of,
)

PERIODS = 4
GRANTED = 300
ENGINE = engine_of(rates_of({"price_e8": 6 * 10**6, "per_seconds": 60}), [Deck(1)])
BEGUN_MINUTES = engine_of(
    rates_of(
        {
            "price_e8": 6 * 10**6,
            "per_seconds": 60,
            "initial_increment": 60,
            "increment": 60,
        }
    ),
    [Deck(1)],
)

#: what is random in a life; a seed, so that it is full of events from the first one on
SEEDS = st.integers(0, 2**32).map(random.Random)


def random_allowance(rnd):
    """Return an allowance that mostly rolls over."""
    return Allowance(
        1,
        amount=GRANTED,
        pool=rnd.choice(["pool_id", "pool_id", "identifier_id"]),
        factor=rnd.choice([1, 1, 2]),
        rollover_periods=rnd.choice([0, 1, 1, 2, 3]),
        rollover_limit=rnd.choice([None, None, 100, 450]),
    )


def random_call(rnd):
    """Return a call: period, second at which it begins, its seconds, who made it."""
    return (
        rnd.randrange(PERIODS),
        rnd.randint(0, 20),
        rnd.choice([30, 90, 150, 290, 420, 600]),
        rnd.randint(1, 2),
    )


class Life:
    """Calls of some periods that take from one allowance.

    `taken` and `billed` are by period: what calls took by id, and the ids of those that
    are billed.
    """

    def __init__(self, allowance):
        self.allowance = allowance
        self.calls = [[] for _period in range(PERIODS)]
        self.billed = [set() for _period in range(PERIODS)]
        self.taken = [{} for _period in range(PERIODS)]
        self.charge = [{} for _period in range(PERIODS)]
        self.grants = balances([grant(allowance, key) for key in (1, 2)])

    def add(self, call):
        """Let a call come in: (period, begin, seconds, who)."""
        period, begin, seconds, who = call
        known = sum(map(len, self.calls))
        row = call_of(start=f"2026-03-02T12:00:{begin:02}", seconds=seconds)
        row |= {"id": f"call {known}", "identifier_id": who, "pool_id": 1}
        self.calls[period].append(row)

    def bill(self, period):
        """Bill what is there of a period."""
        self.billed[period] = {row["id"] for row in self.calls[period]}

    def key(self, row):
        """The pool that a call takes from."""
        return row[self.allowance.pool]

    def sums(self, period, ids=None):
        """What calls of a period took, all or some: dict place -> amount."""
        found = {}
        for row in self.calls[period]:
            if ids is None or row["id"] in ids:
                place = self.allowance.id, self.key(row)
                took = self.taken[period].get(row["id"], 0) * self.allowance.factor
                found[place] = found.get(place, 0) + took
        return found

    def fixed(self):
        """What billed calls took, period by period."""
        return [self.sums(p, self.billed[p]) for p in range(PERIODS)]

    def apply_plans(self):
        """Give the allowance to the calls that are not billed, and charge them."""
        fixed, allowances = self.fixed(), [self.allowance]
        kept = reserves(fixed, [self.grants] * PERIODS, allowances)
        opening = self.grants
        for period, reserve in enumerate(kept):
            open_calls = [
                row
                for row in self.calls[period]
                if row["id"] not in self.billed[period]
            ]
            used = dict(fixed[period])
            if open_calls:
                rest = less(opening, fixed[period], reserve)
                self._apply(period, open_calls, rest)
                for place, amount in self.sums(
                    period, {row["id"] for row in open_calls}
                ).items():
                    used[place] = used.get(place, 0) + amount
            closing = close(allowances, opening, self._of_allowance(used))
            assert closing["used"].sum() == sum(used.values()), "overdrawn"
            opening = opening_of_next(closing, self.grants)

    def _apply(self, period, rows, opening, engine=ENGINE):
        frame = plan_frame(rows)
        rated = engine.rate(frame).frame
        planned = apply_plans(engine, frame, rated, [self.allowance], opening)
        self.charge[period] |= dict(
            zip(frame["id"], planned.frame["charge_micro"].tolist(), strict=True)
        )
        of_row = planned.taken.set_index("row")["quantity"]
        self.taken[period] |= {
            row["id"]: int(of_row.get(place, 0)) for place, row in enumerate(rows)
        }

    def _of_allowance(self, used):
        keys = sorted(used)
        return {
            self.allowance.id: (
                np.array([key for _id, key in keys], np.int64),
                np.array([used[key] for key in keys], np.int64),
            )
        }

    def billed_charges(self):
        """What billed calls cost, period by period."""
        return [
            {key: self.charge[p][key] for key in self.billed[p]} for p in range(PERIODS)
        ]

    def lots(self):
        """The allowance of a pool, to be gone through by hand."""
        limit = self.allowance.rollover_limit
        return Lots(
            GRANTED,
            self.allowance.rollover_periods,
            10**9 if limit is None else limit,
        )

    def assert_granted_once(self):
        """Go through the periods by hand with what was taken in each of them."""
        for key in (1, 2):
            lots = self.lots()
            for period in range(PERIODS):
                amount = self.sums(period).get((self.allowance.id, key), 0)
                assert not lots.use(amount), f"{amount} were not there in {period}"


def plan_frame(rows):
    """Return the frame of calls with the columns that the allowance asks for."""
    frame = frame_of(rows)
    for name in ("id", "identifier_id", "pool_id"):
        frame[name] = [row[name] for row in rows]
    frame["destination_id"] = 1
    return frame


class TestLife(TestCase):
    @settings(max_examples=60, deadline=None, phases=[Phase.generate])
    @given(SEEDS)
    def test_never_overdrawn_and_never_granted_twice(self, rnd):
        """Late records and invoices in any order; what is billed stays as it is."""
        life = Life(random_allowance(rnd))
        for _event in range(5):
            for _call in range(rnd.randint(0, 3)):
                life.add(random_call(rnd))
            billed = life.billed_charges()
            life.apply_plans()
            life.assert_granted_once()
            for before, now in zip(billed, life.billed_charges(), strict=True):
                self.assertEqual(before, now)
            life.bill(rnd.randrange(PERIODS))

    @settings(max_examples=30, deadline=None, phases=[Phase.generate])
    @given(SEEDS)
    def test_nothing_is_left_that_a_call_could_have(self, rnd):
        """What is not billed takes all that there is, whenever it came in."""
        life = Life(random_allowance(rnd))
        calls = [random_call(rnd) for _call in range(rnd.randint(1, 10))]
        other = Life(life.allowance)
        for call in calls:
            life.add(call)
        life.apply_plans()
        for call in rnd.sample(calls, len(calls)):
            other.add(call)
        other.apply_plans()
        allowance, factor = life.allowance, life.allowance.factor
        for key in (1, 2):
            lots = life.lots()
            for period in range(PERIODS):
                rows = [row for row in life.calls[period] if life.key(row) == key]
                wanted = sum(row["seconds"] for row in rows) * factor
                place = allowance.id, key
                took = life.sums(period).get(place, 0)
                self.assertEqual(took, min(wanted, lots.left() // factor * factor))
                self.assertEqual(other.sums(period).get(place, 0), took)
                lots.use(took)

    @settings(max_examples=20, deadline=None, phases=[Phase.generate])
    @given(SEEDS)
    def test_rated_again_they_get_what_they_took(self, rnd):
        """Billed calls with other increments: together no more than before."""
        life = Life(random_allowance(rnd))
        for _call in range(8):
            life.add(random_call(rnd))
        life.apply_plans()
        for period, rows in enumerate(life.calls):
            fixed = life.sums(period)
            opening = balances(
                {"allowance_id": 1, "key": key, "amount": amount, "periods_left": 0}
                for (_id, key), amount in fixed.items()
            )
            if rows:
                life._apply(period, rows, opening, BEGUN_MINUTES)
            for place, amount in life.sums(period).items():
                self.assertLessEqual(amount, fixed[place])
        life.assert_granted_once()

    @settings(max_examples=20, deadline=None, phases=[Phase.generate])
    @given(SEEDS)
    def test_repeated_records_take_once(self, rnd):
        life = Life(random_allowance(rnd))
        for _call in range(6):
            life.add((0, *random_call(rnd)[1:]))
        rows = life.calls[0]
        life._apply(0, rows, life.grants)
        frame = plan_frame(rnd.sample(rows * 2, 12))
        rated = ENGINE.rate(frame).frame
        planned = apply_plans(ENGINE, frame, rated, [life.allowance], life.grants)
        self.assertEqual(planned.balances["used"].sum(), sum(life.sums(0).values()))
        charges = planned.frame["charge_micro"].tolist()
        for number, charge in zip(frame["id"], charges, strict=True):
            self.assertEqual(charge, life.charge[0][number])


class TestReserves(TestCase):
    def grants(self, *amounts):
        return [
            balances([{"allowance_id": 1, "key": 1, "amount": a, "periods_left": 1}])
            for a in amounts
        ]

    def test_what_later_periods_had_above_their_grant(self):
        allowance = Allowance(1, amount=100, rollover_periods=2)
        taken = [{}, {(1, 1): 60}, {(1, 1): 170}]
        # 70 of the third period were left by the second, which had 60 itself.
        self.assertEqual(
            reserves(taken, self.grants(100, 100, 100), [allowance]),
            [{(1, 1): 30}, {(1, 1): 70}, {}],
        )
        self.assertEqual(
            needed_before(taken[1:], self.grants(100, 100), [allowance]), {(1, 1): 30}
        )

    def test_what_does_not_roll_over_is_nobodys(self):
        taken = [{}, {(1, 1): 170}]
        grants = self.grants(100, 100)
        self.assertEqual(reserves(taken, grants, [Allowance(1, amount=100)]), [{}, {}])

    def test_without_end(self):
        opening = balances([grant(Allowance(1), 1)])
        rest = less(opening, {(1, 1): 50}, {})
        pd.testing.assert_frame_equal(rest, opening)
