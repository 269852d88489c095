# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Known kinds of fraud, and customers that only look like it.

How many calls and how much money until the alarm stands in ``docs/fraud.md``.
"""

from unittest import TestCase

import numpy as np
import pandas as pd

from odoo.addons.metered_billing import fraud

from ..support.fraud_calls import (
    DAY,
    FAR,
    HOUR,
    ISLAND,
    MONDAY,
    NEIGHBOR,
    PREMIUM,
    UNIT,
    Guard,
    call_centre,
    calls,
    office,
    office_guard,
)

SEEDS = range(3)
#: the sixth Saturday
SATURDAY = 40


def reasons(found):
    return {finding.reason for finding in found}


class TestScenarios(TestCase):
    def test_hacked_at_night(self):
        """Eight lines dial an island from 2:00 on a Saturday, all the time."""
        for seed in SEEDS:
            with self.subTest(seed=seed):
                rng = np.random.default_rng(seed)
                guard = office_guard(rng, SATURDAY)
                begin = MONDAY + SATURDAY * DAY + 2 * HOUR
                starts = np.concatenate(
                    [begin + line * 7 + np.arange(40) * 200 for line in range(8)]
                )
                ranges = ISLAND * 10_000 + rng.integers(0, 3, len(starts))
                attack = calls(
                    starts, rng.integers(120, 190, len(starts)), ISLAND, ranges
                )
                found, count, charge, minutes = guard.until_alarm(attack)
                self.assertTrue(reasons(found) & {"hour", "at_once", "one_range"})
                self.assertLessEqual(minutes, 15)
                self.assertLess(charge, 60)
                self.assertLess(count, 30)

    def test_hacked_to_premium_by_day(self):
        """Three lines among honest calls of a Wednesday morning."""
        for seed in SEEDS:
            with self.subTest(seed=seed):
                rng = np.random.default_rng(seed)
                day = SATURDAY + 4
                guard = office_guard(rng, day)
                begin = MONDAY + day * DAY + 10 * HOUR
                starts = begin + np.repeat(np.arange(20) * 190, 3)
                attack = calls(starts, 180, PREMIUM)
                honest = office(rng, day)
                found, _count, _charge, minutes = guard.until_alarm(
                    pd.concat([attack, honest], ignore_index=True), begin=begin
                )
                self.assertIn("risky", reasons(found))
                self.assertLessEqual(minutes, 15)
                self.assertLess(max(one.value for one in found), 40 * UNIT)

    def test_call_back(self):
        """It rings once, from a range far away; people of the office call back."""
        for seed in SEEDS:
            with self.subTest(seed=seed):
                rng = np.random.default_rng(seed)
                day = SATURDAY + 3
                guard = office_guard(rng, day)
                begin = MONDAY + day * DAY + 9 * HOUR
                rings = calls(begin + np.arange(12) * 30, 2, ISLAND, rang=True)
                back = calls(begin + 900 + np.arange(6) * 400, 150, ISLAND)
                some = pd.concat([rings, back], ignore_index=True)
                found, count, charge, minutes = guard.until_alarm(
                    some, begin=begin + 900
                )
                self.assertEqual(reasons(found), {"call_back"})
                self.assertEqual((count, charge, minutes), (2, 4.5, 10))
                # Without the rings it is a small thing.
                again = office_guard(np.random.default_rng(seed), day)
                self.assertEqual(again.until_alarm(back)[0], [])

    def test_slow_leak(self):
        """Six calls every night to one range, for some cents each."""
        for seed in SEEDS:
            with self.subTest(seed=seed):
                rng = np.random.default_rng(seed)
                guard = office_guard(rng, SATURDAY)
                found, total = [], 0
                for day in range(SATURDAY, SATURDAY + 21):
                    begin = MONDAY + day * DAY + 2 * HOUR
                    leak = calls(begin + np.arange(6) * 1800, 200, FAR, 99_999)
                    found, _count, charge, _minutes = guard.until_alarm(leak)
                    total += charge
                    if found:
                        break
                    guard.add(office(rng, day))
                    guard.learn(day + 1)
                self.assertEqual(reasons(found), {"slow_leak"})
                self.assertLess(total, 30)

    def test_a_busy_call_centre_is_honest(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                rng = np.random.default_rng(seed)
                guard = Guard()
                guard.add(pd.concat([call_centre(rng, day) for day in range(35)]))
                found = []
                for day in range(35, 49):
                    guard.learn(day)
                    found += guard.store(call_centre(rng, day))
                self.assertEqual(found, [])

    def test_first_day_of_a_new_customer(self):
        """An office is let alone; who burns money from the first hour on is not."""
        rng = np.random.default_rng(1)
        guard = Guard()
        self.assertEqual(guard.store(office(rng, 0)), [])
        starts = MONDAY + DAY + 9 * HOUR + np.repeat(np.arange(20) * 240, 6)
        found, count, charge, minutes = guard.until_alarm(
            calls(starts, 230, ISLAND, partner=2)
        )
        self.assertTrue(reasons(found) & {"hour", "one_range", "at_once"})
        self.assertLessEqual(minutes, 20)
        self.assertLess(charge, 80)
        self.assertLess(count, 25)

    def test_offices_are_honest(self):
        """Twelve offices for eight weeks: two customer-years, nothing is found."""
        rng = np.random.default_rng(7)
        guard = Guard()
        sizes = [5, 10, 20, 30, 40, 60, 80, 100, 120, 150, 200, 300]

        def day_of_all(day):
            return pd.concat(
                [
                    office(rng, day, partner, size, 0.05 + partner % 4 / 10)
                    for partner, size in enumerate(sizes, 1)
                ],
                ignore_index=True,
            )

        for day in range(28):
            guard.add(day_of_all(day))
        found = []
        for day in range(28, 84):
            if day % 7 == 0:
                guard.learn(day)
            found += guard.store(day_of_all(day))
        self.assertLessEqual(len({(one.partner_id, one.first) for one in found}), 2)


class TestRules(TestCase):
    def setUp(self):
        super().setUp()
        self.rng = np.random.default_rng(3)
        self.day = MONDAY + SATURDAY * DAY

    def guard(self, **given):
        guard = office_guard(self.rng, SATURDAY, abroad=0.02)
        guard.default = fraud.Limits(**given)
        return guard

    def test_limits_of_a_person(self):
        few = calls(self.day + 10 * HOUR + np.arange(4) * 60, 600, NEIGHBOR)
        self.assertEqual(self.guard().store(few), [])
        found = self.guard(hour=3 * UNIT, day=2 * UNIT, zones=frozenset()).store(few)
        self.assertEqual(
            [(one.reason, one.value, one.limit) for one in found],
            [
                ("limit_day", 3_200_000, 2 * UNIT),
                ("limit_hour", 3_200_000, 3 * UNIT),
                ("not_allowed", 4, 0),
            ],
        )
        found = self.guard(lines=3).store(few, peaks={1: (4, 5)})
        self.assertEqual([one.reason for one in found], ["limit_at_once"])
        self.assertEqual(self.guard(lines=4).store(few, peaks={1: (4, 5)}), [])

    def test_sensitivity(self):
        some = calls(self.day + 10 * HOUR + np.arange(5) * 600, 600, FAR)
        found = {
            each: bool(self.guard(sensitivity=each).store(some))
            for each in ("low", "normal", "high")
        }
        self.assertEqual(found, {"low": False, "normal": False, "high": True})

    def test_what_was_said_to_be_honest(self):
        starts = self.day + 10 * HOUR + np.arange(40) * 60
        guard = self.guard()
        found = guard.store(calls(starts, 180, FAR))
        self.assertEqual(reasons(found), {"hour"})
        [hour] = found
        until = hour.first + DAY
        said = {1: [fraud.Accepted("hour", 0, hour.value, until)]}
        self.assertEqual(fraud.honest(found, said), [])
        said = {1: [fraud.Accepted("hour", 0, hour.value // 2, until)]}
        self.assertEqual(fraud.honest(found, said), found)
        said = {1: [fraud.Accepted("hour", 0, hour.value, hour.first)]}
        self.assertEqual(fraud.honest(found, said), found)

    def test_what_ended_before_is_not_looked_at_again(self):
        guard = self.guard()
        guard.add(calls(self.day + 1 * HOUR + np.arange(30) * 60, 300, FAR))
        late = calls([self.day + 9 * HOUR], 60)
        self.assertEqual(guard.store(late), [])

    def test_suspicious_days_are_not_learned(self):
        guard = office_guard(self.rng, SATURDAY)
        usual = guard.profiles.levels.loc[1].to_dict()
        guard.add(calls(self.day + np.arange(500) * 60, 600, ISLAND))
        today = self.day // DAY
        guard.learn(SATURDAY + 1, {(1, today), (1, today + 1)})
        learned = guard.profiles
        self.assertLessEqual(learned.levels.loc[1, "hour_quiet"], usual["hour_quiet"])
        self.assertNotIn(ISLAND, learned.zones[1])
        guard.learn(SATURDAY + 1)
        self.assertIn(ISLAND, guard.profiles.zones[1])
