# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files of call records: CSV and its kin, XLSX, and gzip of these.

The way through: ``detect_format`` looks at the beginning, ``preview`` shows it to the
user, ``check_file`` reads it all once and stores nothing, so that a file that is not
what it claims is refused before anything is imported, ``read_chunks`` yields the
records. It can begin after any number of records, and goes on as it would have.

Whatever is wrong with a file raises SourceFileError; what is wrong with a record is a
BadLine beside the good ones. Good and bad records together are all there are.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pyarrow as pa

from .chunks import read_in_chunks
from .column_names import Repeated, settle_names
from .delimited import DelimitedReader
from .delimited_records import RecordScanner, record_text
from .detect import detect_format
from .errors import SourceFileError
from .file_head import without_lines
from .fixed_width import FixedWidthReader
from .formats import BadLine, Chunk, FileFacts, FileFormat, FileLimits
from .layouts import LAYOUTS, layout_columns
from .other_headers import without_foreign
from .quoting import unescaped_blocks
from .spreadsheet import Workbook, as_csv, workbook_pieces
from .unpack import BLOCK_BYTES, LineCounter, Unpacked, utf8_blocks

__all__ = [
    "LAYOUTS",
    "BadLine",
    "Chunk",
    "FileFacts",
    "FileFormat",
    "FileLimits",
    "SourceFileError",
    "check_file",
    "detect_format",
    "layout_columns",
    "preview",
    "raw_record",
    "read_chunks",
    "settle_columns",
]

_PREVIEW_BLOCK_BYTES = 256 * 2**10


def check_file(path, fmt: FileFormat, limits: FileLimits | None = None) -> FileFacts:
    """Read a file to its end and keep nothing of it.

    :raise SourceFileError: it is larger or packed tighter than the limits allow,
        damaged or cut off, not of its encoding, mostly NUL characters, or no record
    """
    limits = limits or FileLimits()
    digest = hashlib.sha256()
    passed = 0
    if fmt.kind == "xlsx":
        with Unpacked(path, "", limits, digest) as file:
            for _block in file.blocks():
                pass
        with Workbook(path, fmt.compression, limits, sheet=fmt.sheet) as workbook:
            lines = workbook.check()
            unpacked = workbook.unpacked_bytes
    elif fmt.kind == "fixed":
        with Unpacked(path, fmt.compression, limits, digest) as file:
            reader = _fixed_reader(file, fmt, limits, BLOCK_BYTES)
            lines = sum(len(piece.line) + len(piece.bad) for piece in reader.pieces())
            unpacked, passed = file.total, reader.passed
        lines += fmt.skip_lines + fmt.has_header + fmt.skip_records
    else:
        counter = LineCounter()
        last = b""
        with Unpacked(path, fmt.compression, limits, digest) as file:
            for block in utf8_blocks(file.blocks(), fmt.encoding):
                counter.add(block)
                last = block or last
            unpacked = file.total
        lines = counter.ended + (not last.endswith((b"\n", b"\r")))
    if not preview(path, fmt, 1, limits).records:
        raise SourceFileError(
            "The file has a header but no call records."
            if fmt.has_header
            else "The file has no call records."
        )
    records = max(1, lines - fmt.skip_lines - fmt.has_header - fmt.skip_records)
    return FileFacts(unpacked, records, digest.hexdigest(), passed)


def settle_columns(
    path, fmt: FileFormat, limits: FileLimits | None = None
) -> tuple[FileFormat, list[Repeated]]:
    """The format with names of columns as they are in all of the file.

    Where columns of one name say the same, the first of them has it; it is nobody's
    where they differ.

    :return: that, and what is found of the names whose columns differ
    """
    if not fmt.repeated:
        return fmt, []
    return settle_names(
        fmt, (chunk.frame for chunk in read_chunks(path, fmt, limits=limits))
    )


def read_chunks(
    path,
    fmt: FileFormat,
    chunk_records: int = 100_000,
    skip_records_done: int = 0,
    limits: FileLimits | None = None,
    first_records: int | None = None,
    all_records: int | None = None,
) -> Iterator[Chunk]:
    """The records of a file, in its order.

    :param chunk_records: records of a chunk, good and bad; fewer in the last one, and
        where they would take more than chunks.CHUNK_BYTES
    :param skip_records_done: begin after that many records; the rest is the same as
        without it
    :param first_records: records of the first chunk, when it shall be fewer: each has
        at most twice as many as the one before
    :param all_records: about how many there are: the last chunks are smaller then
    :raise SourceFileError: the file changed since check_file
    """
    with _opened(path, fmt, limits or FileLimits(), BLOCK_BYTES) as pieces:
        yield from read_in_chunks(
            without_foreign(pieces, fmt),
            chunk_records,
            skip_records_done,
            first_records,
            all_records,
        )


def preview(
    path, fmt: FileFormat, count: int = 10, limits: FileLimits | None = None
) -> Chunk:
    """The first records, an empty chunk when there are none."""
    limits = limits or FileLimits()
    with _opened(path, fmt, limits, _PREVIEW_BLOCK_BYTES) as pieces:
        for chunk in read_in_chunks(pieces, count):
            return chunk
    dtype = pd.ArrowDtype(pa.string())
    empty = pd.DataFrame({name: pd.Series([], dtype=dtype) for name in fmt.columns})
    return Chunk(empty, np.array([], np.int64), 0, [])


def raw_record(
    path, fmt: FileFormat, line: int, limits: FileLimits | None = None
) -> str:
    """The text of the record that begins at a line, as Chunk.line and BadLine.line say.

    A row of a workbook is given as a line of CSV.

    :raise SourceFileError: there is nothing at that line
    """
    limits = limits or FileLimits()
    text = None
    if fmt.kind == "xlsx":
        with Workbook(path, fmt.compression, limits, sheet=fmt.sheet) as workbook:
            for number, values, _width in workbook.rows():
                if number >= line:
                    text = as_csv(values) if number == line else None
                    break
    else:
        with Unpacked(path, fmt.compression, limits) as file:
            most = limits.max_line_bytes
            scanner = None
            if fmt.kind == "delimited":
                width = len(fmt.columns)
                scanner = RecordScanner(fmt.delimiter, width, most, quote=fmt.quote)
            text = record_text(_text_blocks(file.blocks(), fmt), line, scanner, most)
    if text is None:
        raise SourceFileError(f"The file has no record at line {line}.")
    return text


@contextmanager
def _opened(path, fmt, limits, block_bytes):
    """Pieces of the records of a file."""
    skip = fmt.has_header + fmt.skip_records
    if fmt.kind == "xlsx":
        with Workbook(path, fmt.compression, limits, sheet=fmt.sheet) as workbook:
            yield workbook_pieces(workbook, fmt.columns, skip, fmt.skip_lines)
        return
    with Unpacked(path, fmt.compression, limits) as file:
        if fmt.kind == "fixed":
            yield _fixed_reader(file, fmt, limits, block_bytes).pieces()
            return
        blocks = _text_blocks(file.blocks(block_bytes), fmt)
        reader = DelimitedReader(
            without_lines(blocks, fmt.skip_lines),
            fmt.delimiter,
            fmt.columns,
            skip,
            limits,
            fmt.quote,
            fmt.skip_lines + 1,
        )
        yield reader.pieces()


def _text_blocks(blocks, fmt):
    blocks = utf8_blocks(blocks, fmt.encoding)
    return unescaped_blocks(blocks) if fmt.escape else blocks


def _fixed_reader(file, fmt, limits, block_bytes):
    blocks = utf8_blocks(file.blocks(block_bytes), fmt.encoding)
    return FixedWidthReader(blocks, fmt, limits)
