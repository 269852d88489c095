# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Columns that plainly tell the direction, though the source reads none.

Without them inbound and internal calls would be charged as if they had been made.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .directions import LIKELY, WORDS, code_of, word_key
from .extract import column
from .mapping import name_key, read_target, same_name

#: records that are looked at before a column is read whole
SAMPLE = 200
#: columns that say it of a leg: a call that a user places comes in to the switch
OF_LEGS = frozenset(("legdirection", "directionleg"))
#: parts of the names of such columns; others have to tell two directions
NAMES = ("direction", "calltype", "communicationtype", "richtung", "sens", "direccion")


def unread_directions(frame, settings, is_known=False):
    """The column that tells the direction and is not read.

    :param frame: DataFrame, text columns under the source's own names
    :param settings: :class:`~.settings.ImportSettings`
    :param is_known: whether it is known that there is one: a word is enough then
    :return: (name, pyarrow strings, int8 array of positions in ``rules.DIRECTIONS``,
        -1 for empty texts); three None where there is none
    """
    nothing = None, None, None
    if settings.record_kind != "call":
        return nothing
    if read_target(frame, settings.columns, "direction")[0] is not None:
        return nothing
    read = {same_name(name, frame.columns) for name in settings.column_names}
    read.update(n for spec in settings.columns for n in spec.resolve(frame.columns))
    for name in frame.columns:
        if name in read or name_key(name) in OF_LEGS:
            continue
        texts = column(frame, name)
        is_named = is_known or any(part in name_key(name) for part in NAMES)
        if _tells(texts[:SAMPLE], settings.words, True) and _tells(
            texts, settings.words, is_named
        ):
            return name, texts, _codes(texts, settings.words)
    return nothing


def _meaning(text, remembered):
    key = word_key(text)
    return remembered.get(key) or WORDS.get(key) or LIKELY.get(key)


def _tells(texts, remembered, is_named):
    words = [text.strip() for text in pc.unique(texts).to_pylist() if text]
    found = [_meaning(word, remembered) for word in words if word]
    if not all(found):
        return False
    return is_named or len({*found}) > 1


def _codes(texts, remembered):
    encoded = pc.dictionary_encode(texts)
    found = [
        _meaning(text or "", remembered) for text in encoded.dictionary.to_pylist()
    ]
    codes = np.array([code_of(one) if one else -1 for one in found] + [-1], np.int8)
    rows = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    return codes[rows]


def unread_words(name, texts):
    """What is said of the records: the column, and its word.

    :param name: of the column
    :param texts: pyarrow strings
    """
    return pc.binary_join_element_wise(
        pa.scalar(name), pc.utf8_trim_whitespace(texts), UNREAD
    )


#: between the column and its word
UNREAD = " = "
