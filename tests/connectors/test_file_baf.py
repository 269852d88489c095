# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Billing AMA Format: what was written is read, and nothing else."""

import gzip
import tempfile
from datetime import date
from pathlib import Path
from unittest import TestCase
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors import baf
from odoo.addons.metered_billing.connectors.baf import COLUMNS, baf_lines, is_baf
from odoo.addons.metered_billing.connectors.files import (
    SourceFileError,
    check_file,
    detect_format,
    raw_record,
    read_chunks,
)

TODAY = date(2026, 12, 1)
HEAD = ("006", "036", "0001234", "036", "0001234")


def record(structure, fields, first="AA", rest=""):
    """A record of fields of digits; None: the field of so many is not used."""
    digits = "".join(
        "0" * field + "F" if isinstance(field, int) else field + "C" for field in fields
    )
    body = f"{first}0{structure}C{digits}{rest}"
    data = bytes.fromhex(body)
    return (len(data) + 4).to_bytes(2) + b"\0\0" + data


def call(to="002125550199", overseas="0", elapsed="000001052", **other):
    """A record of structure 0001, from 212 555 0100."""
    made = {"day": "61001", "timing": "00000", "time": "0900051"} | other
    first = made.pop("first", "AA")
    fields = (
        *(*HEAD, made["day"], made["timing"], "0000000", "0", "0", "0", "000"),
        *("212", "5550100", overseas, to[:5], to[5:], made["time"], elapsed),
    )
    return record("0001", fields, first)


def read(data, size=2**20, today=TODAY):
    """A dict column -> text of each record that is no audit."""
    blocks = (data[at : at + size] for at in range(0, len(data), size))
    text = b"".join(baf_lines(blocks, today)).decode()
    head, *lines = text.splitlines()
    assert head == ",".join(COLUMNS)
    rows = [line.split(",") for line in lines if line]
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


class TestBaf(TestCase):
    @settings(deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(0, 99_999), st.integers(0, 599), st.sampled_from("03456789")
            ),
            min_size=1,
            max_size=5,
        ),
        st.integers(1, 200),
        st.booleans(),
    )
    def test_reading_is_the_inverse_of_writing(self, calls, size, blocked):
        data, expected = b"", []
        for minutes, tenths, overseas in calls:
            digits = "447700900123"[: int(overseas) + 4] if overseas in "345678" else ""
            data += (
                call(
                    digits.rjust(12, "0") or "002125550199",
                    overseas,
                    f"0{minutes:05}{tenths:03}",
                )
                if digits
                else call(overseas=overseas, elapsed=f"0{minutes:05}{tenths:03}")
            )
            called = f"+{digits}" if digits else "2125550199"
            expected.append((called, f"{minutes * 60 + tenths // 10}.{tenths % 10}"))
        if blocked:
            data = (len(data) + 4).to_bytes(2) + b"\0\0" + data
        self.assertTrue(is_baf(data))
        found = read(data, size)
        self.assertEqual(
            [(row["terminating_number"], row["elapsed"]) for row in found], expected
        )
        for row in found:
            self.assertEqual(row["originating_number"], "2125550100")
            self.assertEqual((row["date"], row["time"]), ("2026-10-01", "09:00:05.1"))

    def test_the_year_is_the_latest_that_fits(self):
        for today, expected in (
            (date(2026, 9, 30), "2026-10-01"),
            (date(2026, 9, 29), "2016-10-01"),
            (date(2035, 1, 1), "2026-10-01"),
            (date(2036, 10, 1), "2036-10-01"),
        ):
            [row] = read(call(), today=today)
            self.assertEqual(row["date"], expected, today)

    def test_numbers_of_the_length_they_say(self):
        for to, expected in (
            ("030000000411", "411"),
            ("070005550199", "5550199"),
            ("102125550199", "2125550199"),
        ):
            [row] = read(call(to))
            self.assertEqual(row["terminating_number"], expected)

    def test_what_is_not_whole(self):
        """Nothing of a record is read that does not hold what it says."""
        good = call()
        for odd in (
            call("112125550199"),
            call(elapsed="100001052"),
            call(elapsed="000001602"),
            call(day="61301"),
            good.replace(b"\x21\x2c", b"\x21\x2a"),
            good.replace(b"\x21\x2c", b"\x2a\x2c"),
            (len(good) - 2).to_bytes(2) + good[2:-2],
        ):
            row, after = read(odd + good)
            self.assertEqual(row["record_status"], "damaged")
            self.assertFalse(row["elapsed"] or row["time"] or row["terminating_number"])
            self.assertEqual(after["record_status"], "")
        [marked] = read(call(first="AB"))
        self.assertEqual(marked["record_status"], "marked")
        [unknown] = read(record("1234", HEAD, rest="123C"))
        self.assertEqual(unknown["record_status"], "unknown structure")
        self.assertEqual(unknown["rest"], "123C")
        [unused] = read(call().replace(b"\x00\x00\x01\x05\x2c", b"\0\0\0\0\x0f"))
        self.assertEqual((unused["record_status"], unused["elapsed"]), ("", ""))

    def test_damaged_files(self):
        good = call()
        for data in (good + good[:-1], good + b"\xaa" * 40, good[:-3] + good):
            with self.assertRaises(SourceFileError):
                read(data)

    @settings(deadline=None)
    @given(st.binary(max_size=80), st.integers(0, 60), st.integers(1, 40))
    def test_any_bytes(self, noise, at, size):
        """They are refused, or read the same whatever the blocks."""
        data = call() + call()[:at] + noise + call()

        def outcome(size):
            try:
                return read(data, size)
            except SourceFileError as error:
                return str(error)

        self.assertEqual(outcome(size), outcome(10_000))

    def test_as_a_file(self):
        audit = record("9013", ("092", *HEAD[1:], "61001", "0000000"))
        data = audit + call() * 3
        with (
            tempfile.TemporaryDirectory() as folder,
            patch.object(baf, "_today", lambda: TODAY),
        ):
            for name, content in (("a", data), ("b", gzip.compress(data))):
                path = Path(folder, name)
                path.write_bytes(content)
                fmt = detect_format(path)
                self.assertEqual((fmt.encoding, fmt.layout), ("baf", "metaswitch_baf"))
                self.assertEqual(
                    detect_format(path, override=dict(encoding="baf")), fmt
                )
                self.assertGreaterEqual(check_file(path, fmt).records, 3)
                [chunk] = read_chunks(path, fmt)
                self.assertEqual(chunk.line.tolist(), [3, 4, 5])
                self.assertIn("2125550100", raw_record(path, fmt, 4))
