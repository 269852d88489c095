# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Graphs by hours say what the samples say, thinned or not."""

import random
from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.metered_billing.models.level import metered_level_bands
from odoo.addons.metered_billing.rating import level_hours

from .test_level_series_stored import LevelCase, utc

DEVICES = ['"{""device"": ""a""}"', '"{""device"": ""b""}"']


@tagged("post_install", "-at_install")
class TestLevelBands(LevelCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        chance = random.Random(8)
        cls.level.level_property = "device"
        cls.level.most_hours_held = 5
        begin = datetime(2026, 9, 28)
        cls.sample(
            *(
                (
                    str(begin + timedelta(minutes=chance.randrange(12 * 1440))),
                    chance.randrange(-50, 900) / 100,
                    chance.choice(DEVICES),
                )
                for _number in range(400)
            ),
            columns="properties",
        )

    def assert_same(self, *span, **asked):
        with patch.object(metered_level_bands, "FEW_SAMPLES", 10**9):
            expected = self.series(*span, **asked)
        with patch.object(metered_level_bands, "FEW_SAMPLES", 0):
            found = self.series(*span, **asked)
        self.assertEqual(found, expected)
        return found

    def test_hours_and_days_of_every_policy(self):
        span = utc(2026, 10, 1), utc(2026, 10, 8, 3)
        for is_stored in (False, True):
            if is_stored:
                self.env["metered.level.mark"]._store_marked()
            for policy in ("hold", "zero", "leave_out"):
                self.level.gap_policy = policy
                with self.subTest(policy, is_stored=is_stored):
                    # not by step: there are more of these than hours
                    found = self.assert_same(*span, most=200)
                    self.assertEqual(found["step"], "hour")
                    self.assertTrue(found["gaps"])
                    # half an hour beside the hours of the world
                    self.assert_same(*span, zone="Asia/Kolkata", step="day")
        self.level.most_hours_held = 0
        self.assertFalse(self.assert_same(*span, most=200)["gaps"])

    def test_where_too_many_would_have_to_be_read(self):
        span = utc(2026, 10, 1), utc(2026, 10, 8)
        exact = self.assert_same(*span, step="day")
        self.assertTrue(exact["is_exact"])
        with (
            patch.object(metered_level_bands, "FEW_SAMPLES", 0),
            patch.object(level_hours, "MOST_SAMPLES", 0),
        ):
            found = self.series(*span, step="day")
        self.assertFalse(found["is_exact"])
        for one, other in zip(found["rows"], exact["rows"], strict=True):
            self.assertLessEqual(float(one[1]), float(other[1]))
            self.assertGreaterEqual(float(one[2]), float(other[2]))
            # Sums need no order.
            self.assertEqual(one[3], other[3])
