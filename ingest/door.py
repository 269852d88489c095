# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Where records enter the pipeline: nothing behind it meets what cannot be stored.

Files, posts, answers of APIs and exceptions that are tried again all come in here.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.harmless import MOST_CHARACTERS, harmless, shortened
from .extract import column

NUL = b"\0"


def harmless_frame(frame):
    """A frame of texts that can be stored; the same one where all of them can be.

    :param frame: DataFrame with Arrow strings
    """
    changed = {}
    for name in frame.columns:
        values = column(frame, name)
        safe = _harmless_values(values)
        if safe is not values:
            changed[name] = pd.arrays.ArrowExtensionArray(safe)
    return frame.assign(**changed) if changed else frame


def most_bytes(values):
    """Bytes of the longest text of an Arrow array."""
    if not len(values):
        return 0
    offsets = np.frombuffer(values.buffers()[1], np.int32)
    return int(np.diff(offsets[values.offset : values.offset + len(values) + 1]).max())


def may_hold(values, pattern):
    """Whether a text of an Arrow array, or of what it is cut from, has these bytes.

    Looked for in its memory, which is as quick as memory is.
    """
    text = values.buffers()[2]
    return text is not None and pattern in text.to_pybytes()


def _harmless_values(values):
    if most_bytes(values) > MOST_CHARACTERS:
        long = pc.greater(pc.utf8_length(values), MOST_CHARACTERS)
        values = _replaced(values, long, shortened)
    if not may_hold(values, NUL):
        return values
    return _replaced(values, pc.match_substring(values, "\0"), harmless)


def _replaced(values, mask, function):
    if not pc.any(mask).as_py():
        return values
    texts = map(function, values.filter(mask).to_pylist())
    return pc.replace_with_mask(values, mask, pa.array(texts, pa.string()))
