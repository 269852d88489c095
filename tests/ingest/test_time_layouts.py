# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Times that are clear are read, however they name their parts."""

import unittest
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.time_layouts import abbreviations
from odoo.addons.metered_billing.ingest.times import parse_times, read_times
from odoo.addons.metered_billing.notation.calendar_names import MONTHS, WEEKDAYS

BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTH_NAMES = {n: [name for name, m in MONTHS.items() if m == n] for n in range(1, 13)}
DAY_NAMES = {n: [name for name, d in WEEKDAYS.items() if d == n] for n in range(7)}

#: dates that are clear; `b`: a month's name, `y`: two digits of the year
DATES = (
    "{Y}-{m:02}-{d:02}",
    "{Y}/{m}/{d}",
    "{Y}.{m:02}.{d:02}",
    "{Y}年{m}月{d}日",
    "{d:02}-{b}-{Y}",
    "{d:02}-{b}-{y:02}",
    "{d}. {b}. {Y}",
    "{d} {b} {Y}",
    "{d}/{b}/{Y}",
    "{d} de {b} de {Y}",
    "{b} {d}, {Y}",
    "{b} {d} {Y}",
    "{Y}-{b}-{d:02}",
)
CLOCKS = (
    "{H:02}:{M:02}:{S:02}",
    "{H}:{M:02}:{S:02}",
    "{h}:{M:02}:{S:02} {p}M",
    "{h}:{M:02}:{S:02}{p}M",
    "{h:02}.{M:02}.{S:02} {p}M",
    "{h}:{M:02}:{S:02} {p}.m.",
)
ARRANGED = (
    "{date} {clock}",
    "{date}, {clock}",
    "{clock} {date}",
    "{wd}, {date} {clock}",
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2059, 12, 31)).map(
    lambda moment: moment.replace(microsecond=0)
)


def microseconds(moment, zone="UTC"):
    moment = moment.replace(tzinfo=moment.tzinfo or ZoneInfo(zone))
    return (moment - EPOCH) // timedelta(microseconds=1)


class TestTimeLayouts(unittest.TestCase):
    def read_text(self, text, style="auto", zone="UTC"):
        times, valid = parse_times([text], style, zone)
        return int(times[0]) if valid[0] else None

    @settings(deadline=None)
    @given(
        MOMENTS,
        st.sampled_from(DATES),
        st.sampled_from(CLOCKS),
        st.sampled_from(ARRANGED),
        st.integers(0, 99),
        st.sampled_from((str.lower, str.title, str.upper)),
    )
    def test_reading_is_the_inverse_of_writing(
        self, moment, date, clock, arranged, number, case
    ):
        months, days = MONTH_NAMES[moment.month], DAY_NAMES[moment.weekday()]
        names = {
            "b": case(months[number % len(months)]),
            "wd": case(days[number % len(days)]),
        }
        parts = {
            **{"Y": moment.year, "y": moment.year % 100, "m": moment.month},
            **{"d": moment.day, "H": moment.hour, "M": moment.minute},
            **{"S": moment.second, "h": (moment.hour + 11) % 12 + 1},
            "p": "P" if moment.hour > 11 else "A",
        }
        text = arranged.format(
            date=date.format(**parts, **names), clock=clock.format(**parts), **names
        )
        self.assertEqual(self.read_text(text), microseconds(moment), text)

    def test_real_ones(self):
        day = datetime(2026, 10, 5, 14)
        for text, style, zone, moment in (
            ("Mon, 05 Oct 2026 14:00:00 GMT", "auto", BERLIN, day.replace(tzinfo=UTC)),
            ("Mon Oct  5 14:00:00 2026", "auto", BERLIN, day),
            ("Mon Oct  5 14:00:00 CEST 2026", "auto", BERLIN, day),
            ("05-Oct-26 02.00.00 PM", "auto", BERLIN, day),
            ("2026-10-05 02:00:00 p.m.", "auto", BERLIN, day),
            ("2026-10-05 14:00:00 CEST", "auto", BERLIN, day),
            ("2026-10-05 14:00:00/CEST", "auto", BERLIN, day),
            ("14:00:00 EDT 2026-10-05", "auto", NEW_YORK, day),
            ("05/Oct/2026:14:00:00 +0200", "auto", NEW_YORK, (day, BERLIN)),
            ("10/05/2026 14:00 (GMT-04:00)", "mdy", BERLIN, (day, NEW_YORK)),
            ("Mon 10/05/2026 2:00 PM", "mdy", BERLIN, day),
            ("5 févr. 2026 14:00", "auto", BERLIN, day.replace(month=2)),
            ("05. Okt. 2026 14:00", "auto", BERLIN, day),
            ("1er mars 2026 14:00", "auto", BERLIN, day.replace(month=3, day=1)),
            ("2026-10-04 24:00:00", "auto", BERLIN, day.replace(hour=0)),
            ("46300.583333", "serial", "UTC", day),
            ("46300.5833333333", "serial", "UTC", day),
            ("26/10/05 14:00", "ymd", BERLIN, day),
            ("05/10/2026 14:00", "dmy-swapped", BERLIN, day),
            ("2026-05-10 14:00:00", "dmy-swapped", BERLIN, day),
            ("20261005140000", "dmy-swapped", BERLIN, day),
        ):
            moment, zone_of_moment = (
                moment if isinstance(moment, tuple) else (moment, zone)
            )
            expected = microseconds(moment, zone_of_moment)
            self.assertEqual(self.read_text(text, style, zone), expected, text)

    def test_none_of_these(self):
        for text in (
            "Tue, 05 Oct 2026 14:00:00 GMT",  # it was a Monday
            "2026-10-05 14:00:00 EDT",  # not of this zone
            "2026-10-05 14:00:00 CET",  # not in October
            "05-Foo-2026 14:00:00",
            "26-Oct-05 14:00",
            "Fnord 2026-10-05 14:00",
            "31 Feb 2026 14:00",
            "2026-10-05 13:00 PM",
            "2026-10-05 24:30",
            "5 Oct 2026",
            "x" * 200,
        ):
            self.assertIsNone(self.read_text(text, zone=BERLIN), text)

    def test_abbreviations(self):
        self.assertEqual(abbreviations(BERLIN), {"CET": 60, "CEST": 120})
        self.assertEqual(abbreviations("UTC"), {"UTC": 0})
        self.assertFalse(abbreviations("America/Sao_Paulo"))

    def test_hours_that_a_clock_shows_twice(self):
        texts = [
            "2026-10-25 02:30:00",
            "2026-10-25 02:30:00 CET",
            "2026-10-25 02:30:00+02:00",
            "2026-10-25 03:00:00",
            "2026-10-25 01:59:59",
            "2026-03-29 02:30:00",
        ]
        times, valid, twice = read_times(texts, "auto", BERLIN)
        self.assertEqual(twice.tolist(), [True] + [False] * 5)
        self.assertEqual(valid.tolist(), [True] * 5 + [False])
        self.assertEqual(times[1] - times[2], 3_600_000_000)
        hints = ["1792888200.5", "", "", "", "", ""]
        for hint, expected in ((hints, False), (["no"] * 6, True)):
            found = read_times(texts, "auto", BERLIN, hint)[2]
            self.assertEqual(found[0], expected)
