# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Durations and headings that name their units."""

import unittest
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.duration_words import (
    OTHER,
    named_unit,
    worded_seconds,
)
from odoo.addons.metered_billing.ingest.durations import UNITS, parse_seconds

#: ways to write hours, minutes and seconds with the names of their units
WRITERS = [
    "{h}h{m}m{s}s",
    "{h} h {m} min {s} s",
    "{h}h{m:02}m{s:02}s",
    "{h} hours, {m} minutes, {s} seconds",
    "{h} Std. {m} Min. {s} Sek.",
    "{h} heures {m} minutes {s} secondes",
    "{h} \u0447 {m} \u043c\u0438\u043d {s} \u0441\u0435\u043a",
    "PT{h}H{m}M{s}S",
    "P0DT{h}H{m}M{s}.0S",
    "{h:02}:{m:02}'{s:02}\"",
    "0 days, {h}:{m:02}:{s:02}",
]


class TestDurationWords(unittest.TestCase):
    @given(
        st.integers(0, 23),
        st.integers(0, 59),
        st.integers(0, 59),
        st.sampled_from(WRITERS),
        st.sampled_from(("", *UNITS)),
    )
    def test_reading_is_the_inverse_of_writing(self, h, m, s, writer, unit):
        seconds = 3600 * h + 60 * m + s
        found = parse_seconds([writer.format(h=h, m=m, s=s)], "down", unit)
        self.assertEqual([a.tolist() for a in found], [[seconds], [True], [False]])

    def test_parts(self):
        for text, seconds in (
            ("65s", 65),
            ("1m5s", 65),
            ("PT1M5S", 65),
            ("1'05\"", 65),
            ("1 min 5 sec", 65),
            ("1 Min. 5 Sek.", 65),
            ("1 day, 0:01:05", 86_465),
            ("90 min", 5400),
            ("1,5 min", 90),
            ("1500 ms", Decimal("1.5")),
            ("1,500 s", None),
            ("1.5m 5s", None),
            ("5s 1m", None),
            ("1m 75s", None),
            ("1m 1m", None),
            ("5 apples", None),
            ("PT", None),
            ("P", None),
            ("s", None),
            ("-5s", None),
            ("9" * 70 + "s", None),
        ):
            self.assertEqual(worded_seconds(text), seconds, text)

    def test_headings(self):
        for unit, headings in {
            "min": "Gespr\u00e4chsminuten|Duration (min)|Dauer (Min.)|Billable Minutes|"
            "call_minutes|min|"
            "Dauer in Minuten|Dur\u00e9e (min)|durationMin|Duration (m)",
            "ms": "billmsec|Duration (ms)|duration_ms|durationMs|Milliseconds",
            "s": "Duration (sec)|Duration (s)|Seconds|duration_s|Dauer [Sek]",
            "h": "Hours|Duration (h)|Dauer in Stunden",
            "h:mm": "Std:Min|Duration (h:mm)|Talk Time (HH:MM)",
            "h:mm:ss": "Duration (hh:mm:ss)|H:MM:SS",
            "mm:ss": "Duration mm:ss|Min:Sek|Minutes:Seconds",
            "hhmmss": "Duration HHMMSS",
            "mmss": "Duration MMMSS",
            "hhmm": "HHMM",
            "6s": "Duration in 6s units|Pulses (6 sec)",
            OTHER: "billusec|Duration (1/10 s)|Min/Sec|Min. Duration|Duration (10s)|"
            "Pulses|"
            "Duration (\u00b5s)",
            "": "Duration|billsec|Dauer|Talk|Call's duration|Summe|"
            "Minimum|Order|Duration 2",
        }.items():
            for heading in headings.split("|"):
                self.assertEqual(named_unit(heading), unit, heading)
