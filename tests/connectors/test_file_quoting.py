# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whoever wrote a file, quoting or not: none of its records is lost."""

import csv
import io
import tempfile
from pathlib import Path
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.files import (
    check_file,
    detect_format,
    raw_record,
    read_chunks,
)
from odoo.addons.metered_billing.connectors.quoting import unescaped_blocks

HEADER = ("id", "start", "seconds", "callee", "name")
# What people are called, and what else gets into such a column.
NAME = st.text(st.sampled_from("Ann ,;\"'\\Zoë5"), min_size=1, max_size=9)


def call(number, name):
    return [
        str(number),
        f"2026-10-{number % 28 + 1:02} 09:00:00",
        str(60 + number),
        "+441632960111",
        name,
    ]


def joined(rows, delimiter=","):
    """What a switch writes that knows of no quotes."""
    return "".join(delimiter.join(row) + "\n" for row in rows)


def written(rows, **dialect):
    out = io.StringIO()
    csv.writer(out, **dialect).writerows(rows)
    return out.getvalue()


def read(text, **override):
    """Format, good rows and bad lines of a text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "calls")
        path.write_bytes(text.encode())
        fmt = detect_format(path, override=override)
        check_file(path, fmt)
        rows, bad = [], []
        for chunk in read_chunks(path, fmt):
            rows += [tuple(row) for row in chunk.frame.itertuples(index=False)]
            bad += chunk.bad
            for item in chunk.bad:
                raw_record(path, fmt, item.line)
    return fmt, rows, bad


class TestUnquoted(TestCase):
    FIVE = [
        call(n, name) for n, name in enumerate(['"Joe', "Ann", "Ann", 'Mac"', "Ann"])
    ]

    def test_quote_that_swallows_line_ends(self):
        for header in ([], [HEADER]):
            fmt, rows, bad = read(joined([*header, *self.FIVE]))
            self.assertEqual((rows, bad), ([tuple(row) for row in self.FIVE], []))
            self.assertEqual(fmt.quote, "")

    def test_in_any_column(self):
        for column in range(5):
            rows = [call(n, "Ann") for n in range(1, 9)]
            rows[2][column] = '"' + rows[2][column]
            rows[5][column] += '"'
            _fmt, found, bad = read(joined(rows))
            self.assertEqual(len(found) + len(bad), 8, column)
            self.assertEqual(bad, [], column)

    def test_late_in_the_file(self):
        rows = [call(n, "Ann") for n in range(20_000)]
        rows[15_000][4], rows[15_003][4] = '"Joe', 'Mac"'
        fmt, found, bad = read(joined(rows))
        self.assertEqual((len(found), bad, fmt.quote), (20_000, [], ""))

    def test_both_ways_are_named(self):
        """Where the writer quotes, a record over lines that are records is doubted."""
        rows = [call(n, "Ann" if 2 < n < 7 else "Smith, Ann") for n in range(9)]
        lines = written(rows).splitlines()
        lines[3] = lines[3].replace("Ann", '"Joe')
        lines[6] = lines[6].replace("Ann", 'Mac"')
        fmt, found, bad = read("\n".join(lines) + "\n")
        self.assertEqual(fmt.quote, '"')
        self.assertEqual([item.line for item in bad], [4, 5, 6, 7])
        self.assertEqual(len(found), 5)
        for item in bad:
            self.assertEqual(item.reason, "two_ways")
            self.assertIn("lines 4 and 7", item.message)

    def test_far_apart(self):
        """Two odd quotes do not make thousands of exceptions."""
        rows = [call(n, "Smith, Ann") for n in range(30_000)]
        rows[20_000][4], rows[23_000][4] = "@Joe", "Mac@"
        for name in range(20_001, 23_000):
            rows[name][4] = "Ann"
        text = written(rows).replace("@", '"')
        _fmt, found, bad = read(text)
        self.assertEqual([item.line for item in bad], [20_001])
        self.assertEqual((len(found), bad[0].reason), (29_999, "two_ways"))

    def test_names_in_quotes(self):
        names = ['"Joe', 'Ann "Red" Lee', '"Bob"', 'Mac"', "Ann", '5" pipe', '"']
        rows = [call(n, name) for n, name in enumerate(names * 3)]
        fmt, found, bad = read(joined([HEADER, *rows]))
        self.assertEqual((found, bad), ([tuple(row) for row in rows], []))
        self.assertEqual(fmt.quote, "")

    def test_needless_quotes_are_none_of_the_value(self):
        """Quotes around one number, and a footer: no reason to doubt the quotes."""
        rows = [call(n, "Ann") for n in range(4)]
        text = (
            joined([HEADER, *rows])
            .replace("+44", '"+44', 1)
            .replace("1,Ann", '1",Ann', 1)
        )
        fmt, found, bad = read(text + "Total,4\n")
        self.assertEqual(found[0][3], "+441632960111")
        self.assertEqual((len(found), len(bad), fmt.quote), (4, 1, '"'))

    @settings(deadline=None, max_examples=60)
    @given(st.lists(NAME, min_size=2, max_size=12), st.sampled_from(";\t|^~"))
    def test_no_line_is_lost(self, names, delimiter):
        # If all lines have more values than there are names, the file is refused.
        rows = [call(n, name) for n, name in enumerate([*names, "Ann"])]
        text = joined([HEADER, *rows], delimiter)
        _fmt, found, bad = read(text, delimiter=delimiter)
        self.assertEqual(len(found) + len(bad), len(rows))
        starts = {row[1] for row in found}
        for row in rows:
            whole = row[1] in starts or any(row[1] in item.raw for item in bad)
            self.assertTrue(whole, row)


class TestQuoted(TestCase):
    def test_values_of_several_lines(self):
        rows = [call(1, "Ann"), call(2, "Street 5\nLondon\n"), call(3, 'a "b"\r\nc')]
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
            text = written([HEADER, *rows], quoting=quoting)
            _fmt, found, bad = read(text)
            self.assertEqual((found, bad), ([tuple(row) for row in rows], []))

    @settings(deadline=None, max_examples=60)
    @given(
        st.lists(NAME, min_size=2, max_size=12),
        st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
        st.sampled_from(",;\t|"),
        st.booleans(),
    )
    def test_as_written(self, names, quoting, delimiter, several_lines):
        """By Python's csv module in every style: nothing is lost or altered."""
        if several_lines:
            names[0] = f"{names[0]}\n{names[-1]}"
        rows = [call(n, name) for n, name in enumerate(names)]
        text = written([HEADER, *rows], quoting=quoting, delimiter=delimiter)
        _fmt, found, bad = read(text)
        self.assertEqual((found, bad), ([tuple(row) for row in rows], []))

    def test_value_that_the_sample_cuts(self):
        """The only value in quotes, where the beginning that is looked at ends."""
        rows = [call(n, "Ann") for n in range(6_000)]
        rows[5_300][4] = "Street 5\nLondon\nEngland"
        cut = 256 * 2**10 - len(written(rows[:5_301]))
        for place in range(-2, 28, 3):
            rows[0][4] = "A" * (cut + place)
            _fmt, found, bad = read(written(rows))
            self.assertEqual((len(found), bad), (6_000, []))
            self.assertEqual(found[5_300][4], rows[5_300][4])

    def test_single_quotes(self):
        rows = [call(n, name) for n, name in enumerate(["O'Neil", "Smith, J", "Ann"])]
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL):
            text = written([HEADER, *rows], quoting=quoting, quotechar="'")
            fmt, found, bad = read(text)
            self.assertEqual((found, bad), ([tuple(row) for row in rows], []))
            self.assertEqual(fmt.quote, "'")

    def test_apostrophes_are_text(self):
        rows = [call(n, name) for n, name in enumerate(["O'Neil", "'s Gravenhage", ""])]
        fmt, found, _bad = read(joined(rows))
        self.assertEqual((found, fmt.quote), ([tuple(row) for row in rows], '"'))

    def test_backslashes(self):
        """What MySQL writes."""
        names = ['Joe "Mac" Lee, Sr', "C:\\", "two\nlines", "tab\there", 'a",b']
        rows = [call(n, name) for n, name in enumerate(names)]
        text = "".join(
            ",".join(f'"{_escaped(value)}"' for value in row) + "\n" for row in rows
        )
        fmt, found, bad = read(text)
        self.assertEqual((found, bad), ([tuple(row) for row in rows], []))
        self.assertEqual(fmt.escape, "\\")

    def test_backslash_at_the_end_of_a_value(self):
        rows = [call(n, "C:\\calls\\") for n in range(5)]
        fmt, found, bad = read(written(rows, quoting=csv.QUOTE_ALL))
        self.assertEqual((found, bad), ([tuple(row) for row in rows], []))
        self.assertEqual(fmt.escape, "")

    @settings(deadline=None, max_examples=60)
    @given(st.text(st.sampled_from('ab\\"nN,'), max_size=30), st.integers(1, 5))
    def test_escapes_in_any_blocks(self, text, size):
        data = text.encode()
        blocks = (data[at : at + size] for at in range(0, len(data), size))
        self.assertEqual(
            b"".join(unescaped_blocks(blocks)), b"".join(unescaped_blocks([data]))
        )

    def test_said(self):
        rows = [call(1, '"Ann"'), call(2, "Ben")]
        _fmt, found, _bad = read(joined(rows), quote="none")
        self.assertEqual(found, [tuple(row) for row in rows])


def _escaped(value):
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\\n")
