# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a running period will come to, and how far off that was."""

from datetime import date, timedelta
from fractions import Fraction
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing import rating
from odoo.addons.metered_billing.rating.forecast import (
    daily,
    expected_high,
    forecast_sum,
    in_steps_of,
    median,
    was_off_by,
)
from odoo.addons.metered_billing.rating.forecast_calls import (
    ExpectedAllowance,
    ExpectedCalls,
    charges_of,
)

BENCHMARK = Path(rating.__file__).parents[1] / "benchmarks" / "forecasts.py"
BEGIN, END = date(2026, 10, 1), date(2026, 11, 1)
SPEC = spec_from_file_location("benchmark_of_forecasts", BENCHMARK)
benchmark = module_from_spec(SPEC)
SPEC.loader.exec_module(benchmark)
rows = st.lists(
    st.tuples(
        st.dates(date(2026, 8, 1), date(2026, 10, 31)),
        st.decimals(0, 1000, places=2, allow_nan=False),
    ),
    max_size=40,
)
todays = st.dates(BEGIN, END)


def weeks(first, until, weekday=100, weekend=10):
    """Usage of an office, from one day until before another."""
    days = (until - first).days
    return {
        day: Fraction(weekend if day.weekday() > 4 else weekday)
        for day in (first + timedelta(days=count) for count in range(days))
    }


class TestForecast(TestCase):
    @settings(max_examples=100, deadline=None)
    @given(rows, todays, st.randoms(use_true_random=False))
    def test_order_and_splitting_change_nothing(self, rows, today, chance):
        split = [part for day, value in rows for part in ((day, value), (day, 0))]
        split += [(day, value / 4) for day, value in rows for _part in range(4)]
        split += [(day, -value) for day, value in rows]
        chance.shuffle(split)
        self.assertEqual(
            forecast_sum(daily(rows), BEGIN, END, today),
            forecast_sum(daily(split), BEGIN, END, today),
        )

    @settings(max_examples=100, deadline=None)
    @given(rows, todays)
    def test_comes_to_at_least_what_was_used(self, rows, today):
        found = forecast_sum(daily(rows), BEGIN, END, today)
        used = sum(Fraction(value) for day, value in rows if BEGIN <= day < END)
        self.assertEqual(found.so_far, used)
        self.assertGreaterEqual(found.quantity, used)

    @settings(max_examples=50, deadline=None)
    @given(rows, st.integers(0, 9))
    def test_is_the_bill_when_the_period_is_over(self, rows, days):
        found = forecast_sum(daily(rows), BEGIN, END, END + timedelta(days=days))
        self.assertEqual((found.rest, found.how), (0, "over"))

    @settings(max_examples=50, deadline=None)
    @given(rows, todays, st.integers(1, 50))
    def test_scales_with_the_unit(self, rows, today, times):
        days = daily(rows)
        more = {day: value * times for day, value in days.items()}
        self.assertEqual(
            forecast_sum(more, BEGIN, END, today).quantity,
            times * forecast_sum(days, BEGIN, END, today).quantity,
        )

    def test_a_steady_rhythm_is_met_on_each_day(self):
        days = weeks(BEGIN - timedelta(weeks=8), END)
        total = sum(value for day, value in days.items() if day >= BEGIN)
        for passed in range(31):
            today = BEGIN + timedelta(days=passed)
            before = {day: value for day, value in days.items() if day < today}
            found = forecast_sum(before, BEGIN, END, today)
            self.assertEqual(found.how, "profile")
            # Fewer days of a weekday are known than of its group.
            self.assertAlmostEqual(float(found.quantity), float(total), 6)
        # On a Monday the straight line knows a weekend too many.
        monday = date(2026, 10, 5)
        before = {day: value for day, value in days.items() if day < monday}
        line = benchmark.straight_line(before, BEGIN, END, monday)
        self.assertGreater(abs(line - total) / total, Fraction(1, 10))

    def test_the_level_of_the_running_period_counts(self):
        days = weeks(BEGIN - timedelta(weeks=8), BEGIN) | weeks(BEGIN, END, 200, 20)
        total = sum(value for day, value in days.items() if day >= BEGIN)
        errors = []
        for on in (5, 12, 19, 26):
            today = BEGIN + timedelta(days=on - 1)
            before = {day: value for day, value in days.items() if day < today}
            told = forecast_sum(before, BEGIN, END, today).quantity
            errors.append(abs(told - total) / total)
        self.assertEqual(errors, sorted(errors, reverse=True))
        self.assertLess(errors[1], Fraction(1, 4))
        self.assertLess(errors[-1], Fraction(1, 20))

    def test_one_odd_day_is_no_level(self):
        days = weeks(BEGIN - timedelta(weeks=8), date(2026, 10, 15))
        usual = forecast_sum(days, BEGIN, END, date(2026, 10, 15)).rest
        days[date(2026, 10, 13)] *= 20
        odd = forecast_sum(days, BEGIN, END, date(2026, 10, 15)).rest
        # Of the straight line it would be 2.5 times as much.
        self.assertLess(odd, usual * Fraction(8, 5))

    def test_a_day_far_beyond_the_usual_is_no_rhythm(self):
        days = weeks(BEGIN - timedelta(weeks=8), date(2026, 10, 15))
        usual = forecast_sum(days, BEGIN, END, date(2026, 10, 15)).rest
        days[date(2026, 9, 1)] *= 1000
        odd = forecast_sum(days, BEGIN, END, date(2026, 10, 15)).rest
        self.assertLess(odd, usual * Fraction(11, 10))

    def test_one_busy_day_of_each_week_is_a_rhythm(self):
        days = weeks(BEGIN - timedelta(weeks=8), END, 1, 0)
        busy = [day for day in days if day.weekday() == 2]
        days |= dict.fromkeys(busy, Fraction(1000))
        before = {day: days[day] for day in days if day < date(2026, 10, 15)}
        found = forecast_sum(before, BEGIN, END, date(2026, 10, 15))
        whole = sum(value for day, value in days.items() if day >= BEGIN)
        self.assertLess(abs(found.quantity - whole) / whole, Fraction(1, 4))

    def test_today_counts_as_a_day_that_is_left(self):
        days = weeks(BEGIN - timedelta(weeks=8), date(2026, 10, 15))
        today = date(2026, 10, 15)
        found = forecast_sum(days, BEGIN, END, today)
        for used in (0, 1, 99):
            now = {**days, today: Fraction(used)}
            self.assertEqual(
                forecast_sum(now, BEGIN, END, today).quantity, found.quantity
            )
        busy = forecast_sum({**days, today: Fraction(500)}, BEGIN, END, today)
        self.assertGreater(busy.quantity, found.quantity)

    def test_new_customers(self):
        first = date(2026, 10, 10)
        for days, how, quantity in (
            (0, "so_far", 0),
            (2, "so_far", 20),
            (3, "line", 30 + 19 * 10),
            (6, "line", 60 + 16 * 10),
            (7, "profile", 70 + 15 * 10),
        ):
            used = weeks(first, first + timedelta(days=days), 10, 10)
            found = forecast_sum(used, BEGIN, END, first + timedelta(days=days))
            self.assertEqual((found.how, found.quantity), (how, quantity))
        # A day without usage is one, too: the 70 of one day are not those of each.
        once = {date(2026, 10, 1): Fraction(70)}
        found = forecast_sum(once, BEGIN, END, date(2026, 10, 8))
        self.assertLess(found.quantity, 32 * 10)

    def test_taken_back_usage_expects_nothing_below_zero(self):
        found = forecast_sum(
            {BEGIN + timedelta(days=count): Fraction(-5) for count in range(9)},
            BEGIN,
            END,
            date(2026, 10, 10),
        )
        self.assertEqual((found.so_far, found.rest), (-45, 0))

    def test_long_and_later_periods(self):
        days = weeks(date(2026, 1, 1), date(2026, 10, 15))
        year = forecast_sum(
            days, date(2026, 1, 1), date(2027, 1, 1), date(2026, 10, 15)
        )
        whole = sum(weeks(date(2026, 1, 1), date(2027, 1, 1)).values())
        self.assertAlmostEqual(float(year.quantity), float(whole), 6)
        later = forecast_sum(days, date(2026, 11, 1), date(2026, 12, 1), BEGIN)
        self.assertEqual(later.so_far, 0)
        self.assertGreater(later.rest, 2000)

    def test_highest_value(self):
        highs = weeks(BEGIN - timedelta(weeks=8), date(2026, 10, 15), 30, 4)
        highs[date(2026, 9, 1)] = Fraction(500)
        self.assertEqual(expected_high(highs, END, date(2026, 10, 15)), 30)
        # Saturday is left alone
        self.assertEqual(expected_high(highs, END, date(2026, 10, 31)), 4)
        self.assertEqual(expected_high({}, END, date(2026, 10, 15)), 0)

    def test_rounded_as_the_records_are(self):
        third = Fraction(100, 3)
        for values, text in (
            ([], "33"),
            (["5"], "33"),
            (["0.25", "5"], "33.33"),
        ):
            self.assertEqual(str(in_steps_of(third, map(Fraction, values))), text)

    def test_median(self):
        for values, expected in (([], None), ([3], 3), ([9, 1], 5), ([9, 1, 2], 2)):
            self.assertEqual(median(map(Fraction, values)), expected)


class TestPastPeriods(TestCase):
    PERIODS = (
        (date(2026, 8, 1), date(2026, 9, 1)),
        (date(2026, 9, 1), date(2026, 10, 1)),
    )

    def off(self, series, worth=lambda _key, _period: 1, periods=PERIODS, passed=11):
        return was_off_by(series, worth, periods, passed)

    def test_of_a_steady_rhythm_nothing(self):
        days = weeks(date(2026, 6, 1), END)
        self.assertEqual([float(one) for one in self.off({"a": days})], [0, 0])

    def test_knows_no_more_than_was_known(self):
        days = weeks(date(2026, 6, 1), date(2026, 9, 12))
        days |= weeks(date(2026, 9, 12), date(2026, 10, 1), 300, 30)
        first, second = self.off({"a": days})
        self.assertEqual(first, 0)
        # 19 of 30 days came to three times as much
        self.assertGreater(second, Fraction(1, 2))
        # What came later changes nothing.
        self.assertEqual(self.off({"a": days | weeks(BEGIN, END, 9, 9)})[1], second)

    def test_meters_weigh_what_they_came_to(self):
        steady = weeks(date(2026, 6, 1), END)
        odd = steady | weeks(date(2026, 9, 12), date(2026, 10, 1), 300, 30)
        worth = {"steady": Fraction(1), "odd": Fraction(0)}

        def of(key, _period):
            return worth[key]

        series = {"steady": steady, "odd": odd}
        self.assertEqual(self.off(series, of), [0, 0])
        worth.update(steady=Fraction(0), odd=Fraction(0))
        some = self.off(series, of)[1]
        worth.update(odd=Fraction(1))
        self.assertGreater(self.off(series, of)[1], some)

    def test_periods_that_tell_nothing(self):
        short = (date(2026, 10, 1), date(2026, 10, 5))
        days = weeks(date(2026, 6, 1), END)
        self.assertEqual(self.off({"a": days}, periods=[short]), [])
        self.assertEqual(self.off({"a": {}}), [])
        late = weeks(date(2026, 9, 12), END)
        self.assertEqual(self.off({"a": late}), [], "nothing was known before")
        self.assertEqual(len(self.off({"a": days}, periods=self.PERIODS * 5)), 6)


class TestCharges(TestCase):
    """Two types: 600 billed seconds for 10, 1,200 for 5."""

    CALLS = {
        "national": ExpectedCalls(*map(Fraction, (600, 500, 10, 10))),
        "mobile": ExpectedCalls(*map(Fraction, (1200, 1000, 20, 5))),
    }

    def cost(self, *allowances):
        found = charges_of(self.CALLS, list(allowances))
        return [str(found[key]) for key in ("national", "mobile")]

    def allowance(self, unit, left, **terms):
        left = None if left is None else Fraction(left)
        return ExpectedAllowance(unit, left, **terms)

    def test_allowances(self):
        for allowances, expected in (
            ((), ["10", "5"]),
            ((self.allowance("minutes", 0),), ["10", "5"]),
            ((self.allowance("minutes", 15),), ["5", "5/2"]),
            ((self.allowance("minutes", None),), ["0", "0"]),
            ((self.allowance("minutes", 100),), ["0", "0"]),
            ((self.allowance("units", 750),), ["5", "5/2"]),
            ((self.allowance("records", 15),), ["5", "5/2"]),
            ((self.allowance("money", 3),), ["8", "4"]),
            ((self.allowance("money", 99),), ["0", "0"]),
            ((self.allowance("minutes", -5),), ["10", "5"]),
            ((self.allowance("minutes", 15, factor=2),), ["15/2", "15/4"]),
            ((self.allowance("minutes", 5, shares={"national": 1}),), ["5", "5"]),
            (
                (self.allowance("minutes", 9, shares={"national": Fraction(1, 2)}),),
                ["5", "5"],
            ),
            ((self.allowance("minutes", 30, price=Fraction(1, 10)),), ["1", "2"]),
            (
                (
                    self.allowance("minutes", 15),
                    self.allowance("minutes", None, price=Fraction(1, 10)),
                ),
                ["1/2", "1"],
            ),
            (
                (
                    self.allowance("minutes", 5, shares={"national": 1}),
                    self.allowance("minutes", 15),
                ),
                ["2", "2"],
            ),
            (
                (self.allowance("minutes", 15), self.allowance("money", "7.5")),
                ["0", "0"],
            ),
        ):
            with self.subTest(allowances=ascii(allowances)):
                self.assertEqual(self.cost(*allowances), expected)

    def test_without_calls(self):
        self.assertEqual(charges_of({}, [self.allowance("money", 1)]), {})


class TestBenchmark(TestCase):
    """On the demo's calls the profile of weekdays beats the straight line."""

    def test_mean_errors(self):
        found = benchmark.measure(forecast_sum)
        errors = {
            name: [[round(100 * error) for error in way] for way in ways]
            for name, ways in found.items()
        }
        self.assertEqual(
            errors,
            {
                # Twelve customers with 150 calls, and no earlier week.
                "as it is": [[47, 28, 26, 20, 8], [47, 32, 27, 21, 10]],
                "its two weeks": [[32, 28, 24, 16], [51, 38, 28, 19]],
                # The same with eight weeks before.
                "drawn": [[22, 18, 15, 11, 8], [52, 28, 20, 13, 9]],
            },
        )
        most = {"as it is": 0.95, "its two weeks": 0.75, "drawn": 0.65}
        for name, (profile, line) in found.items():
            # The same where four days are known: there are no weekdays to tell apart.
            for own, other in zip(profile, line, strict=True):
                self.assertLessEqual(own, other, name)
            self.assertLess(sum(profile), sum(line) * most[name])
