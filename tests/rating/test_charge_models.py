# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Charge models: what must hold for every price that an operator can write down."""

from decimal import Decimal
from fractions import Fraction
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating.charge_models import (
    CHARGE_MODELS,
    Graduated,
    GraduatedPercentage,
    Package,
    Percentage,
    Stairstep,
    Standard,
    Volume,
    charge_model,
)

amounts = st.decimals(0, 10**6, places=6, allow_nan=False)
quantities = st.one_of(
    st.integers(0, 1000).map(Decimal), st.decimals(0, 1000, places=6)
)


@st.composite
def tier_rows(draw, fees=amounts):
    ends = sorted(draw(st.sets(st.integers(1, 500), max_size=5)))
    return [
        {"up_to": end, "unit_price": draw(amounts), "flat_fee": draw(fees)}
        for end in [*ends, None]
    ]


def slowly(rows, quantity):
    """Return a graduated price without fees, ten thousandth by ten thousandth."""
    total = Decimal(0)
    for step in range(int(quantity * 100)):
        begin = Decimal(step) / 100
        row = next(r for r in rows if r["up_to"] is None or begin < r["up_to"])
        total += row["unit_price"] / 100
    return total


class TestEveryModel(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(tier_rows(), quantities, amounts)
    def test_lines_come_to_the_amount_exactly(self, rows, quantity, price):
        steps = [{"up_to": r["up_to"], "flat_fee": r["flat_fee"]} for r in rows]
        rates = [{"up_to": r["up_to"], "rate": r["unit_price"]} for r in rows]
        for model in (
            Standard(price),
            Graduated(rows),
            Volume(rows),
            Package(7, price, 3),
            Stairstep(steps),
            Percentage("2.9", price, 1, 10),
            GraduatedPercentage(rates),
        ):
            charge = model.price(quantity)
            keys = [line.key for line in charge.lines]
            self.assertEqual(len(keys), len(set(keys)))
            total = sum(line.quantity * line.unit_price for line in charge.lines)
            self.assertEqual(charge.amount, total)
            self.assertIsInstance(charge.amount, Fraction)
            for line in charge.lines:
                quantity_and_price = line.decimals()
                self.assertEqual(
                    quantity_and_price[0] * quantity_and_price[1], line.amount
                )
            for step in charge.steps:
                self.assertTrue(step.text)
            if charge.steps and model.name not in ("graduated", "graduated_percentage"):
                self.assertEqual(Fraction(charge.steps[0].values["amount"]), total)

    def test_binary_floats_are_refused(self):
        with self.assertRaises(TypeError):
            Standard(0.1)
        with self.assertRaises(TypeError):
            Standard("0.1").price(0.5)
        with self.assertRaises(TypeError):
            Standard(True)
        for text in ("", "a", "1/3", "NaN", "Infinity"):
            with self.assertRaises(ValueError):
                Standard(text)

    def test_a_negative_quantity_has_no_tier(self):
        for model in (Graduated(rows_of(1)), Volume(rows_of(1)), Package(10, 1)):
            with self.assertRaisesRegex(ValueError, "negative"):
                model.price(-1)
        self.assertEqual(Standard(2).price(-1).amount, -2)

    def test_models_by_name(self):
        for name, model in CHARGE_MODELS.items():
            self.assertEqual(model.name, name)
        self.assertEqual(charge_model("standard", unit_price=2).price(3).amount, 6)
        with self.assertRaisesRegex(ValueError, "unknown"):
            charge_model("Standard")


def rows_of(*prices):
    """Return tiers of 10 units each with unit prices."""
    ends = [10 * n for n in range(1, len(prices))] + [None]
    return [
        {"up_to": end, "unit_price": price}
        for end, price in zip(ends, prices, strict=True)
    ]


class TestGraduated(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(tier_rows(st.just(0)), quantities, quantities)
    def test_without_fees_it_never_falls(self, rows, one, other):
        low, high = sorted((one, other))
        model = Graduated(rows)
        self.assertLessEqual(model.price(low).amount, model.price(high).amount)

    @settings(max_examples=60, deadline=None)
    @given(tier_rows(st.just(0)), st.integers(1, 500))
    def test_without_fees_it_is_continuous(self, rows, quantity):
        model, little = Graduated(rows), Fraction(1, 10**12)
        dearest = max(Fraction(row["unit_price"]) for row in rows)
        step = model.price(quantity + little).amount - model.price(quantity).amount
        self.assertLessEqual(step, dearest * little)
        self.assertGreaterEqual(step, 0)

    @settings(max_examples=60, deadline=None)
    @given(tier_rows(st.just(0)), st.decimals(0, 30, places=2))
    def test_is_the_sum_of_its_units(self, rows, quantity):
        self.assertEqual(Graduated(rows).price(quantity).amount, slowly(rows, quantity))

    @settings(max_examples=60, deadline=None)
    @given(st.lists(quantities, max_size=5), amounts)
    def test_parts_come_to_the_whole_of_a_linear_model(self, parts, price):
        for model in (Standard(price), Graduated(rows_of(price))):
            parts_priced = sum(model.price(part).amount for part in parts)
            self.assertEqual(parts_priced, model.price(sum(parts)).amount)

    def test_the_hundred_and_first_text(self):
        model = Graduated(
            [{"up_to": 100}, {"up_to": None, "unit_price": Decimal("0.05")}]
        )
        self.assertEqual(model.price(100).amount, 0)
        self.assertEqual(model.price(101).amount, Fraction("0.05"))

    def test_a_fee_is_due_when_the_tier_is_entered(self):
        rows = [{"up_to": 5, "flat_fee": 1}, {"up_to": None, "flat_fee": 2}]
        for quantity, amount in ((0, 1), (5, 1), ("5.001", 3), (99, 3)):
            self.assertEqual(Graduated(rows).price(quantity).amount, amount)
        self.assertEqual(Graduated(rows, fee_at_zero=False).price(0).amount, 0)

    def test_lines_have_stable_keys(self):
        rows = [{"up_to": 5, "unit_price": 1, "flat_fee": 1}, {"up_to": None}]
        keys = [line.key for line in Graduated(rows).price(7).lines]
        self.assertEqual(keys, ["tier-1-usage", "tier-1-flat"])


class TestVolume(TestCase):
    def test_a_unit_more_may_cost_less(self):
        model = Volume(rows_of(3, 1))
        self.assertEqual(model.price(10).amount, 30)
        self.assertEqual(model.price(11).amount, 11)

    @settings(max_examples=60, deadline=None)
    @given(tier_rows(), quantities)
    def test_is_the_price_of_one_tier(self, rows, quantity):
        row = next(r for r in rows if r["up_to"] is None or quantity <= r["up_to"])
        amount = quantity * row["unit_price"] + row["flat_fee"]
        self.assertEqual(Volume(rows).price(quantity).amount, amount)


class TestPackage(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 10**6), st.integers(1, 1000), st.integers(0, 1000))
    def test_a_started_package_is_a_whole_one(self, quantity, size, free):
        amount = Package(size, 2, free).price(quantity).amount
        paid = max(quantity - free, 0)
        self.assertEqual(amount, 2 * (paid // size + (paid % size > 0)))

    def test_half_a_unit_above_is_a_package(self):
        self.assertEqual(Package(10, 1).price("10.000001").amount, 2)

    def test_wrong_packages_are_refused(self):
        for values in ((0, 1), (-1, 1), (1, 1, -1)):
            with self.assertRaises(ValueError):
                Package(*values)
        with self.assertRaises(ValueError):
            Package(1, 1, rounding="sideways")


class TestStairstep(TestCase):
    def test_one_price_for_the_step(self):
        model = Stairstep(
            [{"up_to": 10, "flat_fee": 50}, {"up_to": None, "flat_fee": 80}]
        )
        for quantity, amount in ((0, 50), (1, 50), (10, 50), ("10.5", 80), (99, 80)):
            self.assertEqual(model.price(quantity).amount, amount)


class TestPercentage(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(st.lists(amounts, min_size=1, max_size=8), amounts, amounts)
    def test_events_come_to_the_total(self, events, rate, fee):
        charge = Percentage(rate, fee).price(sum(events), events)
        expected = sum(events) * rate / 100 + (len(events) * fee if sum(events) else 0)
        self.assertEqual(charge.amount, Fraction(expected))

    @settings(max_examples=60, deadline=None)
    @given(st.lists(amounts, min_size=1, max_size=8), st.integers(0, 9))
    def test_the_first_events_are_free(self, events, free):
        charge = Percentage(10, 1, free_events=free).price(sum(events), events)
        paid = events[free:]
        expected = sum(paid) / 10 + len(paid) if sum(events) else 0
        self.assertEqual(charge.amount, Fraction(expected))

    def test_an_event_within_the_free_amount_pays_no_fee(self):
        model = Percentage(10, 1, free_amount=100)
        self.assertEqual(model.price(100, [60, 40]).amount, 0)
        # of the second event 20 are above
        self.assertEqual(model.price(120, [60, 60]).amount, 3)

    def test_minimum_and_maximum_hold_for_the_event(self):
        model = Percentage("2.99", 0, event_minimum="1.75", event_maximum=12)
        charge = model.price(10090, [10, 80, 10000])
        self.assertEqual(charge.amount, Fraction("1.75") + Fraction("2.392") + 12)

    def test_events_and_quantity_agree(self):
        with self.assertRaisesRegex(ValueError, "add up to 3"):
            Percentage(1).price(4, [1, 2])

    def test_wrong_limits_are_refused(self):
        with self.assertRaises(ValueError):
            Percentage(1, event_minimum=2, event_maximum=1)
        with self.assertRaises(ValueError):
            Percentage(1, free_events=-1)
