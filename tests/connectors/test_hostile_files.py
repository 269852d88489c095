# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Small files that ask for much cost little, and right ones of that kind are read."""

import csv
import gzip
import io
import struct
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from unittest import TestCase

from odoo.addons.metered_billing.connectors import budget as budgets
from odoo.addons.metered_billing.connectors.budget import Budget, FileBudget
from odoo.addons.metered_billing.connectors.files import (
    FileLimits,
    SourceFileError,
    check_file,
    detect_format,
    read_chunks,
)
from odoo.addons.metered_billing.connectors.spreadsheet import Workbook
from odoo.addons.metered_billing.deck_files import DeckFileError

from ..support import hostile_files
from ..support.hostile_files import COLUMNS, book, good_rows, row, sheet
from ..support.reading_cost import REFUSED, assert_readable, bounded, calls, deck

SMALL = 25_000  # bytes; larger ones may cost in proportion


@cache
def load_readers():
    """What is loaded once is no file's cost."""
    with tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        path.write_bytes(book(good_rows()))
        calls(path)
        deck(path)


class HostileCase(TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "upload")
        load_readers()

    def store(self, content):
        self.path.write_bytes(content)
        return self.path

    def outcome(self, read, content):
        """What came of it: a result, or the sentence of a refusal."""
        self.store(content)
        try:
            return read(self.path)
        except REFUSED as error:
            assert_readable(str(error))
            return str(error)

    def assert_refused(self, content, message, read=calls):
        self.assertRegex(str(self.outcome(read, content)), message)


class TestHostileFiles(HostileCase):
    def test_cost_little(self):
        for what, make in hostile_files.FILES.items():
            content = make()
            for read in (calls, deck):
                with self.subTest(what, bytes=len(content), by=read.__name__):
                    # 64 MiB; more where the file itself has a size.
                    with bounded(64 if len(content) <= SMALL else 128):
                        self.outcome(read, content)

    def test_packed_once_more_cost_as_much(self):
        for what in ("31,000 rows to the last column", "1 MiB of formats"):
            content = gzip.compress(hostile_files.FILES[what]())
            with self.subTest(what), bounded():
                self.outcome(calls, content)

    def test_what_is_refused(self):
        for what, message in (
            ("4 MiB of formats", "unpacks to more than 200 times its size"),
            ("1 MiB of formats", "more than 65,490 cell formats"),
            ("16 MiB of texts", "unpacks to more than 200 times its size"),
            ("a long text in many cells", "characters in cells"),
            ("values in the last column allowed", "more than 1,320,200 cells"),
            ("many sheets that are one", "unpacks to more than 200 times"),
            ("too many sheets", "more than 1,000 sheets"),
            ("nested elements", "is damaged after row 220"),
            ("60 MB of lines in gzip", "unpacks to more than 200 times its size"),
            ("a million columns at once", "has 1,001 columns, more than 1,000"),
        ):
            with self.subTest(what):
                self.assert_refused(hostile_files.FILES[what](), message)

    def test_what_is_read(self):
        """Where cells are empty, or nothing reads a part, nothing is refused."""
        for what in (
            "cells at the end of rows",
            "31,000 rows to the last column",
            "empty rows",
            "empty cells",
            "merged cells",
            "defined names",
            "comments, drawings and relations",
        ):
            with self.subTest(what):
                self.assertEqual(
                    self.outcome(calls, hostile_files.WORKBOOKS[what]()), 219
                )

    def test_formatted_to_the_end(self):
        for what, make in hostile_files.FORMATTED.items():
            with self.subTest(what):
                self.store(make())
                with bounded():
                    self.assertEqual(calls(self.path), 999)
                # Blank rows are no records that are missing in the end.
                fmt = detect_format(self.path)
                self.assertEqual(check_file(self.path, fmt).records, 999)

    def test_a_name_says_nothing(self):
        content = hostile_files.FILES["1 MiB of formats"]()
        self.store(content)
        for name in ("calls.csv", "calls.xlsx", "calls", ""):
            with self.assertRaisesRegex(SourceFileError, "65,490 cell formats"):
                detect_format(self.path, name)


class TestDeckBudget(HostileCase):
    def assert_deck_refused(self, text, message):
        self.assert_refused(text.encode(), message, deck)

    def test_ranges(self):
        ranges = hostile_files.FILES["1,000 ranges"]().decode()
        self.assert_deck_refused(ranges, "stand for more than 67000 rates")
        same = "prefix,price\n" + "10000-19999,1\n" * 12
        self.assert_deck_refused(same, "stand for more than 50132 rates")
        cell = hostile_files.FILES["ranges in one cell"]().decode()
        self.assert_deck_refused(cell, "stand for more than")

    def test_ranges_that_people_write(self):
        text = "prefix,price\n" + "".join(
            f"44{n}00-{n}99,0.01\n" for n in range(7000, 7400)
        )
        self.assertEqual(self.outcome(deck, text.encode()), 400 * 100)

    def test_rows(self):
        content = gzip.compress(b"prefix,price\n" + b"1,2\n" * 60_000)
        self.assert_refused(content, "more than 50000 rows", deck)
        rows = "".join(f"{n},2\n" for n in range(100_000, 160_000))
        content = ("prefix,price\n" + rows).encode()
        self.assertEqual(self.outcome(deck, content), 60_000)
        # The same packed, as carriers send it.
        self.assertEqual(self.outcome(deck, gzip.compress(content)), 60_000)

    def test_rows_that_repeat(self):
        text = "prefix,price\n" + "1,2\n" * 100_000
        with bounded(256):
            self.assert_deck_refused(text, "More than 10000 rows in the file are wrong")

    def test_long_lines(self):
        # Odoo lets fields of CSV files be far longer than Python does.
        self.addCleanup(csv.field_size_limit, csv.field_size_limit(131_072))
        start = "prefix,price\n" + "1,2\n" * 300
        self.assert_deck_refused(start + '"' + "1" * 200_000 + '",2\n', "field larger")
        self.assert_deck_refused(
            start + "1," * 600_000, "Line 302 is longer than 1048576"
        )
        self.assert_deck_refused(start + '"\n",' * 400_000, "is longer than 1048576")

    def test_lines_end_as_they_may(self):
        for end in ("\n", "\r", "\r\n"):
            text = "prefix,price,name\n".replace("\n", end)
            text += "".join(f'{n},1,"a{end}b"{end}' for n in range(10_000, 50_000))
            self.assertEqual(self.outcome(deck, text.encode()), 40_000)


class TestBudget(TestCase):
    def test_in_proportion_to_the_file(self):
        limits = FileLimits()
        for size, most in ((0, 2**20), (5000, 2**20), (10**6, 2 * 10**8)):
            for what in (budgets.BYTES, budgets.CELLS, budgets.CHARACTERS):
                budget = FileBudget(size, limits)
                budget.spend(what, most)
                with self.assertRaises(SourceFileError):
                    budget.spend(what)

    def test_seconds_of_the_processor(self):
        budget = FileBudget(0, FileLimits(), "workbook")
        budget.most[budgets.SECONDS] = 0
        with (
            self.assertRaisesRegex(SourceFileError, "more than 0 seconds"),
            budget.clocked(),
        ):
            sum(range(10_000))

    def test_refusal_is_its_own(self):
        budget = Budget({"a": 1}, lambda what, most: DeckFileError(f"{what} {most}"))
        budget.spend("a")
        with self.assertRaisesRegex(DeckFileError, "a 1"):
            budget.spend("a")
        self.assertEqual(budget.spent["a"], 2)


class TestArchive(HostileCase):
    def test_many_parts(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for number in range(10_001):
                archive.writestr(f"xl/{number}", "")
        self.assert_refused(out.getvalue(), "more than 10,000 parts")

    def test_directory_is_not_read(self):
        """zipfile makes an object of each entry before anybody can count them."""
        content = b"PK\3\4" + b"x" * 99
        for end in (
            struct.pack("<4s4HIIH", b"PK\5\6", 0, 0, 1, 1, 2**30, 0, 0),
            struct.pack("<4s4HIIH", b"PK\5\6", 0, 0, 50_000, 50_000, 99, 0, 0),
            struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 9, 10**7, 10**9, 0)
            + struct.pack(
                "<4s4HIIH", b"PK\5\6", 0, 0, *[2**16 - 1] * 2, *[2**32 - 1] * 2, 0
            ),
        ):
            self.assert_refused(content + end, "more than 10,000 parts")

    def test_other_ways_of_packing(self):
        """LZMA asks for as much memory as the file says."""
        for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
            out = io.BytesIO()
            with (
                zipfile.ZipFile(io.BytesIO(book(good_rows()))) as old,
                zipfile.ZipFile(out, "w", method) as new,
            ):
                for name in old.namelist():
                    new.writestr(name, old.read(name))
            self.assert_refused(out.getvalue(), "is a damaged workbook")

    def test_a_long_element(self):
        """Old versions of expat look at it again with each block."""
        noise = "".join(f"{n:x}" for n in range(400_000))
        content = book(good_rows(), after=f"<a b='{noise}'/>")
        self.assert_refused(content, "is damaged after row 220")


class TestCells(HostileCase):
    """What the cells of odd sheets are read as."""

    def rows(self, xml, **parts):
        self.store(book(xml, **parts))
        with Workbook(self.path) as workbook:
            return [(number, values) for number, values, _width in workbook.rows()]

    def test_numbers(self):
        for text, value in (
            ("007", "7"),
            ("-0.50", "-0.5"),
            ("1e3", "1000"),
            ("9" * 5000, "9" * 5000),
            ("1e999999999", "1e999999999"),
            ("12025550101", "12025550101"),
        ):
            xml = f"<row><c><v>{text}</v></c></row>"
            self.assertEqual(self.rows(xml), [(1, [value])])
        for text in ("٤٤", "²", "1_000", "nan", "0x1", "inf", "1e", " 1"):
            with self.assertRaisesRegex(SourceFileError, "damaged after row 0"):
                self.rows(f"<row><c><v>{text}</v></c></row>")

    def test_times(self):
        styles = (
            '<numFmts><numFmt numFmtId="170" formatCode="[h]:mm"/></numFmts><cellXfs>'
            '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs>'
        )
        for style, text, value in (
            (0, "46296.5", "46296.5"),
            (1, "46296.5", "2026-10-01 12:00:00"),
            (2, "1.5", "36:00:00"),
            (1, "1e300", "#VALUE!"),
            (1, "99999999999", "#VALUE!"),
            (2, "1e300", "#VALUE!"),
            (7, "46296.5", "46296.5"),
        ):
            xml = f'<row><c s="{style}"><v>{text}</v></c></row>'
            self.assertEqual(self.rows(xml, styles=styles), [(1, [value])])

    def test_texts(self):
        strings = (
            "<si><t>a</t></si>"
            "<si><r><t>b</t></r><rPh><t>x</t></rPh><r><t>c</t></r></si>"
        )
        xml = '<row><c t="s"><v>1</v></c><c r="D1" t="s"><v>0</v></c></row>'
        self.assertEqual(self.rows(xml, strings=strings), [(1, ["bc", "", "", "a"])])
        escaped = "<t>_x005F_x000D_ _x000d_ _xD800_ _x0000_</t>"
        plain = [(1, ["_x000D_ \r _xD800_ _x0000_"])]
        xml = '<row><c t="s"><v>0</v></c></row>'
        self.assertEqual(self.rows(xml, strings=f"<si>{escaped}</si>"), plain)
        xml = f'<row><c t="inlineStr"><is>{escaped}</is></c></row>'
        self.assertEqual(self.rows(xml), plain)
        for number in ("2", "-1", "x", "9" * 30):
            with self.assertRaisesRegex(SourceFileError, "damaged"):
                self.rows(f'<row><c t="s"><v>{number}</v></c></row>', strings=strings)

    def test_places(self):
        self.assertEqual(
            self.rows('<row r="5"><c r="B5"><v>1</v></c><c><v>2</v></c></row>'),
            [(5, ["", "1", "2"])],
        )
        for xml in (
            '<row r="2"/><row r="2"/>',
            '<row r="0"/>',
            '<row r="1e999"/>',
            '<row><c r="XFE1"><v>1</v></c></row>',
            '<row><c r="a1"><v>1</v></c></row>',
            '<row><c r="1"><v>1</v></c></row>',
            f'<row><c r="{"A" * 9999}1"><v>1</v></c></row>',
        ):
            with self.assertRaisesRegex(SourceFileError, "is damaged"):
                self.rows(xml)

    def test_values_beyond_the_columns_allowed(self):
        rows = good_rows() + '<row r="300"><c r="XFD300"><v>1</v></c></row>'
        self.store(book(rows))
        (chunk,) = read_chunks(self.path, detect_format(self.path))
        (bad,) = chunk.bad
        self.assertEqual(
            bad.message,
            "Row 300 has 16384 columns where 5 are expected.",
        )
        self.assert_refused(
            book('<row><c r="XFD1"><v>1</v></c></row>'), "has 16,384 columns"
        )

    def test_long_rows(self):
        text = "".join(map(str, range(110_000)))
        long = row(300, ("44", "1", text, text, "x"))
        self.store(book(good_rows() + long))
        (chunk,) = read_chunks(self.path, detect_format(self.path))
        (bad,) = chunk.bad
        self.assertEqual(bad.message, "Row 300 is longer than 1,048,576 bytes.")
        self.assertEqual(len(chunk.frame), 219)

    def test_strict_names(self):
        strict = "http://purl.oclc.org/ooxml/"
        changed = {
            "xl/worksheets/s.xml": sheet(row(1, COLUMNS)).replace(
                hostile_files.MAIN, f"{strict}spreadsheetml/main"
            )
        }
        self.assertEqual(self.rows("", parts=changed), [(1, list(COLUMNS))])
