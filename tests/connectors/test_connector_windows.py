# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Switching daylight saving time loses and doubles no hour."""

import unittest
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.errors import SourceSettingsError
from odoo.addons.metered_billing.connectors.windows import (
    Window,
    cut,
    local_text,
    utc_text,
    zone,
)

ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata")
# In New York clocks go from 02:00 back to 01:00 at 06:00 UTC.
BACK = datetime(2026, 11, 1, 6, tzinfo=UTC)
FORTH = datetime(2026, 3, 8, 7, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)

# Whole seconds of two years.
moments = st.integers(0, 2 * 365 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


class TestWindows(unittest.TestCase):
    def test_days_of_utc(self):
        start = datetime(2026, 2, 23, 17, 30, tzinfo=UTC)
        self.assertEqual(
            list(cut(start, start + timedelta(days=2))),
            [
                Window(start, datetime(2026, 2, 24, tzinfo=UTC)),
                Window(
                    datetime(2026, 2, 24, tzinfo=UTC), datetime(2026, 2, 25, tzinfo=UTC)
                ),
                Window(datetime(2026, 2, 25, tzinfo=UTC), start + timedelta(days=2)),
            ],
        )
        self.assertEqual(list(cut(start, start)), [])

    def test_fractions_of_a_second_are_within(self):
        start = datetime(2026, 2, 23, 17, 0, 0, 900_000, tzinfo=UTC)
        ((begin, end),) = cut(start, start)  # noqa: F841
        self.assertEqual(begin, start.replace(microsecond=0))

    def test_cut_where_clocks_are_changed(self):
        for change in (BACK, FORTH):
            day = change.replace(hour=0)
            windows = list(cut(day, day + timedelta(days=1), 24, NEW_YORK))
            self.assertEqual([window.end for window in windows][:-1], [change])

    @settings(deadline=None)
    @given(
        moments,
        st.integers(0, 40 * 24 * 3600),
        st.sampled_from((1, 7, 24, 168)),
        st.sampled_from((None, *ZONES)),
    )
    def test_windows_are_the_whole_without_gap_or_overlap(
        self, start, seconds, hours, name
    ):
        end = start + timedelta(seconds=seconds)
        local = ZoneInfo(name) if name else None
        at = start
        for window in cut(start, end, hours, local):
            self.assertEqual(window.start, at)
            self.assertLess(window.start, window.end)
            self.assertLessEqual(window.end - window.start, timedelta(hours=hours))
            at = window.end
        self.assertEqual(at, max(start, end))

    @settings(deadline=None)
    @given(moments, st.sampled_from(ZONES))
    def test_every_moment_is_read_back_from_its_local_time(self, moment, name):
        """However ambiguous the time is: the window that was asked for tells."""
        local = ZoneInfo(name)
        day = moment.replace(hour=0, minute=0, second=0)
        for window in cut(day, day + timedelta(days=1), 24, local):
            if window.start <= moment < window.end:
                written = moment.astimezone(local).replace(tzinfo=None).isoformat(" ")
                read = utc_text(written, local, window)
                self.assertEqual(read, moment.replace(tzinfo=None).isoformat() + "Z")

    def test_each_minute_of_the_night_the_clocks_are_set_back(self):
        """A switch that answers local times: 180 minutes, each one once."""
        begin, end = BACK - timedelta(hours=2), BACK + timedelta(hours=1)
        calls = [begin + MINUTE * at for at in range(180)]
        read = []
        for window in cut(begin, end, 24, NEW_YORK):
            for call in calls:
                if window.start <= call < window.end:
                    shown = call.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M:%S")
                    read.append(utc_text(shown, NEW_YORK, window))
        self.assertEqual(read, [call.strftime("%Y-%m-%dT%H:%M:%SZ") for call in calls])

    def test_a_time_that_clocks_skip_is_left_for_the_pipeline_to_refuse(self):
        self.assertEqual(
            utc_text("2026-03-08 02:30:00", NEW_YORK), "2026-03-08 02:30:00"
        )

    def test_what_is_no_time_or_has_an_offset_is_left_alone(self):
        for text in ("", "soon", "2026-02-23T17:00:01Z", "2026-02-23 17:00:01-0500"):
            self.assertEqual(utc_text(text, NEW_YORK), text)

    def test_other_layouts(self):
        self.assertEqual(
            utc_text("23/02/2026 12:00", NEW_YORK, layout="%d/%m/%Y %H:%M"),
            "2026-02-23T17:00:00Z",
        )
        self.assertEqual(
            utc_text("23/02/2026 12:00 +0000", NEW_YORK, layout="%d/%m/%Y %H:%M %z"),
            "2026-02-23T12:00:00Z",
        )

    @settings(deadline=None)
    @given(moments, st.sampled_from(ZONES))
    def test_local_parameters_leave_nothing_out(self, moment, name):
        """Whichever of the two moments a switch takes the text for."""
        local = ZoneInfo(name)
        for late in (False, True):
            written = datetime.fromisoformat(
                local_text(moment, local, "%Y-%m-%dT%H:%M:%S", late)
            )
            for fold in (0, 1):
                taken = written.replace(tzinfo=local, fold=fold)
                if late:
                    self.assertGreaterEqual(taken, moment)
                else:
                    self.assertLessEqual(taken, moment)

    def test_zones_that_do_not_exist(self):
        with self.assertRaisesRegex(SourceSettingsError, "no time zone Mars/Olympus"):
            zone("Mars/Olympus")
