# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The rows of a rate file whose columns stand below each other, padded by blanks."""

import re
from itertools import islice

from ..connectors.unpack import Unpacked, utf8_blocks
from .columns import is_header
from .text_rows import BLOCK_BYTES, LIMITS, text_lines

_HEADER_LINES = 60
_MOST_LINES = 500_000
_RULE = re.compile(r"[-=_+| ]*")


def fixed_rows(path, fmt):
    """The lines of such a file.

    Columns are what all lines below the names have text in; blanks are between them.

    :return: list of (line, texts); empty where no line names columns that all others
        stand below
    """
    with Unpacked(path, fmt.compression, LIMITS) as file:
        blocks = utf8_blocks(file.blocks(BLOCK_BYTES), fmt.encoding)
        lines = [
            line.rstrip("\r\n").expandtabs()
            for line in islice(text_lines(blocks), _MOST_LINES)
        ]
    for number, line in enumerate(lines[:_HEADER_LINES]):
        if len(line.split()) < 2:
            continue
        table = [one for one in lines[number:] if not _RULE.fullmatch(one)]
        spans = _spans(line, table)
        if len(spans) > 1 and is_header(_cut(line, spans)):
            titles = [(n, [one.strip()]) for n, one in enumerate(lines[:number], 1)]
            return titles + [
                (n, _cut(one, spans))
                for n, one in enumerate(lines[number:], number + 1)
                if not _RULE.fullmatch(one)
            ]
    return []


def _spans(names, lines):
    """(start, end) of the columns that have a name; two blanks are between names."""
    width = max(map(len, lines))
    filled = bytearray(width)
    for line in lines:
        for match in re.finditer(r"\S+", line):
            filled[match.start() : match.end()] = b"x" * len(match[0])
    titles = [match.span() for match in re.finditer(r"\S+(?: \S+)*", names)]
    found, last = [], None
    for match in re.finditer(rb"x+", bytes(filled)):
        start, end = match.span()
        above = [title for title in titles if title[0] < end and start < title[1]]
        if len(above) > 1:
            return []
        if found and (not above or above[0] == last):
            # What has no name of its own goes on with the column before it.
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
            last = above[0] if above else None
    return found


def _cut(line, spans):
    return [line[start:end].strip() for start, end in spans]
