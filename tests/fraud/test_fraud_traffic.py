# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Sums of calls: the same in whatever order and portions, and of every second."""

from unittest import TestCase

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing import fraud
from odoo.addons.metered_billing.fraud.profile import hour_sums
from odoo.addons.metered_billing.rating import number_keys

from ..support.fraud_calls import MONDAY, calls

some_calls = st.lists(
    st.tuples(
        st.integers(0, 3 * 86_400),
        st.integers(0, 8000),
        st.integers(1, 3),
        st.integers(0, 4),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


def frame(rows):
    return pd.concat(
        [
            calls([MONDAY + at], [seconds], zone, zone * 10, partner, rang)
            for at, seconds, partner, zone, rang in rows
        ],
        ignore_index=True,
    )


class TestTraffic(TestCase):
    @settings(max_examples=30, deadline=None)
    @given(some_calls, st.integers(0, 25), st.randoms())
    def test_order_and_portions(self, rows, cut, random):
        whole = fraud.tally(frame(rows))
        random.shuffle(rows)
        parts = [fraud.tally(frame(part)) for part in (rows[:cut], rows[cut:]) if part]
        for kind, columns in enumerate((fraud.QUARTER_COLUMNS, fraud.RANGE_COLUMNS)):
            added = fraud.add_up(*(part[kind] for part in parts))
            pd.testing.assert_frame_equal(added, whole[kind])
            packed = [
                (*key, rows[list(columns)].to_numpy(np.int64).tobytes())
                for key, rows in added.groupby(list(fraud.KEYS))
            ]
            pd.testing.assert_frame_equal(fraud.unpack(packed, columns), added)

    @settings(max_examples=30, deadline=None)
    @given(some_calls)
    def test_nothing_is_lost(self, rows):
        some = frame(rows)
        quarters, ranges = fraud.tally(some)
        out = some[some["rang"] == 0]
        self.assertEqual(quarters["calls"].sum(), len(out))
        for name in ("talk", "charge"):
            self.assertEqual(quarters[name].sum(), out[name].sum())
        self.assertLessEqual(quarters["talk"].max() if len(quarters) else 0, 900 * 25)
        watched = out[out["zone"] > 0]
        self.assertEqual(ranges["charge"].sum(), watched["charge"].sum())
        self.assertEqual(
            ranges["rang"].sum(), ((some["zone"] > 0) & (some["rang"] > 0)).sum()
        )

    @settings(max_examples=30, deadline=None)
    @given(some_calls)
    def test_an_hour_is_four_quarters(self, rows):
        quarters, _ranges = fraud.tally(frame(rows))
        sums = zip(quarters.itertuples(), *hour_sums(quarters), strict=True)
        for row, total, top in sums:
            mine = quarters[quarters["partner_id"] == row.partner_id]
            mine = mine[mine["quarter"].between(row.quarter - 3, row.quarter)]
            self.assertEqual(total, mine["charge"].sum())
            self.assertEqual(top, mine["top"].max())

    def test_ranges(self):
        numbers = ["+37282123456", "+8816123", "911", None, "+1"]
        digits = np.array([11, 7, 3, 0, 1], np.int64)
        found = fraud.ranges_of(number_keys(numbers), digits).tolist()
        self.assertEqual(found, [3728212, 881, 0, 0, 1])
