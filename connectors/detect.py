# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What kind of file this is, told from its content and never from its name."""

import codecs
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from math import log2
from typing import Any

from .baf import BAF, is_baf
from .column_names import unique_names
from .delimited_lines import LINE
from .delimited_records import first_records
from .errors import SourceFileError
from .file_head import MOST_TITLES, count_titles, first_lines, named_delimiter
from .file_settings import checked_settings
from .fixed_width import are_dated, find_positions, find_touching, sample_records
from .formats import FileFormat, FileLimits
from .layouts import (
    LAYOUTS,
    layout_columns,
    layouts_at_positions,
    recognise_header,
    recognise_records,
)
from .quoting import VALUE, find_quoting, unescaped_blocks
from .spreadsheet import Workbook
from .unpack import (
    ASCII_BASED,
    MOST_NULS,
    Unpacked,
    utf8_blocks,
    without_nul_runs,
)
from .workbook_sheets import choose_sheet, look_at_sheets

_HEAD_BYTES = 2**20
_SAMPLE_BYTES = 256 * 2**10
_MOST_TITLE = 500
_SAMPLE_RECORDS = 200
# How far to look for the first byte beyond ASCII, which tells the encoding, and for
# the first quote.
_FAR_BYTES = 64 * 2**20
_MAX_CONTROL_SHARE = 0.01
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b"))

# Of two delimiters that explain a file equally well the first is taken: a comma occurs
# in numbers, the others hardly inside a value. A colon is in every time of day, so that
# it is one only where nothing else is.
_DELIMITERS = "\t;|^~,"
_LAST_DELIMITERS = ":"

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins like the one of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_EXPORT = "Export the call records as CSV or XLSX"
_UNPACK = "Unpack it and upload the file inside, or pack it with gzip"
# What a file begins with, what that is, and what to do.
_FOREIGN = (
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Excel workbook (.xls) or password-protected",
        "Save it as XLSX without a password, or as CSV",
    ),
    (b"%PDF-", "a PDF document", _EXPORT),
    (b"\x89PNG", "a PNG image", _EXPORT),
    (b"GIF89a", "a GIF image", _EXPORT),
    (b"\xff\xd8\xff", "a JPEG image", _EXPORT),
    (b"{\\rtf", "an RTF document", _EXPORT),
    (b"SQLite format 3\0", "an SQLite database", _EXPORT),
    (b"PAR1\x15", "a Parquet file", _EXPORT),
    (b"\x7fELF", "a program", _EXPORT),
    (b"MZ\x90\0", "a program", _EXPORT),
    (b"\x1f\x8b", "a gzip file inside a gzip file", "Unpack it once"),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
)
# The same for what tells only further inside.
_FOREIGN_INSIDE = (
    (4, b"1AY&SY", "a bzip2 archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
)
_TEXTS = (
    (re.compile(r"\s*<(!doctype\s+html|html|head|body)\b", re.I), "a web page"),
    (
        re.compile(r"\s*<(\?xml|!--|!doctype|[a-z][\w.-]*(>\s*<|\s+[\w:.-]+=))", re.I),
        "an XML document",
    ),
    (re.compile(r'\s*(\{\s*["}]|\[\s*[\[{"\]])'), "a JSON document"),
)

_SQL_TYPE = re.compile(
    r"(BIG|SMALL|TINY)?INT(EGER)?|STRING|(VAR)?CHAR(\(\d+\))?|UNIQUEIDENTIFIER"
    r"|TEXT|DATETIME|TIMESTAMP|FLOAT|DOUBLE|BOOLEAN|(DECIMAL|NUMERIC)(\([\d,]+\))?",
    re.I,
)


def detect_format(
    path,
    file_name: str = "",
    limits: FileLimits | None = None,
    override: dict[str, Any] | None = None,
    fixed_width: bool = True,
    fits: Callable[[set[str]], bool] | None = None,
) -> FileFormat:
    """How to read a file, by looking at its beginning.

    :param file_name: the name that the user knows it by, for messages
    :param override: what the user says instead, any of encoding, delimiter, quote,
        has_header, skip_lines, skip_records, positions, sheet and layout; see
        ``file_settings``
    :param fixed_width: whether columns may be at fixed positions
    :param fits: says of names of columns whether they tell what is needed: in a
        workbook of several sheets, that one is read
    :raise SourceFileError: no call records can be read from it, and why
    """
    limits = limits or FileLimits()
    said = checked_settings(override)
    with Unpacked(path, "", limits) as file:
        compression = "gzip" if file.read(2) == b"\x1f\x8b" else ""
    with Unpacked(path, compression, limits) as file:
        head = _read_all(file, _HEAD_BYTES)
    name = f" {file_name!r}" if file_name else ""
    if not head.strip():
        raise SourceFileError(f"The file{name} is empty.")
    if head.startswith(b"PK\x03\x04"):
        return _workbook(path, compression, name, limits, said, fits)
    _refuse_foreign(head, name)
    encoding = BAF if is_baf(head) else said.get("encoding")
    if not encoding:
        # Some separate columns by a character that no text has.
        text = head.replace(said.get("delimiter", ",").encode(), b",")
        encoding = _encoding(path, compression, text, name, limits)
    text, whole = _sample(path, compression, encoding, limits)
    _refuse_text(text, name)
    if not text.strip():
        raise SourceFileError(f"The file{name} is empty.")
    found = FileFormat("delimited", compression, encoding, "", False, 0, ())
    if not said.get("delimiter") and fixed_width:
        positions = said.get("positions")
        if not positions and _best_delimiter(text, whole, _DELIMITERS, limits) is None:
            positions = _known_layout(text)[1] or find_positions(text)
        if positions:
            return _at_positions(found, text, positions, said)
    fmt = _delimited(found, text, whole, said, name, limits)
    if whole or b'"' in text or "quote" in said or encoding not in ASCII_BASED:
        return fmt
    far = _first_with_quote(path, compression, limits)
    width = len(fmt.columns)
    quote, escape = find_quoting(far, False, fmt.delimiter, width, limits)
    return replace(fmt, quote=quote, escape=escape)


def _first_with_quote(path, compression, limits):
    """The lines of the first block with a quote in it, and of one more; b'' without."""
    with Unpacked(path, compression, limits) as file:
        while file.total < _FAR_BYTES and (block := file.read(_HEAD_BYTES)):
            if b'"' in block:
                block += file.read(_HEAD_BYTES)
                text = block.decode(errors="replace").encode()
                return text[LINE.match(text).end() :]
    return b""


def _delimited(found, text, whole, said, name, limits):
    named = named_delimiter(text)
    skipped = said.get("skip_lines", 1 if named else 0)
    lines, start = first_lines(text, skipped)
    text = text[start:]
    if not text.strip():
        raise SourceFileError(
            f"There is nothing after the first {skipped:,} lines, which are skipped."
            " Skip fewer lines."
        )
    best = None
    said_delimiter = said.get("delimiter")
    for delimiters in (said_delimiter, named, _DELIMITERS, _LAST_DELIMITERS):
        if best is None and delimiters:
            is_said = delimiters is said_delimiter
            best = _best_delimiter(text, whole, delimiters, limits, is_said)
    if best is None:
        raise SourceFileError(
            f"No columns were detected in the file{name}: commas, semicolons, tabs and"
            " bars do not split its lines into the same number of values. Check that it"
            " contains call records, or choose the delimiter."
        )
    delimiter, records = best
    quote, escape = said.get("quote"), ""
    if quote is None:
        width = _width([record for _line, record in records])
        quote, escape = find_quoting(text, whole, delimiter, width, limits)
        if escape:
            text = b"".join(unescaped_blocks([text]))
    if quote != '"' or escape:
        records = first_records(text, whole, delimiter, _SAMPLE_RECORDS, limits, quote)
    return _described(
        replace(
            found,
            delimiter=delimiter,
            quote=quote,
            escape=escape,
            skip_lines=skipped,
            titles=_titles(line.decode(errors="replace") for line in lines),
        ),
        [(skipped + line, record) for line, record in records],
        said,
        limits,
    )


def _known_layout(text):
    """The layout with fixed positions that a text is of, and these; '' and ()."""
    for key, positions in layouts_at_positions():
        records, _names, _skip = sample_records(text, positions)
        if recognise_records(records, key)[0]:
            return key, positions
    return "", ()


def _at_positions(found, text, positions, said):
    """The format of a file with columns at fixed positions."""
    records, names, skip = sample_records(text, positions, said.get("skip_lines"))
    if said.get("has_header") is False:
        names = None
    layout, columns, repeated = _columns(
        names, records, len(positions), said.get("layout") or ""
    )
    known, places = _known_layout(text)
    if known and places == positions:
        # Its heading may be worded otherwise, or missing.
        layout, columns, repeated = known, layout_columns(known, len(positions)), ()
    return replace(
        found,
        kind="fixed",
        has_header=names is not None,
        skip_lines=skip,
        skip_records=said.get("skip_records", 0),
        columns=columns,
        repeated=repeated,
        layout=layout,
        positions=positions,
        touching=find_touching(text, positions),
        dated=are_dated(text),
    )


def _read_all(file, size):
    """The first bytes of a file, fewer only when it has no more."""
    parts = []
    while size > 0 and (data := file.read(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def _workbook(path, compression, name, limits, said, fits):
    """The format of the sheet with the records."""
    found = FileFormat("xlsx", compression, "", "", False, 0, ())

    def describe(rows):
        width = max(width for _number, _values, width in rows)
        _refuse_columns(width, limits)
        records = [
            (number, values + [""] * (width - len(values)))
            for number, values, _width in rows
        ]
        return _described(found, records, said, limits)

    with Workbook(path, compression, limits, name) as workbook:
        looks = look_at_sheets(workbook, describe, fits or (lambda _names: False))
    return choose_sheet(looks, said.get("sheet", ""), name)


def _refuse_foreign(head, name):
    for magic, what, advice in _FOREIGN:
        if head.startswith(magic):
            raise SourceFileError(f"The file{name} is {what}. {advice}.")
    for position, magic, what, advice in _FOREIGN_INSIDE:
        if head.startswith(magic, position):
            raise SourceFileError(f"The file{name} is {what}. {advice}.")


def _refuse_text(text, name):
    start = text[:4096].decode(errors="ignore")
    for pattern, what in _TEXTS:
        if pattern.match(start):
            raise SourceFileError(f"The file{name} is {what}. {_EXPORT}.")


def _encoding(path, compression, head, name, limits):
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" in head:
        encoding = _utf16_without_mark(head)
        if encoding:
            return encoding
    # A switch may write NUL into a value, but nothing else that no text has.
    text = without_nul_runs(head)
    nuls = text.count(b"\0")
    controls = len(text) - len(text.translate(None, _CONTROLS)) - nuls
    if (
        nuls > MOST_NULS * len(text)
        or controls > _MAX_CONTROL_SHARE * len(text)
        or (nuls or len(text) < len(head))
        and not text.strip()
    ):
        raise SourceFileError(f"The file{name} is binary, not text. {_EXPORT}.")
    block, last = head, len(head) < _HEAD_BYTES
    if head.isascii() and not last:
        block, last = _first_beyond_ascii(path, compression, limits)
    for encoding in ("utf-8", "cp1252"):
        # Beginning with a whole character, the block may end within one.
        decoder = codecs.getincrementaldecoder(encoding)()
        with suppress(UnicodeDecodeError):
            decoder.decode(block, final=last)
            return encoding
    return "latin-1"


def _utf16_without_mark(head):
    """UTF-16 by where the zeros of its ASCII characters are, '' when it is not."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    for more, less, encoding in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if more > len(head) // 4 and less == 0:
            return encoding
    return ""


def _first_beyond_ascii(path, compression, limits):
    """The first block that is not plain ASCII, and whether it is the file's last."""
    block = b""
    with Unpacked(path, compression, limits) as file:
        while file.total < _FAR_BYTES:
            block = _read_all(file, _HEAD_BYTES)
            if len(block) < _HEAD_BYTES:
                return block, True
            if not block.isascii():
                break
    return block, False


def _sample(path, compression, encoding, limits):
    """The beginning of the text as UTF-8, and whether that is all of it."""
    sample = b""
    with Unpacked(path, compression, limits) as file:
        for block in utf8_blocks(file.blocks(_SAMPLE_BYTES), encoding):
            sample += block
            if len(sample) >= _SAMPLE_BYTES and (b"\n" in sample or b"\r" in sample):
                return sample, False
            if len(sample) > limits.max_line_bytes:
                return sample, False
    return sample, True


def _best_delimiter(text, whole, delimiters, limits, is_said=False):
    """The delimiter that cuts the text most regularly, and the first records by it.

    :param is_said: whether it is to be taken however it cuts the text
    :return: None when none of them cuts it
    """
    best, best_score = None, 0
    # Where quotes enclose nothing, they may hide all of the delimiters.
    for quote in ('"', "") if b'"' in text else ('"',):
        for delimiter in delimiters:
            records = first_records(
                text, whole, delimiter, _SAMPLE_RECORDS, limits, quote
            )
            score = _regularity([record for _line, record in records])
            if records and (score > best_score or (is_said and best is None)):
                best, best_score = (delimiter, records), score
        if best:
            break
    return best


def _regularity(records):
    """0 for no columns at all, more for more columns and more records that have them"""
    if not records:
        return 0
    width = _width(records)
    regular = [record for record in records if len(record) == width]
    share = len(regular) / len(records)
    if width < 2 or share < 0.5:
        return 0
    known = recognise_records(regular)[0] or any(
        recognise_header(_stripped(record)) for record in records[:MOST_TITLES]
    )
    return share * log2(width) + (100 if known else 0)


def _width(records):
    """The count of columns that most records have."""
    counts = Counter(map(len, records))
    return max(counts, key=lambda count: (counts[count], count))


def _described(found, rows, said, limits):
    """The format with header, columns and layout.

    :param found: FileFormat without these
    :param rows: for each of the first records its line and its values
    """
    records = [record for _line, record in rows]
    _refuse_columns(max(map(len, records), default=0), limits)
    has_header = said.get("has_header")
    skip_lines = said.get("skip_lines")
    if skip_lines is None:
        titles = 0
        if has_header is not False:
            titles = count_titles(records, _width(records), _has_header)
        # What stands before the first record without any titles is ``sep=``.
        first = rows[titles][0] if titles else found.skip_lines + 1
        skip_lines = first - 1
        records = records[titles:]
        if titles:
            found = replace(
                found, titles=_titles(" ".join(record) for _, record in rows[:titles])
            )
    else:
        records = [record for line, record in rows if line > skip_lines]
    if not records:
        raise SourceFileError(
            f"There is nothing after the first {skip_lines:,} lines, which are skipped."
            " Skip fewer lines."
        )
    if has_header is None:
        has_header = _has_header(records)
    data = records[1:] if has_header else records
    skip = said.get("skip_records")
    if skip is None:
        skip = int(bool(data) and _is_types_line(data[0]))
    data = data[skip:]
    width = _width(data or records)
    if has_header and found.kind == "delimited":
        width = _named_width(records[0], data, width, rows)
    layout, columns, repeated = _columns(
        records[0] if has_header else None,
        [record for record in data if len(record) == width],
        width,
        said.get("layout") or "",
    )
    return replace(
        found,
        has_header=has_header,
        skip_lines=skip_lines,
        skip_records=skip,
        columns=columns,
        repeated=repeated,
        layout=layout,
    )


def _titles(lines):
    """What stands above the names of the columns, as far as it is kept."""
    return " ".join(" ".join(lines).split())[:_MOST_TITLE]


def _refuse_columns(widest, limits):
    if widest > limits.max_columns:
        raise SourceFileError(
            f"The file has {widest:,} columns, more than {limits.max_columns:,}. Check"
            " the delimiter."
        )


def _named_width(header, data, width, rows):
    """The count of columns, where records have more values than there are names.

    A decimal comma that is not quoted, or a column of row numbers without a name, puts
    values under the names of others. Delimiters at the ends of lines do not, nor does a
    last column without a name that is empty in some records.

    :param rows: records with their lines, for the message
    :return: ``width``; that of the names, where some records have as many: the others
        are no good ones
    :raise SourceFileError: all records have more
    """
    named = len(header)
    longer = [record for record in data if any(_stripped(record[named:]))]
    if not longer or width <= named:
        return width
    if any(len(record) == named for record in data):
        return named
    if len(longer) < len(data):
        return width
    line = next(line for line, record in rows if record is longer[0])
    raise SourceFileError(
        f"Line {line} has {len(longer[0])} values, but the file has only {named} column"
        " names; the other lines are alike. If the delimiter is also in values, such as"
        " in 1,5, export with another delimiter, or with quotes around values."
    )


def _columns(header, records, width, said):
    """Layout, columns, and names that several of them have.

    :param header: the names, None when there is no header
    :param said: the layout that the user chose, or ''
    """
    if header is None or (said in LAYOUTS and not LAYOUTS[said].header):
        layout, columns = recognise_records(records, said)
        if said and not layout:
            layout, columns = said, layout_columns(said, width)
        return layout, columns or unique_names([""] * width)[0], ()
    columns, repeated = unique_names(header + [""] * (width - len(header)))
    present = {*columns, *(name for name, _columns in repeated)}
    if said:
        missing = LAYOUTS[said].header - present if said in LAYOUTS else {said}
        if missing:
            raise SourceFileError(
                f"The header is missing {', '.join(sorted(missing))} of the layout"
                f" {said!r}. Choose another layout."
            )
    return said or recognise_header(present), columns, repeated


def _has_header(records):
    """Whether the first record names the columns: it has no values, the others do."""
    first = _stripped(records[0])
    if recognise_header(first):
        return True
    if _is_types_line(first):
        return False
    names = [cell for cell in first if cell]
    if (
        len(names) * 2 < max(len(first), _width(records))
        or len(set(names)) * 2 < len(names)
        or _has_value(names)
    ):
        return False
    body = [record for record in records[1:] if not _is_types_line(record)]
    with_values = sum(map(_has_value, body))
    return with_values >= len(body) / 2


def _has_value(record):
    """Whether a cell looks like a number or time, as no name does."""
    return any(VALUE.fullmatch(cell) for cell in _stripped(record))


def _is_types_line(record):
    cells = [cell for cell in _stripped(record) if cell]
    return len(cells) > 2 and all(_SQL_TYPE.fullmatch(cell) for cell in cells)


def _stripped(record):
    return [cell.strip() for cell in record]
