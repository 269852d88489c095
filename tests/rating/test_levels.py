# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Levels: what is held, second by second, whatever way it is told."""

from decimal import Decimal
from fractions import Fraction
from unittest import TestCase

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating.levels import GAPS, OF_LEVELS, levels_of

START, END = 100, 160
values = st.decimals(0, 1000, places=3, allow_nan=False)
samples = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(60, 180), values), max_size=9
).map(lambda rows: [(series, n, at, v) for n, (series, at, v) in enumerate(rows)])
longest = st.none() | st.integers(1, 90)
gaps = st.sampled_from(GAPS)
percents = st.sampled_from([1, 50, 90, 95, 99, 100])


def found(rows, longest_us=None, gap="hold"):
    frame = pd.DataFrame(rows, columns=["series", "id", "at_us", "value"])
    frame = frame.astype({"at_us": "int64", "value": "object"})
    return levels_of(frame, START, END, longest_us, gap)


def second_by_second(rows, longest_us, gap):
    """The level of each second, None where it is unknown, by looking at each one."""
    seconds = []
    for second in range(START, END):
        total, there, waits = Decimal(0), False, False
        for series in {row[0] for row in rows if row[2] < END}:
            own = [r for r in rows if r[0] == series and r[2] < END]
            before = [r for r in own if r[2] <= second]
            if not before:
                continue
            _series, _id, at, value = max(before, key=lambda r: (r[2], r[1]))
            holds = longest_us is None or second < at + longest_us
            there |= holds
            waits |= not holds and len(before) < len(own)
            if holds or gap == "hold":
                total += value
        is_unknown = gap == "leave_out" and (waits or not there)
        seconds.append(None if is_unknown else total)
    return seconds


def reference(seconds, how, percent):
    known = sorted(level for level in seconds if level is not None)
    if not known:
        return Fraction(0)
    if how == "time_average":
        return Fraction(sum(known)) / len(known)
    if how == "last":
        return Fraction([level for level in seconds if level is not None][-1])
    rank = -(-len(known) * percent // 100)
    return Fraction({"max": known[-1], "min": known[0]}.get(how, known[rank - 1]))


class TestLevels(TestCase):
    @settings(max_examples=150, deadline=None)
    @given(samples, longest, gaps, percents)
    def test_equals_a_look_at_every_second(self, rows, longest_us, gap, percent):
        seconds = second_by_second(rows, longest_us, gap)
        levels = found(rows, longest_us, gap)
        self.assertEqual(levels.known_us, sum(s is not None for s in seconds))
        for how in OF_LEVELS:
            quantity, since = levels.comes_to(how, percent)
            self.assertEqual(quantity, reference(seconds, how, percent), how)
            if since is not None:
                self.assertEqual(seconds[since - START], quantity)
                if how != "last":
                    self.assertNotIn(quantity, seconds[: since - START])

    @settings(max_examples=60, deadline=None)
    @given(samples, gaps, st.data())
    def test_order_repetition_and_splitting_change_nothing(self, rows, gap, data):
        """A level that is told once more while it holds says nothing new."""
        told = [*rows, *(data.draw(st.sampled_from(rows)) for _ in rows)]
        for series, number, at, _value in rows:
            later = [r[2] for r in rows if r[0] == series and r[2] > at]
            more = data.draw(st.integers(at, min([*later, 200])))
            if more not in later:
                told.append((series, number + 0.5, more, holding(rows, series, more)))
        told = data.draw(st.permutations(told))
        self.assertEqual(said(found(rows, None, gap)), said(found(told, None, gap)))

    def test_five_minutes_of_a_month(self):
        """Of 8,640 samples the 8,208th in ascending order is the 95th percentile."""
        step = 300 * 1_000_000
        mbits = [Decimal((n * 7919) % 8640) / 10 for n in range(8640)]
        rows = [("line", n, n * step, value) for n, value in enumerate(mbits)]
        frame = pd.DataFrame(rows, columns=["series", "id", "at_us", "value"])
        levels = levels_of(frame, 0, 8640 * step, step, "leave_out")
        quantity, _since = levels.comes_to("percentile", 95)
        self.assertEqual(quantity, Fraction(sorted(mbits)[8207]))
        self.assertEqual(levels.gap_us, 0)

    def test_gap(self):
        rows = [("a", 1, 100, 10), ("a", 2, 140, 20)]
        for gap, average in (("hold", "40/3"), ("zero", "5"), ("leave_out", "15")):
            levels = found(rows, 10, gap)
            self.assertEqual(levels.comes_to("time_average")[0], Fraction(average))
            self.assertEqual(levels.gap_us, 40)

    def test_thirds_stay_exact(self):
        levels = found([("a", 1, 90, Fraction(1, 3)), ("b", 1, 90, Fraction(1, 7))])
        self.assertEqual(levels.comes_to("max")[0], Fraction(10, 21))
        self.assertEqual(levels.comes_to("time_average")[0], Fraction(10, 21))

    def test_beyond_64_bits(self):
        levels = found([("a", 1, 90, 2**80), ("b", 1, 130, Decimal("0.000001"))])
        self.assertEqual(levels.comes_to("min")[0], 2**80)
        self.assertEqual(levels.comes_to("last")[0], 2**80 + Fraction(1, 10**6))

    def test_a_device_that_is_added_or_removed_hides_nothing_of_the_others(self):
        rows = [("a", at, START + at, 5) for at in range(0, 60, 10)]
        rows += [("removed", 70, START, 3), ("added", 71, START + 55, 2)]
        levels = found(rows, 10, "leave_out")
        self.assertEqual((levels.known_us, levels.gap_us), (60, 0))
        for how, level in (("max", 8), ("min", 5), ("last", 7)):
            self.assertEqual(levels.comes_to(how)[0], level)
        # One that comes back was only not heard of.
        levels = found([*rows, ("removed", 72, START + 40, 3)], 10, "leave_out")
        self.assertEqual((levels.known_us, levels.gap_us), (30, 30))

    def test_unknown_words(self):
        for call in (
            lambda: found([], None, "guess"),
            lambda: found([]).comes_to("sum"),
        ):
            with self.assertRaisesRegex(ValueError, "unknown"):
                call()


def holding(rows, series, at):
    held = [r for r in rows if r[0] == series and r[2] <= at]
    return max(held, key=lambda r: (r[2], r[1]))[3]


def said(levels):
    """What they come to, all of it."""
    totals = [levels.comes_to(how)[0] for how in OF_LEVELS]
    return totals, levels.known_us, levels.gap_us
