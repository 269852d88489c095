# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From pieces of any size to chunks of records of a given size.

Where a chunk ends depends on nothing but the records from its first one on, not on how
the file was cut into blocks: an import that was interrupted can count on the records
done and go on after them.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .arrow_frames import arrow_frame
from .delimited import Piece
from .formats import Chunk

# A chunk ends early rather than hold more text than this, so that a file of very wide
# records cannot take the memory of the machine.
CHUNK_BYTES = 128 * 2**20
#: records that are not divided any more at the end of a file
LAST_RECORDS = 40_000


def read_in_chunks(
    pieces: Iterable[Piece],
    chunk_records: int,
    skip_records: int = 0,
    first_records: int | None = None,
    all_records: int | None = None,
) -> Iterator[Chunk]:
    """Chunks of ``chunk_records`` records, good and bad ones counted in file order.

    :param skip_records: leave out that many records at the beginning
    :param first_records: records of the first chunk; each has at most twice as many as
        the one before
    :param all_records: of the file, about: the last chunks are ever smaller, so that
        those that are stored side by side end at the same time
    """
    size = first_records or chunk_records
    if chunk_records < 1 or skip_records < 0:
        raise ValueError("chunk_records must be positive, skip_records not negative")
    to_skip = skip_records
    first = skip_records
    waiting: list[Piece] = []
    waiting_records = waiting_bytes = 0
    for piece in pieces:
        if to_skip:
            skipped, piece = _split(piece, to_skip)
            to_skip -= _records(skipped)
        if not _records(piece):
            continue
        waiting.append(piece)
        waiting_records += _records(piece)
        waiting_bytes += _text_bytes(piece)
        while waiting_records >= size or waiting_bytes > CHUNK_BYTES:
            full, rest = _take(_joined(waiting), size, waiting_bytes)
            yield _chunk(full, first)
            first += _records(full)
            size = min(2 * size, chunk_records)
            if all_records and all_records > first:
                size = min(size, _part(all_records - first))
            waiting = [rest]
            waiting_records -= _records(full)
            waiting_bytes -= _text_bytes(full)
    if waiting_records:
        yield _chunk(_joined(waiting), first)


def _part(left):
    """How many of the last records are in the next chunk.

    A third: the one before it, which is larger and began earlier, ends with it.
    """
    if left < LAST_RECORDS * 1.5:
        return left
    return max(left // 3, LAST_RECORDS)


def _records(piece):
    return len(piece.line) + len(piece.bad)


def _text_bytes(piece):
    """Text of a piece; an offset of 4 bytes for each value belongs to it."""
    table = piece.table
    text = sum(pc.sum(pc.binary_length(column)).as_py() or 0 for column in table)
    bad = sum(len(item.raw) for item in piece.bad)
    return text + bad + 4 * table.num_columns * _records(piece)


def _record_bytes(piece):
    """The text bytes of each record, in file order."""
    sizes = np.zeros(len(piece.line), np.int64)
    for column in piece.table:
        sizes += pc.binary_length(column).to_numpy()
    sizes = np.concatenate([sizes, [len(item.raw) for item in piece.bad]])
    return sizes[np.argsort(_all_lines(piece))] + 4 * piece.table.num_columns


def _all_lines(piece):
    """The lines of good and bad records; no two begin in the same line."""
    bad = np.array([item.line for item in piece.bad], np.int64)
    return np.concatenate([piece.line, bad])


def _take(piece, chunk_records, text_bytes):
    count = chunk_records
    if text_bytes > CHUNK_BYTES:
        fitting = np.searchsorted(
            np.cumsum(_record_bytes(piece)), CHUNK_BYTES, side="right"
        )
        count = max(1, min(count, int(fitting)))
    return _split(piece, count)


def _split(piece, count):
    """The first ``count`` records, or all, and the rest."""
    if count >= _records(piece):
        return piece, _slice(piece, len(piece.line), len(piece.bad))[1]
    if not piece.bad:
        return _slice(piece, count, 0)
    last = np.sort(_all_lines(piece))[count - 1]
    good = int(np.searchsorted(piece.line, last, side="right"))
    return _slice(piece, good, count - good)


def _slice(piece, good, bad):
    head = Piece(piece.table.slice(0, good), piece.line[:good], piece.bad[:bad])
    rest = Piece(piece.table.slice(good), piece.line[good:], piece.bad[bad:])
    return head, rest


def _joined(pieces):
    if len(pieces) == 1:
        return pieces[0]
    return Piece(
        pa.concat_tables([piece.table for piece in pieces]),
        np.concatenate([piece.line for piece in pieces]),
        [item for piece in pieces for item in piece.bad],
    )


def _chunk(piece, first_record):
    frame = arrow_frame(piece.table.combine_chunks())
    return Chunk(frame, piece.line, first_record, piece.bad)
