# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls at one time: as many as a look at every moment counts."""

from unittest import TestCase

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating.concurrency import calls_at_once

START, STOP = 50, 110
#: (begin, seconds, which call)
legs = st.lists(
    st.tuples(st.integers(0, 150), st.integers(-2, 60), st.integers(1, 5)), max_size=12
)


def at_once(rows, names=True):
    begin = np.array([row[0] for row in rows], np.int64)
    end = begin + np.array([row[1] for row in rows], np.int64)
    call = [row[2] for row in rows] if names else None
    return calls_at_once(begin, end, START, STOP, call)


def counted(rows, moment):
    """Discrete events: the calls of which a leg lasts at a moment."""
    return len({call for begin, lasts, call in rows if begin <= moment < begin + lasts})


class TestConcurrency(TestCase):
    @settings(max_examples=150, deadline=None)
    @given(legs, st.randoms(use_true_random=False))
    def test_equals_a_count_at_every_moment(self, rows, shuffle):
        told = [*rows, *(shuffle.choice(rows) for _ in rows)]
        shuffle.shuffle(told)
        levels = at_once(told)
        moments = [counted(rows, moment) for moment in range(START, STOP)]
        self.assertEqual(levels.known_us, STOP - START)
        peak, since = levels.comes_to("max")
        self.assertEqual(peak, max(moments))
        self.assertEqual(moments.index(peak), since - START)
        self.assertEqual(levels.comes_to("min")[0], min(moments))
        self.assertEqual(levels.comes_to("last")[0], moments[-1])
        average = levels.comes_to("time_average")[0]
        self.assertEqual(average * len(moments), sum(moments))

    @settings(max_examples=60, deadline=None)
    @given(legs, st.sets(st.integers(1, 5)))
    def test_some_do_not_tell_their_call(self, rows, silent):
        told = [(*row[:2], 0 if row[2] in silent else row[2]) for row in rows]
        alone = [
            (begin, lasts, call or -number)
            for number, (begin, lasts, call) in enumerate(told, 1)
        ]
        peak, _since = at_once(told).comes_to("max")
        self.assertEqual(peak, max(counted(alone, m) for m in range(START, STOP)))

    @settings(max_examples=60, deadline=None)
    @given(legs)
    def test_each_is_a_call_of_its_own_without_names(self, rows):
        alone = [
            (begin, lasts, number) for number, (begin, lasts, _) in enumerate(rows)
        ]
        peak, _since = at_once(rows, names=False).comes_to("max")
        self.assertEqual(peak, max(counted(alone, m) for m in range(START, STOP)))

    def test_one_after_the_other_is_never_two(self):
        self.assertEqual(at_once([(60, 5, 1), (65, 5, 2)]).comes_to("max")[0], 1)

    def test_years_of_many_calls(self):
        """What no int64 could hold of calls times microseconds."""
        begin = np.arange(4) * 2**61 // 4
        levels = calls_at_once(begin, begin + 10, 0, 2**61, np.arange(4) // 2 + 1)
        self.assertEqual(levels.comes_to("max")[0], 1)
