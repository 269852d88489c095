# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The order of a file tells the two hours apart that have the same name."""

import unittest

import numpy as np
import pandas as pd

from odoo.addons.metered_billing.ingest.times import read_times
from odoo.addons.metered_billing.ingest.told_hours import told_hours

ZONE = "Europe/Berlin"
HOURS = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
UTC = ["23:30", "00:00", "00:30", "01:00", "01:30", "02:00"]


class TestToldHours(unittest.TestCase):
    def told(self, *clocks, keys=None):
        texts = [f"2026-10-25 {clock}:00" for clock in clocks]
        first, _valid, twice = read_times(texts, "auto", ZONE)
        second, _valid, _twice = read_times(texts, "auto", ZONE, later=True)
        keys = np.zeros(len(texts), np.int64) if keys is None else np.array(keys)
        moments, still = told_hours(keys, first, second, twice)
        shown = pd.DatetimeIndex(moments.view("datetime64[us]")).strftime("%H:%M")
        return [
            None if open_ else text for text, open_ in zip(shown, still, strict=True)
        ]

    def test_in_the_order_of_time(self):
        self.assertEqual(self.told(*HOURS), UTC)
        # Of two meters, one after the other or by turns.
        both = [clock for clock in HOURS for _meter in range(2)]
        self.assertEqual(
            self.told(*both, keys=[0, 1] * len(HOURS)),
            [text for text in UTC for _meter in range(2)],
        )
        self.assertEqual(
            self.told(*HOURS, *HOURS, keys=[0] * 6 + [1] * 6), [*UTC, *UTC]
        )

    def test_what_the_order_does_not_tell(self):
        for clocks in (
            ["02:00", "02:30", "03:00"],
            ["03:00", "02:30", "02:00", "01:30"],
            ["02:30", "02:00", "02:30", "02:00"],
            ["02:00", "02:00", "02:30", "02:30"],
            ["01:30", "02:00", "03:00", "02:00"],
        ):
            told = self.told(*clocks)
            self.assertTrue(
                all(
                    text is None
                    for text, clock in zip(told, clocks, strict=True)
                    if clock.startswith("02")
                ),
                clocks,
            )
        self.assertEqual(self.told("02:00", "02:00", keys=[-1, -1]), [None, None])
