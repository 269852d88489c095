# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The rows of a rate file that is a text with a delimiter."""

import csv
import io
import re

from ..connectors.files import FileLimits
from ..connectors.unpack import Unpacked, utf8_blocks
from ..rating.errors import TranslatableError, _lt
from .sheet_texts import plain_text

LIMITS = FileLimits()
MAX_COLUMNS = LIMITS.max_columns
BLOCK_BYTES = 256 * 2**10
_QUOTED = re.compile(r'\A="([^"=]*)"\Z')


class DeckFileError(TranslatableError):
    """A file that no rates can be read from; says why and what to do."""


def text_rows(path, fmt, delimiter):
    """Yield (line, texts) of every row of a text."""
    with Unpacked(path, fmt.compression, LIMITS) as file:
        blocks = utf8_blocks(file.blocks(BLOCK_BYTES), fmt.encoding)
        yield from _records(text_lines(blocks), delimiter)


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
            values = [_text(text) for text in texts[:MAX_COLUMNS]]
            yield reader.line_num, values
    except csv.Error as error:
        raise DeckFileError(
            _lt("Line %(line)s: %(error)s."), line=reader.line_num, error=error
        ) from error


def _text(text):
    """A cell without what keeps it a text in a spreadsheet: `="44"`, an apostrophe."""
    text = plain_text(text).strip()
    return _QUOTED.sub(r"\1", text) if text.startswith('="') else text


def text_lines(blocks):
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
