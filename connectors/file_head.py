# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What may stand before the names of the columns: ``sep=;``, titles of a report."""

import re
from collections.abc import Iterator

from .delimited_lines import LINE, LINE_END

# Excel's own way of naming the delimiter.
_SEPARATOR = re.compile(
    rb'"?sep=([\x01-\x09\x0b\x0c\x0e-\x7e])"?[ \t]*(?:\r|\n|$)', re.I
)
#: so many records at the beginning may be titles
MOST_TITLES = 50


def named_delimiter(text: bytes) -> str:
    """The delimiter that the first line names, ``sep=;``; '' where it names none."""
    match = _SEPARATOR.match(text)
    return match[1].decode() if match and match[1] not in b"\"'" else ""


def count_titles(records: list[list[str]], width: int, is_header) -> int:
    """How many records before the names of the columns are none: titles, a period.

    Where no names follow there are no titles: the record may be a call that was cut.

    :param width: count of columns
    :param is_header: function of records: whether the first names the columns
    """
    for count, record in enumerate(records[:MOST_TITLES]):
        filled = sum(1 for cell in record if cell.strip())
        if len(record) == width and 2 * filled > width:
            return count if count and is_header(records[count:]) else 0
    return 0


def without_lines(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """The text after its first lines, however it is cut into blocks."""
    data = b""
    while count and (block := next(blocks, b"")):
        data += block
        pos = 0
        while count and (match := LINE_END.search(data, pos)):
            if match.end() == len(data) and match[0] == b"\r":
                break  # may be half of a CRLF
            pos = match.end()
            count -= 1
        # Of a line that goes on only its end matters.
        data = data[pos:] if not count or data.endswith(b"\r") else b""
    if count and data:
        data = b""
    if data:
        yield data
    yield from blocks


def first_lines(text: bytes, count: int) -> tuple[list[bytes], int]:
    """The first lines of a text, and where the rest begins."""
    lines, pos = [], 0
    while len(lines) < count and pos < len(text):
        match = LINE.match(text, pos)
        lines.append(match[1])
        pos = match.end()
    return lines, pos
