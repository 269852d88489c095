# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Faults of other engines that could be rating's: see ``KNOWN_FAULTS.md``."""

from decimal import Decimal
from unittest import TestCase

import pandas as pd

from odoo.addons.metered_billing.rating import (
    BUY,
    SELL,
    Deck,
    Slot,
    Standard,
    TimeBand,
    UsagePrice,
    attempt_fee,
    price_usage,
)
from odoo.addons.metered_billing.tests.reference_rating import (
    call_of,
    engine_of,
    frame_of,
    instant,
    rates_of,
)

OUTBOUND, INBOUND = 1, 2


class TestFaultsOfOthers(TestCase):
    def test_an_attempt_costs_the_customer_once_and_a_carrier_each_time(self):
        """Three carriers are tried; the fee of a call in a package is included."""
        tries = [(True, False), (True, False), (True, True)]
        sold = [attempt_fee(Decimal(2), SELL, *attempt) for attempt in tries]
        bought = [attempt_fee(Decimal(3), BUY, *attempt) for attempt in tries]
        self.assertEqual((sum(sold), sum(bought)), (2, 9))
        self.assertEqual(attempt_fee(Decimal(2), SELL, True, True, covered=True), 0)
        self.assertEqual(attempt_fee(Decimal(3), BUY, True, True, covered=True), 3)
        self.assertEqual(attempt_fee(Decimal(3), BUY, sent=False, last_attempt=True), 0)

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

    def test_a_month_of_thirty_one_days_and_one_of_twenty_eight(self):
        """The level of a gauge is by the time of its own month, to the microsecond."""
        for start, end in (("01-01", "02-01"), ("02-01", "03-01")):
            period = instant(f"2026-{start}"), instant(f"2026-{end}")
            middle = (period[0] + period[1]) // 2
            records = pd.DataFrame({"id": [1], "at_us": [middle], "value": [8]})
            price = UsagePrice(Standard(1), aggregation="weighted")
            usage = price_usage(price, records, period_us=period)
            self.assertEqual(usage.quantity, 4)
