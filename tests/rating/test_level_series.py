# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A level as it is drawn is the level that is billed, second by second."""

from fractions import Fraction
from unittest import TestCase

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating.level_series import (
    gaps_of,
    moments,
    spans_of,
    steps_of,
)

from .test_levels import END, START, found, gaps, longest, samples, second_by_second

bounds = st.sets(st.integers(START + 1, END - 1), max_size=5).map(
    lambda inner: [START, *sorted(inner), END]
)


class TestLevelSeries(TestCase):
    @given(samples, longest, gaps)
    def test_steps(self, rows, longest_us, gap):
        seconds = second_by_second(rows, longest_us, gap)
        steps = dict(steps_of(found(rows, longest_us, gap), END))
        drawn, level = [], None
        for second in range(START, END):
            level = steps.get(second, level)
            drawn.append(level)
        self.assertEqual(drawn, seconds)

    @given(samples, longest, gaps, bounds)
    def test_spans(self, rows, longest_us, gap, bounds):
        seconds = second_by_second(rows, longest_us, gap)
        expected = []
        for begin, end in zip(bounds, bounds[1:], strict=False):
            known = [s for s in seconds[begin - START : end - START] if s is not None]
            expected.append(
                (min(known), max(known), Fraction(sum(known)) / len(known))
                if known
                else None
            )
        self.assertEqual(spans_of(found(rows, longest_us, gap), bounds), expected)

    @given(samples, longest)
    def test_gaps(self, rows, longest_us):
        """Of one series a gap is where `leave_out` knows nothing after its begin."""
        rows = [row for row in rows if row[0] == "a"]
        frame = pd.DataFrame(rows, columns=["series", "id", "at_us", "value"])
        frame = frame.astype({"at_us": "int64"})
        begins = min((row[2] for row in rows), default=END)
        seconds = second_by_second(rows, longest_us, "leave_out")
        missing = [
            second
            for second, level in enumerate(seconds, START)
            if level is None and second >= begins
        ]
        drawn = gaps_of(frame, START, END, longest_us)
        covered = [second for begin, end in drawn for second in range(begin, end)]
        self.assertEqual(covered, missing)
        self.assertEqual(
            found(rows, longest_us).gap_us, sum(end - begin for begin, end in drawn)
        )

    def test_samples_that_do_not_continue(self):
        levels = moments(np.array([30, 10, 10]), np.array([5, 2, 9]))
        self.assertEqual(
            spans_of(levels, [0, 10, 11, 31]),
            [None, (2, 9, Fraction(11, 2)), (5, 5, 5)],
        )

    def test_large_levels_are_exact(self):
        levels = found([("a", 1, START, 10**15 + 1), ("a", 2, START + 1, 10**15)])
        [(low, high, average)] = spans_of(levels, [START, START + 10**9])
        self.assertEqual((low, high), (10**15, 10**15 + 1))
        self.assertEqual(average, Fraction(10**15 * 60 + 1, 60))
