# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The ordered stages around a charge model, slices of a period, changes of price."""

from decimal import Decimal
from fractions import Fraction
from unittest import TestCase

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating.charge_models import (
    Graduated,
    Package,
    Percentage,
    Stairstep,
    Standard,
    Volume,
)
from odoo.addons.metered_billing.rating.price_versions import (
    PriceVersion,
    difference,
)
from odoo.addons.metered_billing.rating.units import Conversion
from odoo.addons.metered_billing.rating.usage_price import (
    UsagePrice,
    price_usage,
)

PERIOD = (0, 1000)
TIERS = [
    {"up_to": 10, "unit_price": 3, "flat_fee": 5},
    {"up_to": 20, "unit_price": 2, "flat_fee": 1},
    {"up_to": None, "unit_price": 1, "flat_fee": 0},
]
MODELS = [
    Standard("0.07"),
    Graduated(TIERS),
    Volume(TIERS),
    Package(7, 3, 2),
    Stairstep([{"up_to": 10, "flat_fee": 4}, {"up_to": None, "flat_fee": 9}]),
    Percentage("2.9", "0.3"),
]
quantities = st.decimals(0, 60, places=3)


def records_of(pairs):
    """Return records from (at, value)."""
    return pd.DataFrame(
        {
            "id": range(len(pairs)),
            "at_us": pd.Series([at for at, _value in pairs], dtype="int64"),
            "value": pd.Series([value for _at, value in pairs], dtype="object"),
        }
    )


class TestStages(TestCase):
    def test_the_order(self):
        # 4,600 MB are 4.6 GB, rounded up to 5, 2 free, 3 in packages
        price = UsagePrice(
            Package(2, 10),
            conversion=Conversion("divide", 1000, "ceil"),
            free_units=2,
            minimum=15,
            maximum=30,
        )
        usage = price_usage(price, quantity=4600)
        self.assertEqual((usage.quantity, usage.free), (5, 2))
        self.assertEqual((usage.billable, usage.charge), (3, 20))
        self.assertEqual(usage.amount, 20)
        codes = [step.code for step in usage.steps]
        self.assertEqual(
            codes,
            [
                "measured",
                "quantity_rounded",
                "free_units",
                "packages",
                "amount_rounded",
            ],
        )
        self.assertTrue(all(step.text for step in usage.steps))

    def test_each_record_is_converted_and_the_sum_is_rounded(self):
        price = UsagePrice(
            Standard(1), conversion=Conversion("divide", 3, "half_up", 2)
        )
        usage = price_usage(price, records_of([(0, 1), (1, 1), (2, 1)]))
        self.assertEqual(usage.quantity, 1)

    def test_a_count_has_no_unit_to_convert(self):
        price = UsagePrice(Standard(1), "count", conversion=Conversion("divide", 1000))
        self.assertEqual(price_usage(price, records_of([(0, 7)])).quantity, 1)

    def test_minimum_and_maximum_are_lines_of_their_own(self):
        price = UsagePrice(Standard(1), minimum=10, maximum=20)
        for quantity, topup, discount, amount in (
            (3, 7, 0, 10),
            (15, 0, 0, 15),
            (33, 0, 13, 20),
        ):
            usage = price_usage(price, quantity=quantity)
            self.assertEqual((usage.topup, usage.discount), (topup, discount))
            self.assertEqual(usage.amount, amount)
            self.assertEqual(sum(line.amount for line in usage.lines), amount)

    def test_a_part_of_a_period_has_a_part_of_free_units_and_minimum(self):
        price = UsagePrice(Standard(1), free_units=30, minimum=10)
        usage = price_usage(price, quantity=16, share=Fraction(1, 2))
        self.assertEqual((usage.free, usage.charge, usage.topup), (15, 1, 4))

    def test_rounded_once(self):
        price = UsagePrice(Standard("0.005"))
        self.assertEqual(price_usage(price, quantity=1).amount, Decimal("0.01"))
        self.assertEqual(price_usage(price, quantity=3).amount, Decimal("0.02"))

    def test_wrong_prices_are_refused(self):
        with self.assertRaises(ValueError):
            UsagePrice(Standard(1), minimum=2, maximum=1)
        with self.assertRaises(ValueError):
            UsagePrice(Standard(1), free_units=-1)
        with self.assertRaises(ValueError):
            Conversion(factor=0)
        with self.assertRaises(ValueError):
            Conversion(rounding="sideways")

    @settings(max_examples=60, deadline=None)
    @given(quantities, st.sampled_from(MODELS), st.sampled_from([0, 3, 50]))
    def test_the_amount_is_the_sum_of_the_lines(self, quantity, model, limit):
        price = UsagePrice(model, free_units=limit, minimum=limit, maximum=limit * 2)
        usage = price_usage(price, quantity=quantity)
        self.assertEqual(sum(line.amount for line in usage.lines), usage.exact_amount)


class TestSlices(TestCase):
    """A period billed in slices comes to what it costs as a whole."""

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(quantities, min_size=1, max_size=4),
        st.sampled_from(MODELS[:5]),
        st.sampled_from([0, 4]),
        st.sampled_from([None, 25]),
    )
    def test_slices_come_to_the_whole(self, parts, model, free, limit):
        price = UsagePrice(model, free_units=free, minimum=limit, maximum=limit)
        for is_rounded in (True, False):
            used, billed = Decimal(0), Fraction(0)
            for part in parts:
                used += part
                usage = price_usage(price, quantity=used)
                billed += usage.due(billed, is_rounded)
            whole = price_usage(price, quantity=sum(parts))
            self.assertEqual(billed, whole.due(0, is_rounded))
            self.assertEqual(whole.due(billed, is_rounded), 0)

    def test_what_was_rounded_away_is_not_billed(self):
        """3.685 is 3.69, and 3.69 is billed."""
        usage = price_usage(UsagePrice(Standard("0.067")), quantity=55)
        self.assertEqual(usage.due("3.69"), 0)
        self.assertEqual(usage.due("3.69", is_rounded=False), Fraction(-5, 1000))


class TestTakenBack(TestCase):
    """More is taken back in a slice than used: the units lie where they had been."""

    free = UsagePrice(Standard(3), free_units=10)

    def test_units_back_into_the_free_ones_credit_what_was_charged(self):
        billed = price_usage(self.free, quantity=12).amount
        usage = price_usage(self.free, quantity=12 - 5)
        self.assertEqual((usage.billable, usage.due(billed)), (0, -6))

    def test_free_units_swallow_no_credit(self):
        usage = price_usage(self.free, quantity=-5)
        self.assertEqual((usage.billable, usage.exact_amount), (-5, -15))

    def test_tiers_refuse_it_with_free_units_too(self):
        price = UsagePrice(Graduated(TIERS), free_units=10)
        with self.assertRaisesRegex(ValueError, "has no price below 0"):
            price_usage(price, quantity=-5)
        with self.assertRaisesRegex(ValueError, "has no price below 0"):
            Volume(TIERS).price_of(-5, total=-5)

    def test_within_the_period_it_frees_the_units(self):
        versions = (PriceVersion(0, Standard(3)), PriceVersion(500, Standard(7)))
        price = UsagePrice(versions, free_units=10)
        pairs = [(0, 12), (400, -4), (600, 5)]
        usage = price_usage(price, records_of(pairs), period_us=PERIOD)
        self.assertEqual(usage.exact_amount, 3 * 7)
        pairs = [(0, 12), (600, -4), (700, 5)]
        usage = price_usage(price, records_of(pairs), period_us=PERIOD)
        self.assertEqual(usage.exact_amount, 2 * 3 + 1 * 7)


class TestChangeOfPrice(TestCase):
    def _price(self, *models, aggregation="sum"):
        starts = (0, 400, 800)
        versions = tuple(
            PriceVersion(start, model)
            for start, model in zip(starts, models, strict=False)
        )
        return UsagePrice(versions, aggregation)

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 999), quantities), max_size=8),
        st.sampled_from(MODELS[:5]),
    )
    def test_a_change_to_the_same_price_changes_nothing(self, pairs, model):
        records = records_of(pairs)
        for how in ("sum", "count", "max", "last"):
            one = price_usage(self._price(model, aggregation=how), records)
            changed = price_usage(
                self._price(model, model, model, aggregation=how),
                records,
                period_us=PERIOD,
            )
            self.assertEqual(changed.exact_amount, one.exact_amount)

    def test_standard_from_its_date(self):
        price = self._price(Standard(1), Standard(2))
        usage = price_usage(price, records_of([(399, 10), (400, 10)]), period_us=PERIOD)
        self.assertEqual(usage.amount, 30)
        keys = [line.key for line in usage.lines]
        self.assertEqual(keys, ["usage", "version-2-usage"])

    def test_graduated_keeps_its_place_in_the_tiers(self):
        dearer = [{**tier, "unit_price": tier["unit_price"] * 10} for tier in TIERS]
        price = self._price(Graduated(TIERS), Graduated(dearer))
        usage = price_usage(price, records_of([(0, 8), (500, 4)]), period_us=PERIOD)
        # 8 x 3 + fee 5; 2 x 30, then 2 x 20 + fee 1
        self.assertEqual(usage.amount, 24 + 5 + 60 + 40 + 1)

    def test_volume_has_the_tier_of_the_whole_period(self):
        price = self._price(
            Volume([{"up_to": 10, "unit_price": 3}, {"up_to": None, "unit_price": 2}]),
            Volume([{"up_to": 10, "unit_price": 6}, {"up_to": None, "unit_price": 5}]),
        )
        usage = price_usage(price, records_of([(0, 8), (500, 4)]), period_us=PERIOD)
        self.assertEqual(usage.amount, 8 * 2 + 4 * 5)

    def test_a_package_costs_what_it_cost_when_it_was_begun(self):
        price = self._price(Package(10, 1), Package(10, 7))
        usage = price_usage(price, records_of([(0, 15), (500, 10)]), period_us=PERIOD)
        self.assertEqual(usage.amount, 2 + 7)

    def test_a_peak_is_due_for_the_share_of_the_time(self):
        price = self._price(Standard(10), Standard(20), aggregation="max")
        usage = price_usage(price, records_of([(0, 3), (500, 2)]), period_us=PERIOD)
        self.assertEqual(usage.amount, Decimal(3 * (10 * 4 + 20 * 6)) / 10)

    def test_a_percentage_has_the_price_of_the_event(self):
        price = self._price(Percentage(10, 1, free_events=1), Percentage(20, 1, 1))
        usage = price_usage(price, records_of([(0, 100), (500, 50)]), period_us=PERIOD)
        self.assertEqual(usage.amount, 11)

    def test_what_cannot_be_is_refused(self):
        records = records_of([(0, 1)])
        price = self._price(Standard(1), Standard(2))
        with self.assertRaises(ValueError):
            price_usage(price, records)
        with self.assertRaises(ValueError):
            price_usage(price, records, period_us=(-5, 10))
        with self.assertRaises(ValueError):
            price_usage(price, records_of([(2000, 1)]), period_us=PERIOD)
        twice = UsagePrice((PriceVersion(0, Standard(1)), PriceVersion(0, Standard(2))))
        with self.assertRaises(ValueError):
            price_usage(twice, records, period_us=PERIOD)


class TestDifference(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(quantities, quantities, st.sampled_from(MODELS[:5]))
    def test_billed_and_difference_come_to_what_is_due(self, before, now, model):
        due, billed = model.price(now).lines, model.price(before).lines
        more = difference(due, billed)
        self.assertEqual(
            sum(line.amount for line in [*billed, *more]),
            sum(line.amount for line in due),
        )
        self.assertEqual(difference(due, due), [])
        keys = [line.key for line in more]
        self.assertEqual(len(keys), len(set(keys)))
