# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The table in a deck's file: CSV or XLSX, with whatever carriers write around it."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from ..connectors.files import FileLimits, SourceFileError, detect_format
from ..connectors.spreadsheet import Workbook
from ..connectors.unpack import Unpacked, utf8_blocks
from ..rating.errors import TranslatableError, _lt
from .columns import is_header, recognise

#: how far down the header may stand, below titles and notes
HEADER_ROWS = 60
MAX_RATES = 500_000
LIMITS = FileLimits()


class DeckFileError(TranslatableError):
    """A file that no rates can be read from; says why and what to do."""


@dataclass(frozen=True)
class DeckRows:
    """The table of a deck's file.

    - `header`: texts
    - `columns`: dict meaning -> position, see `columns.COLUMNS`
    - `rows`: list of (line, list of texts, as long as the header)
    - `notes`: texts around the table that were passed over, with their lines
    """

    header: list
    columns: dict
    rows: list
    notes: list

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
        lines = list(_lines(path, file_name))
    except SourceFileError as error:
        raise DeckFileError(
            "%(problem)s", problem=str(error).replace("call records", "rates")
        ) from error
    heads = [
        row
        for row, (_line, texts) in enumerate(lines[:HEADER_ROWS])
        if is_header(texts)
    ]
    if not heads:
        seen = next((texts for _line, texts in lines if any(texts)), [])
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
            row=", ".join(seen)[:200],
        )
    place = heads[0]
    header = lines[place][1]
    notes = [(line, ", ".join(filter(None, t))) for line, t in lines[:place] if any(t)]
    rows = []
    columns = recognise(header)
    needed = [columns["prefix"], columns["price"]]
    for line, texts in lines[place + 1 :]:
        if not any(texts):
            continue
        padded = (texts + [""] * len(header))[: len(header)]
        if sum(bool(text) for text in padded) == 1 and not all(
            padded[column] for column in needed
        ):
            notes.append((line, ", ".join(filter(None, texts))))
            continue
        rows.append((line, padded))
    if not rows:
        raise DeckFileError(_lt("The file has a header and no rates below it."))
    if len(rows) > MAX_RATES:
        raise DeckFileError(
            _lt(
                "The file has %(rows)s rows; a deck is imported with up to %(most)s. "
                "Split it."
            ),
            rows=len(rows),
            most=MAX_RATES,
        )
    return DeckRows(header, columns, rows, notes)


def _lines(path, file_name):
    """Yield (line, texts) of every row."""
    fmt = detect_format(path, file_name, override={"has_header": False})
    if fmt.kind == "xlsx":
        with Workbook(path, fmt.compression, LIMITS) as workbook:
            for line, values in workbook.rows():
                yield line, [text.strip() for text in values]
        return
    with Unpacked(path, fmt.compression, LIMITS) as file:
        text = b"".join(utf8_blocks(file.blocks(), fmt.encoding)).decode()
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=fmt.delimiter)
    try:
        for texts in reader:
            yield reader.line_num, [value.strip() for value in texts]
    except csv.Error as error:
        raise DeckFileError(
            _lt("Line %(line)s: %(error)s."), line=reader.line_num, error=error
        ) from error
