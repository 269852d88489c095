# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which records are legs of one call, as the switch says.

Only the number of calls at one time needs it, which compares for equality: 64 bits of a
digest are stored. Of a thousand calls at one time two have the same one once in
10^13 times.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .extract import column, extract

#: key of the digest, of 16 bytes as it takes them; what is stored depends on it
_KEY = "legs of one call"
#: large and odd: what the ids of two sources are apart
_APART = 0x9E3779B97F4A7C15


def linked_calls(frame, columns, source_id):
    """The call that each record is a leg of.

    Several columns that are joined are a set: of two legs that name themselves and each
    other, each comes first in its own record. Ids of two sources are never the same.

    :param frame: the source's records, text columns
    :param columns: sequence of ``mapping.ColumnSpec``; the fact is ``linked_id``
    :return: int64 array, 0 where the record does not tell; None without a column
    """
    for spec in columns:
        if spec.target == "linked_id" and (names := spec.resolve(frame.columns)):
            break
    else:
        return None
    found = np.zeros(len(frame), np.uint64)
    for name in names:
        texts = pc.utf8_trim_whitespace(extract(column(frame, name), spec.pattern))
        digests = pd.util.hash_array(
            texts.to_numpy(zero_copy_only=False), hash_key=_KEY, categorize=False
        )
        digests[pc.equal(texts, "").to_numpy(zero_copy_only=False)] = 0
        found += digests
    told = found != 0
    found[told] += np.uint64(source_id * _APART % 2**64)
    return found.view(np.int64)


def stored_links(links, quantity):
    """What is stored of it: null where a record tells nothing or did not last.

    :param links: as of :func:`linked_calls`
    :param quantity: numbers, connected seconds
    :return: pyarrow int64 array
    """
    return pa.array(links, mask=(links == 0) | (np.asarray(quantity) == 0))
