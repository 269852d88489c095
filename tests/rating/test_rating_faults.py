# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Faults of other engines that could be rating's: see ``KNOWN_FAULTS.md``."""

from unittest import TestCase

import pandas as pd

from odoo.addons.metered_billing.rating import (
    Deck,
    Slot,
    Standard,
    TimeBand,
    UsagePrice,
    price_usage,
)
from odoo.addons.metered_billing.tests.support.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    rates_of,
)

OUTBOUND, INBOUND = 1, 2


class TestFaultsOfOthers(TestCase):
    def test_inbound_calls_have_a_price_a_minute_and_hours_of_their_own(self):
        """0.02 a minute by day, 0.01 by night; outbound knows no hours."""
        day = TimeBand(1, (Slot(range(7), 8 * 60, 20 * 60),))
        rates = rates_of(
            {"meter_id": OUTBOUND, "price_e8": 9 * 10**6},
            {"meter_id": INBOUND, "price_e8": 1 * 10**6},
            {"meter_id": INBOUND, "price_e8": 2 * 10**6, "band_id": 1},
        )
        engine = engine_of(rates, [Deck(1, bands=(1,))], [day])
        calls = [
            call_of(start=f"2026-03-02T{hour}:00", meter_id=meter)
            for hour in ("12", "22")
            for meter in (OUTBOUND, INBOUND)
        ]
        charges = engine.rate(frame_of(calls)).frame["charge_micro"].tolist()
        self.assertEqual(charges, [90_000, 20_000, 90_000, 10_000])

    def test_a_unique_count_has_free_units(self):
        """Ten users are free; the twelfth pays although most were seen twice."""
        users = [f"user {number % 12}" for number in range(20)]
        records = pd.DataFrame({"id": range(20), "at_us": 0, "value": users})
        price = UsagePrice(Standard(5), aggregation="unique", free_units=10)
        usage = price_usage(price, records)
        self.assertEqual((usage.quantity, usage.free, usage.amount), (12, 10, 10))
        usage = price_usage(price, records.head(9))
        self.assertEqual((usage.free, usage.amount), (9, 0))

    def test_what_is_committed_is_shown_apart(self):
        """A minimum of 100 with usage of 30: two lines, not one of 100."""
        price = UsagePrice(Standard(3), minimum=100)
        lines = price_usage(price, quantity=10).lines
        self.assertEqual(
            [(line.code, line.amount) for line in lines],
            [("usage", 30), ("minimum", 70)],
        )
