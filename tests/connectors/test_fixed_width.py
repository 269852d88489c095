# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Lines in columns at fixed positions, as a PBX prints them."""

import gzip
import tempfile
import time
from pathlib import Path
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.files import (
    FileFormat,
    FileLimits,
    SourceFileError,
    check_file,
    detect_format,
    preview,
    raw_record,
    read_chunks,
)
from odoo.addons.metered_billing.connectors.fixed_width import FixedWidthReader

NAMES = ("Date", "Time", "Ext", "CO", "Number", "Duration", "Account")
WIDTHS = (8, 5, 4, 2, 20, 8, 10)
STARTS = (1, 10, 16, 21, 24, 45, 54)
CALLS = [
    ("10/01/26", "09:00", "101", "01", "441632960111", "00:01:05", "12345"),
    ("10/01/26", "09:05", "1012", "02", "<I>12125550101", "00:00:09", ""),
    ("10/01/26", "23:59", "102", "01", "911", "01:00:00", "9876543210"),
]


def line(cells):
    return " ".join(map(str.ljust, cells, WIDTHS)).rstrip()


def page(calls, number=1):
    heading = f"{'SMDR REPORT':<60}PAGE {number}"
    return "\n".join(
        [heading, line(NAMES), "-" * 70, *map(line, calls), "\f"],
    )


def read(content, limits=None, **override):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "smdr")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        fmt = detect_format(path, limits=limits, override=override)
        facts = check_file(path, fmt, limits)
        chunks = list(read_chunks(path, fmt, limits=limits))
        rows = [tuple(r) for c in chunks for r in c.frame.itertuples(index=False)]
        lines = [int(number) for chunk in chunks for number in chunk.line]
        bad = [item for chunk in chunks for item in chunk.bad]
        for number in lines[:3]:
            raw_record(path, fmt, number)
        preview(path, fmt)
    return fmt, facts, rows, lines, bad


class TestFixedWidth(TestCase):
    def test_positions_are_proposed(self):
        text = "\n".join(map(line, CALLS)) + "\n"
        for content in (text, gzip.compress(text.encode()), text.encode("utf-16")):
            fmt, facts, rows, lines, bad = read(content)
            self.assertEqual((fmt.kind, fmt.positions), ("fixed", STARTS))
            self.assertEqual((rows, bad), (CALLS, []))
            self.assertEqual((lines, facts.records, facts.passed), ([1, 2, 3], 3, 0))
            self.assertEqual(fmt.columns[0], "column_1")

    def test_panasonic(self):
        """Pattern A of the KX-NS1000, with the manual's heading and without."""
        widths = (8, 7, 5, 2, 25, 4, 8, 10, 3)
        names = "Date|Time|Ext|CO|Dial Number|Ring|Duration|ACC Code|CD".split("|")
        calls = [
            (
                "10/01/26",
                "10:03AM",
                "1200",
                "01",
                "<I>12345678",
                "5'15",
                "00:01'05",
                "",
            ),
            (
                "10/01/26",
                "10:07AM",
                "1200",
                "01",
                "441632960111",
                "",
                "00:12'05",
                "98765",
            ),
            ("10/01/26", "01:07PM", "*123", "01", "12X", "", "00:01'05", ""),
        ]
        body = [
            " ".join(map(str.ljust, (*call, "TR")[: len(widths)], widths)).rstrip()
            for call in calls
        ]
        head = [" ".join(map(str.ljust, names, widths)), "-" * 80]
        for lines in (body, head + body, head + body + head + body):
            fmt, _facts, rows, _lines, bad = read("\n".join(lines) + "\n")
            self.assertEqual((fmt.layout, fmt.columns), ("panasonic_a", tuple(names)))
            self.assertEqual((bad, rows[-1][4:7]), ([], ("12X", "", "00:01'05")))
            self.assertEqual(len(rows) % 3, 0)

    def test_pages(self):
        text = page(CALLS) + "\n" + page(CALLS, 2) + "\n"
        fmt, facts, rows, lines, bad = read(text)
        self.assertEqual((fmt.columns, fmt.has_header), (NAMES, True))
        self.assertEqual((rows, bad), (CALLS * 2, []))
        self.assertEqual(lines, [4, 5, 6, 11, 12, 13])
        self.assertEqual((facts.records, facts.passed), (6, 6))

    def test_heading_with_a_date(self):
        heading = "  Printed 10/02/26 07:00 by SMDR\n"
        text = heading + page(CALLS) + "\n" + heading + page(CALLS, 2) + "\n"
        _fmt, facts, rows, _lines, bad = read(text)
        self.assertEqual((rows, bad), (CALLS * 2, []))
        self.assertEqual(facts.records, 6)

    def test_shifted_records_are_bad(self):
        shifted = line(CALLS[0])[:24] + "9" + line(CALLS[0])[24:]
        calls = "\n".join(map(line, CALLS * 20))
        _fmt, _facts, rows, _lines, bad = read(f"{calls}\n {line(CALLS[0])}\n{calls}\n")
        self.assertEqual(rows, CALLS * 40)
        self.assertEqual([item.line for item in bad], [61])
        self.assertIn("across position", bad[0].message)
        _fmt, _facts, rows, _lines, bad = read(f"{calls}\n{shifted}\n{calls}\n")
        self.assertEqual((len(rows), [item.line for item in bad]), (120, [61]))

    def test_totals_are_no_calls(self):
        text = "\n".join(map(line, CALLS)) + "\nTotal calls 3\n"
        _fmt, _facts, rows, _lines, bad = read(text)
        self.assertEqual((rows, [item.reason for item in bad]), (CALLS, ["no_moment"]))

    def test_said(self):
        # One column for all that stands between the line and the duration.
        text = "\n".join(map(line, CALLS)) + "\n"
        for said in ((1, 16, 24, 45), "1, 16 24;45"):
            fmt, _facts, rows, _lines, _bad = read(text, positions=said)
            self.assertEqual(fmt.positions, (1, 16, 24, 45))
            self.assertEqual(
                rows[0],
                ("10/01/26 09:00", "101  01", "441632960111", "00:01:05 12345"),
            )
        for wrong in ("1,x", (), (3, 2), (0, 5), [1, 1], "1 2 2", (1.5,), [True, 2]):
            with self.assertRaisesRegex(
                SourceFileError, "column positions|not in order"
            ):
                if wrong:
                    read(text, positions=wrong)
                else:
                    read(text, positions=[])

    def test_columns_that_touch(self):
        text = "\n".join(f"2026100{n}0900{100 + n}  0000{n}5" for n in range(1, 9))
        fmt, _facts, rows, _lines, bad = read(text + "\n", positions=(1, 9, 13, 18))
        self.assertEqual(fmt.touching, (9, 13))
        self.assertEqual((rows[0], bad), (("20261001", "0900", "101", "000015"), []))
        text = "\n".join(f"2026-10-0{n}09:00{100 + n}  0000{n}5" for n in range(1, 9))
        fmt, _facts, rows, _lines, bad = read(text + "\n", positions=(1, 11, 16, 21))
        self.assertEqual((rows[0], bad), (("2026-10-01", "09:00", "101", "000015"), []))

    def test_tabs_are_blanks(self):
        text = "\n".join(map(line, CALLS)) + "\n"
        # To the 17th character, where the second column begins.
        tabbed = text.replace("09:00 101 ", "09:00\t   ")
        _fmt, _facts, rows, _lines, bad = read(tabbed, positions=STARTS)
        self.assertEqual((rows[0][2:4], rows[1:], bad), (("", "01"), CALLS[1:], []))

    def test_letters_are_refused(self):
        with self.assertRaisesRegex(SourceFileError, "No columns were detected"):
            read("Dear Ann\nwe met on 10/01/26 at 9:00 in the\noffice. Yours Ben\n")

    def test_long_line(self):
        text = "\n".join(map(line, CALLS * 20)) + "\n" + "9/9 " * 500 + "\n"
        limits = FileLimits(max_line_bytes=1000)
        _fmt, _facts, rows, _lines, bad = read(text, limits)
        self.assertEqual(rows, CALLS * 20)
        self.assertEqual([item.reason for item in bad], ["too_long"])

    def test_kept(self):
        fmt, *_rest = read(page(CALLS))
        self.assertEqual(FileFormat.from_dict(fmt.as_dict()), fmt)

    @settings(deadline=None, max_examples=40)
    @given(st.integers(1, 90), st.sampled_from(["\n", "\r\n", "\r"]))
    def test_any_blocks(self, size, newline):
        text = (page(CALLS) + "\n" + page(CALLS, 2) + "\n").replace("\n", newline)
        fmt, facts, rows, lines, _bad = read(text)
        data = text.encode()
        blocks = (data[at : at + size] for at in range(0, len(data), size))
        reader = FixedWidthReader(blocks, fmt)
        found, at = [], []
        for piece in reader.pieces():
            found += [tuple(row.values()) for row in piece.table.to_pylist()]
            at += piece.line.tolist()
        self.assertEqual((found, at, reader.passed), (rows, lines, facts.passed))

    @settings(deadline=None, max_examples=60)
    @given(
        st.lists(
            st.tuples(
                st.integers(100, 9999),
                st.text(st.sampled_from("0123456789*#"), min_size=1, max_size=20),
                st.integers(0, 59),
            ),
            min_size=2,
            max_size=20,
        ),
        st.data(),
    )
    def test_no_record_is_lost(self, calls, data):
        """Each line with a date is a call or a bad line, however it is shifted."""
        lines = [
            line(("10/01/26", "09:00", str(ext), "01", number, f"00:00:{s:02}", ""))
            for ext, number, s in calls
        ]
        at = data.draw(st.integers(0, len(lines) - 1))
        place = data.draw(st.integers(0, 40))
        lines[at] = lines[at][:place] + "7" + lines[at][place:]
        _fmt, _facts, rows, _lines, bad = read("\n".join(lines), positions=STARTS)
        self.assertEqual(len(rows) + len(bad), len(lines))

    def test_fast(self):
        text = "\n".join(map(line, CALLS * 30_000))
        began = time.process_time()
        _fmt, _facts, rows, _lines, _bad = read(text)
        self.assertEqual(len(rows), 90_000)
        self.assertLess(time.process_time() - began, 10)
