# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calling plans by example: who takes what, what it costs, what is left."""

from unittest import TestCase

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating import Deck
from odoo.addons.metered_billing.rating.allowances import (
    BALANCE_COLUMNS,
    UNLIMITED,
    Allowance,
    balances,
    close,
    grant,
    opening_of_next,
    totals,
)
from odoo.addons.metered_billing.rating.calling_plans import apply_plans, changed
from odoo.addons.metered_billing.rating.pools import (
    Pools,
    blocks_by_start,
    pool_calls,
)
from odoo.addons.metered_billing.tests.support.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    rates_of,
)

MINUTE = 60
A_MINUTE = {"price_e8": 6 * 10**6, "per_seconds": 60}
"""0.06 a minute: 1,000 micro-units a second."""


def calls_of(*rows, **values):
    """Return a frame of calls, in the order of their time, from (id, seconds)."""
    calls = [
        call_of(start=f"2026-03-02T12:00:{place:02}", seconds=seconds, **values)
        for place, (_number, seconds) in enumerate(rows)
    ]
    frame = frame_of(calls)
    frame["id"] = [number for number, _seconds in rows]
    frame["subscription_id"] = frame["pool_id"] = frame["identifier_id"] = 1
    frame["destination_id"] = 1
    return frame


class PlanCase(TestCase):
    rate = A_MINUTE

    def plan(self, frame, *allowances, opening=None):
        """Return the `PlannedCalls` of a frame."""
        engine = engine_of(rates_of(self.rate), [Deck(1)])
        if opening is None:
            opening = balances([grant(allowance, 1) for allowance in allowances])
        rated = engine.rate(frame).frame
        return apply_plans(engine, frame, rated, allowances, opening)

    def charges(self, *args, **values):
        return self.plan(*args, **values).frame["charge_micro"].tolist()

    def left(self, planned):
        return planned.balances["left"].tolist()


class TestWhatIsTaken(PlanCase):
    def test_minutes_first_then_the_deck(self):
        frame = calls_of(("a", 60), ("b", 60), ("c", 60))
        planned = self.plan(frame, Allowance(1, amount=90))
        self.assertEqual(planned.frame["charge_micro"].tolist(), [0, 30_000, 60_000])
        self.assertEqual(planned.frame["covered_seconds"].tolist(), [60, 30, 0])
        self.assertEqual(self.left(planned), [0])
        taken = planned.taken[["row", "allowance_id", "quantity", "seconds"]]
        self.assertEqual(taken.values.tolist(), [[0, 1, 60, 60], [1, 1, 30, 30]])

    def test_records(self):
        frame = calls_of(("a", 500), ("b", 10), ("c", 60))
        self.assertEqual(
            self.charges(frame, Allowance(1, "records", 2)), [0, 0, 60_000]
        )

    def test_money_pays_for_the_rest(self):
        frame = calls_of(("a", 60), ("b", 60), ("c", 60))
        minutes = Allowance(1, amount=60, priority=9)
        money = Allowance(2, "money", 100_000, priority=0)
        planned = self.plan(frame, minutes, money)
        self.assertEqual(planned.frame["charge_micro"].tolist(), [0, 0, 20_000])
        self.assertEqual(planned.frame["money_micro"].tolist(), [0, 60_000, 40_000])

    def test_only_its_call_types_and_destinations(self):
        frame = calls_of(("a", 60), ("b", 60), ("c", 60), ("d", 60))
        frame["meter_id"] = [1, 2, 3, 1]
        frame["destination_id"] = [7, 7, 7, 8]
        plan = Allowance(1, amount=1000, meter_ids=[1, 2], destination_ids=[7])
        self.assertEqual(self.charges(frame, plan), [0, 0, 60_000, 60_000])

    def test_priority_when_several_fit(self):
        frame = calls_of(("a", 60), ("b", 60))
        first = Allowance(1, amount=30, priority=2)
        other = Allowance(2, amount=80, priority=1)
        planned = self.plan(frame, first, other)
        self.assertEqual(planned.frame["charge_micro"].tolist(), [0, 10_000])
        self.assertEqual(
            planned.taken[["row", "allowance_id", "seconds"]].values.tolist(),
            [[0, 2, 60], [1, 2, 20], [1, 1, 30]],
        )

    def test_per_identifier_or_pooled(self):
        frame = calls_of(("a", 60), ("b", 60), ("c", 60))
        frame["identifier_id"] = [1, 2, 0]
        own = Allowance(1, amount=60, pool="identifier_id")
        opening = balances([grant(own, 1), grant(own, 2), grant(own, 3)])
        self.assertEqual(self.charges(frame, own, opening=opening), [0, 0, 60_000])
        pooled = Allowance(1, amount=60, pool="pool_id")
        self.assertEqual(self.charges(frame, pooled), [0, 60_000, 60_000])

    def test_fair_use_of_an_unlimited_allowance(self):
        frame = calls_of(("a", 60), ("b", 60))
        self.assertEqual(self.charges(frame, Allowance(1)), [0, 0])
        self.assertEqual(self.charges(frame, Allowance(1, fair_use=70)), [0, 50_000])
        planned = self.plan(frame, Allowance(1))
        self.assertEqual(self.left(planned), [UNLIMITED])
        self.assertEqual(planned.balances["used"].tolist(), [120])

    def test_overage_at_the_plans_own_price(self):
        frame = calls_of(("a", 60), ("b", 60))
        included = Allowance(1, amount=90)
        overage = Allowance(2, priority=1, price_e8=10**8, per_units=60)
        self.assertEqual(self.charges(frame, included, overage), [0, 500_000])

    def test_its_own_increments_and_factor(self):
        frame = calls_of(("a", 61), ("b", 60))
        minutes = Allowance(1, amount=180, increment=60)
        planned = self.plan(frame, minutes)
        self.assertEqual(planned.frame["charge_micro"].tolist(), [0, 0])
        self.assertEqual(self.left(planned), [0])
        double = Allowance(1, amount=181, factor=2)
        planned = self.plan(frame, double)
        self.assertEqual(planned.frame["covered_seconds"].tolist(), [61, 29])
        self.assertEqual(self.left(planned), [1])

    def test_the_lines_quantity_and_a_part_of_a_period(self):
        plan = Allowance(1, amount=100)
        self.assertEqual(grant(plan, 5, quantity=3)["amount"], 300)
        self.assertEqual(grant(plan, 5, 3, "0.335")["amount"], 101)
        whole = Allowance(1, amount=100, prorated=False)
        self.assertEqual(grant(whole, 5, 3, "0.5")["amount"], 300)
        self.assertEqual(grant(Allowance(1), 5, 3)["amount"], UNLIMITED)
        self.assertEqual(grant(Allowance(1, fair_use=7), 5, 2)["amount"], 14)


class TestOrder(PlanCase):
    def test_by_start_and_not_by_arrival(self):
        frame = calls_of(("a", 60), ("b", 60))
        plan = Allowance(1, amount=60)
        turned = frame.iloc[::-1]
        self.assertEqual(self.charges(turned, plan), [60_000, 0])

    def test_at_the_same_instant_by_id(self):
        frame = calls_of(("10", 60), ("b", 60), ("9", 60))
        frame["start_us"] = frame["start_us"].iloc[0]
        self.assertEqual(
            self.charges(frame, Allowance(1, amount=60)), [0, 60_000, 60_000]
        )

    def test_pools_and_starts_that_no_one_number_holds(self):
        calls = [
            ("c", 1, 5),
            ("b", -(2**62), 2**61),
            ("a", 2**62, -(2**61)),
            ("d", 1, 5),
        ]
        frame = pd.DataFrame(calls, columns=["id", "pool_id", "start_us"])
        (rows,) = blocks_by_start(frame["start_us"].to_numpy(), 10)
        self.assertEqual(rows.tolist(), [2, 0, 3, 1])
        pools = Pools(frame["pool_id"].to_numpy())
        self.assertEqual(pools.keys.tolist(), [-(2**62), 1, 2**62])
        block = frame.iloc[rows]
        calls, _again, _first = pool_calls(
            pools.number[rows], block["start_us"].to_numpy(), block["id"]
        )
        self.assertEqual(rows[calls.rows].tolist(), [1, 0, 3, 2])

    def test_more_pools_than_sixteen_bits_number(self):
        keys = np.random.default_rng(3).permutation(70_000) + 1
        pools = Pools(keys)
        ids = pd.Series(np.arange(len(keys)))
        calls, _again, _first = pool_calls(pools.number, np.zeros(len(keys)), ids)
        self.assertEqual(keys[calls.rows].tolist(), sorted(keys.tolist()))
        self.assertEqual(len(calls.pools), 70_000)

    def test_what_starts_together_is_in_one_block(self):
        start = np.array([1, 2, 2, 2, 3, 4])
        blocks = blocks_by_start(start, 2)
        self.assertEqual(
            [start[rows].tolist() for rows in blocks], [[1], [2, 2, 2], [3, 4]]
        )

    def test_a_record_given_twice_takes_once(self):
        frame = calls_of(("a", 60), ("b", 60))
        frame = pd.concat([frame, frame.iloc[:1]])
        planned = self.plan(frame, Allowance(1, amount=90))
        self.assertEqual(planned.frame["charge_micro"].tolist(), [0, 30_000, 0])
        self.assertEqual(self.left(planned), [0])
        self.assertEqual(planned.taken["seconds"].sum(), 90)


class TestFaultsOfOthers(PlanCase):
    """What other engines got wrong, and their users found out."""

    def test_free_seconds_are_not_charged_as_well(self):
        # A2Billing #26
        planned = self.plan(calls_of(("a", 61)), Allowance(1, amount=60))
        self.assertEqual(planned.frame["charge_micro"].tolist(), [1000])

    def test_unanswered_calls_take_nothing(self):
        # A2Billing #9
        frame = calls_of(("a", 0), ("b", 60))
        for allowance in (Allowance(1, amount=60), Allowance(1, "records", 1)):
            planned = self.plan(frame, allowance)
            self.assertEqual(planned.taken["row"].tolist(), [1])

    def test_calls_without_a_rate_take_nothing(self):
        engine = engine_of(rates_of({"prefix": "1"}), [Deck(1)])
        frame = calls_of(("a", 60))
        plan = Allowance(1, amount=60)
        planned = apply_plans(
            engine, frame, engine.rate(frame).frame, [plan], balances([grant(plan, 1)])
        )
        self.assertEqual(self.left(planned), [60])

    def test_free_calls_take_nothing_unless_they_shall(self):
        self.rate = {"price_e8": 0}
        frame = calls_of(("a", 60))
        self.assertEqual(self.left(self.plan(frame, Allowance(1, amount=60))), [60])
        takes = Allowance(1, amount=60, free_calls=True)
        self.assertEqual(self.left(self.plan(frame, takes)), [0])

    def test_the_connection_fee_of_a_free_minute_is_a_choice(self):
        # CGRateS #181
        self.rate = {**A_MINUTE, "connection_fee_e8": 10**8}
        frame = calls_of(("a", 60))
        self.assertEqual(self.charges(frame, Allowance(1, amount=60)), [10**6])
        free = Allowance(1, amount=60, fee_e8=0)
        self.assertEqual(self.charges(frame, free), [0])

    def test_a_package_takes_seconds_as_billed_or_as_they_were(self):
        # Yeti bills a package call by its increments; ASTPP #151
        self.rate = {**A_MINUTE, "initial_increment": 60, "increment": 60}
        frame = calls_of(("a", 61))
        self.assertEqual(self.left(self.plan(frame, Allowance(1, amount=120))), [0])
        real = Allowance(1, amount=120, measure="duration")
        planned = self.plan(frame, real)
        self.assertEqual(self.left(planned), [59])
        self.assertEqual(planned.frame["covered_seconds"].tolist(), [120])
        self.assertEqual(planned.frame["charge_micro"].tolist(), [0])

    def test_mixed_bundles(self):
        # CGRateS #197, #250, #272: of one call a part from each
        frame = calls_of(("a", 100))
        plans = [Allowance(n, amount=30, priority=n) for n in (1, 2, 3)]
        planned = self.plan(frame, *plans)
        self.assertEqual(planned.frame["charge_micro"].tolist(), [10_000])
        self.assertEqual(planned.taken["seconds"].tolist(), [30, 30, 30])


class TestRollover(PlanCase):
    plan_of = staticmethod(lambda **values: Allowance(1, amount=100, **values))

    def _next(self, plan, used, opening=None):
        """Return the balances a period later, as (amount, periods left)."""
        granted = balances([grant(plan, 1)])
        opening = granted if opening is None else opening
        keys, _amounts = totals(opening, 1)
        closing = close([plan], opening, {1: (keys, pd.Series([used]).to_numpy())})
        return opening_of_next(closing, granted), closing

    def test_nothing_without_it(self):
        opening, closing = self._next(self.plan_of(), 40)
        self.assertEqual(opening["amount"].tolist(), [100])
        self.assertEqual(closing["expired"].tolist(), [60])

    def test_oldest_first_and_for_so_many_periods(self):
        plan = self.plan_of(rollover_periods=2)
        opening, _closing = self._next(plan, 40)
        lots = opening[["amount", "periods_left"]].values.tolist()
        self.assertEqual(lots, [[60, 1], [100, 2]])
        opening, closing = self._next(plan, 70, opening)
        self.assertEqual(closing["used"].tolist(), [60, 10])
        lots = opening[["amount", "periods_left"]].values.tolist()
        self.assertEqual(lots, [[90, 1], [100, 2]])
        opening, _closing = self._next(plan, 0, opening)
        opening, closing = self._next(plan, 0, opening)
        # 90 were to be used within two periods
        self.assertEqual(closing["expired"].tolist(), [90, 0, 0])

    def test_the_limit_keeps_what_expires_last(self):
        plan = self.plan_of(rollover_periods=3, rollover_limit=130)
        opening, _closing = self._next(plan, 20)
        opening, closing = self._next(plan, 0, opening)
        self.assertEqual(closing["rolled"].tolist(), [30, 100])
        self.assertEqual(closing["expired"].tolist(), [50, 0])
        self.assertEqual(opening["amount"].tolist(), [30, 100, 100])

    def test_rolled_over_seconds_are_used_by_calls(self):
        plan = self.plan_of(rollover_periods=1)
        opening, _closing = self._next(plan, 40)
        frame = calls_of(("a", 150))
        planned = self.plan(frame, plan, opening=opening)
        self.assertEqual(planned.frame["covered_seconds"].tolist(), [150])
        self.assertEqual(planned.balances["left"].tolist(), [0, 10])

    def test_an_unlimited_allowance_is_not_rolled_over(self):
        plan = Allowance(1, rollover_periods=2)
        opening, closing = self._next(plan, 10**9)
        self.assertEqual(opening["amount"].tolist(), [UNLIMITED])
        self.assertEqual(closing["expired"].tolist(), [0])

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 500), st.integers(0, 3)), max_size=5),
        st.integers(0, 3000),
        st.one_of(st.none(), st.integers(0, 600)),
    )
    def test_nothing_appears_and_nothing_disappears(self, lots, used, limit):
        plan = self.plan_of(rollover_periods=3, rollover_limit=limit)
        opening = pd.DataFrame(
            [(1, 1, amount, periods) for amount, periods in lots],
            columns=list(BALANCE_COLUMNS),
        ).astype("int64")
        used = min(used, int(opening["amount"].sum()))
        _next, closing = self._next(plan, used, opening)
        parts = closing["used"] + closing["rolled"] + closing["expired"]
        self.assertEqual(parts.tolist(), closing["amount"].tolist())
        self.assertEqual(closing["used"].sum(), used)
        if limit is not None:
            self.assertLessEqual(closing["rolled"].sum(), limit)


class TestTiersWithinThePeriod(PlanCase):
    """The first 1,000 seconds of a pool at one price, what follows at another."""

    @staticmethod
    def tiers(*tiers):
        """Allowances with a price each, as a calling plan has them."""
        return [
            Allowance(
                place, amount=amount, price_e8=price, per_units=60, priority=place
            )
            for place, (amount, price) in enumerate(
                tiers or ((1000, 10**8), (None, 10**7)), 1
            )
        ]

    def test_a_call_over_the_threshold_is_split(self):
        frame = calls_of(("a", 900), ("b", 300), ("c", 60))
        planned = self.plan(frame, *self.tiers())
        self.assertEqual(
            planned.frame["charge_micro"].tolist(),
            [15_000_000, 1_666_667 + 333_333, 100_000],
        )
        self.assertEqual(planned.taken["seconds"].tolist(), [900, 100, 200, 60])

    def test_the_fee_stays_the_decks(self):
        self.rate = {**A_MINUTE, "connection_fee_e8": 10**8}
        self.assertEqual(self.charges(calls_of(("a", 60)), *self.tiers()), [2_000_000])

    def test_above_the_last_tier_the_deck_prices(self):
        tiers = self.tiers((60, 10**8))
        self.assertEqual(self.charges(calls_of(("a", 120)), *tiers), [1_060_000])

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.integers(1, 900), min_size=1, max_size=8))
    def test_seconds_are_conserved(self, seconds):
        frame = calls_of(*((str(n), s) for n, s in enumerate(seconds)))
        planned = self.plan(frame, *self.tiers())
        self.assertEqual(planned.taken["seconds"].sum(), sum(seconds))
        used = planned.balances["used"].tolist()
        self.assertEqual(used, [min(sum(seconds), 1000), max(sum(seconds) - 1000, 0)])


class TestChanged(PlanCase):
    def test_a_late_record_changes_few(self):
        frame = calls_of(("a", 60), ("b", 60), ("c", 60), ("d", 60))
        plan = Allowance(1, amount=150)

        def result(calls):
            return calls[["id"]].join(self.plan(calls, plan).frame)

        before = result(frame.drop(index=1))
        rows, gone = changed(before, result(frame))
        # d had 30 s of the allowance, c and a all of theirs
        self.assertEqual(rows["id"].tolist(), ["b", "c", "d"])
        self.assertEqual(list(gone), [])
        rows, gone = changed(result(frame), result(frame.drop(index=3)))
        self.assertEqual((rows["id"].tolist(), list(gone)), ([], ["d"]))

    def test_nothing_changes_nothing(self):
        stored = pd.DataFrame(
            {"id": ["a"], "charge_micro": [1], "covered_seconds": [2]}
        )
        rows, gone = changed(stored, stored)
        self.assertEqual((len(rows), len(gone)), (0, 0))
        with self.assertRaises(ValueError):
            changed(pd.concat([stored, stored]), stored)


class TestWrongPlansAreRefused(PlanCase):
    def test_by_the_allowance(self):
        for values in (
            {"unit": "hours"},
            {"measure": "guessed"},
            {"amount": -1},
            {"increment": 0},
            {"factor": 0},
            {"amount": 1, "fair_use": 1},
            {"unit": "money", "price_e8": 1},
            {"unit": "records", "increment": 60},
        ):
            with self.assertRaisesRegex(ValueError, "Allowance 7"):
                Allowance(7, **values)

    def test_by_the_plan(self):
        frame, plan = calls_of(("a", 60)), Allowance(1, amount=60)
        with self.assertRaisesRegex(ValueError, "twice"):
            self.plan(frame, plan, plan)
        stray = balances([grant(Allowance(9, amount=1), 1)])
        with self.assertRaisesRegex(ValueError, "unknown allowance: 9"):
            self.plan(frame, plan, opening=stray)

    def test_no_calls(self):
        frame = calls_of(("a", 60)).iloc[:0]
        planned = self.plan(frame, Allowance(1, amount=60))
        self.assertEqual((len(planned.frame), self.left(planned)), (0, [60]))
