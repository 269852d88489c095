# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Durations that no column tells: from answer, or start, to end."""

import unittest
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.mapping import ColumnSpec, missing_targets
from odoo.addons.metered_billing.ingest.two_times import durations_of_times

NEW_YORK = "America/New_York"
COLUMNS = (ColumnSpec("start_time", "begin"), ColumnSpec("end_time", "end"))
DAY = "2026-10-05 "


def lasting(rows, columns=COLUMNS, zone=NEW_YORK, rounding="down"):
    names = ("begin", "end", "answer")
    frame = pd.DataFrame(
        [(*row, "", "")[:3] for row in rows],
        columns=names,
        dtype=pd.ArrowDtype(pa.string()),
    )
    found = durations_of_times(frame, columns, zone, rounding)
    return [
        int(seconds) if valid else None
        for seconds, valid in zip(found.seconds, found.valid, strict=True)
    ], found


class TestTwoTimes(unittest.TestCase):
    def test_from_start_to_end(self):
        cases = {
            (DAY + "10:00:00", DAY + "10:01:30"): 90,
            (DAY + "10:00:00", DAY + "10:00:00"): 0,
            (DAY + "23:59:30", "2026-10-06 00:00:30"): 60,
            (DAY + "10:00:00", DAY + "09:59:59"): None,
            (DAY + "10:00:00", ""): None,
            ("", DAY + "10:00:00"): None,
            (DAY + "10:00:00", "later"): None,
            (DAY + "10:00:00", "10:01:30"): 90,
            (DAY + "23:59:30", "0:00:30"): 60,
            ("2026-10-31 23:59:30", " 00:00"): 30,
            ("later", "10:01:30"): None,
            (DAY + "10:00:00.9", DAY + "10:00:02.1"): 1,
            # clocks are set forward, and back
            ("2026-03-08 01:59:00", "2026-03-08 03:01:00"): 120,
            ("2026-11-01 00:30:00", "2026-11-01 03:30:00"): 4 * 3600,
            ("2026-11-01 01:50:00", "2026-11-01 01:10:00"): 20 * 60,
            # 40 minutes, or 100
            ("2026-11-01 01:10:00", "2026-11-01 01:50:00"): None,
            ("2026-11-01 00:50:00", "2026-11-01 01:10:00"): None,
            ("2026-11-01 01:50:00", "2026-11-01 02:10:00"): None,
            ("2026-11-01 01:10:00-04:00", "2026-11-01 01:50:00-04:00"): 40 * 60,
            ("2026-11-01 01:10:00-04:00", "2026-11-01 01:50:00-05:00"): 100 * 60,
        }
        self.assertEqual(lasting(cases)[0], list(cases.values()))

    def test_from_answer_to_end(self):
        columns = (*COLUMNS, ColumnSpec("answer_time", "answer"))
        rows = [
            (DAY + "10:00:00", DAY + "10:01:30", DAY + "10:00:20"),
            (DAY + "10:00:00", DAY + "10:01:30", ""),
            (DAY + "10:00:00", DAY + "10:01:30", DAY + "10:01:31"),
            (DAY + "10:00:00", DAY + "10:01:30", "0000-00-00 00:00:00"),
            (DAY + "10:00:00", DAY + "10:01:30", "1970-01-01 00:00:00"),
            (DAY + "10:00:00", DAY + "10:01:30", "0"),
            (DAY + "10:00:00", "", "0"),
            (DAY + "10:00:00", "10:01:30", "10:00:20"),
        ]
        seconds, found = lasting(rows, columns)
        self.assertEqual(seconds, [70, None, None, 0, 0, 0, None, 70])
        self.assertEqual(found.total.tolist(), [90] * 6 + [0, 90])
        self.assertIn("10:00:20", found.texts[0].as_py())

    def test_fractions_are_rounded_once(self):
        row = (DAY + "10:00:00.9", DAY + "10:00:02.4")
        for rounding, expected in (("down", 1), ("nearest", 2), ("up", 2)):
            self.assertEqual(lasting([row], rounding=rounding)[0], [expected])

    def test_the_order_of_days_is_said_once(self):
        columns = (ColumnSpec("start_time", "begin", "dmy"), COLUMNS[1])
        row = ("03/04/2026 23:00:00", "04/04/2026 00:00:00")
        self.assertEqual(lasting([row], columns)[0], [3600])

    def test_day_and_clock_in_two_columns(self):
        columns = (
            ColumnSpec("start_time", "answer+begin"),
            ColumnSpec("end_time", "answer+end"),
        )
        for day, style in (
            ("2026-10-05", ""),
            ("2026-10-05 00:00:00", ""),
            ("05.10.2026", "dmy"),
            ("5 Oct 2026", "%d %b %Y %H:%M:%S"),
            ("2026-10-05", "%Y-%m-%d-%H:%M:%S"),
        ):
            with self.subTest(style=style):
                styled = [
                    ColumnSpec(spec.target, spec.columns, style) for spec in columns
                ]
                row = ("10:00:00 ", "10:01:30", day)
                self.assertEqual(lasting([row], styled)[0], [90])

    def test_what_a_file_needs(self):
        names = ("begin", "end")
        self.assertEqual(missing_targets(COLUMNS, names), [])
        self.assertEqual(missing_targets(COLUMNS[:1], names), ["seconds"])
        self.assertEqual(missing_targets(COLUMNS, ("begin",)), [COLUMNS[1]])

    @settings(deadline=None)
    @given(
        st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),
        st.integers(0, 10**6),
        st.sampled_from((NEW_YORK, "Europe/London", "Australia/Lord_Howe", "UTC")),
    )
    def test_never_another_duration(self, begin, seconds, zone):
        """What a clock shows at the beginning and end gives that duration or none."""
        begin = begin.replace(microsecond=0, tzinfo=UTC)
        end = begin + timedelta(seconds=seconds)
        clock = ZoneInfo(zone)
        row = [f"{t.astimezone(clock):%Y-%m-%d %H:%M:%S}" for t in (begin, end)]
        [found], _ = lasting([row], zone=zone)
        twice = [
            t.astimezone(clock).replace(fold=0).utcoffset()
            != t.astimezone(clock).replace(fold=1).utcoffset()
            for t in (begin, end)
        ]
        self.assertIn(found, (seconds, None) if any(twice) else (seconds,))
