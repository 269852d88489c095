# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Hours instead of samples, and samples where the hours do not tell: one course."""

from decimal import Decimal
from fractions import Fraction
from functools import partial
from unittest import TestCase
from unittest.mock import patch

import numpy as np
import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating import level_hours
from odoo.addons.metered_billing.rating.level_hours import (
    HOUR_US,
    bands_of,
    gaps_of,
    level_by_hours,
)
from odoo.addons.metered_billing.rating.level_series import spans_of
from odoo.addons.metered_billing.rating.levels import GAPS, OF_LEVELS, levels_of

from ..support.hours_by_hand import hours_by_hand

QUARTER = HOUR_US // 4
START, END = 4 * HOUR_US, 10 * HOUR_US
#: in hundredths, so that ids tell which part a sample was told in
samples = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(0, 12 * 8).map(lambda at: at * HOUR_US // 8),
        st.integers(-200, 900).map(lambda cents: Decimal(cents) / 100),
        st.booleans(),
    ),
    max_size=14,
)
longest = st.none() | st.integers(1, 20).map(lambda eighths: eighths * HOUR_US // 8)
edges = st.lists(
    st.integers(17, 39).map(lambda at: at * QUARTER), max_size=3, unique=True
).map(lambda some: [START, *sorted(some), END])


def frame_of(rows):
    frame = pd.DataFrame(
        [(series, n, at, value) for n, (series, at, value, _part) in enumerate(rows)],
        columns=["series", "id", "at_us", "value"],
    )
    return frame.astype({"at_us": "int64", "value": "object"})


def hours_in_parts(frame, rows, longest_us):
    """Hours of samples that were told in two parts, as usage of one day may be."""
    in_part = np.array([part for *_rest, part in rows], bool)
    parts = [frame[in_part], frame[~in_part]]
    return pd.concat([hours_by_hand(part, longest_us, 100) for part in parts])


def samples_of(frame, spans):
    """The samples of some spans of time."""
    at = frame["at_us"]
    return frame[sum(((at >= b) & (at < e)) for b, e in spans) > 0]


def told(bands):
    """Bands as ``level_series.spans_of`` tells them."""
    rows = zip(
        bands.lowest.tolist(), bands.highest.tolist(), bands.averages(), strict=True
    )
    return [
        None
        if average is None
        else (Fraction(low, bands.per_unit), Fraction(high, bands.per_unit), average)
        for low, high, average in rows
    ]


class TestLevelHours(TestCase):
    @settings(max_examples=80, deadline=None)
    @given(samples, longest, st.sampled_from(GAPS), edges)
    def test_equals_the_samples_themselves(self, rows, longest_us, gap, edges_us):
        frame = frame_of(rows)
        hours = hours_in_parts(frame, rows, longest_us)
        asked = []

        def read(spans):
            asked.extend(spans)
            return samples_of(frame, spans)

        found = bands_of(hours, edges_us, longest_us, gap, 100, read)
        levels = levels_of(frame, START, END, longest_us, gap)
        self.assertTrue(found.is_exact.all())
        self.assertEqual(int(found.known_us.sum()), levels.known_us)
        self.assertEqual(told(found), spans_of(levels, edges_us))
        if not len({series for series, *_rest in rows}) > 1:
            # One series whose hours were told at once needs none of its samples.
            cut = [edge for edge in edges_us if edge % HOUR_US]
            self.assertTrue(not asked or cut or any(row[3] for row in rows))

    @settings(max_examples=80, deadline=None)
    @given(samples, longest, st.sampled_from(GAPS), st.sampled_from(OF_LEVELS))
    def test_a_period_comes_to_the_same(self, rows, longest_us, gap, how):
        frame = frame_of(rows)
        hours = hours_in_parts(frame, rows, longest_us)
        read = partial(samples_of, frame)
        for period in ((START, END), (START + QUARTER, END - QUARTER)):
            found = level_by_hours(hours, period, how, longest_us, gap, 100, read)
            levels = levels_of(frame, *period, longest_us, gap)
            if found or (how == "max" and not longest_us):
                self.assertEqual(found, (*levels.comes_to(how), levels.gap_us))

    @settings(max_examples=30, deadline=None)
    @given(samples, longest, st.sampled_from(GAPS))
    @example(
        [("a", 0, Decimal(0), False), ("b", 14_850_000_000, Decimal("0.01"), False)],
        None,
        "leave_out",
    )
    def test_without_samples_the_band_is_wide_enough(self, rows, longest_us, gap):
        frame, edges_us = frame_of(rows), [START, END]
        hours = hours_by_hand(frame, longest_us, 100)
        with patch.object(level_hours, "MOST_SAMPLES", 0):
            found = bands_of(
                hours, edges_us, longest_us, gap, 100, lambda _s: frame[:0]
            )
        levels = levels_of(frame, START, END, longest_us, gap)
        [span], [exact] = told(found), spans_of(levels, edges_us)
        if span and exact:
            self.assertLessEqual(span[0], exact[0])
            self.assertGreaterEqual(span[1], exact[1])
        if found.is_exact[0]:
            self.assertEqual(span, exact)

    def test_gaps(self):
        frame = frame_of([("a", START, 1, True), ("a", START + 3 * HOUR_US, 1, True)])
        hours = hours_by_hand(frame, HOUR_US, 1)
        self.assertEqual(
            gaps_of(hours, START, END, HOUR_US),
            [(START + HOUR_US, START + 3 * HOUR_US), (START + 4 * HOUR_US, END)],
        )
        self.assertEqual(gaps_of(hours, START, END, None), [])
