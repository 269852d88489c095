# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rows of an Excel workbook (.xlsx) as text, without believing anything it says.

An .xlsx file is a zip archive of XML, which says much in few bytes: all that is made of
it is counted (``budget``), and of what the rows do not need nothing is read.
"""

import csv
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import dropwhile, islice

import numpy as np
import pyarrow as pa

from . import budget as budgets
from .budget import FileBudget
from .delimited import Piece
from .errors import SourceFileError
from .formats import BadLine, FileLimits
from .unpack import Unpacked
from .workbook_archive import SAVE, Archive
from .workbook_cells import MAX_ROWS, ClockText, SheetReader, ShortClockText, cell_text
from .workbook_parts import Contents, SharedTexts, Styles

__all__ = ["MAX_ROWS", "Workbook", "as_csv", "cell_text", "workbook_pieces"]

# A piece ends with the first of these.
_PIECE_ROWS = 10_000
_PIECE_CELLS = 500_000
_PIECE_CHARACTERS = 8 * 2**20


class Workbook:
    """A sheet of a workbook: the one of a title, or the first with anything in it.

    ``sheets``: list of ``workbook_parts.Sheet``.

    :param name: of the file, for messages, with a space before it
    :param typed: whether values that are no texts are ``workbook_cells.TypedText``
    :param sheet: title of the sheet; '' for the first with anything in it
    :raise SourceFileError: this is no workbook, or one that asks for too much
    """

    def __init__(
        self, path, compression="", limits=None, name="", typed=False, sheet=""
    ):
        self.limits = limits or FileLimits()
        self._title = sheet
        self.hidden, self.merged = set(), []
        self._typed = typed
        self._file, self.budget = _seekable(path, compression, self.limits)
        try:
            self._archive = Archive(self._file, self.budget, name)
            self.unpacked_bytes = self._archive.unpacked_bytes
            self._contents = Contents(self._archive)
            self._styles = Styles(self._archive, self._contents.styles)
            self._texts = SharedTexts(self._archive, self._contents.strings)
        except (SourceFileError, MemoryError):
            self._file.close()
            raise
        except Exception as error:  # zipfile and expat raise whatever they meet
            self._file.close()
            raise SourceFileError(
                f"The file{name} is a damaged workbook or zip archive. {SAVE}"
            ) from error

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self._archive.close()
        self._file.close()

    def rows(self) -> Iterator[tuple[int, list[str], int]]:
        """Row number (1-based), values and width of each row that is not blank.

        Values at the end that are empty are left out, and those beyond
        ``limits.max_columns``; the width is that with the latter.
        """
        for sheet in self.sheets:
            if self._title and sheet.title != self._title:
                continue
            rows = self.sheet_rows(sheet)
            first = next(rows, None)
            if first is not None:
                yield first
                yield from rows
                return

    @property
    def sheets(self):
        """Return the sheets, in order, hidden ones too."""
        return self._contents.sheets

    def check(self) -> int:
        """Read all that the rows need to its end, checksums and XML alike.

        :return: rows that are not blank
        :raise SourceFileError: a part is damaged
        """
        count = sum(1 for _row in self.rows())
        try:
            self._texts.finish()
        except (SourceFileError, MemoryError):
            raise
        except Exception as error:
            raise SourceFileError(
                f"The workbook is damaged ({self._contents.strings}). {SAVE}"
            ) from error
        return count

    def sheet_rows(self, sheet) -> Iterator[tuple[int, list[str], int]]:
        """As :meth:`rows`, of one sheet.

        When it is read, ``hidden`` and ``merged`` are as of its
        ``workbook_cells.SheetReader``.
        """
        reader = SheetReader(
            self._texts,
            self._styles,
            self._contents.epoch,
            self.limits.max_columns,
            self.budget,
            self._typed,
        )
        self.hidden, self.merged = reader.hidden, reader.merged
        blocks = self._archive.parse(sheet.part, reader)
        while True:
            try:
                ended = next(blocks, reader) is reader
            except (SourceFileError, MemoryError):
                raise
            except Exception as error:
                is_sheet = isinstance(error, ValueError | LookupError)
                what = f"sheet {sheet.title!r}" if is_sheet else "workbook"
                place = "" if is_sheet else f" ({sheet.part})"
                raise SourceFileError(
                    f"The {what} is damaged{place} after row {reader.done}. {SAVE}"
                ) from error
            rows, reader.rows = reader.rows, []
            yield from rows
            if ended:
                return


def workbook_pieces(
    workbook: Workbook,
    columns: tuple[str, ...],
    skip_records: int,
    skip_lines: int = 0,
) -> Iterator[Piece]:
    """The rows of a workbook as pieces; short rows are filled up, long ones are bad.

    :param skip_records: rows at the beginning that are no data, the header included
    :param skip_lines: rows of the sheet before these, blank ones counted
    """
    width = len(columns)
    schema = pa.schema([(name, pa.string()) for name in columns])
    rows = dropwhile(lambda row: row[0] <= skip_lines, workbook.rows())
    rows = islice(rows, skip_records, None)
    clocks = _Clocks()
    while True:
        good, bad, lines, size = [], [], [], 0
        for number, values, found in rows:
            length = sum(map(len, values))
            if found > width:
                raw = as_csv(values)
                bad.append(BadLine.with_columns(number, raw, found, width, "Row"))
            elif length > workbook.limits.max_line_bytes:
                most = workbook.limits.max_line_bytes
                bad.append(BadLine.with_length(number, as_csv(values), most, "Row"))
            else:
                # What they are filled up with.
                workbook.budget.spend(budgets.CELLS, width - len(values))
                good.append(values + [""] * (width - len(values)))
                lines.append(number)
                size += length
            if (
                len(good) + len(bad) >= _PIECE_ROWS
                or len(good) * width >= _PIECE_CELLS
                or size >= _PIECE_CHARACTERS
            ):
                break
        if not good and not bad:
            return
        arrays = [
            pa.array(clocks.shown(place, some), pa.string())
            for place, some in enumerate(zip(*good, strict=True))
        ]
        if not good:
            arrays = [pa.array([], pa.string()) for _name in columns]
        table = pa.Table.from_arrays(arrays, schema=schema)
        yield Piece(table, np.array(lines, np.int64), bad)


class _Clocks:
    """Clocks of columns, without seconds where the whole column has none.

    A spreadsheet takes 1:05 in a text file for one o'clock and five minutes, whatever
    was meant: it is not to look clearer than it was.
    """

    def __init__(self):
        self._with_seconds = set()

    def shown(self, place, values):
        """The values of a column of a piece.

        :param place: number of the column
        :return: list of texts
        """
        values = list(values)
        rows = [row for row, text in enumerate(values) if isinstance(text, ClockText)]
        if not rows or place in self._with_seconds:
            return values
        texts = {values[row] for row in rows}
        if any(not text.endswith(":00") for text in texts):
            self._with_seconds.add(place)
            return values
        is_short = all(isinstance(values[row], ShortClockText) for row in rows)
        if is_short or len(texts - {"00:00:00"}) > 1:
            for row in rows:
                values[row] = values[row].removesuffix(":00")
        return values


def as_csv(values: list[str]) -> str:
    """A row as a line of CSV, for people to look at."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def _seekable(path, compression, limits):
    """The file as zipfile needs it, unpacked to a temporary file where it is packed.

    :return: that, and the budget of the file as it lies on the disk
    """
    with Unpacked(path, compression, limits) as packed:
        budget = FileBudget(os.path.getsize(path), limits, "workbook")
        if not compression:
            return open(path, "rb"), budget  # noqa: SIM115 (closed by Workbook)
        file = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            shutil.copyfileobj(packed, file)
        except BaseException:
            file.close()
            raise
    file.seek(0)
    return file, budget
