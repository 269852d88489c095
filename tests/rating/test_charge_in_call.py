# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Prices that change within a call, and what a plan leaves of a call to its deck."""

from unittest import TestCase

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating import (
    COVERED,
    RATED,
    TIERED,
    TOO_LARGE,
    Deck,
    Slot,
    TimeBand,
)
from odoo.addons.metered_billing.rating.charges import DECK_FEE, Cover
from odoo.addons.metered_billing.tests.support.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    rates_of,
)

SECOND_PRICE = 10**8
FIRST_MINUTE = {
    "price_e8": 2 * SECOND_PRICE,
    "per_seconds": 1,
    "initial_increment": 60,
    "increment": 60,
    "connection_fee_e8": 40 * 10**8,
}


def tier(from_second, price, increment=1, rate_id=1):
    return {
        "rate_id": rate_id,
        "from_second": from_second,
        "price_e8": price * SECOND_PRICE,
        "per_seconds": 1,
        "increment": increment,
    }


def rate_one(engine, seconds, cover=None, start="2026-03-02T12:00"):
    frame = frame_of([call_of(seconds=seconds, start=start)])
    return engine.rate(frame, cover).frame.iloc[0]


def cover_of(seconds, fee=DECK_FEE, amount=0, denominator=1):
    columns = (seconds, fee, amount, denominator)
    return Cover(*(np.array([value]) for value in columns))


class TestTiersWithinTheCall(TestCase):
    def setUp(self):
        super().setUp()
        tiers = [tier(60, 1), tier(600, 0, 600)]
        self.engine = engine_of(rates_of(FIRST_MINUTE), [Deck(1)], tiers=tiers)

    def test_from_the_sixty_first_second(self):
        for seconds, billed, charge in (
            (1, 60, 120),
            (60, 60, 120),
            (61, 61, 121),
            (600, 600, 660),
            (601, 1200, 660),
        ):
            row = rate_one(self.engine, seconds)
            self.assertEqual(row["billed_seconds"], billed, seconds)
            self.assertEqual(row["charge_micro"], (charge + 40) * 10**6, seconds)
            self.assertEqual(bool(row["reason"] & TIERED), seconds > 60)

    def test_an_increment_over_a_boundary_belongs_to_where_it_began(self):
        engine = engine_of(
            rates_of({**FIRST_MINUTE, "initial_increment": 45, "increment": 45}),
            [Deck(1)],
            tiers=[tier(60, 1, 10)],
        )
        row = rate_one(engine, 91)
        # 0..45, 45..90 at 2; 90..100 at 1
        self.assertEqual(row["billed_seconds"], 100)
        self.assertEqual(row["charge_micro"], (40 + 180 + 10) * 10**6)

    def test_a_tier_within_one_increment_is_never_reached(self):
        rate = {**FIRST_MINUTE, "initial_increment": 600}
        tiers = [tier(60, 1), tier(120, 5), tier(600, 3)]
        engine = engine_of(rates_of(rate), [Deck(1)], tiers=tiers)
        row = rate_one(engine, 601)
        self.assertEqual(row["billed_seconds"], 601)
        self.assertEqual(row["charge_micro"], (40 + 1200 + 3) * 10**6)

    def test_position_counts_on_where_the_band_changes(self):
        band = TimeBand(1, (Slot(range(8), 720, 780),))
        rates = rates_of(FIRST_MINUTE, {**FIRST_MINUTE, "band_id": 1})
        deck = Deck(1, crossing="split", bands=(1,))
        tiers = [tier(60, 1, rate_id=1), tier(60, 3, rate_id=2)]
        engine = engine_of(rates, [deck], [band], tiers=tiers)
        frame = frame_of([call_of(seconds=120, start="2026-03-02T12:58:30")])
        rated = engine.rate(frame)
        # 60 s at 2, 30 s at 3 until 13:00, then 30 s at the other rate's second tier
        self.assertEqual(
            rated.frame.iloc[0]["charge_micro"], (40 + 120 + 90 + 30) * 10**6
        )
        parts = [(p.rate_id, p.level, p.billed_seconds) for p in rated.parts[0]]
        self.assertEqual(parts, [(2, 0, 60), (2, 1, 30), (1, 1, 30)])

    def test_prices_that_overflow_are_exact_or_too_large(self):
        rate = {"price_e8": 2**61, "per_seconds": 7}
        dear = {**tier(60, 0), "price_e8": 2**61, "per_seconds": 10**9 - 1}
        engine = engine_of(rates_of(rate), [Deck(1)], tiers=[dear])
        row = rate_one(engine, 61)
        usage = 2**61 * 60 * (10**9 - 1) + 2**61 * 7
        charge = (usage * 2 + 700 * (10**9 - 1)) // (1400 * (10**9 - 1))
        self.assertEqual((row["status"], row["charge_micro"]), (RATED, charge))
        dear["per_seconds"] = 1
        engine = engine_of(rates_of(rate), [Deck(1)], tiers=[dear])
        self.assertEqual(rate_one(engine, 10**6)["status"], TOO_LARGE)

    def test_wrong_tiers_are_refused(self):
        for tiers in (
            [tier(60, 1), tier(60, 2)],
            [tier(60, 1, rate_id=99)],
            [tier(0, 1)],
            [tier(60, 1, increment=0)],
        ):
            with self.assertRaisesRegex(ValueError, "[Rr]ate (1|99)"):
                engine_of(rates_of(FIRST_MINUTE), [Deck(1)], tiers=tiers)


class TestCoveredCalls(TestCase):
    def setUp(self):
        super().setUp()
        rate = {
            **FIRST_MINUTE,
            "min_charge_e8": 100 * 10**8,
            "max_charge_e8": 500 * 10**8,
        }
        self.engine = engine_of(rates_of(rate), [Deck(1)], tiers=[tier(60, 1)])

    def _charge(self, seconds, *cover):
        row = rate_one(self.engine, seconds, cover_of(*cover))
        self.assertEqual(bool(row["reason"] & COVERED), cover[0] > 0)
        return row["charge_micro"] / 10**6

    def test_the_end_of_the_call_is_left_at_its_own_price(self):
        self.assertEqual(self._charge(200, 100), 40 + 100)
        self.assertEqual(self._charge(200, 30), 40 + 60 + 140)

    def test_the_fee_is_the_decks_or_the_plans(self):
        # the fee of a call that an allowance covers is a choice, and visible
        self.assertEqual(self._charge(60, 60), 40)
        self.assertEqual(self._charge(60, 60, 0), 0)
        self.assertEqual(self._charge(60, 60, 7 * 10**8), 7)

    def test_the_minimum_is_for_what_the_deck_charges(self):
        self.assertEqual(self._charge(60, 60, 0), 0)
        self.assertEqual(self._charge(61, 60, 0), 100)

    def test_the_plans_price_is_beyond_the_decks_limits(self):
        self.assertEqual(self._charge(1000, 60, 0, 9 * 10**8, 2), 500 + 4.5)
        self.assertEqual(self._charge(60, 60, 0, 9 * 10**8, 2), 4.5)

    def test_rounded_once(self):
        engine = engine_of(
            rates_of({"price_e8": 10**8, "per_seconds": 3}), [Deck(1, decimals=0)]
        )
        # a third by the deck, a sixth by the plan: half, not nothing and nothing
        cover = cover_of(1, DECK_FEE, 10**8, 6)
        self.assertEqual(rate_one(engine, 2, cover)["charge_micro"], 10**6)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 3000), st.integers(0, 3000))
    def test_what_is_covered_and_what_is_left_are_the_call(self, seconds, covered):
        rate = {"price_e8": 7 * 10**8, "per_seconds": 60, "initial_increment": 30}
        engine = engine_of(rates_of(rate), [Deck(1)], tiers=[tier(90, 3, 7)])
        whole = rate_one(engine, seconds)
        covered = min(covered, whole["billed_seconds"])
        pieces = engine.pieces_of(np.array([0]), np.array([seconds]))
        self.assertEqual(sum(p[2][0] for p in pieces), whole["billed_seconds"])
        head, left = 0, covered
        for price, per, billed in pieces:
            part = min(left, int(billed[0]))
            head, left = head + int(price[0]) * part * (60 // int(per[0])), left - part
        # the plan charges for the head what the deck would have charged
        cover = cover_of(covered, DECK_FEE, head, 60)
        self.assertEqual(
            rate_one(engine, seconds, cover)["charge_micro"], whole["charge_micro"]
        )
