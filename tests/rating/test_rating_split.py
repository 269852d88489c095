# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls that run over the boundary of a time band."""

from unittest import TestCase

from odoo.addons.metered_billing.rating import (
    MAXIMUM,
    MINIMUM,
    SPLIT,
    Deck,
    Part,
    Slot,
    TimeBand,
)
from odoo.addons.metered_billing.tests.support.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    instant,
    rates_of,
)

PEAK = TimeBand(1, (Slot(range(5), 8 * 60, 18 * 60),))
EVENING = TimeBand(2, (Slot(range(5), 18 * 60, 8 * 60),))
WEEKEND = TimeBand(3, (Slot({5, 6}),))
BANDS = [PEAK, EVENING, WEEKEND]
SPLITTING = Deck(1, crossing="split", bands=(1, 2, 3))
PEAK_PRICE, EVENING_PRICE, WEEKEND_PRICE = 60 * 10**6, 30 * 10**6, 12 * 10**6


def split_call(start, seconds, *rates, deck=SPLITTING, **more):
    """Rate one call; return (output row, its parts)."""
    rates = rates or (
        {"band_id": 1, "price_e8": PEAK_PRICE},
        {"band_id": 2, "price_e8": EVENING_PRICE},
        {"band_id": 3, "price_e8": WEEKEND_PRICE},
    )
    decks = more.pop("decks", [deck])
    engine = engine_of(rates_of(*rates), decks, BANDS, **more)
    rated = engine.rate(frame_of([call_of(start=start, seconds=seconds)]))
    return rated.frame.iloc[0], rated.parts.get(0, ())


class TestSplit(TestCase):
    def test_each_side_at_its_price(self):
        row, parts = split_call("2026-03-02T17:59", 120)
        self.assertEqual(row["charge_micro"], 600_000 + 300_000)
        self.assertEqual(row["reason"], SPLIT)
        self.assertEqual((row["rate_id"], row["band_id"]), (1, 1))
        boundary = instant("2026-03-02T18:00")
        self.assertEqual(
            parts,
            (
                Part(1, 1, 1, boundary - 60_000_000, 60),
                Part(2, 1, 2, boundary, 60),
            ),
        )

    def test_at_start_only_the_start_counts(self):
        deck = Deck(1, crossing="start", bands=(1, 2, 3))
        row, parts = split_call("2026-03-02T17:59", 120, deck=deck)
        self.assertEqual((row["charge_micro"], row["reason"]), (1_200_000, 0))
        self.assertEqual(parts, ())

    def test_ending_or_starting_on_the_boundary_is_no_crossing(self):
        for start, charge in (
            ("2026-03-02T17:59", 600_000),
            ("2026-03-02T18:00", 300_000),
        ):
            row, parts = split_call(start, 60)
            self.assertEqual((row["charge_micro"], row["reason"]), (charge, 0))
            self.assertEqual(parts, ())

    def test_one_second_beyond_the_boundary(self):
        row, parts = split_call("2026-03-02T17:59", 61)
        self.assertEqual(row["charge_micro"], 605_000)
        self.assertEqual([part.billed_seconds for part in parts], [60, 1])

    def test_starting_within_a_second(self):
        # the 31st second begins half a second before the boundary
        row, parts = split_call("2026-03-02T17:59:29.500000", 60)
        self.assertEqual([part.billed_seconds for part in parts], [31, 29])
        self.assertEqual(row["charge_micro"], 310_000 + 145_000)

    def test_an_increment_belongs_to_where_it_began(self):
        minute = {"initial_increment": 60, "increment": 60}
        rates = (
            {"band_id": 1, "price_e8": PEAK_PRICE, **minute},
            {"band_id": 2, "price_e8": EVENING_PRICE, **minute},
        )
        row, parts = split_call("2026-03-02T17:58:30", 150, *rates)
        self.assertEqual([part.billed_seconds for part in parts], [120, 60])
        self.assertEqual(parts[1].start_us, instant("2026-03-02T18:00:30"))
        self.assertEqual(row["charge_micro"], 1_200_000 + 300_000)
        # the initial increment alone may run over the boundary
        row, parts = split_call("2026-03-02T17:59:30", 60, *rates)
        self.assertEqual((row["charge_micro"], parts), (600_000, ()))

    def test_increments_change_with_the_rate(self):
        rates = (
            {"band_id": 1, "price_e8": PEAK_PRICE, "initial_increment": 30},
            {
                "band_id": 2,
                "price_e8": EVENING_PRICE,
                "initial_increment": 600,
                "increment": 7,
            },
        )
        row, parts = split_call("2026-03-02T17:59:50", 45, *rates)
        # 30 s initial, from 18:00:20 steps of 7: 15 more seconds take 3 of them
        self.assertEqual([part.billed_seconds for part in parts], [30, 21])
        self.assertEqual(row["billed_seconds"], 51)
        self.assertEqual(row["charge_micro"], 300_000 + 105_000)

    def test_thirty_six_hours(self):
        # Thursday 12:00 to Saturday 00:00
        row, parts = split_call("2026-03-05T12:00", 36 * 3600)
        hours = [part.billed_seconds / 3600 for part in parts]
        self.assertEqual(hours, [6, 14, 10, 6])
        self.assertEqual([part.band_id for part in parts], [1, 2, 1, 2])
        charge = (16 * 60 * PEAK_PRICE + 20 * 60 * EVENING_PRICE) // 100
        self.assertEqual(row["charge_micro"], charge)

    def test_nine_days(self):
        _row, parts = split_call("2026-03-05T12:00", 9 * 86_400)
        # Friday's evening runs until Saturday 08:00; Monday's small hours have no band
        # and go on at the weekend's price
        self.assertEqual(
            [(part.band_id, part.billed_seconds / 3600) for part in parts],
            [
                *((1, 6), (2, 14), (1, 10), (2, 14), (3, 48)),
                *((1, 10), (2, 14)) * 5,
                (3, 4),
            ],
        )
        for before, after in zip(parts, parts[1:], strict=False):
            end = before.start_us + before.billed_seconds * 1_000_000
            self.assertEqual(after.start_us, end)
            self.assertNotEqual(after.rate_id, before.rate_id)

    def test_fee_minimum_maximum_and_grace_once_from_the_start(self):
        fee = {"connection_fee_e8": 10**7}
        rates = (
            {"band_id": 1, "price_e8": PEAK_PRICE, **fee},
            {"band_id": 2, "connection_fee_e8": 10**8, "grace_seconds": 10**6},
        )
        row, _parts = split_call("2026-03-02T17:59", 120, *rates)
        self.assertEqual(row["charge_micro"], 100_000 + 600_000 + 60_000)
        row, _parts = split_call(
            "2026-03-02T17:59", 120, {**rates[0], "min_charge_e8": 10**8}, rates[1]
        )
        self.assertEqual((row["charge_micro"], row["reason"]), (10**6, SPLIT | MINIMUM))
        row, _parts = split_call(
            "2026-03-02T17:59", 120, {**rates[0], "max_charge_e8": 10**7}, rates[1]
        )
        self.assertEqual((row["charge_micro"], row["reason"]), (10**5, SPLIT | MAXIMUM))
        row, parts = split_call(
            "2026-03-02T17:59", 120, {**rates[0], "grace_seconds": 121}, rates[1]
        )
        self.assertEqual((row["charge_micro"], row["billed_seconds"]), (0, 0))
        self.assertEqual(parts, ())

    def test_rounded_once(self):
        deck = Deck(1, crossing="split", bands=(1, 2), decimals=2, rounding="up")
        rates = (
            {"band_id": 1, "price_e8": 10**7},
            {"band_id": 2, "price_e8": 10**7, "per_seconds": 61},
        )
        row, _parts = split_call("2026-03-02T17:59:59", 2, *rates, deck=deck)
        # 0.1/60 + 0.1/61 = 0.0033: a cent, not one for each part
        self.assertEqual(row["charge_micro"], 10_000)

    def test_prices_of_different_units_are_added_exactly(self):
        rates = (
            {"band_id": 1, "price_e8": 10**8, "per_seconds": 7},
            {"band_id": 2, "price_e8": 10**8, "per_seconds": 3},
        )
        row, _parts = split_call("2026-03-02T17:59:59", 2, *rates)
        self.assertEqual(row["charge_micro"], 476_190)  # 1/7 + 1/3 = 10/21

    def test_huge_prices(self):
        rates = (
            {"band_id": 1, "price_e8": 2**62, "per_seconds": 3599},
            {"band_id": 2, "price_e8": 2**62 - 1, "per_seconds": 3600},
        )
        row, _parts = split_call("2026-03-02T17:00", 7200, *rates)
        exact = (2**62 * 3600 * 3600 + (2**62 - 1) * 3600 * 3599) // (3599 * 36)
        self.assertEqual(row["charge_micro"], (exact + 5000) // 10_000)

    def test_later_band_without_rate_falls_to_a_shorter_prefix(self):
        rates = (
            {"prefix": "4930", "band_id": 1, "price_e8": PEAK_PRICE},
            {"prefix": "49", "price_e8": EVENING_PRICE},
        )
        _row, parts = split_call("2026-03-02T17:59", 120, *rates)
        self.assertEqual([part.rate_id for part in parts], [1, 2])

    def test_later_band_without_rate_falls_to_the_next_deck_and_back(self):
        rates = (
            {"band_id": 1, "price_e8": PEAK_PRICE},
            {"deck_id": 2, "price_e8": EVENING_PRICE},
        )
        decks = [SPLITTING, Deck(2, crossing="split")]
        both = {"decks": decks, "chains": [(1, 2)]}
        row, parts = split_call("2026-03-02T17:59", 120, *rates, **both)
        self.assertEqual([part.deck_id for part in parts], [1, 2])
        row, parts = split_call("2026-03-02T07:59", 120, *rates, **both)
        self.assertEqual([part.deck_id for part in parts], [2, 1])
        # whether at all is for the deck of the start to say
        decks[1] = Deck(2, crossing="start")
        row, parts = split_call("2026-03-02T07:59", 120, *rates, **both)
        self.assertEqual((row["deck_id"], parts), (2, ()))

    def test_nothing_for_the_later_band_goes_on_as_before(self):
        row, parts = split_call("2026-03-02T17:59", 120, {"band_id": 1})
        self.assertEqual((row["charge_micro"], row["reason"]), (120_000, 0))
        self.assertEqual(parts, ())

    def test_bands_that_make_no_difference_are_no_parts(self):
        row, parts = split_call("2026-03-02T17:59", 120, {}, {"prefix": "1"})
        self.assertEqual((row["reason"], parts), (0, ()))
        row, parts = split_call(
            "2026-03-02T17:59", 120, {"prefix": "4"}, {"prefix": "1", "band_id": 1}
        )
        self.assertEqual((row["reason"], parts), (0, ()))

    def test_prices_are_those_of_the_start(self):
        boundary = instant("2026-03-02T18:00")
        rates = (
            {"band_id": 1, "price_e8": PEAK_PRICE},
            {"band_id": 2, "price_e8": EVENING_PRICE, "valid_to_us": boundary},
            {"band_id": 2, "price_e8": 1, "valid_from_us": boundary},
        )
        _row, parts = split_call("2026-03-02T17:59", 120, *rates)
        self.assertEqual([part.rate_id for part in parts], [1, 2])

    def test_the_night_that_the_clocks_change(self):
        night = TimeBand(1, (Slot(range(7), 60, 240),))  # 01:00 to 04:00
        for day, hours in (("2026-03-29", 2), ("2026-10-25", 4)):
            deck = Deck(1, timezone="Europe/Berlin", crossing="split", bands=(1,))
            engine = engine_of(rates_of({}, {"band_id": 1}), [deck], [night])
            start = call_of(start=f"{day}T00:30+01:00", seconds=8 * 3600)
            if day > "2026-04":
                start = call_of(start=f"{day}T00:30+02:00", seconds=8 * 3600)
            parts = engine.rate(frame_of([start])).parts[0]
            self.assertEqual(parts[1].billed_seconds, hours * 3600)

    def test_positions_in_a_frame_with_calls_that_are_not_split(self):
        engine = engine_of(
            rates_of({"prefix": "4", "band_id": 1}, {"prefix": "4"}),
            [SPLITTING],
            BANDS,
        )
        crossing = call_of(start="2026-03-02T17:59", seconds=120)
        other = call_of("+1", start="2026-03-02T17:59", seconds=120)
        calls = frame_of([other, crossing, call_of(), other, crossing])
        calls.index = list("abcab")
        rated = engine.rate(calls)
        self.assertEqual(sorted(rated.parts), [1, 4])
        self.assertEqual(rated.parts[1], rated.parts[4])
        self.assertEqual(rated.frame["status"].tolist(), [1, 0, 0, 1, 0])
