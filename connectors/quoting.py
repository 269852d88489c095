# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether the quotes in a text enclose values, or are part of them.

A writer either quotes or does not, so the file tells it. One that quotes encloses
what needs it: a value with a delimiter, a line end or a quote in it. One that does not
(it only puts delimiters between values) writes a name such as ``"Joe`` as it is. Where
a record that spans lines could as well be a record in each of its lines, and the file
does not tell which, none of these lines is taken (``fits_by_line``).

MySQL and others write a backslash before a quote instead of doubling it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .delimited_lines import LINE, last_line_end
from .delimited_records import INCOMPLETE, RecordScanner
from .formats import FileLimits

_BACKSLASH = b"\\"
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPES = {b'"': b'""', b"n": b"\n", b"t": b"\t", b"r": b"\r", b"N": b"", b"0": b""}
# Digits with the marks of numbers, dates, times and addresses around them.
VALUE = re.compile(r"[-+(]?\d[-+\d.,:/() TZ%*#]*")
# A date, time, number or id of a record has at least so many digits.
_RECORD_DIGITS = 5
_DIGIT = re.compile(r"\d")
# A value of more lines is hardly one.
_LIKELY_LINES = 100


@dataclass
class _Evidence:
    """What a reading of a text makes of it.

    ``clean``: values that a quote encloses within a line; ``needed``: those of them
    with a delimiter or quote inside; ``enclosed``, ``bare``: columns that have values
    in quotes, and columns that have values without; ``opened``: values that begin with
    a quote only; ``trouble``: lines that are no good records; ``spans``: texts of
    records that go over several lines.
    """

    clean: int = 0
    needed: int = 0
    opened: int = 0
    trouble: int = 0
    enclosed: set = field(default_factory=set)
    bare: set = field(default_factory=set)
    spans: list = field(default_factory=list)


def find_quoting(
    text: bytes, whole: bool, delimiter: str, width: int, limits: FileLimits
) -> tuple[str, str]:
    """What encloses values in a text, and what stands before a quote inside of one.

    :param text: beginning of the file; ``whole``: all of it
    :param width: count of columns
    :return: quote ('"', "'" or '' for none) and escape (a backslash or '')
    """
    end = len(text) if whole else last_line_end(text, 0, len(text))
    text = text[:end]
    double = _Evidence()
    if b'"' in text:
        double = _read(text, delimiter, width, '"', limits, whole)
        if b'\\"' in text:
            unescaped = b"".join(unescaped_blocks([text]))
            escaped = _read(unescaped, delimiter, width, '"', limits, whole)
            if escaped.trouble < double.trouble:
                return '"', "\\"
    plain = _read(text, delimiter, width, "", limits, whole)
    if b"'" in text and not double.clean:
        single = _read(text, delimiter, width, "'", limits, whole)
        lines = text.count(b"\n") + text.count(b"\r") or 1
        always = single.clean * 2 >= lines and not single.opened
        if single.clean and (single.trouble < plain.trouble or always):
            return "'", ""
    doubtful = double.opened or double.spans
    encloses = double.needed or double.enclosed - double.bare
    if (
        doubtful
        and not encloses
        and plain.trouble <= double.trouble
        and all(fits_by_line(span, delimiter, width, '"') for span in double.spans)
    ):
        return "", ""
    return '"', ""


def _read(text, delimiter, width, quote, limits, whole):
    evidence = _Evidence()
    scanner = RecordScanner(
        delimiter, width, limits.max_line_bytes, width + 1, quote=quote
    )
    pos = 0
    while pos < len(text):
        line = LINE.match(text, pos)
        record = scanner.scan(text, pos, len(text), closed=whole)
        if record.problem == INCOMPLETE and text.count(b"\n", pos) < _LIKELY_LINES:
            break  # its end is likely in what comes after the text
        good = not record.problem and record.strict and len(record.fields) == width
        if line[1].strip():
            if good and record.text_end > line.end(1):
                evidence.spans.append(text[pos : record.text_end])
            evidence.trouble += not good
            if quote:
                _look_at_line(evidence, line[1].decode(), delimiter, quote)
        pos = line.end() if record.problem else record.stop
    return evidence


def _look_at_line(evidence, line, delimiter, quote):
    for position, value in enumerate(_line_values(line, delimiter, quote)):
        if value.startswith(quote):
            inside = value[1:-1]
            if len(value) > 1 and value.endswith(quote):
                evidence.clean += 1
                evidence.needed += delimiter in inside or quote in inside
                evidence.enclosed.add(position)
            else:
                evidence.opened += 1
                evidence.bare.add(position)
        elif value and not VALUE.fullmatch(value.strip()):
            evidence.bare.add(position)


def _line_values(line, delimiter, quote):
    """The values of a line by itself: a quote that it does not close is text."""
    delimiter = re.escape(delimiter)
    value = rf"[^{delimiter}]*"
    if quote:
        inside = rf"[^{quote}]*(?:{quote}{quote}[^{quote}]*)*"
        value = rf"{quote}{inside}{quote}(?={delimiter}|$)|{value}"
    return [match[1] for match in re.finditer(rf"(?:^|{delimiter})({value})", line)]


def is_likely_value(text: bytes) -> bool:
    """Whether a value may have as many lines as the text of its record."""
    return text.count(b"\n") + text.count(b"\r") <= _LIKELY_LINES


def fits_by_line(text: bytes, delimiter: str, width: int, quote: str) -> bool:
    """Whether each line of a record of several lines could be a record itself.

    The first and the last have more values than one record together, each has most of
    them, and in one column each has a number, date or time: what a person wrote over
    several lines has not.
    """
    rows = [
        _line_values(line.decode(), delimiter, quote)
        for line in LINE.findall(text)
        if line.strip()
    ]
    if len(rows[0]) + len(rows[-1]) <= width + 1:
        return False  # two parts of one record, which share the value in quotes
    if any(2 * len(row) <= width for row in rows):
        return False
    return any(all(map(_tells_a_record, column)) for column in zip(*rows, strict=False))


def _tells_a_record(value):
    value = value.strip("\"' ")
    return (
        VALUE.fullmatch(value) is not None
        and len(_DIGIT.findall(value)) >= _RECORD_DIGITS
    )


def unescaped_blocks(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """A text with backslashes before quotes as one with doubled quotes.

    The other escapes of MySQL's ``SELECT … INTO OUTFILE`` become what they stand for.
    """
    kept = b""
    for block in blocks:
        data = kept + block
        kept = b""
        if _BACKSLASH in data:
            backslashes = len(data) - len(data.rstrip(_BACKSLASH))
            if backslashes % 2:  # what it stands before comes with the next block
                data, kept = data[:-1], _BACKSLASH
            data = _ESCAPED.sub(lambda m: _ESCAPES.get(m[1], m[1]), data)
        if data:
            yield data
    if kept:
        yield kept
