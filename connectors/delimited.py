# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Delimited text (CSV and its kin) into Arrow tables, exact about line numbers.

Two ways lead to the same result. Arrow reads a whole block of lines at once, and what
it says is taken when it found exactly one record in each line that is not blank: then
no record spans lines, and each record's line is known. Any other block (values with
line breaks, a quote that is never closed) is cut smaller, and the small block with the
trouble in it is read here, record by record.

What counts as a record stands in ``delimited_records``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.csv

from .delimited_lines import (
    LINE,
    LINE_END,
    filled_lines,
    find_long_line,
    last_line_end,
    small_stop,
)
from .delimited_records import INCOMPLETE, RecordScanner, regular_record
from .formats import BadLine, FileLimits
from .quoting import fits_by_line, is_likely_value
from .unpack import count_line_ends

_BOM = b"\xef\xbb\xbf"
_SHOWN_BYTES = 40_000  # of a line that is too long; RAW_CHARACTERS of any script


@dataclass
class Piece:
    """Records of one stretch of a file, in order; lines as in formats.Chunk."""

    table: pa.Table
    line: np.ndarray
    bad: list[BadLine]


class DelimitedReader:
    """Pieces of records from blocks of UTF-8 text.

    Memory: about two blocks and two lines of the longest kind that is allowed.

    :param blocks: the text, cut anywhere between two characters
    :param skip_records: records at the beginning that are no data, the header included
    :param quote: what encloses values, '' where nothing does
    :param first_line: number of the line that the text begins with
    """

    def __init__(
        self,
        blocks: Iterator[bytes],
        delimiter: str,
        columns: tuple[str, ...],
        skip_records: int = 0,
        limits: FileLimits | None = None,
        quote: str = '"',
        first_line: int = 1,
    ):
        self._max_line = (limits or FileLimits()).max_line_bytes
        self._blocks = blocks
        self._columns = list(columns)
        self._delimiter = delimiter
        self._quote = quote
        self._regular = regular_record(delimiter.encode(), len(columns), quote.encode())
        self._scanner = RecordScanner(
            delimiter, len(columns), self._max_line, quote=quote
        )
        self._to_skip = skip_records
        self._data = b""  # read from the blocks, not yet used
        self._final = False  # there are no more blocks
        self._line = first_line  # where self._data begins
        self._schema = pa.schema([(name, pa.string()) for name in columns])
        self._convert = pyarrow.csv.ConvertOptions(
            column_types=self._schema, strings_can_be_null=False
        )

    def pieces(self) -> Iterator[Piece]:
        self._skip_head()
        while True:
            data = self._data
            long_line = find_long_line(data, self._max_line)
            if long_line is not None:
                end, closed = long_line, True
            elif self._final:
                end, closed = len(data), True
            else:
                end, closed = last_line_end(data, 0, len(data)), False
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
        scanner = RecordScanner(
            self._delimiter, None, self._max_line, quote=self._quote
        )
        self._fill()
        while self._to_skip and not (self._final and not self._data):
            data = self._data
            end = len(data) if self._final else last_line_end(data, 0, len(data))
            if find_long_line(data, self._max_line) == 0:
                self._drop_long_line()
                self._to_skip -= 1
                continue
            first_line = LINE.match(data, 0, end)
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
            match = LINE_END.search(self._data)
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
            stop = small_stop(data, pos, end)
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
            line = self._line + filled_lines(data, start, end)
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
        if not self._quote or data.find(self._scanner.quote, begin, end) < 0:
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
            first_line = LINE.match(data, pos, end)
            text, after = first_line[1], first_line.end()
            match = self._regular.match(data, pos, end)
            if match and text and len(match[1]) <= self._max_line:
                found, after = expected, match.end()
                text_end = match.end(1)
            elif not self._quote or self._scanner.quote not in text:
                found = text.count(self._scanner.delimiter) + 1
                text_end = first_line.end(1)
            else:
                record = self._scanner.scan(data, pos, end, closed)
                if record.problem == INCOMPLETE:
                    break
                if record.problem:
                    bad.append(BadLine.with_open_quote(line, text.decode()))
                    self._line, pos = line + 1, after
                    continue
                found, after = len(record.fields), record.stop
                text_end = record.text_end
            if text_end > first_line.end(1):
                span = data[pos:text_end]
                last = line + count_line_ends(span, 0, len(span))
                if fits_by_line(span, self._delimiter, expected, self._quote):
                    if is_likely_value(span):
                        bad += _two_ways(span, line, last)
                        self._line, pos = last + 1, after
                    else:  # of so many records only the first is in doubt
                        one = BadLine.with_two_ways(line, text.decode(), line, last)
                        bad.append(one)
                        self._line, pos = line + 1, first_line.end()
                    continue
                self._line = last
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
                    quote_char=self._quote or False,
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


def _two_ways(span, first, last):
    """A bad line for each line of what is one record or several."""
    return [
        BadLine.with_two_ways(line, text.decode(), first, last)
        for line, text in enumerate(LINE.findall(span), first)
        if text and line <= last
    ]
