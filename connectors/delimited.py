# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Delimited text (CSV and its kin) into Arrow tables, exact about line numbers.

Two ways lead to the same result. Arrow reads a whole block of lines at once, and what
it says is taken when it found exactly one record in each line that is not blank: then
no record spans lines, and each record's line is known. Any other block (values with
line breaks, a quote that is never closed) is cut smaller, and the small block with the
trouble in it is read here, record by record.

What counts as a record:

* A value that begins with a quote ends at the next single quote; a doubled quote is
  one quote, delimiters and line breaks in it are text. A quote inside a value that did
  not begin with one is text. Text after a closing quote belongs to the value. (So do
  Python's csv module and Arrow.)
* Lines end with LF, CR or CRLF. Lines with nothing in them are no records.
* A record may span lines only when it is beyond doubt: each of its quoted values is
  followed by a delimiter or line end, and the count of columns is right. Otherwise its
  first line is taken for a line with an unbalanced quote, it alone is bad, and reading
  goes on at the next line: a stray quote must not swallow the calls after it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv

from .formats import BadLine, FileLimits
from .unpack import count_line_ends

_QUOTE = ord('"')
_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"([^\r\n]*+)(?:\r\n|\n|\r|\Z)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
# Possessive, so that a quote that is never closed costs one look, not many.
_QUOTED = re.compile(rb'"([^"]*+(?:""[^"]*+)*+)"')
# A block with trouble is read again in pieces of about this size.
_SMALL_BLOCK_BYTES = 64 * 2**10
_SHOWN_BYTES = 40_000  # of a line that is too long; RAW_CHARACTERS of any script

INCOMPLETE = "incomplete"
UNCLOSED = "unclosed"


@dataclass
class Piece:
    """Records of one stretch of a file, in order; lines as in formats.Chunk."""

    table: pa.Table
    line: np.ndarray
    bad: list[BadLine]


@dataclass
class Scan:
    """One record as read by hand.

    ``problem``: '' or UNCLOSED or INCOMPLETE (with neither is the rest valid);
    ``text_end``: where its text ends; ``stop``: where the next record begins.
    """

    problem: str
    fields: list[bytes]
    text_end: int = 0
    stop: int = 0


class RecordScanner:
    """Reads single records by the rules above; the reference for everything here."""

    def __init__(self, delimiter: str, columns: int | None, max_bytes: int):
        """:param columns: expected count, None when any will do"""
        self.delimiter = delimiter.encode()
        self.columns = columns
        self.max_bytes = max_bytes
        self._plain = re.compile(rb"[^" + re.escape(self.delimiter) + rb"\r\n]*+")

    def scan(self, data: bytes, start: int, end: int, closed: bool) -> Scan:
        """The record at ``start``.

        :param end: end of the data that may be looked at, after a line end
        :param closed: no record goes on beyond ``end``
        """
        fields: list[bytes] = []
        several_lines = False
        strict = True
        pos = start
        while True:
            if pos < end and data[pos] == _QUOTE:
                value, pos, clean = self._quoted(data, pos, start, end)
                if value is None:
                    cut = end < start + self.max_bytes and not closed
                    return Scan(INCOMPLETE if cut else UNCLOSED, fields)
                strict = strict and clean
                several_lines = several_lines or b"\n" in value or b"\r" in value
            else:
                match = self._plain.match(data, pos, end)
                value, pos = match[0], match.end()
            fields.append(value)
            if several_lines and not (strict and self._may_be(len(fields))):
                return Scan(UNCLOSED, fields)
            if not data.startswith(self.delimiter, pos, end):
                break
            pos += 1
        if several_lines and not self._may_be(len(fields), pos - start, whole=True):
            return Scan(UNCLOSED, fields)
        match = _LINE_END.match(data, pos, end)
        return Scan("", fields, pos, match.end() if match else pos)

    def _quoted(self, data, pos, start, end):
        """Value, where it ends, and whether a delimiter or line end follows it."""
        limit = min(end, start + self.max_bytes)
        match = _QUOTED.match(data, pos, limit)
        if match is None:
            return None, pos, False
        pos = match.end()
        if pos == limit < end and data[pos] == _QUOTE:
            return None, pos, False  # half of a doubled quote
        value = match[1].replace(b'""', b'"')
        rest = self._plain.match(data, pos, end)
        return value + rest[0], rest.end(), not rest[0]

    def _may_be(self, columns, length=0, whole=False):
        if length > self.max_bytes:
            return False
        if self.columns is None:
            return True
        return columns == self.columns if whole else columns <= self.columns


class DelimitedReader:
    """Pieces of records from blocks of UTF-8 text.

    Memory: about two blocks and two lines of the longest kind that is allowed.

    :param blocks: the text, cut anywhere between two characters
    :param skip_records: records at the beginning that are no data, the header included
    """

    def __init__(
        self,
        blocks: Iterator[bytes],
        delimiter: str,
        columns: tuple[str, ...],
        skip_records: int = 0,
        limits: FileLimits | None = None,
    ):
        self._max_line = (limits or FileLimits()).max_line_bytes
        self._blocks = blocks
        self._columns = list(columns)
        self._delimiter = delimiter
        self._regular = _regular_record(delimiter.encode(), len(columns))
        self._scanner = RecordScanner(delimiter, len(columns), self._max_line)
        self._to_skip = skip_records
        self._data = b""  # read from the blocks, not yet used
        self._final = False  # there are no more blocks
        self._line = 1  # where self._data begins
        self._schema = pa.schema([(name, pa.string()) for name in columns])
        self._convert = pyarrow.csv.ConvertOptions(
            column_types=self._schema, strings_can_be_null=False
        )

    def pieces(self) -> Iterator[Piece]:
        self._skip_head()
        while True:
            data = self._data
            long_line = _find_long_line(data, self._max_line)
            if long_line is not None:
                end, closed = long_line, True
            elif self._final:
                end, closed = len(data), True
            else:
                end, closed = _last_line_end(data, 0, len(data)), False
            done = yield from self._read(data, end, closed)
            self._data = data[done:]
            if long_line is not None:
                yield self._drop_long_line()
            elif self._final:
                return
            else:
                self._fill()

    def _fill(self):
        block = next(self._blocks, None)
        if block is None:
            self._final = True
        else:
            self._data += block

    def _skip_head(self):
        scanner = RecordScanner(self._delimiter, None, self._max_line)
        self._fill()
        while self._to_skip and not (self._final and not self._data):
            data = self._data
            end = len(data) if self._final else _last_line_end(data, 0, len(data))
            if _find_long_line(data, self._max_line) == 0:
                self._drop_long_line()
                self._to_skip -= 1
                continue
            first_line = _LINE.match(data, 0, end)
            record = scanner.scan(data, 0, end, self._final)
            if not end or record.problem == INCOMPLETE:
                self._fill()
                continue
            stop = first_line.end() if record.problem else record.stop
            self._line += count_line_ends(data, 0, stop)
            self._data = data[stop:]
            if first_line[1].strip():
                self._to_skip -= 1

    def _drop_long_line(self):
        """Leave out the line that self._data begins with, read to its end."""
        # No more than is there however the text was cut into blocks.
        shown = self._data[: min(_SHOWN_BYTES, self._max_line)].decode(errors="ignore")
        while True:
            match = _LINE_END.search(self._data)
            if match and (self._final or match.end() < len(self._data)):
                self._data = self._data[match.end() :]
                break
            if self._final:
                self._data = b""
                break
            # A CR at the very end may be half of a CRLF.
            self._data = self._data[match.start() :] if match else b""
            self._fill()
        bad = BadLine.with_length(self._line, shown, self._max_line)
        self._line += 1
        return self._piece([], [], [bad])

    def _read(self, data, end, closed):
        """Yield the records before ``end``; return how far that came.

        That is ``end``, or where a record begins that goes on beyond it.
        """
        piece = self._read_block(data, 0, end)
        if piece is not None:
            yield piece
            return end
        pos = 0
        while pos < end:
            stop = _small_stop(data, pos, end)
            whole = pos == 0 and stop == end
            piece = None if whole else self._read_block(data, pos, stop)
            if piece is None:
                piece, pos = self._read_records(data, pos, stop, end, closed)
            else:
                pos = stop
            yield piece
            if pos < stop:
                break
        return pos

    def _read_block(self, data, start, end):
        """All lines from start to end by Arrow, None when a record may span lines.

        Why the count of rows is proof: a record that spans lines takes at least one
        more line that is not blank (the one with its closing quote), so there are more
        such lines than rows. The last record could lack its closing quote; Arrow would
        not mind, so that is looked at separately.
        """
        if start == end:
            return self._piece([], [], [])
        if data.startswith(_BOM, start) or not self._ends_closed(data, start, end):
            return None  # Arrow would leave a byte order mark out
        bad_rows = []
        table = self._by_arrow(memoryview(data)[start:end], bad_rows)
        if table is None:
            return None
        lines = count_line_ends(data, start, end)
        if not data.endswith((b"\n", b"\r"), start, end):
            lines += 1
        rows = table.num_rows + len(bad_rows)
        if rows == lines:
            line = np.arange(self._line, self._line + lines)
        else:
            line = self._line + _filled_lines(data, start, end)
            if len(line) != rows:
                return None
        self._line += lines
        bad = [
            BadLine.with_columns(int(line[row]), text, found, len(self._columns))
            for row, found, text in bad_rows
            if found > 1 or not text.isspace()
        ]
        line = np.delete(line, [row for row, _found, _text in bad_rows])
        return Piece(table, line, bad)

    def _ends_closed(self, data, start, end):
        """Whether the last line with something in it closes its quotes."""
        end = start + len(data[start:end].rstrip(b"\r\n"))
        begin = max(data.rfind(b"\n", start, end) + 1, start)
        begin = max(data.rfind(b"\r", begin, end) + 1, begin)
        if data.find(b'"', begin, end) < 0:
            return True
        return not self._scanner.scan(data, begin, end, closed=True).problem

    def _read_records(self, data, pos, stop, end, closed):
        """Record by record from pos until one begins at or after stop.

        :return: Piece, and where the next record begins; that is before stop when the
            record there goes on beyond end
        """
        good, lines, bad = [], [], []
        expected = len(self._columns)
        while pos < stop:
            line = self._line
            first_line = _LINE.match(data, pos, end)
            text, after = first_line[1], first_line.end()
            match = self._regular.match(data, pos, end)
            if match and text and len(match[1]) <= self._max_line:
                found, after = expected, match.end()
                self._line += count_line_ends(match[1], 0, len(match[1]))
            elif _QUOTE not in text:
                found = text.count(self._scanner.delimiter) + 1
            else:
                record = self._scanner.scan(data, pos, end, closed)
                if record.problem == INCOMPLETE:
                    break
                if record.problem:
                    bad.append(BadLine.with_open_quote(line, text.decode()))
                    self._line, pos = line + 1, after
                    continue
                found, after = len(record.fields), record.stop
                self._line += count_line_ends(data, pos, record.text_end)
            if found == expected and text:
                good.append(data[pos:after])
                lines.append(line)
            elif text and (found > 1 or not text.isspace()):
                bad.append(BadLine.with_columns(line, text.decode(), found, expected))
            self._line, pos = self._line + 1, after
        return self._piece(good, lines, bad), pos

    def _piece(self, records, lines, bad):
        """
        :param records: text of good ones, line ends included
        """
        unexpected = []
        text = b"".join(records)
        table = None
        if text and not text.startswith(_BOM):
            table = self._by_arrow(text, unexpected, newlines_in_values=True)
        if table is None or unexpected or table.num_rows != len(records):
            table = self._by_hand(records)
        return Piece(table, np.array(lines, np.int64), bad)

    def _by_arrow(self, text, bad_rows, newlines_in_values=False):
        """Table of a text; None when Arrow cannot read it.

        :param bad_rows: gets index, count of columns and text of each row of the text
            that has another count of columns; the table leaves them out
        """

        def invalid(row):
            bad_rows.append((row.number - 1, row.actual_columns, row.text))
            return "skip"

        try:
            return pyarrow.csv.read_csv(
                pa.BufferReader(text),
                read_options=pyarrow.csv.ReadOptions(
                    use_threads=False,
                    block_size=len(text) + 1,
                    column_names=self._columns,
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=self._delimiter,
                    newlines_in_values=newlines_in_values,
                    invalid_row_handler=invalid,
                ),
                convert_options=self._convert,
            )
        except pa.ArrowInvalid:
            return None

    def _by_hand(self, records):
        rows = [self._scanner.scan(text, 0, len(text), True).fields for text in records]
        columns = zip(*rows, strict=True) if rows else ([] for _name in self._columns)
        arrays = [pa.array(list(values), pa.string()) for values in columns]
        return pa.Table.from_arrays(arrays, schema=self._schema)


def first_records(
    data: bytes, whole: bool, delimiter: str, count: int, max_bytes: int
) -> list[list[str]]:
    """Up to ``count`` records from the beginning of a text, any number of columns.

    :param whole: the text is all there is; otherwise what follows its last line end
        may be a part of a record and is left out
    """
    scanner = RecordScanner(delimiter, None, max_bytes)
    end = len(data) if whole else _last_line_end(data, 0, len(data))
    records = []
    pos = 0
    while pos < end and len(records) < count:
        first_line = _LINE.match(data, pos, end)
        record = scanner.scan(data, pos, end, whole)
        if record.problem == INCOMPLETE:
            break
        pos = first_line.end() if record.problem else record.stop
        if first_line[1].strip():
            fields = [first_line[1]] if record.problem else record.fields
            records.append([value.decode() for value in fields])
    return records


def record_text(
    blocks: Iterator[bytes], line: int, delimiter: str, columns: int, max_bytes: int
) -> str | None:
    """The text of the record that begins at a line, None when the file ends before."""
    data = b""
    here = 1  # number of the line that data begins with, or is in the middle of
    for block in blocks:
        data += block
        lines = count_line_ends(data, 0, _last_line_end(data, 0, len(data)))
        if here + lines >= line:
            break
        here += lines
        data = data[-1:] if data.endswith(b"\r") else b""
    else:
        return None
    pos = 0
    for _line in range(line - here):
        pos = _LINE_END.search(data, pos).end()
    while len(data) - pos <= max_bytes + 2 and (block := next(blocks, b"")):
        data += block
    if pos == len(data):
        return None
    scanner = RecordScanner(delimiter, columns, max_bytes)
    record = scanner.scan(data, pos, len(data), closed=True)
    first_line = _LINE.match(data, pos)
    end = first_line.end(1) if record.problem else record.text_end
    return data[pos:end].decode(errors="ignore")


def _regular_record(delimiter, columns):
    """Pattern of a record of so many columns whose quotes are beyond doubt."""
    value = rb'(?:"[^"]*+(?:""[^"]*+)*+"|(?!")[^%b\r\n]*+)' % re.escape(delimiter)
    more = rb"(?:%b%b){%d}" % (re.escape(delimiter), value, columns - 1)
    return re.compile(rb"(%b%b)(?:\r\n|\n|\r|\Z)" % (value, more))


def _last_line_end(data, start, end):
    """After the last line end, or start; a CR at the end may be half of a CRLF."""
    after = max(data.rfind(b"\n", start, end) + 1, start)
    return max(data.rfind(b"\r", after, end - 1) + 1, after)


def _small_stop(data, pos, end):
    """A line end some way after pos."""
    if end - pos <= _SMALL_BLOCK_BYTES:
        return end
    stop = _last_line_end(data, pos, pos + _SMALL_BLOCK_BYTES)
    if stop > pos:
        return stop
    match = _LINE_END.search(data, pos + _SMALL_BLOCK_BYTES - 1, end)
    return match.end() if match else end


def _find_long_line(data, max_line):
    """Where the first line begins that is longer than allowed, or None."""
    pos = 0
    while len(data) - pos > max_line:
        window = pos + max_line + 1
        last = data.rfind(b"\n", pos, window)
        if last < 0:
            last = data.rfind(b"\r", pos, window)
        if last < 0:
            return pos
        pos = last + 1
    return None


def _filled_lines(data, start, end):
    """0-based numbers of the lines between start and end that are not blank."""
    text = np.frombuffer(data, np.uint8)[start:end]
    is_lf, is_cr = text == 10, text == 13
    ends = is_lf | is_cr
    ends[:-1] &= ~(is_cr[:-1] & is_lf[1:])  # a CRLF ends at its LF
    ends = np.flatnonzero(ends)
    starts = np.concatenate(([0], ends + 1))
    after_cr = (text[ends] == 10) & (ends > 0) & (text[ends - 1] == 13)
    lengths = np.append(ends - after_cr, len(text)) - starts
    return np.flatnonzero(lengths > 0)
