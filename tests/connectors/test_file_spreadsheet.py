# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Workbooks as files of call records."""

import datetime
import gzip
import io
import re
import tempfile
import zipfile
from pathlib import Path
from unittest import TestCase

import openpyxl
import xlsxwriter

from odoo.addons.metered_billing.connectors.files import (
    FileLimits,
    SourceFileError,
    check_file,
    detect_format,
    preview,
    raw_record,
    read_chunks,
)
from odoo.addons.metered_billing.connectors.spreadsheet import cell_text

HEADER = [
    "call_id",
    "start_time",
    "duration",
    "caller",
    "callee",
    "direction",
    "account",
]
START = datetime.datetime(2026, 10, 1, 9, 0, 5)


def call(number):
    return [f"a{number}", START, number, 12125550101, "+441632960111", "outbound", "x"]


def workbook(*sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_shared_texts(rows):
    """A workbook that holds its texts apart from its sheet, as Excel does."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return out.getvalue()


def changed(content, part, change):
    """The workbook with a part of its archive replaced."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info.filename, change(data) if info.filename == part else data)
    return out.getvalue()


class TestWorkbook(TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "upload")

    def read_book(self, content, chunk_records=100_000, **values):
        self.path.write_bytes(content)
        self.fmt = detect_format(self.path)
        self.facts = check_file(self.path, self.fmt)
        return list(read_chunks(self.path, self.fmt, chunk_records, **values))

    def test_values(self):
        micro = datetime.timedelta(microseconds=250_000)
        for value, text in (
            (None, ""),
            ("  kept as it is ", "  kept as it is "),
            (12125550101, "12125550101"),
            (1.404605827e10, "14046058270"),
            (0.1, "0.1"),
            (1e300, "1e+300"),
            (True, "TRUE"),
            (START, "2026-10-01 09:00:05"),
            (START + micro, "2026-10-01 09:00:05.250000"),
            (START.date(), "2026-10-01"),
            (START.time(), "09:00:05"),
            (datetime.timedelta(hours=30, seconds=7), "30:00:07"),
            (-micro, "-00:00:00.250000"),
            ("#N/A", "#N/A"),
        ):
            self.assertEqual(cell_text(value), text)

    def test_calls(self):
        rows = [HEADER, call(1), [], call(2)[:6], call(3) + [None, "note"], call(4)]
        (chunk,) = self.read_book(workbook([], [[None]], rows, [["other"]]))
        self.assertEqual((self.fmt.kind, self.fmt.layout), ("xlsx", "generic"))
        # A column without a name, because a record has a value there.
        self.assertEqual(self.fmt.columns, (*HEADER, "column_8", "column_9"))
        self.assertEqual(chunk.line.tolist(), [2, 4, 5, 6])
        first = ["a1", "2026-10-01 09:00:05", "1", "12125550101", "+441632960111"]
        self.assertEqual(chunk.frame.iloc[0].tolist()[:5], first)
        self.assertEqual(chunk.frame["account"].tolist(), ["x", "", "x", "x"])
        self.assertEqual(raw_record(self.path, self.fmt, 4).split(",")[0], "a2")
        with self.assertRaisesRegex(SourceFileError, "no record at line 3"):
            raw_record(self.path, self.fmt, 3)

    def test_chunks_and_long_rows(self):
        rows = [HEADER] + [call(number) for number in range(300)]
        rows[250] = call(250) + ["too", "long"]  # beyond what detection looks at
        content = workbook(rows)
        chunks = self.read_book(content, 100)
        self.assertEqual([chunk.records for chunk in chunks], [100, 100, 100])
        self.assertEqual(self.facts.records, 300)
        (bad,) = chunks[2].bad
        self.assertEqual(bad.line, 251)
        self.assertEqual(bad.message, "Row 251 has 9 columns where 7 are expected.")
        self.assertTrue(bad.raw.endswith(",x,too,long"))
        rest = list(read_chunks(self.path, self.fmt, 100, 200))
        self.assertEqual(rest[0].first_record, 200)
        self.assertTrue(rest[0].frame.equals(chunks[2].frame))
        self.assertEqual(preview(self.path, self.fmt, 3).line.tolist(), [2, 3, 4])

    def test_gzip(self):
        (chunk,) = self.read_book(gzip.compress(workbook([HEADER, call(1)])))
        self.assertEqual((self.fmt.compression, len(chunk.frame)), ("gzip", 1))

    def test_sheet_that_lies_about_its_size(self):
        content = workbook([HEADER, call(1), call(2)])
        content = changed(
            content,
            "xl/worksheets/sheet1.xml",
            lambda data: re.sub(rb'ref="A1:G3"', b'ref="A1:XFD1048576"', data),
        )
        (chunk,) = self.read_book(content)
        self.assertEqual(chunk.frame.shape, (2, 7))

    def assert_refused(self, content, message, limits=None):
        self.path.write_bytes(content)
        limits = limits or FileLimits()
        with self.assertRaisesRegex(SourceFileError, message):
            check_file(self.path, detect_format(self.path, "c.xlsx", limits), limits)

    def test_empty(self):
        self.assert_refused(
            workbook([], [[" "]]), "'c.xlsx' contains empty worksheets only"
        )
        self.assert_refused(workbook([HEADER]), "has a header but no call records")

    def test_damaged(self):
        content = workbook([HEADER, call(1)])
        self.assert_refused(content[:-100], "'c.xlsx' is a damaged workbook")
        sheet = "xl/worksheets/sheet1.xml"
        for change, message in (
            (lambda data: data[:-30], "is damaged"),
            (lambda data: data.replace(b'r="2"', b'r="two"'), "is damaged after row 1"),
            (
                lambda data: data.replace(b'<row r="2"', b'<row r="9999999"'),
                "more than 1,048,576 rows",
            ),
        ):
            self.assert_refused(changed(content, sheet, change), message)
        manifest = "[Content_Types].xml"
        no_manifest = changed(content, manifest, lambda data: b"<x/>")
        self.assert_refused(no_manifest, "is a damaged workbook")

    def test_end_of_the_sheet_damaged(self):
        rows = [HEADER] + [call(number) for number in range(2000)]
        content = changed(
            workbook(rows), "xl/worksheets/sheet1.xml", lambda data: data[:-300]
        )
        self.assert_refused(content, r"is damaged \(xl/worksheets/sheet1.xml\)")

    def test_bomb(self):
        rows = [HEADER] + [["a" * 1000] * 7] * 300
        limits = FileLimits(ratio_from_bytes=2**10, max_ratio=5)
        self.assert_refused(workbook(rows), "more than 5 times its size", limits)
        limits = FileLimits(max_bytes=100_000)
        content = workbook([HEADER] + [call(number) for number in range(2000)])
        self.assertLess(len(content), 100_000)
        self.assert_refused(content, "larger than 100,000 bytes when unpacked", limits)
        self.assert_refused(gzip.compress(content), "larger than 100,000", limits)

    def test_entities(self):
        laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        content = with_shared_texts([HEADER, ["a1", "", 3]])
        (chunk,) = self.read_book(content)
        self.assertEqual(chunk.frame["call_id"][0], "a1")
        for part in (
            "xl/worksheets/sheet1.xml",
            "xl/sharedStrings.xml",
            "xl/workbook.xml",
            "xl/styles.xml",
            "[Content_Types].xml",
            "_rels/.rels",
        ):
            bomb = changed(
                content,
                part,
                lambda data: re.sub(rb"^(<\?xml[^>]*\?>)?", rb"\1" + laughs, data),
            )
            self.assert_refused(bomb, "contains a document type declaration")
