# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How often a key may ask, counted by several processes together."""

from collections import Counter
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.request_rate import MINUTE, RequestRate


class TestRequestRate(TestCase):
    def setUp(self):
        super().setUp()
        self.now = 0.0
        self.shared = Counter()

    def share(self, minute, new):
        self.shared[minute] += new
        return self.shared[minute]

    def process(self):
        return RequestRate(lambda: self.now)

    def test_one_process(self):
        rate = self.process()
        waits = [rate.admit("key", 3, self.share) for _time in range(5)]
        self.assertEqual(waits[:3], [0, 0, 0])
        self.assertEqual(waits[3:], [MINUTE, MINUTE])
        self.assertEqual(rate.admit("other", 3, self.share), 0)
        self.now = MINUTE - 0.5
        self.assertEqual(rate.admit("key", 3, self.share), 1)
        self.now = MINUTE
        self.assertEqual(rate.admit("key", 3, self.share), 0)

    def test_without_a_limit_nothing_is_counted(self):
        rate = self.process()
        self.assertFalse(any(rate.admit("key", 0, self.share) for _time in range(9)))
        self.assertFalse(self.shared)

    @given(
        st.lists(st.tuples(st.integers(0, 2), st.floats(0, 0.5)), max_size=300),
        st.integers(1, 40),
    )
    def test_several_processes(self, requests, most):
        """Beyond the limit is no more than what they have not told for a second."""
        self.setUp()
        processes = [self.process() for _number in range(3)]
        admitted, told = Counter(), Counter()
        for number, pause in requests:
            self.now += pause
            minute = int(self.now // MINUTE)
            if not processes[number].admit("key", most, self.share):
                admitted[minute] += 1
                told[minute, number, int(self.now)] += 1
        for minute, count in admitted.items():
            untold = max(
                told[minute, number, second] + told[minute, number, second + 1]
                for number in range(3)
                for second in range(MINUTE * minute, MINUTE * (minute + 1))
            )
            self.assertLessEqual(count, most + 2 * untold)

    def test_all_that_is_counted_is_told_to_the_others(self):
        first, second = self.process(), self.process()
        for _time in range(5):
            first.admit("key", 6, self.share)
        self.now = 2
        first.admit("key", 6, self.share)
        self.assertEqual(self.shared[0], 6)
        self.assertEqual(second.admit("key", 6, self.share), MINUTE - 2)
