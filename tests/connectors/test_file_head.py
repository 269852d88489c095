# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Lines above the names of the columns, delimiters of any kind, lines below."""

import gzip
import io
import tempfile
from pathlib import Path
from unittest import TestCase

from openpyxl import Workbook

from odoo.addons.metered_billing.connectors.file_head import without_lines
from odoo.addons.metered_billing.connectors.files import (
    FileFormat,
    SourceFileError,
    check_file,
    detect_format,
    read_chunks,
)

NAMES = "call_id,start_time,duration,caller,callee,direction,account\n"
CALLS = (
    "a1,2026-10-01 09:00:00,61,+12125550101,+441632960111,outbound,acme\n"
    "a2,2026-10-01 09:05:00,5,+12125550101,911,outbound,acme\n"
)


def read(content, **override):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "calls")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        fmt = detect_format(path, override=override)
        facts = check_file(path, fmt)
        chunks = list(read_chunks(path, fmt))
    ids = [text for chunk in chunks for text in chunk.frame.iloc[:, 0]]
    lines = [int(line) for chunk in chunks for line in chunk.line]
    bad = [item for chunk in chunks for item in chunk.bad]
    return fmt, facts, ids, lines, bad


class TestLinesAbove(TestCase):
    def test_separator_line(self):
        for first in ("sep=;\n", '"sep=;"\r\n', "SEP=;\n"):
            text = first + (NAMES + CALLS).replace(",", ";")
            for content in (
                text.encode(),
                text.encode("utf-8-sig"),
                text.encode("utf-16"),
                gzip.compress(text.encode()),
            ):
                fmt, facts, ids, lines, bad = read(content)
                self.assertEqual((fmt.delimiter, fmt.skip_lines), (";", 1))
                self.assertEqual((fmt.layout, fmt.has_header), ("generic", True))
                self.assertEqual((ids, lines, bad), (["a1", "a2"], [3, 4], []))
                self.assertEqual(facts.records, 2)

    def test_separator_that_is_none(self):
        fmt, _facts, ids, _lines, _bad = read("sep=;\n" + NAMES + CALLS)
        self.assertEqual((fmt.delimiter, ids), (",", ["a1", "a2"]))

    def test_titles(self):
        for titles in (
            "Call Report\n",
            "Call Report\n\nFrom,2026-10-01,to,2026-10-31\n",
            '"Calls, by customer"\n,,,,,,\n',
            "Total,2\n\n\n",
        ):
            skipped = titles.count("\n")
            fmt, facts, ids, lines, bad = read(titles + NAMES + CALLS)
            self.assertEqual(fmt.skip_lines, skipped, titles)
            self.assertEqual((fmt.layout, ids, bad), ("generic", ["a1", "a2"], []))
            self.assertEqual(lines, [skipped + 2, skipped + 3])
            self.assertEqual(facts.records, 2)

    def test_cut_record_is_no_title(self):
        """Without names below it, what is first may be the rest of a call."""
        fmt, _facts, ids, _lines, bad = read("0111,outbound,acme\n" + CALLS)
        self.assertEqual((fmt.skip_lines, ids), (0, ["a1", "a2"]))
        self.assertEqual([item.line for item in bad], [1])

    def test_said(self):
        fmt, _facts, ids, lines, _bad = read(NAMES + CALLS, skip_lines=2)
        self.assertEqual((fmt.skip_lines, ids, lines), (2, ["a2"], [3]))
        self.assertFalse(fmt.has_header)
        fmt, _facts, ids, _lines, bad = read("Title\n" + NAMES + CALLS, skip_lines=0)
        self.assertEqual((fmt.skip_lines, ids), (0, ["call_id", "a1", "a2"]))
        self.assertEqual([item.line for item in bad], [1])
        with self.assertRaisesRegex(SourceFileError, "nothing after the first"):
            read(NAMES + CALLS, skip_lines=9)
        for wrong in (-1, "2", True, 1.5):
            with self.assertRaisesRegex(SourceFileError, "lines cannot be skipped"):
                read(NAMES + CALLS, skip_lines=wrong)

    def test_workbook(self):
        book = Workbook()
        book.active.append(["Calls of October"])
        book.active.append([])
        for row in (NAMES + CALLS).splitlines():
            book.active.append(row.split(","))
        out = io.BytesIO()
        book.save(out)
        fmt, _facts, ids, lines, bad = read(out.getvalue())
        self.assertEqual((fmt.skip_lines, fmt.layout), (2, "generic"))
        self.assertEqual((ids, lines, bad), (["a1", "a2"], [4, 5], []))

    def test_any_blocks(self):
        for text in ("a\r\nb\r\nc", "a\n\nb\n", "a\rb\rc\r", "a\n", "", "\r\n\r\nx"):
            data = text.encode()
            for count in range(4):
                rest = "".join(text.splitlines(keepends=True)[count:])
                for size in range(1, 5):
                    blocks = (data[at : at + size] for at in range(0, len(data), size))
                    found = b"".join(without_lines(blocks, count)).decode()
                    self.assertEqual(found, rest, (text, count, size))

    def test_kept(self):
        fmt, *_rest = read("Title\n" + NAMES + CALLS)
        self.assertEqual(FileFormat.from_dict(fmt.as_dict()), fmt)


class TestDelimiters(TestCase):
    def test_any_character(self):
        for delimiter in ",;\t|^~:#!\x1f@":
            calls = CALLS.replace(":", ".").replace(",", delimiter)
            names = NAMES.replace(",", delimiter)
            fmt, _facts, ids, _lines, bad = read(names + calls, delimiter=delimiter)
            self.assertEqual((fmt.delimiter, ids, bad), (delimiter, ["a1", "a2"], []))

    def test_detected(self):
        for delimiter in ",;\t|^~:":
            calls = CALLS.replace(":", ".").replace(",", delimiter)
            fmt, *_rest = read(NAMES.replace(",", delimiter) + calls)
            self.assertEqual(fmt.delimiter, delimiter)

    def test_times_are_no_columns(self):
        fmt, *_rest = read(CALLS.replace(",", "~"))
        self.assertEqual(fmt.delimiter, "~")

    def test_footers_are_no_calls(self):
        _fmt, _facts, ids, _lines, bad = read(NAMES + CALLS + "Total,2\n2 calls\n")
        self.assertEqual(ids, ["a1", "a2"])
        self.assertEqual([item.line for item in bad], [4, 5])
