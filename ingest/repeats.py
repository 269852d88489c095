# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records of one chunk that have the same id, or the same facts."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .same_records import details, fingerprints, of_frame, own_ids


@dataclass
class Records:
    """The records of a chunk that are not duplicates of others in it.

    :ivar rows: int64 array, positions in the frame
    :ivar ids: pyarrow strings: what tells them apart, each once
    :ivar prints: pyarrow strings: fingerprints of those without an id, null for others
    :ivar same: dict position in ``rows`` -> (id of another record, or None where that
        has none either; detail): records that say something else
    :ivar duplicates: how many were left out
    """

    rows: np.ndarray
    ids: pa.Array
    prints: pa.Array
    same: dict[int, tuple[str | None, str]] = field(default_factory=dict)
    duplicates: int = 0


def without_repeats(frame, ids, has_id, settings):
    """Part the records of a chunk into new ones, duplicates and what is doubtful.

    :param frame: DataFrame, text columns under the source's own names
    :param ids: pyarrow strings, see ``mapping.record_ids``
    :param has_id: bool array, whether a record has an id of its own
    :param settings: :class:`~.settings.ImportSettings`
    :return: :class:`Records`
    """
    prints = _prints(frame, has_id, settings)
    first = _first_of_each(ids)
    if first is None and not prints.null_count < len(prints):
        return Records(np.arange(len(frame)), ids, prints)
    kept, same = np.ones(len(frame), bool), {}
    if first is not None:
        rows = np.flatnonzero(first != np.arange(len(frame)))
        # Without id of its own, another record that says the very same.
        kept[rows] = False
        rows = rows[has_id[rows]]
        ids = _other_calls(frame, ids, rows, first[rows], settings, kept, same)
    left = np.flatnonzero(kept)
    if prints.null_count < len(prints):
        _alike(frame, ids, left, prints.take(pa.array(left)), settings, same)
    position = {row: at for at, row in enumerate(left.tolist())} if same else {}
    return Records(
        left,
        ids.take(pa.array(left)),
        prints.take(pa.array(left)),
        {position[row]: value for row, value in same.items()},
        len(frame) - len(left),
    )


def _prints(frame, has_id, settings):
    """Fingerprints of the records without id, null for the others."""
    texts = pa.nulls(len(frame), pa.string())
    rows = np.flatnonzero(~has_id)
    if not len(rows):
        return texts
    found = fingerprints(frame.iloc[rows], settings)
    return pc.replace_with_mask(texts, pa.array(~has_id), pa.array(found, pa.string()))


def _first_of_each(texts):
    """The position of the first equal text for each; None when none repeats."""
    encoded = pc.dictionary_encode(texts)
    if len(encoded.dictionary) + (texts.null_count > 0) == len(texts):
        return None
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    _codes, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return np.where(codes < 0, np.arange(len(codes)), first[inverse])


def _other_calls(frame, ids, rows, first, settings, kept, same):
    """Keep of the records with another one's id those that say something else.

    :return: the ids, with their own for these
    """
    own, theirs = (of_frame(frame.iloc[at], settings) for at in (rows, first))
    other = ~own.same_as(theirs)
    if not other.any():
        return ids
    rows, own, theirs = (
        rows[other],
        own.take(other.nonzero()[0]),
        theirs.take(other.nonzero()[0]),
    )
    plain = ids.take(pa.array(rows)).to_pylist()
    keys, seen = own_ids(plain, own), set()
    texts = details(plain, theirs, own)
    for row, text, key, detail in zip(rows.tolist(), plain, keys, texts, strict=True):
        if key not in seen:
            seen.add(key)
            kept[row] = True
            same[row] = (text, detail)
    mask = np.zeros(len(ids), bool)
    mask[rows] = True
    return pc.replace_with_mask(ids, pa.array(mask), pa.array(keys, pa.string()))


def _alike(frame, ids, rows, prints, settings, same):
    """Note the records without id whose facts are those of one before them."""
    first = _first_of_each(prints)
    if first is None:
        return
    repeats = np.flatnonzero(first != np.arange(len(rows)))
    own, theirs = (
        of_frame(frame.iloc[rows[at]], settings) for at in (repeats, first[repeats])
    )
    names = [""] * len(repeats)
    texts = details(names, theirs, own)
    for row, detail in zip(rows[repeats].tolist(), texts, strict=True):
        same[row] = (None, detail.removeprefix(": "))
