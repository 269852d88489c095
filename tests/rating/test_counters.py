# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Counters: nothing is billed twice or lost, whatever comes in which order."""

from datetime import UTC, date, datetime, timedelta
from unittest import TestCase
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ...rating import counters
from ...rating.counters import DAY_US, NANO, Dial, Owner, Reading

ALWAYS = Owner(-(10**18), 10**18, "UTC", "ann")
PLAIN = Dial()
FIVE = Dial(digits=5)


def at(day, value, **how):
    """A reading at noon of a day."""
    return Reading(int(day * DAY_US + DAY_US // 2), int(value * NANO), **how)


def total(parts, **only):
    found = [p for p in parts if p.owner and p.owner.key == only.get("owner", "ann")]
    return sum(part.quantity for part in found)


def by_day(parts):
    days = {}
    for part in parts:
        days[part.day] = days.get(part.day, 0) + part.quantity // NANO / NANO
    return days


class TestReadings(TestCase):
    def way(self, *readings, dial=PLAIN, daily=False, until=None, **more):
        way = counters.points(readings, dial)
        if until is not None:
            way = counters.projected(way, dial, int(until * DAY_US))
        return counters.used(way, dial, [ALWAYS], daily=daily, **more)

    def test_the_increase_is_used(self):
        self.assertEqual(by_day(self.way(at(1, 10150), at(31, 10300))), {31: 150})

    def test_the_first_reading_opens(self):
        self.assertEqual(by_day(self.way(at(1, 10150))), {})

    def test_over_the_last_digit(self):
        self.assertEqual(by_day(self.way(at(1, 99990), at(9, 12), dial=FIVE)), {9: 22})

    def test_over_the_last_digit_is_plausible_or_told(self):
        def moved(dial, **how):
            return dial.increase(at(1, 50000), at(9, 100, **how))

        self.assertIsNone(moved(FIVE))
        self.assertEqual(moved(Dial(5, most_percent=51)), 50100 * NANO)
        self.assertEqual(moved(Dial(5, most_per_day=6300 * NANO)), 50100 * NANO)
        self.assertIsNone(moved(Dial(5, most_per_day=6200 * NANO)))
        self.assertEqual(moved(FIVE, kind="rollover"), 50100 * NANO)
        self.assertIsNone(moved(PLAIN, kind="rollover"))

    def test_a_day_has_its_share(self):
        days = by_day(self.way(at(0, 0), at(10, 10), daily=True))
        self.assertEqual(days[0], 0.5)
        self.assertEqual(days[10], 0.5)
        self.assertEqual(sum(days.values()), 10)
        self.assertEqual(len(days), 11)

    def test_midnight_ends_the_day_before(self):
        midnight = Reading(31 * DAY_US, 300 * NANO)
        self.assertEqual(by_day(self.way(at(1, 150), midnight)), {30: 150})

    def test_days_begin_where_the_owner_lives(self):
        owner = Owner(-(10**18), 10**18, "Europe/Berlin", "ann")
        way = counters.points([Reading(0, 0), Reading(3 * DAY_US, 72 * NANO)], PLAIN)
        parts = counters.used(way, PLAIN, [owner])
        self.assertEqual(by_day(parts), {0: 23, 1: 24, 2: 24, 3: 1})

    def test_a_factor_counts_from_a_day_on(self):
        factors = ((None, NANO), (10 * DAY_US, 40 * NANO))
        parts = self.way(
            Reading(0, 0), Reading(20 * DAY_US, 20 * NANO), factors=factors
        )
        self.assertEqual(by_day(parts), {9: 10, 19: 400})

    def test_an_estimate_is_taken_back(self):
        opening, guess = at(1, 1000), at(31, 1100, estimated=True)
        self.assertEqual(by_day(self.way(opening, guess)), {31: 100})
        self.assertEqual(by_day(self.way(opening, guess, at(59, 1080))), {31: 80})
        self.assertEqual(
            by_day(self.way(opening, guess, at(59, 1180))), {31: 100, 59: 80}
        )

    def test_going_on_as_fast_as_before(self):
        readings = at(0, 0), at(10, 10)
        days = by_day(self.way(*readings, daily=True, until=20))
        self.assertEqual(sum(days.values()), 19.5)
        self.assertEqual(max(days), 19)
        closed = at(0, 0), at(10, 10, kind="closing")
        self.assertEqual(
            sum(by_day(self.way(*closed, daily=True, until=20)).values()), 10
        )
        self.assertEqual(by_day(self.way(at(0, 5), daily=True, until=20)), {})

    def test_another_device_begins_anew(self):
        days = self.way(
            at(1, 500),
            at(5, 600, kind="closing"),
            at(5, 3, kind="opening"),
            at(9, 10),
        )
        self.assertEqual(by_day(days), {5: 100, 9: 7})

    def test_somebody_moves_out(self):
        moved = 10 * DAY_US
        owners = [
            Owner(-(10**18), moved, key="ann"),
            Owner(moved + DAY_US, 10**18, key="bob"),
        ]
        way = counters.points([Reading(0, 0), Reading(20 * DAY_US, 20 * NANO)], PLAIN)
        for daily in (True, False):
            parts = counters.used(way, PLAIN, owners, daily=daily)
            whose = [
                total(parts),
                total(parts, owner="bob"),
                sum(part.quantity for part in parts if not part.owner),
            ]
            self.assertEqual(whose, [n * counters.ATTO for n in (10, 9, 1)])

    def test_what_cannot_stand(self):
        def refused(known, *new, dial=PLAIN):
            taken, refused = counters.take_in(known, new, dial)
            return len(taken), [
                (one.reading.value // NANO, one.reason) for one in refused
            ]

        known = [at(1, 100), at(9, 200)]
        self.assertEqual(refused(known, at(1, 100)), (0, [(100, "repeated")]))
        self.assertEqual(refused(known, at(1, 101)), (0, [(101, "other_reading")]))
        self.assertEqual(refused(known, at(10, 199)), (0, [(199, "negative_increase")]))
        self.assertEqual(refused(known, at(5, 201)), (0, [(201, "negative_increase")]))
        self.assertEqual(refused(known, at(0, 101)), (0, [(101, "negative_increase")]))
        self.assertEqual(refused(known, at(5, 150), at(10, 200)), (2, []))
        self.assertEqual(refused(known, at(10, -1)), (0, [(-1, "no_reading")]))
        self.assertEqual(
            refused(known, at(10, 10**5), dial=FIVE)[1][0][1], "no_reading"
        )
        self.assertEqual(refused(known, at(10, 150, estimated=True)), (1, []))
        self.assertEqual(refused(known, at(10, 5, kind="opening")), (1, []))


#: increases from moment to moment, and how a reading of each is made
STEPS = st.lists(
    st.tuples(
        st.integers(1, 90 * DAY_US),
        # All of them are no more than a register may move past its last digit.
        st.integers(0, 800 * NANO),
        st.sampled_from(["read", "read", "estimate", "replace"]),
    ),
    max_size=12,
)


def readings_of(steps, dial, start=0):
    """A register's readings, and what it truly moved from the first to the last."""
    now, value, moved, found = 0, start, 0, [Reading(0, start)]
    read = 0
    for span, more, how in steps:
        now += span
        if how == "estimate":
            # whatever somebody thinks that it may show
            found.append(Reading(now, (value + 3 * more) % dial.range, estimated=True))
            continue
        value, moved = (value + more) % dial.range, moved + more
        found.append(
            Reading(now, value, kind="closing" if how == "replace" else "normal")
        )
        read = moved
        if how == "replace":
            value = more
            found.append(Reading(now, value, kind="opening"))
    last = max(one.at_us for one in found if not one.estimated)
    return [one for one in found if one.at_us <= last], read


class TestSums(TestCase):
    @given(
        STEPS,
        st.integers(0, 10**5 * NANO - 1),
        st.integers(1, 10**6 * NANO),
        st.booleans(),
        st.randoms(use_true_random=False),
    )
    def test_first_to_last_times_factor(self, steps, start, factor, daily, random):
        """Over roll-overs, other devices and estimates, in any order and portions."""
        readings, moved = readings_of(steps, FIVE, start)
        random.shuffle(readings)
        taken, rest, waiting = [], list(readings), []
        while rest:
            size = random.randint(1, len(rest))
            again = random.sample(readings, random.randint(0, len(readings)))
            arrived = [*rest[:size], *again, *waiting]
            new, refused = counters.take_in(taken, arrived, FIVE)
            taken, rest = taken + new, rest[size:]
            # What another device showed waits until it is told that it is another.
            waiting = [
                one.reading for one in refused if one.reason == "negative_increase"
            ]
        while waiting:
            new, refused = counters.take_in(taken, waiting, FIVE)
            taken = taken + new
            still = [one.reading for one in refused if one.reason != "repeated"]
            self.assertLess(len(still), len(waiting))
            waiting = still
        whole, refused = counters.take_in([], readings, FIVE)
        self.assertFalse(refused)
        ways = [counters.points(some, FIVE) for some in (taken, whole)]
        found = [
            counters.used(way, FIVE, [ALWAYS], ((None, factor),), daily) for way in ways
        ]
        self.assertEqual(total(found[0]), total(found[1]))
        self.assertEqual(total(found[0]), moved * factor)
        self.assertTrue(all(part.quantity > 0 for part in found[0]))

    @given(STEPS, st.integers(0, 800 * DAY_US), st.integers(1, 400))
    def test_periods_add_up(self, steps, moved_out, days):
        """Cut into periods and customers in any way, it is the same in all."""
        readings, moved = readings_of(steps, FIVE)
        owners = [
            Owner(-(10**18), moved_out, "Europe/Berlin", "ann"),
            Owner(moved_out, 10**18, "America/New_York", "bob"),
        ]
        way = counters.points(readings, FIVE)
        for daily in (True, False):
            parts = counters.used(way, FIVE, owners, daily=daily)
            periods = {}
            for part in parts:
                key = part.owner.key, part.day // days
                periods[key] = periods.get(key, 0) + part.quantity
            self.assertEqual(sum(periods.values()), moved * NANO)

    @given(STEPS.filter(bool), st.integers(0, 400 * DAY_US))
    def test_what_goes_on_is_taken_back_in_full(self, steps, more):
        """Billed ahead and then read, both together are what was read."""
        readings, _moved = readings_of(steps, FIVE)
        *before, last = sorted(readings, key=lambda one: one.order)
        ahead = counters.projected(
            counters.points(before, FIVE), FIVE, last.at_us + more
        )
        billed = by_key(counters.used(ahead, FIVE, [ALWAYS]))
        now = by_key(counters.used(counters.points(readings, FIVE), FIVE, [ALWAYS]))
        difference = {
            day: now.get(day, 0) - billed.get(day, 0) for day in {*now, *billed}
        }
        self.assertEqual(
            sum(billed.values()) + sum(difference.values()), sum(now.values())
        )
        self.assertTrue(all(value >= 0 for value in now.values()))


class TestDays(TestCase):
    @given(
        st.datetimes(datetime(1970, 1, 2), datetime(2099, 1, 1)),
        st.sampled_from(["UTC", "Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata"]),
    )
    def test_days_of_time_zones(self, moment, zone):
        moment = moment.replace(tzinfo=UTC)
        at_us = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        day = counters.local_day(zone, at_us)
        self.assertEqual(
            date.fromordinal(date(1970, 1, 1).toordinal() + day),
            moment.astimezone(ZoneInfo(zone)).date(),
        )
        for midnight in counters.midnights(zone, at_us, at_us + 3 * DAY_US):
            self.assertLess(
                counters.local_day(zone, midnight - 1),
                counters.local_day(zone, midnight),
            )


def by_key(parts):
    days = {}
    for part in parts:
        days[part.day] = days.get(part.day, 0) + part.quantity
    return days
