# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A chunk's sums by customer, subscription, meter, day and currency are pandas' own."""

import unittest

import numpy as np
import pandas as pd

from odoo.addons.metered_billing.ingest.outcome import USAGE_KEYS, USAGE_SUMS, sum_usage


class TestUsageSums(unittest.TestCase):
    def check(self, count, *values):
        random = np.random.default_rng(count)
        cdrs = {name: random.choice(values, count) for name in USAGE_KEYS}
        cdrs |= {
            name: random.integers(-(10**15), 10**15, count)
            for name in USAGE_SUMS.values()
        }
        cdrs["billable"] = random.random(count) < 0.9
        usage_of, usage = sum_usage(cdrs)
        rows = pd.DataFrame(cdrs)
        sums = (
            rows[rows["billable"]]
            .groupby(list(USAGE_KEYS))
            .agg(
                records=("billable", "size"),
                **{name: (of, "sum") for name, of in USAGE_SUMS.items()},
            )
        )
        expected = sums.reset_index()
        pd.testing.assert_frame_equal(usage, expected, check_dtype=False)
        self.assertEqual((usage_of < 0).tolist(), (~cdrs["billable"]).tolist())
        for name in USAGE_KEYS:
            own = usage[name].to_numpy()[usage_of[cdrs["billable"]]]
            self.assertEqual(own.tolist(), cdrs[name][cdrs["billable"]].tolist())

    def test_small_ids(self):
        for count in (1, 2, 1000):
            self.check(count, 0, 1, 7)

    def test_any_ids(self):
        """More bits than one number has: of five keys, and of days before 1970."""
        self.check(5000, -(2**31), -1, 0, 2**31 - 1)

    def test_none(self):
        for billable in ([], [False]):
            cdrs = {
                name: np.zeros(len(billable), np.int64)
                for name in (*USAGE_KEYS, *USAGE_SUMS.values())
            }
            usage_of, usage = sum_usage({**cdrs, "billable": np.array(billable, bool)})
            self.assertEqual(len(usage), 0)
            self.assertEqual(usage_of.tolist(), [-1] * len(billable))
