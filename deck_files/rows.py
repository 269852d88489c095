# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The table in a deck's file: CSV or XLSX, with whatever carriers write around it."""

import csv
import io
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from sys import intern

from ..connectors.budget import Budget
from ..connectors.files import FileLimits, SourceFileError, detect_format
from ..connectors.spreadsheet import Workbook
from ..connectors.unpack import Unpacked, utf8_blocks
from ..rating.errors import TranslatableError, _lt
from .columns import is_header, recognise
from .sheet_texts import plain_text

#: how far down the header may stand, below titles and notes
HEADER_ROWS = 60
MAX_RATES = 500_000
#: what every file may have, however small it is
FREE_RATES = 50_000
MAX_NOTES = 1000
NOTE_CHARACTERS = 200
LIMITS = FileLimits()
MAX_COLUMNS = LIMITS.max_columns
BLOCK_BYTES = 256 * 2**10
ROWS = "rows"


class DeckFileError(TranslatableError):
    """A file that no rates can be read from; says why and what to do."""


@dataclass(frozen=True)
class DeckRows:
    """The table of a deck's file.

    - `header`: texts
    - `columns`: dict meaning -> position, see `columns.COLUMNS`
    - `rows`: list of (line, tuple of texts, as long as the header)
    - `notes`: texts around the table that were passed over, with their lines
    - `most`: how many rates it may stand for
    """

    header: list
    columns: dict
    rows: list
    notes: list
    most: int = MAX_RATES

    @property
    def unread(self):
        """Texts of the header that name nothing a rate has: not read from the file."""
        known = set(self.columns.values())
        return [
            text
            for place, text in enumerate(self.header)
            if text and place not in known
        ]


def read_rows(path, file_name=""):
    """Read the table of a deck's file.

    :param path: of a CSV, TSV or XLSX file, CSV and TSV gzipped or not
    :param file_name: as the user knows it
    :return: `DeckRows`
    :raise DeckFileError: it is no such file, or no header names prefixes and prices
    """
    path = Path(path)
    try:
        # More than a rate for each byte on the disk no deck has, however packed.
        most = min(MAX_RATES, max(FREE_RATES, _size(path)))
        return _table(_lines(path, file_name), file_name, most)
    except SourceFileError as error:
        raise DeckFileError(
            "%(problem)s", problem=str(error).replace("call records", "rates")
        ) from error


def _table(lines, file_name, most):
    """The table in rows; none of it is read before it is wanted.

    :param lines: iterator of (line, texts)
    :param most: rows that it may have
    """
    notes = []
    seen = ()
    for line, header in islice(lines, HEADER_ROWS):
        if is_header(header):
            break
        if any(header):
            seen = seen or header
            notes.append((line, _note(header)))
    else:
        raise DeckFileError(
            _lt(
                "No row of the file '%(file)s' names a column with prefixes and one "
                "with prices. Name them prefix and price. The first row is: %(row)s"
            )
            if file_name
            else _lt(
                "No row of the file names a column with prefixes and one with prices. "
                "Name them prefix and price. The first row is: %(row)s"
            ),
            file=file_name,
            row=_note(seen),
        )
    budget = Budget({ROWS: most}, _too_many)
    rows = []
    columns = recognise(header)
    needed = [columns["prefix"], columns["price"]]
    width = len(header)
    for line, texts in lines:
        if not any(texts):
            continue
        budget.spend(ROWS)
        padded = texts[:width] + [""] * (width - len(texts))
        if sum(map(bool, padded)) == 1 and not all(padded[column] for column in needed):
            if len(notes) < MAX_NOTES:
                notes.append((line, _note(texts)))
            continue
        # Most texts of a deck are in many of its rows, and take memory once.
        rows.append((line, tuple(map(intern, padded))))
    if not rows:
        raise DeckFileError(_lt("The file has a header and no rates below it."))
    return DeckRows(header, columns, rows, notes, most)


def _size(path):
    with Unpacked(path) as file:
        return file.size


def _note(texts):
    return ", ".join(filter(None, texts))[:NOTE_CHARACTERS]


def _too_many(_what, most):
    return DeckFileError(
        _lt(
            "The file has more than %(most)s rows, which is as many as are imported at "
            "once. Split it."
        ),
        most=most,
    )


def _lines(path, file_name):
    """Yield (line, texts) of every row."""
    fmt = detect_format(path, file_name, LIMITS, {"has_header": False})
    if fmt.kind == "xlsx":
        with Workbook(path, fmt.compression, LIMITS) as workbook:
            for line, values, _width in workbook.rows():
                yield line, [text.strip() for text in values]
        return
    with Unpacked(path, fmt.compression, LIMITS) as file:
        blocks = utf8_blocks(file.blocks(BLOCK_BYTES), fmt.encoding)
        yield from _records(_text_lines(blocks), fmt.delimiter)


def _records(lines, delimiter):
    """Yield (line, texts) of lines of text."""
    length = 0

    def measured():
        nonlocal length
        for line in lines:
            length += len(line)
            if length > LIMITS.max_line_bytes:
                raise _too_long(reader.line_num + 1)
            yield line

    reader = csv.reader(measured(), delimiter=delimiter)
    try:
        for texts in reader:
            length = 0
            values = [plain_text(text).strip() for text in texts[:MAX_COLUMNS]]
            yield reader.line_num, values
    except csv.Error as error:
        raise DeckFileError(
            _lt("Line %(line)s: %(error)s."), line=reader.line_num, error=error
        ) from error


def _text_lines(blocks):
    """Yield the lines of a text, with what ends them."""
    rest = ""
    for block in blocks:
        *lines, rest = io.StringIO(rest + block.decode(), newline="").readlines() or [
            ""
        ]
        # A line that ends here may end with more in the next block.
        yield from lines
        if len(rest) > LIMITS.max_line_bytes:
            break
    yield rest


def _too_long(line):
    return DeckFileError(
        _lt("Line %(line)s is longer than %(most)s characters."),
        line=line,
        most=LIMITS.max_line_bytes,
    )
