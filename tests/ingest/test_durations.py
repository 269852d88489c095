# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Durations are read in the unit that is chosen; without one only if it is clear."""

import csv
import re
import unittest
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.duration_words import OTHER
from odoo.addons.metered_billing.ingest.durations import (
    UNITS,
    doubted_with,
    may_be_doubted,
    parse_named,
    parse_seconds,
)

ASTERISK = Path(__file__).parents[2] / "demo" / "asterisk"
UNCLEAR = "unclear"
SECONDS = st.integers(0, 10**6)


def read(texts, unit="", rounding="down"):
    """Seconds, None for what is no duration, UNCLEAR for what may be several."""
    seconds, valid, unclear = parse_seconds(texts, rounding, unit)
    assert not seconds[~valid].any() and not (valid & unclear).any()
    return [
        int(value) if good else UNCLEAR if both else None
        for value, good, both in zip(seconds, valid, unclear, strict=True)
    ]


def clock(seconds, parts):
    minutes, second = divmod(seconds, 60)
    if parts == 2:
        return f"{minutes}:{second:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"


def decimal(seconds, per_unit, digits):
    places = Decimal(1).scaleb(-digits)
    return str((Decimal(seconds) / per_unit).quantize(places, ROUND_HALF_UP))


#: unit -> writer of whole seconds in it
WRITERS = {
    "": str,
    "s": str,
    "ms": lambda seconds: f"{seconds}000",
    "min": lambda seconds: decimal(seconds, 60, 2),
    "mm:ss": lambda seconds: clock(seconds, 2),
    "h:mm:ss": lambda seconds: clock(seconds, 3),
    "day": lambda seconds: decimal(seconds, 86_400, 8),
}
NUMBER = re.compile(r"0*[0-9]+(?:[.,][0-9]*)?(?:[eE]-[0-9]+)?")
GROUPED = re.compile(
    r"[1-9][0-9]{0,2}(?:(?:,[0-9]{3})+(?:\.[0-9]*)?|(?:\.[0-9]{3})+(?:,[0-9]*)?"
    r"|(?:[ '\u2019\u202f][0-9]{3})+)"
)
WORDED = re.compile(
    r"P?T?([0-9]+([.,][0-9]+)? ?[a-zA-Z]+ ?)+|([0-9]+[:h])?[0-9]+'[0-9]{2}(''|\")?"
)
CLOCK = re.compile(r"[0-9]+:[0-9]{1,2}(?:[:'][0-9]{2})?(?:[.,][0-9]+)?")
#: unit -> seconds of one of its numbers
PER_UNIT = {"": 1, "s": 1, "thousands": 1, "min": 60, "6s": 6, "h": 3600}


def as_numbers(text):
    """What a text is as a number, with a decimal point or comma."""
    bare = re.sub("[ '\u2019\u202f]", "", text)
    found = []
    for decimal_sign, group in (".,", ",."):
        try:
            found.append(Decimal(bare.replace(group, "").replace(decimal_sign, ".")))
        except InvalidOperation:
            continue
    return found


class TestDurations(unittest.TestCase):
    def test_seconds(self):
        cases = {
            "114": (114, 114, 114),
            "0": (0, 0, 0),
            " 7 ": (7, 7, 7),
            "114.": (114, 114, 114),
            "114.000000": (114, 114, 114),
            "114.030000": (114, 115, 114),
            "114,03": (114, 115, 114),
            "114.500000": (114, 115, 115),
            "114.499999": (114, 115, 114),
            "114.0000000000000000000000001": (114, 115, 114),
            "00:01:54": (114, 114, 114),
            "00:01'54": (114, 114, 114),
            "2:00:07.25": (7207, 7208, 7207),
            "100:00:00": (360000, 360000, 360000),
            "999999999999999": (999999999999999,) * 3,
        }
        for position, rounding in enumerate(("down", "up", "nearest")):
            expected = [values[position] for values in cases.values()]
            self.assertEqual(read(list(cases), "s", rounding), expected, rounding)

    def test_each_unit(self):
        cases = {
            "0:04": {"": UNCLEAR, "mm:ss": 4, "h:mm": 240},
            "1:54": {"": UNCLEAR, "mm:ss": 114, "h:mm": 6840},
            "90:00": {"": UNCLEAR, "mm:ss": 5400, "h:mm": 324_000},
            "1:30.5": {"": UNCLEAR, "mm:ss": 90},
            "1.5": {"": UNCLEAR, "s": 1, "ms": 0, "min": 90, "day": 129_600},
            "0.33": {"": UNCLEAR, "s": 0, "ms": 0, "min": 20, "day": 28_512},
            "1,5": {"": UNCLEAR, "s": 1, "ms": 0, "min": 90, "day": 129_600},
            "1,500": {"": UNCLEAR},
            "0.00104167": {"": UNCLEAR, "s": 0, "ms": 0, "min": 0, "day": 90},
            "4.6296296296296294E-05": {"day": 4},
            "60": {"": 60, "s": 60, "ms": 0, "min": 3600, "day": 5_184_000},
            "1:01:01": dict.fromkeys(("", *UNITS), 3661),
            "1m5s": dict.fromkeys(("", *UNITS), 65),
            "0": dict.fromkeys(("", *UNITS), 0),
            "0:00": dict.fromkeys(("", *UNITS), 0),
            "0.00": dict.fromkeys(("", *UNITS), 0),
            "1:75": {},
            "0:60:00": {},
        }
        for unit in ("", *UNITS[:7]):
            expected = [values.get(unit) for values in cases.values()]
            self.assertEqual(read(list(cases), unit), expected, unit)

    def test_no_duration(self):
        texts = ["-5", "", None, "abc", "1:75", "0:60:00", "1e3", ".5", "9" * 16, "١"]
        for unit in ("", *UNITS):
            self.assertEqual(set(read(texts, unit)), {None}, unit)

    def test_milliseconds(self):
        texts = ["114030", "999", "500", "499.9", "1000.0", "1000.1"]
        for rounding, expected in (
            ("down", [114, 0, 0, 0, 1, 1]),
            ("up", [115, 1, 1, 1, 1, 2]),
            ("nearest", [114, 1, 1, 0, 1, 1]),
        ):
            self.assertEqual(read(texts, "ms", rounding), expected, rounding)

    def test_fractions_of_minutes(self):
        """What no whole second is written as follows the source's rounding."""
        for rounding, expected in (("down", 75), ("up", 76), ("nearest", 76)):
            self.assertEqual(read(["1.2633"], "min", rounding), [expected], rounding)

    def test_settings(self):
        for wrong in (("half",), ("down", "d")):
            with self.assertRaises(ValueError):
                parse_seconds(["1"], *wrong)

    @settings(deadline=None)
    @given(SECONDS, st.sampled_from(sorted(WRITERS)), st.sampled_from(("down", "up")))
    def test_reading_is_the_inverse_of_writing(self, seconds, unit, rounding):
        self.assertEqual(read([WRITERS[unit](seconds)], unit, rounding), [seconds])

    @settings(deadline=None)
    @given(st.integers(0, 10**5))
    def test_hours_and_minutes(self, minutes):
        text = f"{minutes // 60}:{minutes % 60:02}"
        self.assertEqual(read([text], "h:mm"), [minutes * 60])

    @settings(deadline=None)
    @given(
        st.text("0123456789:., -+eEhms'\u00a0１٣", max_size=9)
        | st.text(max_size=9)
        | st.from_regex(
            r"[0-9]{1,3}([:., '\u2019\u202f][0-9]{1,4}){0,3}[ a-z]{0,2}", fullmatch=True
        )
    )
    def test_only_whole_numbers_and_clocks(self, text):
        for unit in ("", *UNITS):
            [found] = read([text], unit)
            if found is None:
                continue
            plain = text.strip().removeprefix("+").replace("\u00a0", " ")
            patterns = NUMBER, GROUPED, CLOCK, WORDED
            self.assertTrue(any(p.fullmatch(plain) for p in patterns), (text, unit))
            digits = plain.replace("\u2019", "").replace("\u202f", "")
            self.assertTrue(digits.isascii(), (text, unit))
            if not CLOCK.fullmatch(plain) and not WORDED.fullmatch(plain):
                if unit in PER_UNIT and found != UNCLEAR:
                    possible = [value * PER_UNIT[unit] for value in as_numbers(plain)]
                    near = any(abs(value - found) <= 1 for value in possible)
                    self.assertTrue(near, (text, unit, found, possible))

    def test_whole_numbers_among_decimals(self):
        """Of minutes a whole number may be written without decimals."""
        for texts, doubted, expected in (
            (["1.5", "0.25", "2"], False, [False, False, True]),
            (["1.5", "0.25", "0", "0:01:00"], False, [False] * 4),
            (["1.5", "60", "90"], False, [False] * 3),
            (["1.5", "2"], False, [False, True]),
            (["1.5", *["7"] * 9], False, [False] + [True] * 9),
            (["1.5", *["7"] * 21], False, [False] * 22),
            (["1.5", *["45"] * 9], False, [False] * 10),
            (["1.5", "2", "3.25", "10"], False, [False, True, False, True]),
            (["1.5", "2.5", *["60"] * 5], False, [False] * 7),
            (["2", "0", "0:04", ""], True, [True, False, False, False]),
        ):
            _seconds, _valid, unclear = parse_seconds(texts)
            found = doubted_with(texts, unclear, doubted)
            self.assertEqual(found.tolist(), expected, texts)

    def test_more_units(self):
        for unit, cases in (
            ("h", {"1": 3600, "0.5": 1800, "0,0181": 65}),
            ("6s", {"1": 6, "10": 60, "1.5": 9}),
            ("hhmmss", {"000105": 65, "010203": 3723, "105": 65, "000160": None}),
            ("mmss", {"00105": 65, "06105": 3665, "12000": 7200, "0160": None}),
            ("hhmm", {"0105": 3900, "1200": 43_200, "0160": None}),
            (
                "thousands",
                {"60": 60, "1,234": 1234, "1.234": 1234, "1,234.5": 1234, "1.5": None}
                | {"0,234": None, "1,23": None, "1,2345": None, "0:01:05": 65},
            ),
        ):
            self.assertEqual(read(list(cases), unit), list(cases.values()), unit)

    def test_signs_between_thousands_that_are_nothing_else(self):
        """1,234 may be a decimal; what can only be thousands is read as such."""
        for text, expected in {
            "1 065": 1065,
            "1'065": 1065,
            "1\u00a0065": 1065,
            "1\u202f065": 1065,
            "1,234,567": 1_234_567,
            "1.234.567": 1_234_567,
            "1,065": UNCLEAR,
            "1.065": UNCLEAR,
            "1,065.5": UNCLEAR,
            "01 065": None,
            "1 06": None,
            "1 0655": None,
            "1,065,5": None,
            "1,065 5": None,
            "1.065,5.5": None,
        }.items():
            self.assertEqual(read([text, "60"]), [expected, 60], ascii(text))
        self.assertEqual(read(["1,065.5", "1.065,5"], "s"), [1065, 1065])
        self.assertEqual(read(["1,065.5"], "s", "up"), [1066])

    def test_whole_numbers_that_are_no_seconds(self):
        for texts, expected in (
            (["000105", "000030", "010203", "123456"], [True] * 4),
            (["000105", "000030", "000075"], [False] * 3),
            (["000007", "000030"], [False] * 2),
            (["00105"], [True]),
            (["0030"], [True]),
            (["0000", "00000", "065", "9"], [False] * 4),
            (["65000", "1500", "120000"], [True] * 3),
            (["65000", "60", "120"], [False] * 3),
            (["21540", "60"], [False] * 2),
            (["65000", "65000", "120000"], [False] * 3),
            (["30000", "25000", "80000"], [True] * 3),
            (["30000", "1000", "50000"], [False] * 3),
            (["30000", "1000", "50000", "400", "22000"], [True] * 5),
            (["65000"], [False]),
        ):
            seconds, _valid, unclear = parse_seconds(texts)
            found = doubted_with(texts, unclear).tolist()
            self.assertEqual(found, expected, texts)
            if any(found):
                self.assertTrue(may_be_doubted(texts, seconds), texts)

    def test_headings(self):
        """What a heading names is read so, and what does not fit it is unclear."""
        for named, cases in (
            ("min", {"2": 120, "1.5": 90, "0:05": UNCLEAR, "0:01:00": 60, "x": None}),
            ("ms", {"2000": 2, "1m5s": 65}),
            ("s", {"2": 2, "1.5": 1, "0:05": UNCLEAR}),
            ("h:mm", {"0:05": 300, "65": UNCLEAR, "0": 0}),
            (OTHER, {"65": UNCLEAR, "1.5": UNCLEAR, "0:01:00": 60, "0": 0}),
        ):
            seconds, valid, unclear = parse_named(list(cases), "down", "", named)
            found = [
                int(value) if good else UNCLEAR if both else None
                for value, good, both in zip(seconds, valid, unclear, strict=True)
            ]
            self.assertEqual(found, list(cases.values()), named)
        found = parse_named(["2"], "down", "s", "min")
        self.assertEqual(found[0].tolist(), [2], "what was chosen counts")

    @settings(deadline=None)
    @given(st.lists(SECONDS.map(str) | st.sampled_from(("0:04", "1.5", "x", ""))))
    def test_a_text_is_read_alike_in_any_company(self, texts):
        together = read(texts)
        self.assertEqual(together, [read([text])[0] for text in texts])

    def test_fractions_of_one_switch(self):
        """The switch's own whole seconds are the floored ones with fractions."""
        whole = {
            (row[16], int(row[20])): (int(row[12]), int(row[13]))
            for row in _rows("Master.csv")
        }
        rows = _rows("cdr_custom_legacy.csv")
        duration = read([row[11] for row in rows], "s")
        billed = read([row[12] for row in rows], "s")
        for row, *seconds in zip(rows, duration, billed, strict=True):
            self.assertEqual(tuple(seconds), whole[row[16], int(row[18])])


def _rows(name):
    with (ASTERISK / name).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))
