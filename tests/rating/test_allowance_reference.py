# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Random decks with tiers and plans: the engine against the slow reference."""

import random
from fractions import Fraction
from unittest import TestCase
from unittest.mock import patch

import numpy as np
import pandas as pd

from odoo.addons.metered_billing.rating import calling_plans, explain
from odoo.addons.metered_billing.rating.allowances import (
    ALLOWANCE_UNITS,
    MEASURES,
    UNLIMITED,
    Allowance,
    balances,
)
from odoo.addons.metered_billing.rating.calling_plans import apply_plans
from odoo.addons.metered_billing.rating.charges import (
    COVERED,
    DECK_FEE,
    SPLIT,
    TIERED,
)
from odoo.addons.metered_billing.tests.rating.test_rating_invariants import (
    CHAINS,
    random_calls,
    random_world,
)
from odoo.addons.metered_billing.tests.support.reference_plans import PlanReference
from odoo.addons.metered_billing.tests.support.reference_rating import (
    Reference,
    engine_of,
    frame_of,
    outcomes,
)

POOLS = ("identifier_id", "subscription_id", "pool_id")


def random_tiers(random, rates):
    """Return tiers within the call for some of the rates."""
    tiers = []
    for rate in rates:
        starts = random.sample([1, 30, 45, 60, 300, 900, 20_000], 3)
        tiers += [
            {
                "rate_id": rate["rate_id"],
                "from_second": start,
                "price_e8": random.randrange(10**9),
                "per_seconds": random.choice([1, 60, 3600, 7]),
                "increment": random.choice([10, 60, 61, 3000]),
            }
            for start in starts[: random.choice([0, 0, 1, 2, 3])]
        ]
    return tiers


def random_allowances(random, bands=3):
    """Return allowances that overlap in every way."""
    found = []
    for number in range(1, random.randint(2, 7)):
        unit = random.choice([*ALLOWANCE_UNITS, "seconds", "seconds"])
        plain = unit in ("records", "money")
        found.append(
            Allowance(
                number,
                unit,
                pool=random.choice(POOLS),
                meter_ids=random.choice([(), (), (1,), (1, 2)]),
                destination_ids=random.choice([(), (), (1, 3)]),
                band_ids=random.choice([(), (), (0, 1), (2,)]),
                priority=random.randint(0, 2),
                increment=1 if plain else random.choice([1, 1, 6, 60, 1000]),
                factor=random.choice([1, 1, 2, 3]),
                measure=random.choice(MEASURES),
                price_e8=0 if unit == "money" else random.choice([0, 0, 12_345_678]),
                per_units=random.choice([1, 60, 7]),
                fee_e8=DECK_FEE
                if unit == "money"
                else random.choice([DECK_FEE, 0, 5_000_000]),
                free_calls=random.random() < 0.3,
            )
        )
    return found


def random_opening(random, allowances):
    """Return balances of some lots for some pools."""
    return [
        {
            "allowance_id": allowance.id,
            "key": key,
            "amount": random.choice(
                [
                    0,
                    random.randrange(1_000),
                    random.randrange(4_000),
                    random.randrange(10**9),
                    UNLIMITED,
                ]
            ),
            "periods_left": periods,
        }
        for allowance in allowances
        for key in (1, 2, 3)
        for periods in random.sample([0, 1, 2], random.randint(0, 2))
    ]


def planned_calls(random, count):
    """Return calls with pools and destinations, many at the same time."""
    calls = random_calls(random, count)
    for number, call in enumerate(calls):
        call["id"] = f"call-{random.randrange(10**6)}-{number}"
        call["start_us"] -= call["start_us"] % random.choice([1, 10**10])
        call["destination_id"] = random.randint(0, 3)
        # the reference goes through a call increment by increment
        call["seconds"] %= 3_000 if number % 2 else 90_000
        for pool in POOLS:
            call[pool] = random.randint(0, 3)
    return calls


def plan_frame(calls):
    """Return the frame of calls with the columns that plans ask for."""
    frame = frame_of(calls)
    for name in ("id", "destination_id", *POOLS):
        frame[name] = [call[name] for call in calls]
    return frame


def without_double_unlimited(rows):
    """Leave at most one unlimited lot, and nothing beside it."""
    pairs = {
        (row["allowance_id"], row["key"]) for row in rows if row["amount"] == UNLIMITED
    }
    kept = [row for row in rows if (row["allowance_id"], row["key"]) not in pairs]
    return kept + [
        {"allowance_id": number, "key": key, "amount": UNLIMITED, "periods_left": 0}
        for number, key in sorted(pairs)
    ]


class World:
    """Decks with tiers, calls and allowances from one seed."""

    def __init__(self, seed, count=40):
        self.random = random.Random(seed)
        # how many calls are worked on at a time must not matter
        self.block = (1, 3, 11, calling_plans.BLOCK)[seed % 4]
        rates, decks, bands = random_world(self.random)
        tiers = random_tiers(self.random, rates)
        self.reference = Reference(rates, decks, bands, CHAINS, tiers)
        self.engine = engine_of(rates, decks, bands, CHAINS, tiers)
        self.calls = planned_calls(self.random, count)
        self.allowances = random_allowances(self.random)
        rows = random_opening(self.random, self.allowances)
        self.opening = without_double_unlimited(rows)

    def apply(self, frame):
        """Return (rated frame, planned calls) of a frame of calls."""
        rated = self.engine.rate(frame)
        with patch.object(calling_plans, "BLOCK", self.block):
            planned = apply_plans(
                self.engine, frame, rated.frame, self.allowances, balances(self.opening)
            )
        return rated, planned


def by_id(frame, planned):
    return {
        number: (int(charge), int(covered), int(money))
        for number, charge, covered, money in zip(
            frame["id"],
            planned.frame["charge_micro"],
            planned.frame["covered_seconds"],
            planned.frame["money_micro"],
            strict=True,
        )
    }


class TestAgainstTheReference(TestCase):
    def test_tiers_within_calls_to_the_last_micro_unit(self):
        tiered = split = 0
        for seed in range(30):
            world = World(seed)
            rated = world.engine.rate(frame_of(world.calls))
            expected = [world.reference.rate(call)[:4] for call in world.calls]
            self.assertEqual(outcomes(rated), expected, seed)
            tiered += int((rated.frame["reason"] & TIERED > 0).sum())
            split += int((rated.frame["reason"] & SPLIT > 0).sum())
        self.assertGreater(tiered, 30)
        self.assertGreater(split, 20)

    def test_plans_to_the_last_micro_unit(self):
        covered = in_part = money = 0
        for seed in range(36):
            world = World(seed)
            frame = plan_frame(world.calls)
            _rated, planned = world.apply(frame)
            slow = PlanReference(world.reference, world.allowances, world.opening)
            self.assertEqual(by_id(frame, planned), slow.apply(world.calls), seed)
            used = {
                pair: [used for _amount, _periods, used in balance.lots]
                for pair, balance in slow.balances.items()
            }
            found = planned.balances.groupby(["allowance_id", "key"])["used"]
            self.assertEqual({p: list(u) for p, u in found}, used, seed)
            reason = planned.frame["reason"]
            self.assertTrue(
                ((reason & COVERED > 0) == (planned.frame["covered_seconds"] > 0)).all()
            )
            covered += int((planned.frame["covered_seconds"] > 0).sum())
            in_part += int(
                (
                    (planned.frame["covered_seconds"] > 0)
                    & (
                        planned.frame["covered_seconds"]
                        < _rated.frame["billed_seconds"]
                    )
                ).sum()
            )
            money += int((planned.frame["money_micro"] > 0).sum())
        # the sample is worth something
        self.assertGreater(covered, 150)
        self.assertGreater(in_part, 20)
        self.assertGreater(money, 20)


class TestInvariants(TestCase):
    def test_order_and_repetition_change_nothing(self):
        for seed in range(20):
            world = World(seed)
            frame = plan_frame(world.calls)
            whole = by_id(frame, world.apply(frame)[1])
            order = [world.random.randrange(40) for _ in range(80)] + list(range(40))
            world.random.shuffle(order)
            again = frame.iloc[order]
            _rated, planned = world.apply(again)
            for number, *found in zip(
                again["id"],
                planned.frame["charge_micro"],
                planned.frame["covered_seconds"],
                planned.frame["money_micro"],
                strict=True,
            ):
                self.assertEqual(tuple(map(int, found)), whole[number], seed)
            self.assertEqual(
                planned.balances["used"].tolist(),
                world.apply(frame)[1].balances["used"].tolist(),
            )

    def test_batches_of_other_pools_change_nothing(self):
        for seed in range(20):
            world = World(seed)
            for call in world.calls:
                call["identifier_id"] = call["pool_id"] = call["subscription_id"]
            frame = plan_frame(world.calls)
            whole = by_id(frame, world.apply(frame)[1])
            parts = {}
            for _key, part in frame.groupby("subscription_id"):
                parts |= by_id(part, world.apply(part)[1])
            self.assertEqual(parts, whole)

    def test_never_overdrawn_and_never_granted_twice(self):
        for seed in range(60, 80):
            world = World(seed)
            frame = plan_frame(world.calls)
            rated, planned = world.apply(frame)
            closing = planned.balances
            self.assertTrue((closing["used"] >= 0).all())
            self.assertTrue((closing["used"] <= closing["amount"]).all())
            limited = closing[closing["amount"] < UNLIMITED]
            left = limited["amount"] - limited["used"]
            self.assertEqual(limited["left"].tolist(), left.tolist())
            factors = {a.id: a.factor for a in world.allowances}
            taken = planned.taken
            weighted = taken["quantity"] * taken["allowance_id"].map(factors)
            by_allowance = weighted.groupby(taken["allowance_id"]).sum()
            used = closing.groupby("allowance_id")["used"].sum()
            for number, amount in used.items():
                self.assertEqual(by_allowance.get(number, 0), amount)
            covered = planned.frame["covered_seconds"]
            self.assertTrue((covered <= rated.frame["billed_seconds"]).all())
            by_row = taken.groupby("row")["seconds"].sum()
            by_row = by_row.reindex(np.arange(len(frame)), fill_value=0)
            self.assertEqual(by_row.tolist(), covered.tolist())

    def test_a_later_call_changes_no_earlier_one(self):
        for seed in range(20):
            world = World(seed)
            calls = sorted(world.calls, key=lambda c: (c["start_us"], c["id"]))
            frame = plan_frame(calls)
            whole = by_id(frame, world.apply(frame)[1])
            early = frame.iloc[:25]
            self.assertEqual(
                by_id(early, world.apply(early)[1]),
                {number: whole[number] for number in early["id"]},
            )

    def test_explanations_come_to_the_charge(self):
        seen = set()
        for seed in range(12):
            world = World(seed)
            frame = plan_frame(world.calls)
            _rated, planned = world.apply(frame)
            for row in range(0, len(frame), 3):
                plan = planned.of_call(row, world.allowances)
                steps = explain(world.engine, frame.iloc[row], plan)
                seen |= {step.code for step in steps}
                self.assertTrue(all(step.text for step in steps))
                if steps[-1].code != "charge":
                    continue
                charge = Fraction(steps[-1].values["charge"]) * 10**6
                self.assertEqual(charge, planned.frame["charge_micro"].iloc[row])
                seconds = sum(
                    step.values["seconds"]
                    for step in steps
                    if step.code == "allowance_taken"
                )
                covered = planned.frame["covered_seconds"].iloc[row]
                self.assertEqual(seconds, covered)
        codes = {"allowance_taken", "allowance_money", "call_tier", "plan_charge"}
        self.assertEqual(codes - seen, set())

    def test_periods_of_the_same_calls_are_the_same_frames(self):
        world = World(1)
        frame = plan_frame(world.calls)
        one, other = world.apply(frame)[1], world.apply(frame)[1]
        pd.testing.assert_frame_equal(one.frame, other.frame)
        pd.testing.assert_frame_equal(one.taken, other.taken)
        pd.testing.assert_frame_equal(one.balances, other.balances)
