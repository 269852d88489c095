# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import csv
import unittest
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.times import (
    needs_an_order,
    parse_times,
    style_problem,
)

ASTERISK = Path(__file__).parents[2] / "demo" / "asterisk"
NEW_YORK = "America/New_York"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# 2026-10-01 05:26:16 UTC, as switches write it
US = 1_790_832_376_000_000


def read(texts, style="auto", tz="UTC", hint=None):
    """Return microseconds, None for what is no time."""
    times, valid = parse_times(texts, style, tz, hint)
    assert times.dtype == np.int64 and valid.dtype == bool
    assert not times[~valid].any()
    return [int(time) if ok else None for time, ok in zip(times, valid, strict=True)]


def column(name, *positions):
    with (ASTERISK / name).open(encoding="utf-8", newline="") as file:
        return [tuple(row[p] for p in positions) for row in csv.reader(file)]


class TestTimes(unittest.TestCase):
    def test_automatic(self):
        cases = {
            "2026-10-01 05:26:16": US,
            " 2026-10-01 05:26:16\t": US,
            "2026-10-01T05:26:16": US,
            "2026-10-01T05:26:16Z": US,
            "2026-10-01 05:26:16 UTC": US,
            "2026-10-01T07:26:16+02:00": US,
            "2026-10-01T01:26:16-0400": US,
            "2026-10-01 10:56:16.389 +05:30": US + 389_000,
            "2026-10-01 05:26": US - 16_000_000,
            "2026-10-01 05:26:16.3": US + 300_000,
            "2026-10-01 05:26:16.389123": US + 389_123,
            "2026-10-01 05:26:16.389123999": US + 389_123,
            "20261001-052616": US,
            "20261001T052616Z": US,
            "20261001052616": US,
            "20261001052616.5": US + 500_000,
            "2026/10/1 5:26": US - 16_000_000,
            "2026/10/01 05:26:16": US,
            "1790832376": US,
            "1790832376.389000": US + 389_000,
            "1790832376.": US,
            "1790832376389": US + 389_000,
            "1790832376389.1234": US + 389_123,
            "1790832376389123": US + 389_123,
            "2024-02-29 00:00:00": 1_709_164_800_000_000,
            "1969-12-31 23:59:59.999999": -1,
            "2026-02-29 00:00:00": None,
            "2026-13-01 00:00:00": None,
            "2026-00-10 00:00:00": None,
            "2026-10-00 00:00:00": None,
            "2026-09-31 24:00:00": None,
            "2026-10-01 24:00:01": None,
            "2026-10-01 24:30": None,
            "2026-10-01 25:00": None,
            "2026-10-01 05:60:16": None,
            "2026-10-01 05:26:60": None,
            "0000-10-01 05:26:16": None,
            "2026-10-01 05:26:16+25:00": None,
            "2026-10-01": None,
            "01/10/2026 05:26:16": None,
            "10/01/2026 05:26": None,
            "01.10.2026 05:26": None,
            "2026-10-01 05:26:16 PM": US + 12 * 3600 * 1_000_000,
            "2026-10-01 17:26:16 PM": None,
            "2026-10-01 00:26:16 AM": None,
            "261001052616": None,
            "01102026052616": None,
            "20261001052616389": US + 389_000,
            "２０２６-10-01 05:26:16": None,
            "0000000000": None,
            "0.000000": None,
            "12345": None,
            "-1790832376": None,
            "1.79e9": None,
            "99999999999999999999": None,
            "start": None,
            "": None,
        }
        self.assertEqual(dict(zip(cases, read(list(cases)), strict=True)), cases)
        for text, expected in cases.items():
            self.assertEqual(read([text]), [expected], text)

    def test_kinds_of_input(self):
        texts = ["2026-10-01 05:26:16", None, "no"]
        arrow = pa.array(texts)
        for values in (
            texts,
            arrow,
            pa.chunked_array([arrow[:2], arrow[2:]]),
            pd.Series(texts),
            pd.Series(texts, dtype=pd.ArrowDtype(pa.string())),
        ):
            self.assertEqual(read(values), [US, None, None])
        self.assertEqual(read(arrow[2:]), [None])
        self.assertEqual(read([]), [])
        self.assertEqual(read([1790832376, 1790832377]), [US, US + 1_000_000])
        self.assertEqual(read([datetime(2026, 10, 1, 5, 26, 16)]), [US])

    def test_epoch(self):
        texts = ["0.000000", "86400", "1790832376.389", "1790832376389", ""]
        expected = [None, 86_400_000_000, US + 389_000, US + 389_000, None]
        self.assertEqual(read(texts, "epoch"), expected)
        self.assertEqual(read(["20261001-052616"], "epoch"), [None])

    def test_formats(self):
        for style, text, expected in (
            ("%d/%m/%Y %H:%M:%S", "01/10/2026 05:26:16", US),
            ("%d/%m/%Y %H:%M:%S", "1/10/2026 5:26:16", US),
            ("%m/%d/%Y %H:%M:%S", "10/01/2026 05:26:16", US),
            ("%d.%m.%y %T", "01.10.26 05:26:16", US),
            ("%Y%m%d%H%M%S", "20261001052616", US),
            ("%F %T.%f", "2026-10-01 05:26:16.389123", US + 389_123),
            ("%Y-%m-%dT%H:%M:%S%z", "2026-10-01T01:26:16-04:00", US),
            ("%Y-%m-%d", "2026-10-01", US - 19_576_000_000),
            ("%d %b %Y %I:%M:%S %p", "01 Oct 2026 05:26:16 AM", US),
            ("%a, %d %b %Y %H:%M:%S %z", "Thu, 01 Oct 2026 07:26:16 +0200", US),
            ("%Y年%m月%d日 %H:%M:%S", "2026年10月01日 05:26:16", US),
            ("%d/%m/%Y %H:%M:%S", "31/02/2026 05:26:16", None),
            ("%d/%m/%Y %H:%M:%S", "2026-10-01 05:26:16", None),
            ("%d %b %Y", "31 Feb 2026", None),
            ("%Q nonsense", "2026-10-01 05:26:16", None),
        ):
            self.assertEqual(read([text, ""], style), [expected, None], (style, text))

    def test_order_of_day_and_month(self):
        cases = {
            "01/10/2026 05:26:16": ("2026-10-01 05:26:16", "2026-01-10 05:26:16"),
            "01.10.26 5:26": ("2026-10-01 05:26", "2026-01-10 05:26"),
            "10-01-2026, 05:26:16 AM": ("2026-01-10 05:26:16", "2026-10-01 05:26:16"),
            "13/10/2026 05:26": ("2026-10-13 05:26", None),
            "10/13/2026 05:26": (None, "2026-10-13 05:26"),
            "10/1/2026 5:26:16 pm": ("2026-01-10 17:26:16", "2026-10-01 17:26:16"),
            "01/01/2026 12:26 A.M.": ("2026-01-01 00:26", "2026-01-01 00:26"),
            "01/01/2026T7:26+02:00": ("2026-01-01 05:26", "2026-01-01 05:26"),
            "01/10/2026 13:26:16 PM": (None, None),
            "01/10/2026 00:26:16 PM": (None, None),
            "01/10-2026 05:26:16": (None, None),
            "31/31/2026 10:00": (None, None),
            "2026-10-01 05:26:16": ("2026-10-01 05:26:16",) * 2,
            "1790832376": ("2026-10-01 05:26:16",) * 2,
        }
        for position, order in enumerate(("dmy", "mdy")):
            expected = [times[position] for times in cases.values()]
            found = read(list(cases), order)
            self.assertEqual(found, read(expected), order)
        unclear = needs_an_order(list(cases)).tolist()
        self.assertEqual(unclear, [True] * 8 + [False] * 6)
        self.assertEqual(set(read(list(cases)[:12])), {None})

    def test_what_is_a_format(self):
        for style in ("", "auto", "epoch", "dmy", "mdy", "%d/%m/%Y %H:%M", "%d %b %y"):
            self.assertEqual(style_problem(style), "")
        for style in ("min", "s", "%Q", "dd/mm/yyyy", "%d%d", "ydm", "\ud800"):
            self.assertTrue(style_problem(style), ascii(style))

    @settings(deadline=None)
    @given(st.datetimes(datetime(1969, 1, 1), datetime(2068, 1, 1)))
    def test_an_order_reads_what_was_written(self, moment):
        moment = moment.replace(microsecond=0)
        expected = (moment - EPOCH.replace(tzinfo=None)) // timedelta(microseconds=1)
        for order, layout in (("dmy", "%d/%m/"), ("mdy", "%m/%d/")):
            for rest in ("%Y %H:%M:%S", "%y, %H:%M:%S", "%Y %I:%M:%S %p"):
                text = moment.strftime(layout + rest)
                self.assertEqual(read([text], order), [expected], text)

    def test_clocks_set_back_and_forward(self):
        """In New York 01:30 came twice on 2026-11-01, and 02:30 not on 2026-03-08."""
        first = 1_793_511_000_000_000  # 05:30 UTC
        second = first + 3_600_000_000
        twice, never = "2026-11-01 01:30:00", "2026-03-08 02:30:00"
        self.assertEqual(read([twice, never], tz=NEW_YORK), [first, None])
        self.assertEqual(read([twice], "%Y-%m-%d %H:%M:%S", NEW_YORK), [first])
        self.assertEqual(read([twice + "-05:00"], tz=NEW_YORK), [second])
        for hint, expected in (
            (first // 1_000_000, first),
            (first / 1e6 + 1.5, first),
            (first // 1_000_000 + 3, second),
            (f"{second // 1_000_000}.17", second),
            (f"pbx1-{second // 1_000_000 - 30}.17", second),
            (f"{second // 1_000_000 + 90}.17", second),
            ("", first),
            (None, first),
            ("abc", first),
        ):
            self.assertEqual(read([twice], tz=NEW_YORK, hint=[hint]), [expected], hint)
        texts = pa.array(["x", "2026-11-01 12:00:00", twice])
        hints = pa.array(["", "", f"{second // 1_000_000}.1"])
        self.assertEqual(read(texts, tz=NEW_YORK, hint=hints)[2], second)

    def test_exactness(self):
        """Microseconds that a binary float of seconds cannot tell apart."""
        texts = [f"{2**33}.{digits:06d}" for digits in range(999_990, 1_000_000)]
        expected = [2**33 * 10**6 + d for d in range(999_990, 1_000_000)]
        self.assertEqual(read(texts, "epoch"), expected)

    @settings(deadline=None)
    @given(
        st.datetimes(datetime(1971, 1, 1), datetime(2037, 12, 31)),
        st.sampled_from(["UTC", NEW_YORK, "Europe/London", "Asia/Kolkata"]),
        st.booleans(),
    )
    def test_against_the_standard_library(self, moment, tz, whole):
        if whole:
            moment = moment.replace(microsecond=0)
        utc = moment.replace(tzinfo=UTC)
        local = utc.astimezone(ZoneInfo(tz))
        expected = (utc - EPOCH) // timedelta(microseconds=1)
        hint = [int(utc.timestamp())]
        text = local.replace(tzinfo=None).isoformat(" ")
        self.assertEqual(read([text], tz=tz, hint=hint), [expected])
        self.assertEqual(read([local.isoformat()], tz="UTC"), [expected])


class TestTimesOfRealCalls(unittest.TestCase):
    def test_layouts_of_one_switch_agree(self):
        """UTC, local time with a hint, and epoch: the same start to the second."""
        master = column("Master.csv", 9, 16, 20)
        legacy = column("cdr_custom_legacy.csv", 8, 16, 18)
        epoch = column("cdr_custom_epoch.csv", 11, 20, 23)
        table = column("cdr_pgsql.csv", 9, 16, 20)[1:]
        found = []
        for rows, style, tz, hinted in (
            (master, "auto", "UTC", False),
            (legacy, "auto", NEW_YORK, True),
            (epoch, "epoch", "UTC", False),
            (table, "auto", "UTC", False),
        ):
            self.assertEqual(len(rows), 3282)
            start, uniqueid, sequence = zip(*rows, strict=True)
            hint = list(uniqueid) if hinted else None
            times, valid = parse_times(list(start), style, tz, hint)
            self.assertTrue(valid.all())
            keys = zip(uniqueid, map(int, sequence), strict=True)
            found.append(dict(zip(keys, (times // 1_000_000).tolist(), strict=True)))
        self.assertEqual(len(found[0]), 3282)
        for other in found[1:]:
            self.assertEqual(other, found[0])

    def test_the_hour_that_came_twice_needs_the_hint(self):
        start, uniqueid = zip(*column("cdr_custom_legacy.csv", 8, 16), strict=True)
        with_hint, _valid = parse_times(list(start), "auto", NEW_YORK, list(uniqueid))
        without, _valid = parse_times(list(start), "auto", NEW_YORK)
        self.assertGreater((with_hint != without).sum(), 0)
        self.assertEqual(set((with_hint - without).tolist()), {0, 3_600_000_000})

    def test_a_missing_answer_is_no_time(self):
        answered = column("Master.csv", 10)
        _times, valid = parse_times([a for (a,) in answered], "auto", "UTC")
        epochs = [a for (a,) in column("cdr_custom_epoch.csv", 12)]
        _times, valid_epoch = parse_times(epochs, "epoch", "UTC")
        self.assertEqual(valid.sum(), valid_epoch.sum())
        self.assertLess(valid.sum(), len(valid))
