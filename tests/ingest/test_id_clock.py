# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Ids that contain the time, beside a time zone that is not the switch's."""

import unittest

import numpy as np
import pyarrow as pa

from odoo.addons.metered_billing.ingest.id_clock import id_clock

HOUR_US = 3_600_000_000
#: 2026-10-05 14:00:00 UTC
BEGUN = 1_791_208_800


class TestIdClock(unittest.TestCase):
    def apart(self, ids, seconds, valid=None):
        start = np.array(seconds, np.int64) * 1_000_000
        valid = np.ones(len(ids), bool) if valid is None else valid
        return id_clock(pa.array(ids, pa.string()), start, valid) / HOUR_US

    def test_asterisk(self):
        ids = [f"pbx-{BEGUN + n}.{n}" for n in range(20)]
        for hours in (2, 0, -5, 5.75):
            with self.subTest(hours):
                seconds = [int(BEGUN + n + hours * 3600) for n in range(20)]
                self.assertEqual(self.apart(ids, seconds), hours)

    def test_netsapiens(self):
        ids = [f"202610051400{n:02}{n * 7919:06}" for n in range(20)]
        seconds = [BEGUN + n - 7200 for n in range(20)]
        self.assertEqual(self.apart(ids, seconds), -2)

    def test_joined_with_a_sequence(self):
        ids = [f"{BEGUN + n}.{n}-{n}" for n in range(9)]
        self.assertEqual(self.apart(ids, [BEGUN + n + 3600 for n in range(9)]), 1)

    def test_what_is_no_time_says_nothing(self):
        for ids in (
            [str(n) for n in range(20)],
            [""] * 20,
            [f"a{n:032x}" for n in range(20)],
            # Ten digits that are telephone numbers, all over the place.
            [f"1404555{n:04}" for n in range(0, 10_000, 500)],
        ):
            with self.subTest(ids[-1]):
                self.assertEqual(self.apart(ids, [BEGUN + 7200] * 20), 0)

    def test_only_what_most_say(self):
        ids = [f"{BEGUN + n}.{n}" for n in range(20)]
        mixed = [BEGUN + n + 3600 * (n % 2) for n in range(20)]
        self.assertEqual(self.apart(ids, mixed), 0)
        few = [*ids[:10], *(str(n) for n in range(10))]
        self.assertEqual(self.apart(few, [BEGUN + n + 3600 for n in range(20)]), 0)
        self.assertEqual(self.apart(ids, [BEGUN + 3600] * 20, np.zeros(20, bool)), 0)
