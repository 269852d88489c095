# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records in columns at fixed positions, as the SMDR printers' port of a PBX has them.

A switch prints a line for each call, and a heading on each page. The positions are
proposed from the columns of blanks that the records share, or set by a person. A record
whose text stands across the beginning of a column is bad: it may be shifted, and a
digit of the called number may be one of the duration's. Lines without any digit, and
those that repeat what stood above the first record, are passed over and counted.
"""

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .delimited import Piece
from .delimited_lines import LINE, last_line_end
from .file_head import first_lines
from .formats import BadLine, FileFormat, FileLimits

#: a date or time of a record
_MOMENT = re.compile(r"\d{1,4}[-/.]\d{1,2}(?:[-/.]\d{2,4})?|\d{1,2}:\d{2}")
_DIGITS = re.compile(r"\d+")
_RULE = re.compile(r"[-=_*+|.~ \t\f]*")
# This share of the records must have text across a position for columns to touch there.
_TOUCH = 0.2
# This share of the lines with digits must have a date or time at the same place.
_ENOUGH = 0.6
# A position that one record in so many contradicts is one all the same.
_ODD = 0.05
_LEAST_COLUMNS = 3
_LEAST_RECORDS = 2
_TAB = 8
_BATCH_BYTES = 4 * 2**20
_BLANK = pa.array(["", " "])


def find_positions(text: bytes) -> tuple[int, ...]:
    """Where the columns of a text begin, from 1 on; () where it has no such columns.

    A text has where most of its lines with a date or time have it at the same place,
    and share at least two columns of blanks.
    """
    lines, share = _records(_lines(text))
    if len(lines) < _LEAST_RECORDS or share < _ENOUGH:
        return ()
    odd = int(_ODD * len(lines))
    width = sorted(map(len, lines))[-1 - odd]
    filled = np.zeros(width, np.int64)
    for line in lines:
        filled[: len(line)] += [char != " " for char in line[:width]]
    # Some records may be shifted, or all of them in order with a value that is rare.
    found = max(_starts(filled, 0), _starts(filled, odd), key=len)
    return found if len(found) >= _LEAST_COLUMNS else ()


def _starts(filled, odd):
    is_text = filled > odd
    starts = is_text & ~np.concatenate(([False], is_text[:-1]))
    return tuple(int(start) + 1 for start in np.flatnonzero(starts))


def find_touching(text: bytes, positions: tuple[int, ...]) -> tuple[int, ...]:
    """Those of the positions that have no blank before them in many records."""
    lines, _share = _records(_lines(text))
    return tuple(
        position
        for position in positions
        if position > 1
        and sum(_touches(line, position) for line in lines) > _TOUCH * len(lines)
    )


def are_dated(text: bytes) -> bool:
    """Whether a date or time, with signs between its digits, tells a record."""
    return _records(_lines(text))[1] > 0


def sample_records(
    text: bytes, positions: tuple[int, ...], skip_lines: int | None = None
) -> tuple[list[list[str]], list[str] | None, int]:
    """What the beginning of a text holds at positions.

    :param skip_lines: what a person says of the lines before the names
    :return: the records, the names above them or None, and how many lines stand before
        these: titles, headings
    """
    lines = _lines(text)
    records, _share = _records(lines[skip_lines or 0 :])
    first = next((n for n, line in enumerate(lines) if line in records[:1]), 0)
    numbers = range(first - 1, -1, -1) if skip_lines is None else [skip_lines]
    cells = [cut(line, positions) for line in records]
    for number in numbers:
        line = lines[number] if number < len(lines) else ""
        names = cut(line, positions)
        if (
            2 * sum(map(bool, names)) > len(positions)
            and not _DIGITS.search(line)
            and not _RULE.fullmatch(line)
            and not any(_touches(line, one) for one in positions if one > 1)
        ):
            return cells, names, number
    return cells, None, first if skip_lines is None else skip_lines


def cut(line: str, positions: tuple[int, ...]) -> list[str]:
    """The values of a line, without the blanks around them."""
    return [line[start:end].strip() for start, end in _places(positions)]


def _places(positions):
    """From where to where each value goes; the last one to the end of the line."""
    starts = [position - 1 for position in positions]
    return zip(starts, [*starts[1:], None], strict=True)


def _lines(text):
    text = text.decode(errors="ignore").replace("\r\n", "\n").replace("\r", "\n")
    return [_spread(line) for line in text.split("\n")]


def _spread(line):
    return line.replace("\f", "").expandtabs(_TAB)


def _records(lines):
    """The lines with a date or time where most have it, and their share of those.

    Where hardly any has one that can be told, those with a digit, and 0.
    """
    dated = [line for line in lines if _MOMENT.search(line)]
    numbered = [line for line in lines if _DIGITS.search(line)]
    if 2 * len(dated) < len(numbered):
        return numbered, 0
    places = Counter(
        match.start() for line in dated for match in _MOMENT.finditer(line)
    )
    if not places:
        return [], 0
    place = max(places, key=lambda start: (places[start], -start))
    return (
        [line for line in dated if _MOMENT.match(line, place)],
        places[place] / len(dated),
    )


def _touches(line, position):
    return line[position - 2 : position - 1] not in ("", " ")


class FixedWidthReader:
    """Pieces of records from blocks of UTF-8 text; as ``delimited.DelimitedReader``.

    ``passed``: lines so far between the records that are none: blank ones, rules, and
    those that say what stood before the first record, but for digits (a page's number).
    """

    def __init__(
        self,
        blocks: Iterator[bytes],
        fmt: FileFormat,
        limits: FileLimits | None = None,
    ):
        self._blocks = blocks
        self._fmt = fmt
        self._max_line = (limits or FileLimits()).max_line_bytes
        self._schema = pa.schema([(name, pa.string()) for name in fmt.columns])
        self._checked = [
            position
            for position in fmt.positions
            if position > 1 and position not in fmt.touching
        ]
        self._line = 1
        self._headings = set()
        self.passed = 0

    def pieces(self) -> Iterator[Piece]:
        fmt = self._fmt
        to_skip = fmt.skip_lines + fmt.has_header + fmt.skip_records
        data, final = b"", False
        while not final:
            block = next(self._blocks, None)
            final = block is None
            data += block or b""
            end = len(data) if final else last_line_end(data, 0, len(data))
            pos = 0
            if to_skip:
                lines, pos = first_lines(data[:end], to_skip)
                to_skip -= len(lines)
                self._line += len(lines)
                self._headings |= {_pattern(line.decode()) for line in lines}
            while pos < end:
                stop = min(end, pos + _BATCH_BYTES)
                stop = max(last_line_end(data, pos, stop), pos) if stop < end else end
                if stop == pos:  # a line longer than that
                    stop = LINE.match(data, pos, end).end()
                yield self._piece(data[pos:stop])
                pos = stop
            if not final and len(data) - end > self._max_line:
                # What is kept of it is enough to be refused as too long.
                data = data[end : end + self._max_line + 1]
            else:
                data = data[end:]

    def _piece(self, text):
        """The records of whole lines."""
        ends = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = ends.split(b"\n")
        if not lines[-1]:
            lines.pop()
        numbers = np.arange(self._line, self._line + len(lines))
        self._line += len(lines)
        if b"\t" in ends or b"\f" in ends:
            lines = [_spread(line.decode()).encode() for line in lines]
        column = pa.array(lines, pa.binary()).cast(pa.string())
        kept, bad = self._kept(column, numbers)
        arrays = self._columns(column.filter(pa.array(kept)))
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        return Piece(table, numbers[kept], bad)

    def _kept(self, lines, numbers):
        """Which lines are good records, and the bad ones; others are passed over."""
        sign = "[-/.:][0-9]" if self._fmt.dated else ""
        is_record = pc.match_substring_regex(lines, "[0-9]" + sign)
        across = np.zeros(len(lines), np.int64)
        for position in reversed(self._checked):
            before = pc.utf8_slice_codeunits(lines, position - 2, position - 1)
            here = pc.invert(pc.is_in(before, _BLANK))
            across[here.to_numpy(zero_copy_only=False)] = position
        is_long = pc.greater(pc.binary_length(lines), self._max_line)
        is_record = is_record.to_numpy(zero_copy_only=False)
        good = is_record & (across == 0)
        good &= ~is_long.to_numpy(zero_copy_only=False)
        odd = ~good
        if self._headings:
            # A heading may hold a date, and look like a record.
            odd |= self._like_headings(lines)
        bad = []
        for row in np.flatnonzero(odd):
            text = lines[int(row)].as_py()
            number = int(numbers[row])
            good[row] = False
            if not _DIGITS.search(text) or _pattern(text) in self._headings:
                self.passed += 1  # without a digit it is no record of anything
            elif len(text.encode()) > self._max_line:
                bad.append(BadLine.with_length(number, text, self._max_line))
            elif is_record[row]:
                bad.append(BadLine.off_position(number, text, int(across[row])))
            else:
                bad.append(BadLine.without_moment(number, text))
        return good, bad

    def _like_headings(self, lines):
        """Lines that may be the heading of a page: its text, but for digits."""
        bare = pc.replace_substring_regex(lines, r"[0-9]+", "0")
        bare = pc.utf8_trim_whitespace(bare)
        known = pa.array(sorted(self._headings), pa.string())
        return pc.is_in(bare, known).to_numpy(zero_copy_only=False)

    def _columns(self, lines):
        return [
            pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(lines, start, end))
            for start, end in _places(self._fmt.positions)
        ]


def _pattern(line):
    """A line but for its digits: a page's heading has another number each time."""
    return _DIGITS.sub("0", _spread(line)).strip()
