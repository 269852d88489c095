# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Random decks and calls: what must hold whatever an operator configures."""

import datetime
import random
from unittest import TestCase
from unittest.mock import patch

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating import SPLIT, Deck, Slot, TimeBand, engine
from odoo.addons.metered_billing.rating.decks import AT_START, SPLIT_AT_BOUNDARY
from odoo.addons.metered_billing.rating.money import ROUNDINGS
from odoo.addons.metered_billing.tests.support.reference_rating import (
    MAX_US,
    MIN_US,
    Reference,
    call_of,
    engine_of,
    frame_of,
    instant,
    outcomes,
    rates_of,
)

# three days around the start of summer time, a Sunday
FIRST, LAST = instant("2026-03-28T00:00"), instant("2026-03-31T00:00")
DAYS = [FIRST + day * 86_400_000_000 for day in range(4)]

digits = st.text("12", min_size=1, max_size=3)
prices = st.one_of(st.integers(0, 10**9), st.sampled_from([0, 10**7, -(10**6), 2**61]))
slots = st.builds(
    Slot,
    st.one_of(
        st.just(frozenset(range(8))), st.frozensets(st.integers(0, 7), min_size=1)
    ),
    st.sampled_from([0, 60, 150, 480, 1080, 1320]),
    st.sampled_from([0, 90, 180, 600, 1080, 1439, 1440]),
    months=st.sampled_from([(), (), (3,), (4,)]),
    month_days=st.sampled_from([(), (), (28, 29), (30,)]),
    years=st.sampled_from([(), (), (2026,), (2025,)]),
    start_second=st.sampled_from([0, 0, 0]),
    end_second=st.sampled_from([0, 0, 0]),
)
bands = st.tuples(*(st.builds(TimeBand, st.just(n), st.tuples(slots)) for n in (1, 2)))


@st.composite
def decks(draw, deck_id):
    return Deck(
        deck_id,
        timezone=draw(
            st.sampled_from(
                ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
            )
        ),
        rounding=draw(st.sampled_from(ROUNDINGS)),
        decimals=draw(st.integers(0, 6)),
        crossing=draw(st.sampled_from([SPLIT_AT_BOUNDARY, AT_START])),
        holidays=draw(st.sampled_from([(), (datetime.date(2026, 3, 30),)])),
        bands=draw(st.permutations([1, 2])),
    )


rate_changes = st.fixed_dictionaries(
    {
        "deck_id": st.sampled_from([1, 1, 2, 3]),
        "meter_id": st.sampled_from([0, 0, 0, 1, 2]),
        "prefix": st.one_of(
            st.just(""), st.just(""), digits, digits, digits.map("={}".format)
        ),
        "band_id": st.sampled_from([1, 2, 0]),
        "valid_from_us": st.sampled_from([MIN_US] * 6 + DAYS),
        "valid_to_us": st.sampled_from([MAX_US] * 6 + DAYS),
        "price_e8": prices,
        "per_seconds": st.sampled_from([1, 60, 60, 3600, 7]),
        "connection_fee_e8": st.sampled_from([0, 0, 123_456_789, 2**61]),
        "min_charge_e8": st.sampled_from([0, 0, 10**7]),
        "max_charge_e8": st.sampled_from([-1, -1, 0, 10**8]),
        "initial_increment": st.sampled_from([0, 1, 30, 60, 600]),
        "increment": st.sampled_from([60, 1, 6, 7, 3000]),
        "grace_seconds": st.sampled_from([0, 0, 3]),
    }
)
e164 = st.text("12", min_size=6, max_size=6).map("+{}".format)
numbers = st.one_of(e164, e164, e164, digits, st.none())
calls = st.builds(
    call_of,
    number=numbers,
    start=st.one_of(
        st.integers(FIRST, LAST),
        st.sampled_from(DAYS),
        # within half an hour of an hour at which bands or clocks may change
        st.tuples(st.integers(0, 72), st.sampled_from([-1800, -60, -30, -1, 0])).map(
            lambda at: FIRST + (at[0] * 3600 + at[1]) * 1_000_000
        ),
    ),
    seconds=st.sampled_from([600, 0, 2, 3, 59, 60, 61, 3599, 7201, 40_000]),
    meter_id=st.integers(1, 3),
    chain=st.sampled_from([2, 1, 0, 3]),
)
CHAINS = [(1,), (2, 1), (1, 2, 3), ()]
# a deck that prices each band, for calls that run from one into the other
banded = st.tuples(rate_changes, rate_changes, rate_changes).map(
    lambda changes: [
        {**change, "deck_id": 1, "prefix": "", "meter_id": 0, "band_id": band_id}
        for band_id, change in enumerate(changes)
    ]
)
worlds = st.tuples(
    st.tuples(
        st.one_of(banded, banded, st.just([])),
        st.lists(rate_changes, min_size=1, max_size=12),
    ).map(lambda lists: rates_of(*lists[0], *lists[1])),
    st.tuples(decks(1), decks(2), decks(3)),
    bands,
)
many_calls = st.lists(calls, min_size=4, max_size=12)


def random_world(random):
    """Return a crowded world: thirty rates in force on few prefixes, busy bands."""
    bands = [
        TimeBand(
            number,
            tuple(
                Slot(
                    random.sample(range(8), random.randint(4, 8)),
                    random.randrange(0, 1440, 30),
                    random.randrange(0, 1441, 30),
                )
                for _ in range(2)
            ),
        )
        for number in (1, 2, 3)
    ]
    decks = [
        Deck(
            deck_id,
            random.choice(["Europe/Berlin", "America/New_York", "Asia/Kolkata"]),
            random.choice(ROUNDINGS),
            random.randint(0, 6),
            random.choice([SPLIT_AT_BOUNDARY, SPLIT_AT_BOUNDARY, AT_START]),
            {datetime.date(2026, 3, 30)},
            random.sample([1, 2, 3], 3),
        )
        for deck_id in (1, 2, 3)
    ]
    rates = rates_of(
        *(
            {
                "deck_id": random.randint(1, 3),
                "meter_id": random.choice([0, 0, 0, 1, 2]),
                "prefix": random.choice(["", "", "1", "11", "112", "2", "=12"]),
                "band_id": random.randint(0, 3),
                "valid_from_us": random.choice([MIN_US, MIN_US, *DAYS[:2]]),
                "valid_to_us": random.choice([MAX_US, MAX_US, *DAYS[2:]]),
                "price_e8": random.randrange(10**9),
                "per_seconds": random.choice([1, 60, 3600, 7]),
                "connection_fee_e8": random.choice([0, random.randrange(10**9)]),
                "min_charge_e8": random.choice([0, 0, 10**8]),
                "max_charge_e8": random.choice([-1, -1, -1, 10**10]),
                "initial_increment": random.choice([0, 1, 30, 60, 600]),
                "increment": random.choice([60, 61, 30, 3000]),
                "grace_seconds": random.choice([0, 0, 60]),
            }
            for _ in range(random.randint(10, 40))
        )
    )
    return rates, decks, bands


def random_calls(random, count):
    """Return calls of some hours over the three days, to few numbers."""
    return [
        call_of(
            random.choice(
                ["+1", "+11", "+12", "+112", "+1122", "+2", "+3", "12", None]
            ),
            random.randrange(FIRST, LAST, 500_000),
            random.randrange(random.choice([100, 20_000, 90_000])),
            meter_id=random.randint(1, 3),
            chain=random.choice([0, 1, 2, 2, 3]),
        )
        for _ in range(count)
    ]


class TestInvariants(TestCase):
    def test_crowded_decks_agree_with_the_reference(self):
        split = 0
        for seed in range(20):
            generator = random.Random(seed)
            rates, decks, bands = random_world(generator)
            calls = random_calls(generator, 40)
            reference = Reference(rates, decks, bands, CHAINS)
            rated = engine_of(rates, decks, bands, CHAINS).rate(frame_of(calls))
            expected = [reference.rate(call) for call in calls]
            self.assertEqual(outcomes(rated), [e[:4] for e in expected], seed)
            split += len(rated.parts)
        # the sample is worth something
        self.assertGreater(split, 50)

    @settings(max_examples=100, deadline=None)
    @given(worlds, many_calls)
    def test_agrees_with_the_reference_to_the_last_micro_unit(self, world, calls):
        rates, decks, bands = world
        reference = Reference(rates, decks, bands, CHAINS)
        rated = engine_of(rates, decks, bands, CHAINS).rate(frame_of(calls))
        expected = [reference.rate(call) for call in calls]
        self.assertEqual(outcomes(rated), [e[:4] for e in expected])
        for row, (call, (_s, _r, billed, _c, parts)) in enumerate(
            zip(calls, expected, strict=True)
        ):
            is_split = len(parts) > 1
            self.assertEqual(row in rated.parts, is_split)
            self.assertEqual(bool(rated.frame["reason"].iloc[row] & SPLIT), is_split)
            if is_split:
                found = [
                    [
                        part.rate_id,
                        (part.start_us - call["start_us"]) // 1_000_000,
                        part.billed_seconds,
                    ]
                    for part in rated.parts[row]
                ]
                self.assertEqual(found, parts)
                self.assertEqual(sum(part[2] for part in parts), billed)

    @settings(max_examples=60, deadline=None)
    @given(worlds, many_calls, st.randoms(use_true_random=False), st.integers(1, 5))
    def test_order_batches_and_repetition_change_nothing(
        self, world, calls, shuffle, block
    ):
        rates, decks, bands = world
        rating = engine_of(rates, decks, bands, CHAINS)
        frame = frame_of(calls)
        whole = rating.rate(frame)
        order = [shuffle.randrange(len(calls)) for _ in range(3 * len(calls))]
        picked = rating.rate(frame.iloc[order])
        pd.testing.assert_frame_equal(picked.frame, whole.frame.iloc[order])
        for place, row in enumerate(order):
            self.assertEqual(picked.parts.get(place), whole.parts.get(row))
        alone = engine_of(rates, decks, bands, CHAINS)
        single = [alone.rate(frame.iloc[[row]]).frame for row in range(len(calls))]
        pd.testing.assert_frame_equal(pd.concat(single), whole.frame)
        with patch.object(engine, "BLOCK", block):
            in_blocks = rating.rate(frame)
        pd.testing.assert_frame_equal(in_blocks.frame, whole.frame)
        self.assertEqual(in_blocks.parts, whole.parts)

    @settings(max_examples=60, deadline=None)
    @given(worlds, many_calls)
    def test_order_of_the_rates_changes_nothing(self, world, calls):
        rates, decks, bands = world
        frame = frame_of(calls)
        one = engine_of(rates, decks, bands, CHAINS).rate(frame)
        other = engine_of(rates[::-1], decks[::-1], bands[::-1], CHAINS).rate(frame)
        pd.testing.assert_frame_equal(one.frame, other.frame)
        self.assertEqual(one.parts, other.parts)

    @settings(max_examples=80, deadline=None)
    @given(worlds, st.lists(calls.map(lambda c: {**c, "chain": 2}), max_size=8))
    def test_splitting_conserves_the_seconds(self, world, calls):
        rates, decks, bands = world
        rating = engine_of(rates, decks, bands, CHAINS)
        rated = rating.rate(frame_of(calls))
        steps = {rate["rate_id"]: rate["increment"] for rate in rates}
        for row, parts in rated.parts.items():
            call, billed = calls[row], rated.frame["billed_seconds"].iloc[row]
            self.assertEqual(sum(part.billed_seconds for part in parts), billed)
            self.assertGreaterEqual(billed, call["seconds"])
            self.assertLess(billed, call["seconds"] + steps[parts[-1].rate_id])
            self.assertEqual(parts[0].start_us, call["start_us"])
            for before, after in zip(parts, parts[1:], strict=False):
                end = before.start_us + before.billed_seconds * 1_000_000
                self.assertEqual(after.start_us, end)
