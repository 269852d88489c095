# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records of delimited text against Python's csv module, whatever the blocks."""

import csv
import gzip
import io
import tempfile
from contextlib import contextmanager
from pathlib import Path
from unittest import TestCase
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors import delimited, delimited_lines
from odoo.addons.metered_billing.connectors.files import (
    FileFormat,
    FileLimits,
    preview,
    raw_record,
    read_chunks,
)

TEXT = st.text(
    st.one_of(
        st.sampled_from("a0,;\t|\"' \n\r\ufeff"),
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    ),
    max_size=8,
)
MESS = st.text(st.sampled_from('ab,"\n\r\ufeff '), max_size=60)


@st.composite
def tables(draw):
    width = draw(st.integers(1, 4))
    row = st.lists(TEXT, min_size=width, max_size=width)
    return draw(st.lists(row, min_size=1, max_size=12))


@contextmanager
def stored(content: bytes, compression=""):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "calls")
        path.write_bytes(gzip.compress(content) if compression else content)
        yield path


def plain_format(width, delimiter=",", encoding="utf-8", compression="", **values):
    columns = tuple(f"c{number}" for number in range(width))
    values = {"has_header": False, "skip_records": 0, "columns": columns} | values
    return FileFormat("delimited", compression, encoding, delimiter, **values)


def line_ends(text):
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def written(table, **dialect):
    """The table as CSV, and the line where each record begins."""
    out = io.StringIO()
    writer = csv.writer(out, **dialect)
    lines = []
    for row in table:
        lines.append(1 + line_ends(out.getvalue()))
        writer.writerow(row)
    return out.getvalue(), lines


def rows_of(chunks):
    return [tuple(row) for c in chunks for row in c.frame.itertuples(index=False)]


def lines_of(chunks):
    return [int(line) for chunk in chunks for line in chunk.line]


def bad_of(chunks):
    return [item for chunk in chunks for item in chunk.bad]


def read(text, width=3, limits=None, **values):
    content = text if isinstance(text, bytes) else text.encode()
    with stored(content) as path:
        return list(read_chunks(path, plain_format(width, **values), limits=limits))


def pieces(text, width, block, limits=None):
    """Rows, lines and bad lines of a text that arrives in blocks of so many bytes."""
    data = text.encode()
    blocks = (data[start : start + block] for start in range(0, len(data), block))
    columns = tuple(f"c{number}" for number in range(width))
    rows, lines, bad = [], [], []
    for piece in delimited.DelimitedReader(
        blocks, ",", columns, 0, limits or FileLimits()
    ).pieces():
        rows += [tuple(row.values()) for row in piece.table.to_pylist()]
        lines += piece.line.tolist()
        bad += piece.bad
    return rows, lines, bad


class TestWrittenAndRead(TestCase):
    @settings(deadline=None, max_examples=60)
    @given(
        tables(),
        st.sampled_from(",;\t|"),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        st.sampled_from(["\n", "\r\n", "\r"]),
        st.booleans(),
        st.sampled_from(["", "gzip"]),
        st.sampled_from(["utf-8", "utf-16-le", "utf-8 with mark"]),
        st.integers(1, 5),
    )
    def test_as_written(
        self, table, delimiter, quoting, newline, ended, compression, encoding, size
    ):
        if quoting == csv.QUOTE_MINIMAL:
            # Python before 3.13 does not quote line ends other than its own.
            own = dict.fromkeys(map(ord, "\r\n"), newline[-1])
            table = [[cell.translate(own) for cell in row] for row in table]
        text, lines = written(
            table, delimiter=delimiter, quoting=quoting, lineterminator=newline
        )
        if text.startswith("\ufeff"):
            text = "\ufeff" + text
        if not ended and quoting == csv.QUOTE_ALL:
            text = text.removesuffix(newline)
        if encoding == "utf-8 with mark":
            text, encoding = "\ufeff" + text.removeprefix("\ufeff"), "utf-8"
            table[0][0] = table[0][0].removeprefix("\ufeff")
        fmt = plain_format(len(table[0]), delimiter, encoding, compression)
        with stored(text.encode(encoding), compression) as path:
            chunks = list(read_chunks(path, fmt, size))
            self.assertEqual(rows_of(chunks), [tuple(row) for row in table])
            self.assertEqual(lines_of(chunks), lines)
            self.assertEqual(bad_of(chunks), [])
            for skip in range(0, len(table) + 1, size):
                rest = list(read_chunks(path, fmt, size, skip_records_done=skip))
                self.assertEqual(rows_of(rest), rows_of(chunks)[skip:])
                self.assertEqual(lines_of(rest), lines[skip:])
                firsts = [c.first_record for c in chunks]
                self.assertEqual([c.first_record for c in rest], firsts[skip // size :])

    @settings(deadline=None, max_examples=60)
    @given(tables(), st.integers(1, 40))
    def test_any_blocks(self, table, block):
        text, lines = written(table, lineterminator="\r\n", quoting=csv.QUOTE_ALL)
        text = text.removeprefix("\ufeff")
        with patch.object(delimited_lines, "_SMALL_BLOCK_BYTES", 16):
            rows, found, bad = pieces(text, len(table[0]), block)
        self.assertEqual(rows, [tuple(row) for row in table])
        self.assertEqual((found, bad), (lines, []))

    def test_dtypes(self):
        (chunk,) = read("1,,é\n")
        self.assertEqual(set(chunk.frame.dtypes), {pd.ArrowDtype(pa.string())})
        self.assertEqual(chunk.frame.iloc[0].tolist(), ["1", "", "é"])
        self.assertFalse(chunk.frame.isna().any().any())
        self.assertEqual(chunk.line.dtype, np.int64)

    def test_null_words_are_text(self):
        (chunk,) = read('NULL,NA,""\nnan,true,1e5\n')
        self.assertEqual(rows_of([chunk]), [("NULL", "NA", ""), ("nan", "true", "1e5")])


class TestTwoWays(TestCase):
    """Arrow's way and the record by record way give the same, on any text."""

    @settings(deadline=None, max_examples=150)
    @given(
        MESS,
        st.integers(1, 3),
        st.integers(1, 70),
        st.integers(1, 70),
        st.sampled_from([5, 12, 1000]),
    )
    def test_same(self, text, width, block, small, max_line):
        text = text.removeprefix("\ufeff")
        limits = FileLimits(max_line_bytes=max_line)
        with patch.object(delimited_lines, "_SMALL_BLOCK_BYTES", small):
            fast = pieces(text, width, block, limits)
        with patch.object(
            delimited.DelimitedReader, "_by_arrow", lambda *_a, **_k: None
        ):
            slow = pieces(text, width, 1000, limits)
        self.assertEqual(fast, slow)

    @settings(deadline=None, max_examples=80)
    @given(MESS, st.integers(1, 3), st.integers(1, 5))
    def test_resume_among_bad_lines(self, text, width, size):
        fmt = plain_format(width)
        with stored(text.encode()) as path:
            chunks = list(read_chunks(path, fmt, size))
            for chunk in chunks[:-1]:
                self.assertEqual(chunk.records, size)
            for chunk in chunks:
                rest = list(read_chunks(path, fmt, size, chunk.first_record))
                later = [c for c in chunks if c.first_record >= chunk.first_record]
                self.assertEqual(rows_of(rest), rows_of(later))
                self.assertEqual(lines_of(rest), lines_of(later))
                self.assertEqual(bad_of(rest), bad_of(later))

    @settings(deadline=None, max_examples=80)
    @given(MESS, st.integers(1, 3))
    def test_every_filled_line_counts(self, text, width):
        """Each line that is not blank begins a record or lies within one."""
        chunks = read(text, width)
        begins = sorted(lines_of(chunks) + [item.line for item in bad_of(chunks)])
        self.assertEqual(len(begins), len(set(begins)))
        with stored(text.encode()) as path:
            covered = set()
            for line in begins:
                raw = raw_record(path, plain_format(width), line)
                covered.update(range(line, line + line_ends(raw) + 1))
        content = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        filled = {n for n, t in enumerate(content.split("\n"), 1) if t.strip()}
        self.assertLessEqual(filled, covered)


class TestBadLines(TestCase):
    @settings(deadline=None, max_examples=60)
    @given(
        st.lists(
            st.lists(
                st.from_regex("[a-z0-9]{1,5}", fullmatch=True), min_size=3, max_size=3
            ),
            min_size=1,
            max_size=30,
        ),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        st.data(),
    )
    def test_stray_quote_spoils_one_line(self, table, quoting, data):
        text, _lines = written(table, lineterminator="\n", quoting=quoting)
        lines = text.splitlines()
        at = data.draw(st.integers(0, len(lines) - 1))
        place = data.draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:place] + '"' + lines[at][place:]
        chunks = read("\n".join(lines) + "\n")
        found = dict(zip(lines_of(chunks), rows_of(chunks), strict=True))
        for number, row in enumerate(table):
            if number != at:
                self.assertEqual(found[number + 1], tuple(row))
        self.assertEqual(sum(chunk.records for chunk in chunks), len(table))

    def test_column_count(self):
        (chunk,) = read("1,2,3\n4,5\n6,7,8,9\n\n7,8,9\n")
        self.assertEqual(chunk.line.tolist(), [1, 5])
        self.assertEqual(
            [(item.line, item.raw, item.reason, item.message) for item in chunk.bad],
            [
                (
                    2,
                    "4,5",
                    "column_count",
                    "Line 2 has 2 columns where 3 are expected.",
                ),
                (
                    3,
                    "6,7,8,9",
                    "column_count",
                    "Line 3 has 4 columns where 3 are expected.",
                ),
            ],
        )
        self.assertEqual(chunk.records, 4)

    def test_cut_off_end(self):
        (chunk,) = read('1,2,3\n4,"5')
        self.assertEqual(rows_of([chunk]), [("1", "2", "3")])
        (bad,) = chunk.bad
        self.assertEqual((bad.line, bad.raw, bad.reason), (2, '4,"5', "unclosed_quote"))

    def test_unclosed_quote_then_blank_lines(self):
        # Arrow alone takes the last one for a record of one line.
        (chunk,) = read('1,2,3\n4,5,"6\n\n')
        self.assertEqual(rows_of([chunk]), [("1", "2", "3")])
        self.assertEqual([item.line for item in chunk.bad], [2])

    def test_quote_in_the_middle_is_text(self):
        (chunk,) = read('5" pipe,2,3\n4,"5"6,7\n')
        self.assertEqual(rows_of([chunk]), [('5" pipe', "2", "3"), ("4", "56", "7")])

    def test_unclosed_quote_far_from_the_end(self):
        good = "".join(f"{n},b,c\n" for n in range(200_000))
        chunks = read('x,"y,z\n' + good)
        self.assertEqual([item.line for item in bad_of(chunks)], [1])
        self.assertEqual(sum(len(chunk.frame) for chunk in chunks), 200_000)
        self.assertEqual(lines_of(chunks), list(range(2, 200_002)))

    def test_record_of_several_lines_has_a_limit(self):
        text = '1,"a\n' + "b\n" * 20 + 'c",3\n4,5,6\n'
        (chunk,) = read(text)
        self.assertEqual(chunk.line.tolist(), [1, 23])
        (chunk,) = read(text, limits=FileLimits(max_line_bytes=20))
        self.assertEqual(chunk.line.tolist(), [23])
        self.assertEqual(chunk.bad[0].reason, "unclosed_quote")
        self.assertEqual([item.line for item in chunk.bad], list(range(1, 23)))

    def test_long_line(self):
        limits = FileLimits(max_line_bytes=1000)
        for end in ("\n", "\r\n", "\r"):
            text = end.join(["1,2,3", "x" * 1001, "x" * 998 + ",,", "4,5,6"])
            (chunk,) = read(text, limits=limits)
            self.assertEqual(chunk.line.tolist(), [1, 3, 4])
            (bad,) = chunk.bad
            self.assertEqual((bad.line, bad.reason), (2, "too_long"))
            self.assertEqual(bad.message, "Line 2 is longer than 1,000 bytes.")

    def test_very_long_line(self):
        chunks = read("1,2,3\n" + "x" * 9_000_000 + "\n4,5,6\n" + "y" * 2_000_000)
        self.assertEqual(lines_of(chunks), [1, 3])
        self.assertEqual([item.line for item in bad_of(chunks)], [2, 4])
        self.assertEqual({len(item.raw) for item in bad_of(chunks)}, {10_000})

    def test_spaces_alone_are_no_record(self):
        (chunk,) = read("1,2,3\n   \n4,5,6\n \t ")
        self.assertEqual((chunk.line.tolist(), chunk.bad), ([1, 3], []))

    def test_raw_record(self):
        text = 'h1,h2\r\n1,2\r\n3,"a\r\nb"\r\n5\r\n6,é'
        with stored(text.encode("utf-16"), "gzip") as path:
            fmt = plain_format(2, ",", "utf-16-le", "gzip", has_header=True)
            raws = [raw_record(path, fmt, line) for line in (2, 3, 5, 6)]
        self.assertEqual(raws, ["1,2", '3,"a\r\nb"', "5", "6,é"])


class TestChunks(TestCase):
    def test_header_and_other_lines_are_skipped(self):
        text = '\n"a\nb",c,d\nINTEGER,INTEGER,STRING\n\n1,2,3\n'
        with stored(text.encode()) as path:
            fmt = plain_format(3, has_header=True, skip_records=1)
            (chunk,) = read_chunks(path, fmt)
        self.assertEqual(
            (chunk.line.tolist(), rows_of([chunk])), ([6], [("1", "2", "3")])
        )

    def test_many_blocks(self):
        # Beyond the size of a block, with a record across its border and one bad line.
        row = '"{0}","a value that takes some place on the line","{0}"\n'
        text = "".join(row.format(n) for n in range(100_000))
        text += '"x","two\nlines","y"\n' + "short\n" + text
        fmt = plain_format(3)
        with stored(text.encode()) as path:
            chunks = list(read_chunks(path, fmt, 30_000))
            self.assertEqual([c.records for c in chunks], [30_000] * 6 + [20_002])
            self.assertEqual([len(c.bad) for c in chunks], [0, 0, 0, 1, 0, 0, 0])
            expected = [*range(1, 100_002), *range(100_004, 200_004)]
            self.assertEqual(lines_of(chunks), expected)
            self.assertEqual(bad_of(chunks)[0].line, 100_003)
            rest = list(read_chunks(path, fmt, 30_000, 90_000))
            self.assertEqual(lines_of(rest), lines_of(chunks[3:]))
            self.assertEqual(rest[0].first_record, 90_000)
            self.assertTrue(rest[0].frame.equals(chunks[3].frame))
            first = preview(path, fmt, 3)
        self.assertEqual((len(first.frame), first.line.tolist()), (3, [1, 2, 3]))

    def test_the_last_chunks_are_ever_smaller(self):
        with (
            stored(b"1,2\n" * 1000) as path,
            patch("odoo.addons.metered_billing.connectors.chunks.LAST_RECORDS", 40),
        ):
            fmt = plain_format(2)

            def sizes(skip, count):
                return [
                    c.records
                    for c in read_chunks(path, fmt, 200, skip, None, 25, count)
                ]

            expected = [25, 50, 100, 200, 200, 141, 94, 63, 42, 40, 45]
            self.assertEqual(sizes(0, 1000), expected)
            self.assertEqual(sizes(900, 1000), [25, 40, 35])
            # How many there are is only counted in lines.
            for count in (1, 975, 1040):
                self.assertEqual(sum(sizes(0, count)), 1000)
            self.assertEqual(sizes(0, None), [25, 50, 100, 200, 200, 200, 200, 25])

    def test_wide_records_make_small_chunks(self):
        text = "".join(f"{n},{'x' * (n % 7)},\n" for n in range(1000))
        with (
            stored(text.encode()) as path,
            patch("odoo.addons.metered_billing.connectors.chunks.CHUNK_BYTES", 500),
        ):
            chunks = list(read_chunks(path, plain_format(3)))
            again = list(
                read_chunks(path, plain_format(3), 10**5, chunks[5].first_record)
            )
        self.assertGreater(len(chunks), 30)
        self.assertEqual([c.records for c in again], [c.records for c in chunks[5:]])
        self.assertEqual(lines_of(chunks), list(range(1, 1001)))
