# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Thresholds are told once, whatever the order of records and what is taken back."""

from fractions import Fraction
from itertools import accumulate
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from ...rating.thresholds import Threshold, newly_reached

AMOUNTS = st.integers(0, 400).map(lambda cents: Fraction(cents, 4))
THRESHOLDS = st.lists(
    st.tuples(st.integers(1, 300), st.integers(0, 60)), max_size=5
).map(
    lambda pairs: [
        Threshold(key, Fraction(value), Fraction(step))
        for key, (value, step) in enumerate(pairs)
    ]
)


def tell(thresholds, figures):
    """Everything that is told while a figure moves, in order."""
    told = []
    for figure in figures:
        told += [
            (threshold.key, level)
            for threshold, level in newly_reached(thresholds, figure, told)
        ]
    return told


def reached_in_the_end(thresholds, told):
    """Threshold -> the highest level of it that is told, whoever told it."""
    levels = {level for _key, level in told}
    return {
        threshold.key: max(
            (
                level
                for level in levels
                if level >= threshold.value
                and (
                    (level - threshold.value) % threshold.step == 0
                    if threshold.step
                    else level == threshold.value
                )
            ),
            default=None,
        )
        for threshold in thresholds
    }


class TestThresholds(TestCase):
    @given(THRESHOLDS, st.lists(AMOUNTS, max_size=12), st.randoms())
    def test_split_and_order_change_nothing(self, thresholds, amounts, random):
        shuffled = random.sample(amounts, len(amounts))
        one_by_one = tell(thresholds, accumulate(shuffled))
        at_once = tell(thresholds, [sum(amounts, Fraction(0))])
        self.assertEqual(
            reached_in_the_end(thresholds, one_by_one),
            reached_in_the_end(thresholds, at_once),
        )

    @given(THRESHOLDS, st.lists(AMOUNTS, max_size=12))
    def test_nothing_is_told_twice_nor_downwards(self, thresholds, figures):
        told = tell(thresholds, figures)
        levels = [level for _key, level in told]
        self.assertEqual(len(set(levels)), len(levels))
        for threshold in thresholds:
            for place, (key, level) in enumerate(told):
                above = [one for one in levels[:place] if one >= level]
                if key == threshold.key:
                    self.assertFalse(
                        [one for one in above if threshold.level(one) == one]
                    )
        highest = max(figures, default=Fraction(0))
        self.assertTrue(all(level <= highest for level in levels))
        if any(threshold.value <= highest for threshold in thresholds):
            self.assertTrue(told)

    def test_known_figures(self):
        thresholds = [Threshold(value, Fraction(value)) for value in (50, 80, 100)]
        for figures, levels in (
            ([49, 50, 51], [50]),
            ([100, 40, 100], [50, 80, 100]),
            ([85, 40, 120], [50, 80, 100]),
            ([0], []),
        ):
            with self.subTest(figures=figures):
                told = tell(thresholds, map(Fraction, figures))
                self.assertEqual([level for _key, level in told], levels)

    def test_steps(self):
        told = tell(
            [Threshold("a", Fraction(100), Fraction(50))],
            map(Fraction, (99, 149, 260, 120, 299, 300)),
        )
        self.assertEqual(told, [("a", 100), ("a", 250), ("a", 300)])

    def test_a_threshold_that_was_entered_again_is_not_told_again(self):
        told = [(None, Fraction(80))]
        self.assertEqual(
            newly_reached([Threshold(9, Fraction(80))], Fraction(90), told), []
        )
