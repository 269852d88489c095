# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rows of an Excel workbook (.xlsx) as text, without believing anything it says.

An .xlsx file is a zip archive of XML. Its sizes are checked before anything is
unpacked, and a document type declaration (entities that expand without end) is refused
in every part, whichever XML library openpyxl finds. Shared texts are in memory as long
as the workbook is open, rows are not.
"""

import csv
import datetime
import io
import re
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any
from xml.parsers import expat

import numpy as np
import openpyxl
import pyarrow as pa

from .delimited import Piece
from .errors import SourceFileError
from .formats import BadLine, FileLimits
from .unpack import Unpacked

MAX_ROWS = 1_048_576  # what Excel itself can hold
_MAX_PARTS = 10_000
# openpyxl streams the sheets and keeps the other parts in memory.
_MAX_STRINGS_BYTES = 512 * 2**20
_MAX_OTHER_BYTES = 64 * 2**20
_BLOCK_BYTES = 2**20
_PIECE_ROWS = 10_000
_EXACT_INTEGERS = 2**53  # beyond it a float does not tell which integer it was
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")
_SAVE = "Open it in a spreadsheet program and save it as XLSX or CSV."
_ODS = b"application/vnd.oasis.opendocument.spreadsheet"

# openpyxl warns of features that it would lose when saving; nothing is saved here.
warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\.")


class Workbook:
    """The first sheet with anything in it of a workbook.

    :param name: of the file, for messages, with a space before it
    :raise SourceFileError: this is no workbook, or one that asks for too much
    """

    def __init__(self, path, compression="", limits=None, name=""):
        limits = limits or FileLimits()
        self._file = _seekable(path, compression, limits)
        try:
            self._archive = zipfile.ZipFile(self._file)
            self._infos = self._archive.infolist()
            _refuse_other_archives(self._archive, name)
            self.unpacked_bytes = sum(info.file_size for info in self._infos)
            _refuse_bombs(self._infos, self.unpacked_bytes, limits)
            for info in self._infos:
                _refuse_declarations(self._archive, info)
            self._book = openpyxl.load_workbook(
                self._file, read_only=True, data_only=True, keep_links=False
            )
        except (SourceFileError, MemoryError):
            self._file.close()
            raise
        except Exception as error:  # openpyxl and zipfile raise whatever they meet
            self._file.close()
            raise SourceFileError(
                f"The file{name} is a damaged workbook or zip archive. {_SAVE}"
            ) from error

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self._book.close()
        self._archive.close()
        self._file.close()

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Row number (1-based) and values of each row that is not blank.

        Values at the end that are empty are left out.
        """
        for sheet in self._book.worksheets:
            rows = _sheet_rows(sheet)
            first = next(rows, None)
            if first is not None:
                yield first
                yield from rows
                return

    def check(self) -> int:
        """Read every part to its end, checksums and XML alike.

        :return: rows of the sheet, blank ones included
        :raise SourceFileError: a part is damaged
        """
        for sheet in self._book.worksheets:
            if next(_sheet_rows(sheet), None) is not None:
                # Public interfaces of openpyxl count rows by reading them all.
                part = sheet._worksheet_path
                break
        else:
            part = ""
        rows = 0
        for info in self._infos:
            count = _check_part(self._archive, info)
            if info.filename == part:
                rows = count
        return rows


def workbook_pieces(
    workbook: Workbook, columns: tuple[str, ...], skip_records: int
) -> Iterator[Piece]:
    """The rows of a workbook as pieces; short rows are filled up, long ones are bad.

    :param skip_records: rows at the beginning that are no data, the header included
    """
    width = len(columns)
    schema = pa.schema([(name, pa.string()) for name in columns])
    rows = islice(workbook.rows(), skip_records, None)
    while some := list(islice(rows, _PIECE_ROWS)):
        good = [
            (number, values + [""] * (width - len(values)))
            for number, values in some
            if len(values) <= width
        ]
        bad = [
            BadLine.with_columns(number, as_csv(values), len(values), width, "Row")
            for number, values in some
            if len(values) > width
        ]
        lines = np.array([number for number, _values in good], np.int64)
        values = zip(*(values for _number, values in good), strict=True)
        arrays = [pa.array(list(column), pa.string()) for column in values]
        if not good:
            arrays = [pa.array([], pa.string()) for _name in columns]
        yield Piece(pa.Table.from_arrays(arrays, schema=schema), lines, bad)


def as_csv(values: list[str]) -> str:
    """A row as a line of CSV, for people to look at."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def cell_text(value: Any) -> str:
    """The value of a cell as a CSV file would have it.

    Times are ISO (`2026-10-01 05:26:16`, microseconds only where there are any), whole
    numbers have no decimals (phone numbers in spreadsheets are numbers), a duration is
    hours:minutes:seconds.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        whole = abs(value) <= _EXACT_INTEGERS and value.is_integer()
        return str(int(value)) if whole else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.timedelta):
        seconds, rest = divmod(abs(value), datetime.timedelta(seconds=1))
        sign = "-" if value < datetime.timedelta() else ""
        fraction = f".{rest.microseconds:06}" if rest else ""
        hours, minutes = seconds // 3600, seconds // 60 % 60
        return f"{sign}{hours:02}:{minutes:02}:{seconds % 60:02}{fraction}"
    return str(value)


def _seekable(path, compression, limits):
    """The file as zipfile needs it, unpacked to a temporary file where it is packed."""
    with Unpacked(path, compression, limits) as packed:
        if not compression:
            return open(path, "rb")  # noqa: SIM115 (closed by Workbook)
        file = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            shutil.copyfileobj(packed, file)
        except BaseException:
            file.close()
            raise
    file.seek(0)
    return file


def _refuse_other_archives(archive, name):
    names = archive.namelist()
    what = ""
    if "xl/workbook.bin" in names:
        what = f"a binary Excel workbook (.xlsb). {_SAVE}"
    elif any(item.startswith("word/") for item in names):
        what = "a Word document. Export the call records as CSV or XLSX."
    elif any(item.startswith("ppt/") for item in names):
        what = "a PowerPoint presentation. Export the call records as CSV or XLSX."
    elif "mimetype" in names and archive.open("mimetype").read(99).startswith(_ODS):
        what = f"an OpenDocument spreadsheet (.ods). {_SAVE}"
    elif not any(item.startswith("xl/") for item in names):
        what = "a zip archive. Unpack it and upload the file inside, or pack it with"
        what += " gzip."
    if what:
        raise SourceFileError(f"The file{name} is {what}")


def _refuse_bombs(infos, unpacked, limits):
    packed = sum(info.compress_size for info in infos)
    if len(infos) > _MAX_PARTS or unpacked > limits.max_bytes:
        raise SourceFileError(
            f"The workbook is larger than {limits.max_bytes:,} bytes when unpacked."
            " Save its sheet as CSV and split it into smaller files."
        )
    if unpacked > limits.ratio_from_bytes and unpacked > limits.max_ratio * packed:
        raise SourceFileError(
            f"The workbook unpacks to more than {limits.max_ratio} times its size,"
            " which call records never do. If it is genuine, save its sheet as CSV."
        )
    for info in infos:
        limit = _MAX_OTHER_BYTES
        if info.filename.lower() == "xl/sharedstrings.xml":
            limit = _MAX_STRINGS_BYTES
        is_sheet = info.filename.startswith("xl/worksheets/")
        is_media = info.filename.startswith("xl/media/")
        if info.file_size > limit and not is_sheet and not is_media:
            raise SourceFileError(
                f"The workbook holds too much beside its sheets ({info.filename},"
                f" {info.file_size:,} bytes). Save its sheet as CSV."
            )


class _RootReached(Exception):
    """The XML is past the place where a declaration could stand."""


def _refuse_declarations(archive, info):
    def refuse(*_declaration):
        raise SourceFileError(
            f"The workbook holds a document type declaration ({info.filename}), which"
            f" no spreadsheet program writes. {_SAVE}"
        )

    def reached(*_element):
        raise _RootReached

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = reached
    # What is no XML is a picture, or openpyxl will fail as well.
    with suppress(_RootReached, expat.ExpatError), archive.open(info) as part:
        while data := part.read(4096):
            parser.Parse(data)


def _check_part(archive, info):
    """Read a part of the workbook to its end; return how many rows it has."""
    parser = None
    if info.filename.endswith((".xml", ".rels")):
        parser = expat.ParserCreate()
    rows = 0
    rest = b""
    try:
        with archive.open(info) as part:
            while data := part.read(_BLOCK_BYTES):
                if parser:
                    parser.Parse(data)
                    data = rest + data
                    cut = data.rfind(b"<")
                    rows += len(_ROW.findall(data, 0, max(cut, 0)))
                    rest = data[cut:] if cut >= 0 else b""
            if parser:
                parser.Parse(b"", True)
    except MemoryError:
        raise
    except Exception as error:
        raise SourceFileError(
            f"The workbook is damaged ({info.filename}). {_SAVE}"
        ) from error
    return rows


def _sheet_rows(sheet):
    # What a sheet says of its size may be wrong.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(values_only=True)
    number = 0
    while True:
        try:
            row = next(rows, None)
        except MemoryError:
            raise
        except Exception as error:
            raise SourceFileError(
                f"The sheet {sheet.title!r} is damaged after row {number}. {_SAVE}"
            ) from error
        if row is None:
            return
        number += 1
        if number > MAX_ROWS:
            raise SourceFileError(
                f"The sheet {sheet.title!r} has more than {MAX_ROWS:,} rows, which no"
                f" spreadsheet can. {_SAVE}"
            )
        values = [cell_text(value) for value in row]
        while values and not values[-1].strip():
            values.pop()
        if values:
            yield number, values
