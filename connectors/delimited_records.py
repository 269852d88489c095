# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records of delimited text, one by one.

What counts as a record:

* A value that begins with a quote ends at the next single quote; a doubled quote is
  one quote, delimiters and line breaks in it are text. A quote inside a value that did
  not begin with one is text. Text after a closing quote belongs to the value. (So do
  Python's csv module and Arrow.)
* Lines end with LF, CR or CRLF. Lines with nothing in them are no records.
* A record may span lines only when it is beyond doubt: each of its quoted values is
  followed by a delimiter or line end, and the count of columns is right. Otherwise its
  first line is taken for a line with an unbalanced quote, it alone is bad, and reading
  goes on at the next line: a stray quote must not swallow the calls after it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .delimited_lines import LINE, LINE_END, last_line_end
from .formats import FileLimits
from .unpack import count_line_ends

INCOMPLETE = "incomplete"
UNCLOSED = "unclosed"


@dataclass
class Scan:
    """One record as read by hand.

    ``problem``: '' or UNCLOSED or INCOMPLETE (with neither is the rest valid);
    ``text_end``: where its text ends; ``stop``: where the next record begins;
    ``strict``: nothing but a delimiter or line end follows its quoted values.
    """

    problem: str
    fields: list[bytes]
    text_end: int = 0
    stop: int = 0
    strict: bool = True


class RecordScanner:
    """Reads single records by the rules above; the reference for all readers."""

    def __init__(
        self,
        delimiter: str,
        columns: int | None,
        max_bytes: int,
        most_fields: int | None = None,
        quote: str = '"',
    ):
        """
        :param columns: expected count, None when any will do
        :param most_fields: of a record; the rest of its line is passed over
        :param quote: what encloses values, '' where nothing does
        """
        self.quote = quote.encode()
        self._two_quotes = 2 * self.quote
        self._quoted_value = quoted_value(self.quote) if quote else None
        self.most_fields = most_fields
        self.delimiter = delimiter.encode()
        self.columns = columns
        self.max_bytes = max_bytes
        self._plain = re.compile(rb"[^" + re.escape(self.delimiter) + rb"\r\n]*+")

    def scan(self, data: bytes, start: int, end: int, closed: bool) -> Scan:
        """The record at ``start``.

        :param end: end of the data that may be looked at, after a line end
        :param closed: no record goes on beyond ``end``
        """
        fields: list[bytes] = []
        several_lines = False
        strict = True
        pos = start
        while True:
            if self.quote and data.startswith(self.quote, pos, end):
                value, pos, clean = self._quoted(data, pos, start, end)
                if value is None:
                    cut = end < start + self.max_bytes and not closed
                    return Scan(INCOMPLETE if cut else UNCLOSED, fields)
                strict = strict and clean
                several_lines = several_lines or b"\n" in value or b"\r" in value
            else:
                match = self._plain.match(data, pos, end)
                value, pos = match[0], match.end()
            fields.append(value)
            if several_lines and not (strict and self._may_be(len(fields))):
                return Scan(UNCLOSED, fields)
            if not data.startswith(self.delimiter, pos, end):
                break
            if len(fields) == self.most_fields:
                pos = LINE.match(data, pos, end).end(1)
                break
            pos += 1
        if several_lines and not self._may_be(len(fields), pos - start, whole=True):
            return Scan(UNCLOSED, fields)
        match = LINE_END.match(data, pos, end)
        return Scan("", fields, pos, match.end() if match else pos, strict)

    def _quoted(self, data, pos, start, end):
        """Value, where it ends, and whether a delimiter or line end follows it."""
        limit = min(end, start + self.max_bytes)
        match = self._quoted_value.match(data, pos, limit)
        if match is None:
            return None, pos, False
        pos = match.end()
        if pos == limit < end and data.startswith(self.quote, pos):
            return None, pos, False  # half of a doubled quote
        value = match[1].replace(self._two_quotes, self.quote)
        rest = self._plain.match(data, pos, end)
        return value + rest[0], rest.end(), not rest[0]

    def _may_be(self, columns, length=0, whole=False):
        if length > self.max_bytes:
            return False
        if self.columns is None:
            return True
        return columns == self.columns if whole else columns <= self.columns


def first_records(
    data: bytes,
    whole: bool,
    delimiter: str,
    count: int,
    limits: FileLimits,
    quote: str = '"',
) -> list[tuple[int, list[str]]]:
    """Up to ``count`` records from the beginning of a text, any number of columns.

    :param whole: the text is all there is; otherwise what follows its last line end
        may be a part of a record and is left out
    :param limits: one column more than they allow is read, no further one
    :return: for each the line where it begins, from 1 on, and its values
    """
    scanner = RecordScanner(
        delimiter, None, limits.max_line_bytes, limits.max_columns + 1, quote
    )
    end = len(data) if whole else last_line_end(data, 0, len(data))
    records = []
    pos, line = 0, 1
    while pos < end and len(records) < count:
        first_line = LINE.match(data, pos, end)
        record = scanner.scan(data, pos, end, whole)
        if record.problem == INCOMPLETE:
            break
        after = first_line.end() if record.problem else record.stop
        if first_line[1].strip():
            fields = [first_line[1]] if record.problem else record.fields
            records.append((line, [value.decode() for value in fields]))
        line += count_line_ends(data, pos, after)
        pos = after
    return records


def record_text(
    blocks: Iterator[bytes],
    line: int,
    scanner: RecordScanner | None,
    max_bytes: int,
) -> str | None:
    """The text of the record that begins at a line, None when the file ends before.

    :param scanner: of the file's records; None where each line is one
    """
    data = b""
    here = 1  # number of the line that data begins with, or is in the middle of
    for block in blocks:
        data += block
        lines = count_line_ends(data, 0, last_line_end(data, 0, len(data)))
        if here + lines >= line:
            break
        here += lines
        data = data[-1:] if data.endswith(b"\r") else b""
    else:
        return None
    pos = 0
    for _line in range(line - here):
        pos = LINE_END.search(data, pos).end()
    while len(data) - pos <= max_bytes + 2 and (block := next(blocks, b"")):
        data += block
    if pos == len(data):
        return None
    end = LINE.match(data, pos).end(1)
    if scanner is not None:
        record = scanner.scan(data, pos, len(data), closed=True)
        end = end if record.problem else record.text_end
    return data[pos:end].decode(errors="ignore")


def quoted_value(quote: bytes) -> re.Pattern:
    """Pattern of a value in quotes, whose group is what is between them."""
    # Possessive, so that a quote that is never closed costs one look, not many.
    return re.compile(rb"%b([^%b]*+(?:%b%b[^%b]*+)*+)%b" % (6 * (quote,)))


def regular_record(delimiter: bytes, columns: int, quote: bytes) -> re.Pattern:
    """Pattern of a record of so many columns whose quotes are beyond doubt."""
    delimiter = re.escape(delimiter)
    value = rb"[^%b\r\n]*+" % delimiter
    if quote:
        quoted = rb"%b[^%b]*+(?:%b%b[^%b]*+)*+%b" % (6 * (quote,))
        value = rb"(?:%b|(?!%b)%b)" % (quoted, quote, value)
    more = rb"(?:%b%b){%d}" % (delimiter, value, columns - 1)
    return re.compile(rb"(%b%b)(?:\r\n|\n|\r|\Z)" % (value, more))
