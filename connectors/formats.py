# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is known of a file of CDRs, and what reading it gives."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
import pandas as pd

# Bad records keep this much of their text; ``files.raw_record`` gives all of it.
RAW_CHARACTERS = 10_000


@dataclass(frozen=True)
class FileLimits:
    """What a file may ask of the machine before it is refused."""

    max_bytes: int = 4 * 2**30  # unpacked
    max_ratio: int = 200  # unpacked to packed
    # What every file may ask for, however small it is and however well it compresses.
    ratio_from_bytes: int = 2**20
    max_line_bytes: int = 2**20  # of a line and of a record of several lines, in UTF-8
    max_columns: int = 1000


@dataclass(frozen=True)
class FileFormat:
    """How to read a file."""

    kind: str  # 'delimited', 'fixed' (columns at fixed positions) or 'xlsx'
    compression: str  # '' or 'gzip'
    encoding: str  # Python's name of the encoding; '' for xlsx
    delimiter: str  # '' where there is none
    has_header: bool
    # Records after the header that are no data, such as CUCM's line of types.
    skip_records: int
    columns: tuple[str, ...]  # unique, not empty
    # Names that several columns have, each with what these are called instead.
    repeated: tuple[tuple[str, tuple[str, ...]], ...] = ()
    # Of a workbook: the sheet with the records, '' for the first with anything in it;
    # those with anything in them, and whether each is hidden; those that it may be,
    # where that is not clear.
    sheet: str = ""
    sheets: tuple[tuple[str, bool], ...] = ()
    unclear_sheets: tuple[str, ...] = ()
    layout: str = ""  # key in layouts.LAYOUTS
    skip_lines: int = 0  # lines (rows) before the header, such as titles of a report
    quote: str = '"'  # '' where quotes are text
    escape: str = ""  # '\\' where it stands before what is text
    # What the first of these lines say, such as the zone of the times.
    titles: str = ""
    # Where columns begin, from 1 on, and those of them that a blank need not precede.
    positions: tuple[int, ...] = ()
    touching: tuple[int, ...] = ()
    dated: bool = True  # whether records at positions have a date or time with signs

    def as_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; ``from_dict`` is the way back."""
        return {name: _listed(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "FileFormat":
        names = {item.name for item in fields(cls)}
        return cls(
            **{name: _frozen(value) for name, value in values.items() if name in names}
        )


def _listed(value):
    return [*map(_listed, value)] if isinstance(value, tuple) else value


def _frozen(value):
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@dataclass(frozen=True)
class FileFacts:
    """What a pass over the whole file found.

    ``records`` counts lines that are neither blank nor header, so it is exact unless a
    value holds a line break; it is meant for progress. ``sha256`` is of the file as it
    lies on the disk, packed or not. ``passed``: lines between the records of a file
    with fixed positions that are none: headings of its pages, rules, empty lines.
    """

    unpacked_bytes: int
    records: int
    sha256: str
    passed: int = 0


@dataclass(frozen=True, slots=True)
class BadLine:
    """A record that could not be read."""

    line: int  # 1-based, as in Chunk.line
    raw: str  # at most RAW_CHARACTERS
    # 'column_count', 'unclosed_quote', 'two_ways', 'off_position', 'no_moment',
    # 'below_header' or 'too_long'
    reason: str
    word: str = "Line"  # what a record begins in
    # Columns or bytes that there are and that there should be, the first and last line
    # of what can be read in two ways, or where in the line; a file may have a bad line
    # for every five bytes, so that sentences are made of few.
    found: int = 0
    expected: int = 0

    #: whether `raw` is kept as it is, however long
    is_whole = False

    @property
    def message(self) -> str:
        """What is wrong, for the user."""
        start = f"{self.word} {self.line}"
        found, expected = self.found, self.expected
        if self.reason == "column_count":
            return (
                f"{start} has {found} column{'s' if found != 1 else ''}"
                f" where {expected} {'are' if expected != 1 else 'is'} expected."
            )
        if self.reason == "unclosed_quote":
            return f"{start} opens a quoted value that is not properly closed."
        if self.reason == "two_ways":
            return (
                f"{start}: the quotes in lines {found} and {expected} either join lines"
                f" {found} to {expected} into one record, or are part of the text."
                " Remove the two quotes or double them."
            )
        if self.reason == "off_position":
            return (
                f"{start} has text across position {found}, where a column starts."
                " The line may be shifted."
            )
        if self.reason == "below_header":
            return (
                f"{start} is below other column names, in line {found}. Move it"
                " to a separate file."
            )
        if self.reason == "no_moment":
            return f"{start} has no date and no time, so it is not a record."
        return f"{start} is longer than {expected:,} bytes."

    @classmethod
    def with_columns(cls, line: int, raw: str, found: int, expected: int, word="Line"):
        raw = raw[:RAW_CHARACTERS]
        return cls(line, raw, "column_count", word, found, expected)

    @classmethod
    def with_open_quote(cls, line: int, raw: str):
        return cls(line, raw[:RAW_CHARACTERS], "unclosed_quote")

    @classmethod
    def with_two_ways(cls, line: int, raw: str, first: int, last: int):
        raw = raw[:RAW_CHARACTERS]
        return cls(line, raw, "two_ways", found=first, expected=last)

    @classmethod
    def off_position(cls, line: int, raw: str, position: int):
        return cls(line, raw[:RAW_CHARACTERS], "off_position", found=position)

    @classmethod
    def below_header(cls, line: int, raw: str, header: int, word="Line"):
        return cls(line, raw[:RAW_CHARACTERS], "below_header", word, found=header)

    @classmethod
    def without_moment(cls, line: int, raw: str):
        return cls(line, raw[:RAW_CHARACTERS], "no_moment")

    @classmethod
    def with_length(cls, line: int, raw: str, max_bytes: int, word="Line"):
        raw = raw[:RAW_CHARACTERS]
        return cls(line, raw, "too_long", word, expected=max_bytes)


@dataclass
class Chunk:
    """Consecutive records of a file.

    ``frame``: a row per good record, columns as in the format, all Arrow strings, ''
    where a field is empty, never NA. ``line``: for each row of the frame, the 1-based
    line of the file (row of the sheet) where the record begins.
    """

    frame: pd.DataFrame
    line: np.ndarray  # int64
    first_record: int  # 0-based, counted over good and bad records of the file
    bad: list[BadLine] = field(default_factory=list)

    @property
    def records(self) -> int:
        return len(self.frame) + len(self.bad)
