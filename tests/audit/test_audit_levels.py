# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Levels and counters: by hand, and against the engine at random."""

import datetime
import random
from fractions import Fraction
from unittest import TestCase

import numpy as np
import pandas as pd

from odoo.addons.metered_billing import rating
from odoo.addons.metered_billing.audit.counters import Reading, used_by_day
from odoo.addons.metered_billing.audit.levels import (
    level,
    pieces_of_calls,
    pieces_of_samples,
)
from odoo.addons.metered_billing.rating.levels import OF_LEVELS
from odoo.addons.metered_billing.tests.support.reference_rating import EPOCH

SECOND = datetime.timedelta(seconds=1)


def at(second):
    return EPOCH + second * SECOND


class TestByHand(TestCase):
    def test_seats(self):
        """As in rating/README.md: 10 seats, from the 40th second of a hundred on 30."""
        samples = [("acme", at(-5), 1, Fraction(10)), ("acme", at(40), 2, Fraction(30))]
        pieces = pieces_of_samples(samples, at(100))
        self.assertEqual(
            [level(pieces, at(0), at(100), how) for how in OF_LEVELS],
            [30, 10, 30, 22, 30],
        )
        short = pieces_of_samples(samples, at(100), 10 * SECOND)
        self.assertEqual(level(short, at(0), at(100), "time_average"), Fraction(7, 2))

    def test_legs_are_one_call(self):
        calls = [(at(0), at(20), 7), (at(15), at(30), 7), (at(10), at(15), None)]
        pieces = pieces_of_calls(calls)
        self.assertEqual(level(pieces, at(0), at(40), "max"), 2)
        self.assertEqual(level(pieces, at(15), at(40), "max"), 1)

    def test_one_that_begins_as_another_ends(self):
        pieces = pieces_of_calls([(at(0), at(10), None), (at(10), at(20), None)])
        self.assertEqual(level(pieces, at(0), at(20), "max"), 1)


class TestAtRandom(TestCase):
    def setUp(self):
        super().setUp()
        self.random = random.Random(3)  # noqa: S311 - no secret

    def _same(self, levels, pieces):
        for how in OF_LEVELS:
            percent = self.random.randint(1, 100)
            self.assertEqual(
                level(pieces, at(0), at(100), how, percent),
                levels.comes_to(how, percent)[0],
                how,
            )

    def test_samples(self):
        draw = self.random
        for _case in range(60):
            samples = [
                (
                    draw.choice("ab"),
                    draw.randint(-20, 110),
                    number,
                    Fraction(draw.randint(-2, 9), 2),
                )
                for number in range(draw.randint(0, 6))
            ]
            longest, gap = draw.choice([None, 30]), draw.choice(["hold", "zero"])
            frame = pd.DataFrame(samples, columns=["series", "at_us", "id", "value"])
            frame["at_us"] = frame["at_us"].astype("int64") * 10**6
            levels = rating.levels_of(
                frame, 0, 100 * 10**6, longest and longest * 10**6, gap
            )
            holds = longest * SECOND if longest and gap == "zero" else None
            before = [
                (series, at(second), number, value)
                for series, second, number, value in samples
                if second < 100
            ]
            self._same(levels, pieces_of_samples(before, at(100), holds))

    def test_calls(self):
        draw = self.random
        for _case in range(60):
            calls = []
            for _call in range(draw.randint(1, 8)):
                begin = draw.randint(-20, 110)
                leg_of = draw.choice([0, 0, 1, 2])
                calls.append((begin, begin + draw.randint(0, 60), leg_of))
            begin, end, leg_of = np.array(calls, np.int64).T
            levels = rating.calls_at_once(
                begin * 10**6, end * 10**6, 0, 100 * 10**6, leg_of
            )
            pieces = pieces_of_calls([(at(b), at(e), of) for b, e, of in calls])
            self._same(levels, pieces)


class TestCounters(TestCase):
    def test_at_random(self):
        """Registers of three digits, in zones east and west, with two factors."""
        draw, counters = random.Random(11), rating.counters  # noqa: S311 - no secret
        day_us = counters.DAY_US
        for _case in range(80):
            zone = draw.choice(["UTC", "America/New_York", "Asia/Kolkata"])
            daily, change = draw.random() < 0.7, draw.randint(1, 8) * day_us
            told, value, at_us = [], draw.randint(0, 999_000), 0
            for _reading in range(draw.randint(1, 6)):
                kind = draw.choice(["normal"] * 5 + ["opening", "rollover"])
                told.append((at_us, value, kind))
                at_us += draw.randint(1, 4 * day_us)
                value = (value + draw.randint(0, 90_000)) % 1_000_000
            dial = counters.Dial(digits=3)
            way = counters.points(
                [
                    counters.Reading(at, value * 10**6, kind=kind)
                    for at, value, kind in told
                ],
                dial,
            )
            expected = {}
            for part in counters.used(
                way,
                dial,
                [counters.Owner(-day_us, 99 * day_us, zone)],
                ((None, counters.NANO), (change, 3 * counters.NANO // 2)),
                daily,
            ):
                day = EPOCH.date() + datetime.timedelta(days=part.day)
                quantity = Fraction(part.quantity, counters.ATTO)
                expected[day] = expected.get(day, 0) + quantity
            readings = [
                Reading(
                    EPOCH + datetime.timedelta(microseconds=at),
                    Fraction(value, 1000),
                    kind,
                )
                for at, value, kind in told
            ]
            since = EPOCH + datetime.timedelta(microseconds=change)
            factors = [(None, Fraction(1)), (since, Fraction(3, 2))]
            self.assertEqual(used_by_day(readings, 3, zone, factors, daily), expected)
