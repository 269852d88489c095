# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Time bands: days, hours, holidays, summer time, and when they change."""

import datetime
from unittest import TestCase

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating import HOLIDAY, Deck, Slot, TimeBand
from odoo.addons.metered_billing.rating.bands import Calendar, offset_periods, zone_of
from odoo.addons.metered_billing.tests.support.reference_rating import (
    at,
    band_holds,
    call_of,
    engine_of,
    frame_of,
    instant,
    rates_of,
)

WORKDAYS = frozenset(range(5))
EVERY_DAY = frozenset(range(8))
PEAK = TimeBand(1, (Slot(WORKDAYS, 8 * 60, 18 * 60),))
NIGHT = TimeBand(2, (Slot(WORKDAYS, 22 * 60, 6 * 60),))
BERLIN = "Europe/Berlin"


def bands_of(starts, bands, **deck):
    """Return the band of the rate that applies to calls at the given starts."""
    deck = Deck(1, bands=tuple(band.id for band in bands), **deck)
    rates = rates_of({}, *({"band_id": band.id} for band in bands))
    calls = [call_of(start=start) for start in starts]
    rated = engine_of(rates, [deck], bands).rate(frame_of(calls))
    return rated.frame["band_id"].tolist()


class TestBandOfCall(TestCase):
    def test_edges_are_half_open(self):
        starts = [
            "2026-03-02T07:59:59.999999",
            "2026-03-02T08:00",
            "2026-03-02T17:59:59.999999",
            "2026-03-02T18:00",
        ]
        self.assertEqual(bands_of(starts, [PEAK]), [0, 1, 1, 0])

    def test_weekdays(self):
        starts = [f"2026-03-0{day}T12:00" for day in range(1, 9)]
        self.assertEqual(bands_of(starts, [PEAK]), [0, 1, 1, 1, 1, 1, 0, 0])

    def test_local_time_of_the_deck(self):
        starts = ["2026-03-02T06:59", "2026-03-02T07:00", "2026-03-02T17:00"]
        self.assertEqual(bands_of(starts, [PEAK], timezone=BERLIN), [0, 1, 0])
        # half an hour off, and a day ahead
        starts = ["2026-03-02T02:29", "2026-03-02T02:30"]
        self.assertEqual(bands_of(starts, [PEAK], timezone="Asia/Kolkata"), [0, 1])
        starts = ["2026-03-01T18:30"]
        self.assertEqual(bands_of(starts, [PEAK], timezone="Pacific/Auckland"), [0])
        starts = ["2026-03-01T19:30"]
        self.assertEqual(bands_of(starts, [PEAK], timezone="Pacific/Auckland"), [1])

    def test_past_midnight_belongs_to_the_day_it_starts_on(self):
        starts = [
            "2026-03-02T05:59",  # Monday morning: Sunday has no slot
            "2026-03-02T22:00",
            "2026-03-03T05:59",
            "2026-03-03T06:00",
            "2026-03-07T05:59",  # Saturday morning, from Friday
            "2026-03-07T22:00",
        ]
        self.assertEqual(bands_of(starts, [NIGHT]), [0, 2, 2, 0, 2, 0])

    def test_whole_days(self):
        weekend = TimeBand(3, (Slot({5, 6}),))
        all_day = TimeBand(4, (Slot({0}, 600, 600),))
        starts = ["2026-03-07T00:00", "2026-03-08T23:59", "2026-03-09T00:00"]
        self.assertEqual(bands_of(starts, [weekend]), [3, 3, 0])
        starts = ["2026-03-02T09:59", "2026-03-02T10:00", "2026-03-03T09:59"]
        self.assertEqual(bands_of(starts, [all_day]), [0, 4, 4])
        self.assertEqual(bands_of(["2026-03-03T10:00"], [all_day]), [0])

    def test_holiday_is_not_its_weekday(self):
        holiday = TimeBand(5, (Slot({HOLIDAY}),))
        easter_monday = datetime.date(2026, 4, 6)
        starts = ["2026-04-06T12:00", "2026-04-07T12:00"]
        found = bands_of(starts, [PEAK, holiday], holidays={easter_monday})
        self.assertEqual(found, [5, 1])
        self.assertEqual(bands_of(starts, [PEAK], holidays={easter_monday}), [0, 1])

    def test_holiday_is_local(self):
        deck = {"timezone": BERLIN, "holidays": {datetime.date(2026, 4, 6)}}
        holiday = TimeBand(5, (Slot({HOLIDAY}),))
        starts = [
            "2026-04-05T21:59",
            "2026-04-05T22:00",
            "2026-04-06T21:59",
            "2026-04-06T22:00",
        ]
        self.assertEqual(bands_of(starts, [holiday], **deck), [0, 5, 5, 0])

    def test_night_before_and_after_a_holiday(self):
        # Tuesday is a holiday: Monday's night runs into it, it has none of its own
        deck = {"holidays": {datetime.date(2026, 3, 3)}}
        starts = ["2026-03-03T05:59", "2026-03-03T22:30", "2026-03-04T05:59"]
        self.assertEqual(bands_of(starts, [NIGHT], **deck), [2, 0, 0])

    def test_summer_time(self):
        early = TimeBand(6, (Slot(EVERY_DAY, 120, 180),))  # 02:00 to 03:00
        # 2026-03-29: 01:00 UTC is 03:00 local, the hour does not exist
        starts = ["2026-03-29T00:59", "2026-03-29T01:00", "2026-03-30T00:00"]
        self.assertEqual(bands_of(starts, [early], timezone=BERLIN), [0, 0, 6])
        # 2026-10-25: 02:00 to 03:00 comes twice, 00:00 to 02:00 UTC
        starts = [
            "2026-10-24T23:59",
            "2026-10-25T00:00",
            "2026-10-25T01:30",
            "2026-10-25T02:00",
        ]
        self.assertEqual(bands_of(starts, [early], timezone=BERLIN), [0, 6, 6, 0])

    def test_summer_time_in_the_far_future(self):
        starts = ["2099-07-01T06:00", "2099-07-01T05:59", "2099-01-05T06:59"]
        self.assertEqual(bands_of(starts, [PEAK], timezone=BERLIN), [1, 0, 0])

    def test_several_slots_and_priority(self):
        lunch = TimeBand(7, (Slot({0}, 720, 780), Slot({1}, 660, 720)))
        starts = ["2026-03-02T12:00", "2026-03-03T11:00", "2026-03-03T12:00"]
        self.assertEqual(bands_of(starts, [lunch, PEAK]), [7, 7, 1])
        self.assertEqual(bands_of(starts, [PEAK, lunch]), [1, 1, 1])

    def test_a_band_without_hours_never_holds(self):
        self.assertEqual(bands_of(["2026-03-02T12:00"], [TimeBand(8)]), [0])

    def test_more_than_sixty_four_bands(self):
        bands = [TimeBand(n + 1, (Slot({0}, n * 10, n * 10 + 10),)) for n in range(100)]
        starts = [f"2026-03-02T{n // 6:02}:{n % 6 * 10:02}" for n in range(100)]
        self.assertEqual(bands_of(starts, bands), list(range(1, 101)))


class TestCalendar(TestCase):
    def test_next_change(self):
        calendar = Calendar("UTC", (), (PEAK.slots,))
        calendar.cover(instant("2026-03-06T00:00"), instant("2026-03-10T00:00"))
        starts = ["2026-03-06T07:00", "2026-03-06T08:00", "2026-03-06T18:00"]
        changes = calendar.next_change(np.array([instant(start) for start in starts]))
        self.assertEqual(
            [at(int(change)).isoformat()[:16] for change in changes],
            ["2026-03-06T08:00", "2026-03-06T18:00", "2026-03-09T08:00"],
        )

    def test_growing_the_span_changes_no_answer(self):
        days = (PEAK.slots, NIGHT.slots)
        calendar = Calendar(BERLIN, (), days)
        moment = np.array([instant("2026-03-28T12:00")])
        calendar.cover(int(moment[0]), int(moment[0]))
        narrow = calendar.class_at(moment)
        calendar.cover(instant("2019-01-01T00:00"), instant("2027-01-01T00:00"))
        self.assertEqual(calendar.class_at(moment).tolist(), narrow.tolist())

    def test_offsets_of_a_year(self):
        periods = offset_periods(
            zone_of(BERLIN), instant("2026-01-01T00:00"), instant("2027-01-01T00:00")
        )
        hours = [
            (at(low).isoformat()[:16], o // 3_600_000_000) for low, _, o in periods
        ]
        self.assertEqual(
            hours,
            [("2026-01-01T00:00", 1), ("2026-03-29T01:00", 2), ("2026-10-25T01:00", 1)],
        )
        self.assertEqual([p[0] for p in periods[1:]], [p[1] for p in periods[:-1]])

    slots = st.builds(
        Slot,
        st.frozensets(st.integers(0, 7), min_size=1),
        st.integers(0, 96).map(lambda quarter: quarter * 15),
        st.integers(0, 1440),
    )

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.lists(slots, max_size=3).map(tuple), min_size=1, max_size=3),
        st.sampled_from(
            ["UTC", BERLIN, "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"]
        ),
        st.frozensets(
            st.dates(datetime.date(2026, 3, 20), datetime.date(2026, 4, 10)), max_size=3
        ),
        st.lists(
            st.integers(instant("2026-03-20T00:00"), instant("2026-04-10T00:00")),
            min_size=1,
            max_size=6,
        ),
    )
    def test_agrees_with_local_time_minute_by_minute(
        self, hours, timezone, holidays, moments
    ):
        calendar = Calendar(timezone, holidays, tuple(hours))
        calendar.cover(min(moments), max(moments) + 86_400_000_000)
        deck = Deck(1, timezone=timezone, holidays=holidays)
        bands = [TimeBand(place, slots) for place, slots in enumerate(hours)]

        def hold(moment_us):
            return [band_holds(deck, band, at(moment_us)) for band in bands]

        moments = np.array(moments)
        classes = calendar.class_at(moments)
        changes = calendar.next_change(moments)
        for moment, number, change in zip(
            moments.tolist(), classes, changes.tolist(), strict=True
        ):
            now = hold(moment)
            self.assertEqual(calendar.active[number, 1:].tolist(), now)
            for step in range(1, 40):
                later = moment + step * 7 * 60_000_000
                if later < change:
                    self.assertEqual(hold(later), now)
            if change < max(moments):
                self.assertNotEqual(hold(change), now)
                self.assertEqual(hold(change - 1), now)


class TestConfiguration(TestCase):
    def test_what_cannot_be_is_refused(self):
        for build, message in (
            (lambda: Slot({8}), "Days"),
            (lambda: Slot(()), "Days"),
            (lambda: Slot({0}, -1, 5), "Minute"),
            (lambda: Slot({0}, 0, 1441), "Minute"),
            (lambda: Deck(1, rounding="middle"), "rounding"),
            (lambda: Deck(1, crossing="later"), "crossing"),
            (lambda: Deck(1, decimals=7), "decimals"),
            (lambda: Deck(1, bands=(1, 1)), "twice"),
            (lambda: Deck(1, holidays={"2026-01-01"}), "date"),
            (lambda: zone_of("Europe/Nowhere"), "Timezone"),
            (lambda: zone_of(""), "Timezone"),
        ):
            with self.subTest(message=message):
                self.assertRaisesRegex(ValueError, message, build)
