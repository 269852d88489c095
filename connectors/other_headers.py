# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records that stand below other column names than those of the file.

Two exports in one file may have their columns in another order: what is below the
second header would be read under the names of the first.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .delimited import Piece
from .formats import BadLine, FileFormat
from .spreadsheet import as_csv

#: columns whose name a record has in another place, so that it is a header
_LEAST_MOVED = 2


def without_foreign(pieces: Iterator[Piece], fmt: FileFormat) -> Iterator[Piece]:
    """Pieces whose records below another header are bad ones.

    :param pieces: of a whole file, from its first record on
    """
    if not fmt.has_header or len(fmt.columns) < _LEAST_MOVED:
        yield from pieces
        return
    names = pa.array(fmt.columns)
    word = "Row" if fmt.kind == "xlsx" else "Line"
    header = 0  # line of another header that the records stand below
    for piece in pieces:
        turns = _headers(piece.table, names)
        if not header and not turns:
            yield piece
            continue
        below = np.zeros(len(piece.line), np.int64)
        begin = 0
        for row, is_same in [*turns, (len(piece.line), True)]:
            below[begin:row] = header
            if row < len(piece.line):
                header = 0 if is_same else int(piece.line[row])
            begin = row
        yield _parted(piece, below, word)


def _headers(table, names):
    """Rows that are headers, each with whether it has the names where they belong."""
    if not table.num_rows or not table.num_columns:
        return []
    found = pc.is_in(table.column(0), value_set=names)
    rows = pc.indices_nonzero(found).to_pylist()
    expected = names.to_pylist()
    headers = []
    for row in rows:
        cells = [column[row].as_py().strip() for column in table]
        known = set(expected)
        moved = sum(
            cell in known and cell != name
            for cell, name in zip(cells, expected, strict=True)
        )
        if moved >= _LEAST_MOVED and 2 * sum(cell in known for cell in cells) > len(
            cells
        ):
            headers.append((row, False))
        elif cells == expected:
            headers.append((row, True))
    return headers


def _parted(piece, below, word):
    """The piece with the records that stand below another header among its bad ones."""
    foreign = np.flatnonzero(below)
    if not len(foreign):
        return piece
    bad = [
        BadLine.below_header(
            int(piece.line[row]),
            as_csv([column[int(row)].as_py() for column in piece.table]),
            int(below[row]),
            word,
        )
        for row in foreign
    ]
    left = pa.array(below == 0)
    return Piece(
        piece.table.filter(left),
        piece.line[below == 0],
        sorted([*piece.bad, *bad], key=lambda item: item.line),
    )
