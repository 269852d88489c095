# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rounding against the decimal module, increments, fees and limits."""

import decimal
from unittest import TestCase

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating import GRACE, MAXIMUM, MINIMUM, TOO_LARGE
from odoo.addons.metered_billing.rating.charges import FREE_ZERO
from odoo.addons.metered_billing.rating.decks import Deck
from odoo.addons.metered_billing.rating.increments import billed_seconds
from odoo.addons.metered_billing.rating.money import ROUNDINGS, round_ratio
from odoo.addons.metered_billing.tests.support.reference_rating import (
    ROUNDING,
    call_of,
    engine_of,
    frame_of,
    rates_of,
)


def charge_of(seconds, deck=None, **rate):
    """Return (charge in micro-units, billed seconds, reason) of one call."""
    engine = engine_of(rates_of(rate), [deck or Deck(1)])
    row = engine.rate(frame_of([call_of(seconds=seconds)])).frame.iloc[0]
    return int(row["charge_micro"]), int(row["billed_seconds"]), int(row["reason"])


class TestRounding(TestCase):
    @settings(max_examples=300, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(-(2**60), 2**60),
                st.one_of(st.sampled_from([1, 2, 10, 60]), st.integers(1, 2**59)),
                st.sampled_from(range(len(ROUNDINGS))),
            ),
            min_size=1,
            max_size=8,
        ),
        st.sampled_from([np.int64, object]),
    )
    def test_agrees_with_the_decimal_module(self, cases, dtype):
        numerator, denominator, codes = (
            np.array(column, dtype=dtype) for column in zip(*cases, strict=True)
        )
        found = round_ratio(numerator, denominator, codes.astype(np.int8))
        for (top, bottom, code), value in zip(cases, found, strict=True):
            # divmod leaves the place of the rest: below, at or above the half
            whole, rest = divmod(abs(top), bottom)
            half = (2 * rest > bottom) - (2 * rest < bottom)
            tail = decimal.Decimal(0 if not rest else 5 + half).scaleb(-1)
            with decimal.localcontext() as context:
                context.prec = 40
                expected = int(
                    ((whole + tail) * (-1 if top < 0 else 1)).quantize(
                        decimal.Decimal(1), ROUNDING[ROUNDINGS[code]]
                    )
                )
            self.assertEqual(value, expected, (top, bottom, ROUNDINGS[code]))

    def test_each_method_at_the_half(self):
        # 0.25 a minute for one minute, kept to one decimal
        expected = {"half_up": 3, "up": 3, "down": 2, "half_even": 2}
        for rounding, tenths in expected.items():
            deck = Deck(1, rounding=rounding, decimals=1)
            charge, _billed, _reason = charge_of(60, deck, price_e8=25 * 10**6)
            self.assertEqual(charge, tenths * 10**5, rounding)

    def test_rounded_once_per_call_not_per_increment(self):
        # CGRateS makes 0.3001 of it: 180 times a rounded price of a second
        charge, _billed, _reason = charge_of(180, Deck(1, decimals=4), price_e8=10**7)
        self.assertEqual(charge, 300_000)

    def test_decimals_from_none_to_six(self):
        for decimals, charge in enumerate(
            [1_000_000, 1_200_000, 1_230_000, 1_235_000, 1_234_600, 1_234_570]
        ):
            deck = Deck(1, decimals=decimals)
            self.assertEqual(charge_of(60, deck, price_e8=123_456_700)[0], charge)
        self.assertEqual(charge_of(60, Deck(1), price_e8=123_456_750)[0], 1_234_568)

    def test_negative_prices_are_rounded_by_magnitude(self):
        deck = Deck(1, decimals=1)
        self.assertEqual(charge_of(60, deck, price_e8=-25 * 10**6)[0], -300_000)


class TestIncrements(TestCase):
    def test_defined_cases(self):
        cases = [
            # seconds, initial, increment, billed
            (0, 60, 6, 0),
            (1, 60, 6, 60),
            (60, 60, 6, 60),
            (61, 60, 6, 66),
            (66, 60, 6, 66),
            (67, 60, 6, 72),
            (1, 0, 60, 60),
            (61, 0, 60, 120),
            (1, 1, 1, 1),
            (7, 1, 6, 7),
            (8, 1, 6, 13),
            (10**10, 1, 1, 10**10),
        ]
        columns = [np.array(column) for column in zip(*cases, strict=True)]
        self.assertEqual(billed_seconds(*columns[:3]).tolist(), columns[3].tolist())

    @settings(max_examples=200, deadline=None)
    @given(st.integers(1, 10**6), st.integers(0, 3600), st.integers(1, 3600))
    def test_covers_the_call_with_less_than_a_step_to_spare(
        self, seconds, initial, increment
    ):
        columns = np.array([[seconds], [initial], [increment]])
        billed = int(billed_seconds(*columns)[0])
        self.assertGreaterEqual(billed, seconds)
        self.assertLess(billed - seconds, max(initial, increment))
        self.assertEqual((billed - initial) % increment, 0)


class TestCharge(TestCase):
    def test_price_is_for_per_seconds(self):
        self.assertEqual(charge_of(90, price_e8=6 * 10**6)[0], 90_000)
        self.assertEqual(charge_of(90, price_e8=10**6, per_seconds=1)[0], 900_000)
        self.assertEqual(
            charge_of(5400, price_e8=10**8, per_seconds=3600)[0], 1_500_000
        )

    def test_a_tenth_a_minute_by_the_second(self):
        self.assertEqual(charge_of(1, price_e8=10**7)[0], 1_667)
        self.assertEqual(charge_of(2, price_e8=10**7)[0], 3_333)

    def test_connection_fee_once(self):
        rate = {"price_e8": 10**7, "connection_fee_e8": 5 * 10**6}
        self.assertEqual(charge_of(120, **rate)[0], 250_000)

    def test_zero_seconds_cost_nothing_at_all(self):
        rate = {"connection_fee_e8": 10**8, "min_charge_e8": 10**8}
        self.assertEqual(charge_of(0, **rate), (0, 0, FREE_ZERO))
        self.assertEqual(charge_of(0, grace_seconds=5, **rate), (0, 0, FREE_ZERO))

    def test_grace_is_free_to_the_second_before(self):
        rate = {"grace_seconds": 5, "connection_fee_e8": 10**7, "min_charge_e8": 10**8}
        self.assertEqual(charge_of(4, **rate), (0, 0, GRACE))
        # from then on, all seconds count
        self.assertEqual(charge_of(5, **rate), (1_000_000, 5, MINIMUM))
        del rate["min_charge_e8"]
        self.assertEqual(charge_of(5, **rate), (105_000, 5, 0))

    def test_minimum_includes_the_fee(self):
        rate = {"price_e8": 10**7, "connection_fee_e8": 10**7, "min_charge_e8": 10**7}
        self.assertEqual(charge_of(6, **rate), (110_000, 6, 0))
        rate["min_charge_e8"] = 11 * 10**6 + 1
        self.assertEqual(charge_of(6, **rate), (110_000, 6, MINIMUM))

    def test_maximum(self):
        rate = {"price_e8": 10**7, "max_charge_e8": 62 * 10**6}
        self.assertEqual(charge_of(372, **rate), (620_000, 372, 0))
        self.assertEqual(charge_of(373, **rate), (620_000, 373, MAXIMUM))
        self.assertEqual(charge_of(60, max_charge_e8=0), (0, 60, MAXIMUM))

    def test_maximum_wins_over_minimum(self):
        rate = {"min_charge_e8": 2 * 10**8, "max_charge_e8": 10**8}
        self.assertEqual(charge_of(60, **rate), (1_000_000, 60, MINIMUM | MAXIMUM))

    def test_limits_come_before_rounding(self):
        deck = Deck(1, decimals=2, rounding="up")
        self.assertEqual(charge_of(60, deck, max_charge_e8=5_100_000)[0], 60_000)

    def test_large_amounts_keep_every_digit(self):
        # as ASTPP's 13 a minute, of which every debit above 1,000 was stored as 1
        self.assertEqual(charge_of(6000, price_e8=13 * 10**8)[0], 1_300_000_000)
        price = 2**62 - 1
        charge, billed, _reason = charge_of(86_399, price_e8=price, per_seconds=3600)
        exact = decimal.Decimal(price) * 86_399 / 3600 / 100
        self.assertEqual(charge, int(exact.to_integral_value(decimal.ROUND_HALF_UP)))
        self.assertEqual(billed, 86_399)

    def test_huge_and_ordinary_calls_side_by_side(self):
        rates = rates_of(
            {"prefix": "1", "price_e8": 2**62 - 1},
            {"prefix": "2"},
            {"prefix": "3", "min_charge_e8": 2**62 - 1},
            {"prefix": "4", "price_e8": 2**62, "max_charge_e8": 10**8},
            {"prefix": "5", "price_e8": 2**62, "connection_fee_e8": 2**62},
        )
        engine = engine_of(rates, [Deck(1)])
        numbers = ["+1", "+2", "+3", "+4", "+5"]
        calls = [call_of(number, seconds=120) for number in numbers]
        frame = engine.rate(frame_of(calls)).frame
        expected = [
            round((2 * (2**62 - 1)) / decimal.Decimal(100)),
            120_000,
            round((2**62 - 1) / decimal.Decimal(100)),
            1_000_000,
            round(3 * 2**62 / decimal.Decimal(100)),
        ]
        self.assertEqual(frame["charge_micro"].tolist(), expected)

    def test_a_charge_that_no_column_holds_is_said_to_be_too_large(self):
        engine = engine_of(rates_of({"price_e8": 2**62, "per_seconds": 1}), [Deck(1)])
        calls = [call_of(seconds=seconds) for seconds in (1, 300)]
        frame = engine.rate(frame_of(calls)).frame
        self.assertEqual(frame["status"].tolist(), [0, TOO_LARGE])
        self.assertEqual(frame["charge_micro"].tolist()[1], 0)
