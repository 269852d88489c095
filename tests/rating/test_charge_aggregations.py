# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From records to a quantity: exact, in any order, each record once."""

from decimal import Decimal
from fractions import Fraction
from unittest import TestCase

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating.aggregations import AGGREGATIONS, aggregate

values = st.decimals(-(10**12), 10**12, places=8, allow_nan=False)
rows = st.lists(st.tuples(st.integers(0, 99), values), max_size=12).map(
    lambda pairs: [(f"id{n}", at, value) for n, (at, value) in enumerate(pairs)]
)


def frame_of(records):
    frame = pd.DataFrame(records, columns=["id", "at_us", "value"])
    return frame.astype({"at_us": "int64", "value": "object"})


def quantity(records, how):
    return aggregate(frame_of(records), how).quantity


def together(records, how):
    """One row for some records, as a database hands them over for an aggregation."""
    values = [value for _id, _at, value in records]
    name, at, last = in_time(records)[-1]
    value = {"max": max, "min": min, "last": lambda _values: last}.get(how, sum)
    return name, at, value(values), len(records)


class TestAggregations(TestCase):
    @settings(max_examples=40, deadline=None)
    @given(rows, st.randoms(use_true_random=False))
    def test_order_and_repetition_change_nothing(self, records, shuffle):
        again = records + [shuffle.choice(records) for _ in records]
        shuffle.shuffle(again)
        for how in AGGREGATIONS:
            self.assertEqual(quantity(records, how), quantity(again, how), how)
        one = aggregate(frame_of(again), "sum", with_events=True)
        self.assertEqual(one.events, tuple(Fraction(r[2]) for r in in_time(records)))

    @settings(max_examples=40, deadline=None)
    @given(rows)
    def test_are_what_they_say(self, records):
        numbers = [Fraction(value) for _id, _at, value in in_time(records)]
        total = sum(numbers, Fraction(0))
        self.assertEqual(quantity(records, "sum"), total)
        self.assertEqual(quantity(records, "count"), len(records))
        self.assertEqual(quantity(records, "max"), max(numbers, default=0))
        self.assertEqual(quantity(records, "min"), min(numbers, default=0))
        self.assertEqual(quantity(records, "last"), numbers[-1] if numbers else 0)
        self.assertEqual(quantity(records, "unique"), len(set(numbers)))
        average = total / len(numbers) if numbers else 0
        self.assertEqual(quantity(records, "average"), average)

    @settings(max_examples=40, deadline=None)
    @given(rows, st.integers(0, 12))
    def test_parts_of_the_period_add_up(self, records, cut):
        for how in ("sum", "count"):
            parts = quantity(records[:cut], how) + quantity(records[cut:], how)
            self.assertEqual(parts, quantity(records, how))

    @settings(max_examples=80, deadline=None)
    @given(rows, st.data())
    def test_rows_that_stand_for_several_come_to_the_same(self, records, data):
        parts = {}
        for record in records:
            parts.setdefault(data.draw(st.integers(0, 3)), []).append(record)
        distinct = {value: (str(value), 0, value, 1) for _id, _at, value in records}
        for how in AGGREGATIONS:
            found = [together(part, how) for part in parts.values()]
            if how == "unique":
                found = list(distinct.values())
            frame = pd.DataFrame(found, columns=["id", "at_us", "value", "records"])
            one = aggregate(frame.astype({"at_us": "int64", "value": "object"}), how)
            self.assertEqual(one.quantity, quantity(records, how), how)
            if how != "unique":
                self.assertEqual(one.count, len(records), how)

    def test_tenths_are_tenths(self):
        records = [(n, n, Decimal("0.1")) for n in range(10)]
        self.assertEqual(quantity(records, "sum"), 1)

    def test_ties_in_time_are_decided_by_the_id(self):
        records = [("b", 5, 1), ("a", 5, 2), ("c", 1, 3)]
        self.assertEqual(quantity(records, "last"), 1)

    def test_integers_of_any_size(self):
        frame = pd.DataFrame({"id": [1, 2], "at_us": [0, 0], "value": [2**62, 2**62]})
        self.assertEqual(aggregate(frame).quantity, 2**63)

    def test_unique_of_texts(self):
        self.assertEqual(quantity([(1, 0, "x"), (2, 0, "y"), (3, 0, "x")], "unique"), 2)

    def test_what_cannot_be_is_refused(self):
        with self.assertRaises(TypeError):
            quantity([(1, 0, 0.1)], "sum")
        with self.assertRaisesRegex(ValueError, "same id|have the id"):
            quantity([(1, 0, 1), (1, 0, 2)], "sum")
        with self.assertRaises(ValueError):
            quantity([], "median")


def in_time(records):
    return sorted(records, key=lambda record: (record[1], record[0]))
