# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Longest-prefix matching of dialled numbers, a column at a time.

A normalised number is `+` and 1 to 15 digits (ITU-T E.164), or 1 to 9 digits as
dialled (a short code or an extension). As an int64 *number key*:

=================  ==================================================
`+14046058270`     the digits, padded on the right with zeros to 15
`911`              10**15 + length * 10**9 + the digits
anything else      -1
=================  ==================================================

so that every number which begins with a prefix lies in one half-open interval of
keys, and intervals of different prefixes are nested or disjoint. The price of the
padding: a number that is itself shorter than a prefix, and differs from it only by
zeros at its end (`+44` and prefix `440`), counts as beginning with it. No number
that can be called is that short.
"""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .errors import TranslatableError, _lt

E164_DIGITS = 15
SHORT_DIGITS = 9
SHORT_BASE = 10**E164_DIGITS
SHORT_LENGTH_STEP = 10**SHORT_DIGITS
UNUSABLE = -1
END_OF_KEYS = 2 * SHORT_BASE
"""Greater than every key."""

# Table x breakpoints below which one direct table replaces the second search (16 MB).
DENSE_CELLS = 4_000_000


def number_keys(numbers):
    """Return the int64 keys of normalised numbers, -1 where unusable.

    :param numbers: Series, pyarrow Array or ChunkedArray, or sequence of str or
        None; n values
    :return: np.ndarray[int64], shape (n,)
    """
    texts = _as_arrow(numbers)
    keys = np.full(len(texts), UNUSABLE, dtype=np.int64)
    # RE2 keeps `[0-9]` to ASCII and `$` to the very end of the text.
    is_e164 = pc.match_substring_regex(texts, r"^\+[0-9]{1,15}$").fill_null(False)
    digits = pc.utf8_slice_codeunits(texts.filter(is_e164), 1)
    padded = pc.ascii_rpad(digits, E164_DIGITS, "0")
    is_e164 = is_e164.to_numpy(zero_copy_only=False)
    keys[is_e164] = padded.cast(pa.int64()).to_numpy()
    rest = np.flatnonzero(~is_e164)
    if len(rest):
        keys[rest] = _short_keys(texts.take(pa.array(rest)))
    return keys


def _short_keys(texts):
    keys = np.full(len(texts), UNUSABLE, dtype=np.int64)
    is_short = pc.match_substring_regex(texts, r"^[0-9]{1,9}$").fill_null(False)
    digits = texts.filter(is_short)
    length = pc.binary_length(digits).to_numpy().astype(np.int64)
    value = digits.cast(pa.int64()).to_numpy()
    keys[is_short.to_numpy(zero_copy_only=False)] = (
        SHORT_BASE + length * SHORT_LENGTH_STEP + value
    )
    return keys


def _as_arrow(numbers):
    """Return one pyarrow string array, without a copy where there is one inside."""
    if isinstance(numbers, pd.Series):
        numbers = numbers.array
    if hasattr(numbers, "__arrow_array__"):
        numbers = numbers.__arrow_array__()
    if not isinstance(numbers, pa.Array | pa.ChunkedArray):
        numbers = pa.array(numbers, from_pandas=True)
    if isinstance(numbers, pa.ChunkedArray):
        numbers = numbers.combine_chunks()
    if numbers.type != pa.string() and numbers.type != pa.large_string():
        numbers = numbers.cast(pa.string())
    return numbers


def prefix_range(prefix):
    """Return the half-open interval (low, high) of the keys that a prefix covers.

    :param prefix: `44` = numbers beginning with +44; `=911` = exactly this short
        code; empty = every number, also an unusable one (key -1)
    :raise ValueError: for anything else
    """
    low, high, _length = prefix_ranges([prefix])
    return int(low[0]), int(high[0])


def prefix_ranges(prefixes):
    """Return the intervals of many prefixes and their lengths.

    :param prefixes: sequence of n prefixes (str)
    :return: (low, high, length), int64 arrays of shape (n,); the length is the
        number of digits, by which the longest prefix is chosen
    :raise ValueError: naming the first prefix that is malformed
    """
    texts = _as_arrow(prefixes)
    text = texts.to_numpy(zero_copy_only=False)
    is_all = np.fromiter((p == "" for p in text), bool, len(text))
    is_exact = pc.starts_with(texts, "=").fill_null(False)
    is_exact = is_exact.to_numpy(zero_copy_only=False)
    digits = pc.replace_substring_regex(texts, r"^=", "")
    head = pa.array(np.where(is_exact, "", "+"), type=texts.type)
    low = number_keys(pc.binary_join_element_wise(head, digits, ""))
    # `+` in a prefix would else be read as an unusable `++44`, `=+44` as E.164.
    wrong = ~is_all & ((low == UNUSABLE) | (is_exact & (low < SHORT_BASE)))
    if wrong.any():
        first = text[int(np.argmax(wrong))]
        raise TranslatableError(
            _lt(
                "'%(prefix)s' is not a prefix: enter 1 to %(digits)s digits without "
                "'+', '=' and a short code of 1 to %(short)s digits, or nothing"
            ),
            prefix=first,
            digits=E164_DIGITS,
            short=SHORT_DIGITS,
        )
    length = pc.binary_length(digits).to_numpy().astype(np.int64)
    width = np.where(is_exact, 1, 10 ** (E164_DIGITS - length))
    high = np.where(is_all, END_OF_KEYS, low + width)
    return low, high, length


class PrefixIndex:
    """Several tables of prefixes in one structure, searched together.

    Prefixes that are equal in one table share a *node*; each node carries the
    payloads of its prefixes in the order in which they were given. Nested intervals
    are flattened into disjoint segments, each owned by its innermost prefix, so that
    a lookup is a binary search and no walk over the digits.

    Attributes, with one element a node (nodes ordered by table, then interval):

    - `table`: int64, the table's id
    - `length`: int64, number of digits of the prefix
    - `parent_node`: int64, the next shorter prefix of the same table, -1 at the top
    - `payload_start`: int64, shape (nodes + 1,); the payloads of node i are
      `payloads[payload_start[i]:payload_start[i + 1]]`
    """

    def __init__(self, table_ids, prefixes, payloads):
        """
        :param table_ids: int64, shape (n,): any ids
        :param prefixes: n prefixes (str) as `prefix_range` takes them
        :param payloads: int64, shape (n,): what the caller wants back
        :raise ValueError: when a prefix is malformed
        """
        table_ids = np.asarray(table_ids, dtype=np.int64)
        payloads = np.asarray(payloads, dtype=np.int64)
        low, high, length = prefix_ranges(prefixes)
        # high falls where low and table are equal: the outer prefix comes first
        order = np.lexsort((-high, low, table_ids))
        table, low, high = table_ids[order], low[order], high[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (
            (table[1:] != table[:-1]) | (low[1:] != low[:-1]) | (high[1:] != high[:-1])
        )
        heads = np.flatnonzero(first)
        self.table = table[heads]
        self.low, self.high = low[heads], high[heads]
        self.length = length[order][heads]
        self.payloads = payloads[order]
        self.payload_start = np.append(heads, len(order)).astype(np.int64)
        self.node_of_row = np.empty(len(order), dtype=np.int64)
        self.node_of_row[order] = np.cumsum(first) - 1
        self._tables, self._rank = np.unique(self.table, return_inverse=True)
        self._dense_tables = np.array_equal(self._tables, np.arange(len(self._tables)))
        self._flatten()

    def __len__(self):
        """Return the number of nodes."""
        return len(self.table)

    def _flatten(self):
        """Find each node's parent, and cut the nested intervals into segments."""
        parents, starts, owners = [], [], []
        stack = []
        previous = None
        bounds = zip(
            self._rank.tolist(), self.low.tolist(), self.high.tolist(), strict=True
        )
        for node, (rank, low, high) in enumerate(bounds):
            while stack and (rank != previous or stack[-1][1] <= low):
                self._close(stack, previous, starts, owners)
            parents.append(stack[-1][0] if stack else -1)
            starts.append((rank, low))
            owners.append(node)
            stack.append((node, high))
            previous = rank
        while stack:
            self._close(stack, previous, starts, owners)
        self.parent_node = np.array(parents, dtype=np.int64)
        self._index_segments(
            np.array(starts, dtype=np.int64).reshape(-1, 2),
            np.array(owners, dtype=np.int64),
        )

    @staticmethod
    def _close(stack, rank, starts, owners):
        """From the end of the innermost open prefix on, its parent owns the keys."""
        _node, high = stack.pop()
        starts.append((rank, high))
        owners.append(stack[-1][0] if stack else -1)

    def _index_segments(self, starts, owners):
        self._breakpoints, position = np.unique(starts[:, 1], return_inverse=True)
        # a key lies in gap g when it is >= breakpoint g-1 and < breakpoint g
        self._gaps = len(self._breakpoints) + 1
        composite = starts[:, 0] * self._gaps + position + 1
        # of segments that begin at one key, the one that was opened last holds
        last = np.ones(len(composite), dtype=bool)
        last[:-1] = composite[1:] != composite[:-1]
        composite, owners = composite[last], owners[last]
        cells = len(self._tables) * self._gaps
        self._starts, self._owners, self._direct = composite, owners, None
        if cells <= max(DENSE_CELLS, 4 * len(composite)):
            found = np.searchsorted(composite, np.arange(cells), side="right") - 1
            self._direct = self._owner_of_segment(found, np.arange(cells))

    def _owner_of_segment(self, segment, cell):
        """Return the owners of segments; before a table's first one there is none."""
        if not len(self._starts):
            return np.full(len(cell), -1, dtype=np.int64)
        owner = self._owners[segment]
        same_table = self._starts[segment] // self._gaps == cell // self._gaps
        return np.where((segment >= 0) & same_table, owner, -1)

    def lookup(self, table_ids, keys):
        """Return the innermost node that covers each key, -1 where there is none.

        :param table_ids: one id for all, or int64 of shape (n,)
        :param keys: int64, shape (n,), as from `number_keys`
        :return: int64, shape (n,)
        """
        keys = np.asarray(keys, dtype=np.int64)
        rank, known = self._rank_of(np.asarray(table_ids, dtype=np.int64))
        cell = np.searchsorted(self._breakpoints, keys, side="right")
        cell += rank * self._gaps
        if self._direct is None:
            segment = np.searchsorted(self._starts, cell, side="right") - 1
            nodes = self._owner_of_segment(segment, cell)
        elif len(self._direct):
            nodes = self._direct.take(cell)
        else:
            nodes = np.full(len(keys), -1, dtype=np.int64)
        if not np.all(known):
            nodes = np.where(known, nodes, -1)
        return nodes

    def _rank_of(self, table_ids):
        """Return the rank of each table, and whether the table exists."""
        count = len(self._tables)
        if self._dense_tables:
            known = (table_ids >= 0) & (table_ids < count)
            return np.where(known, table_ids, 0), known
        rank = np.minimum(np.searchsorted(self._tables, table_ids), count - 1)
        return rank, self._tables[rank] == table_ids

    def parent(self, nodes):
        """Return the next shorter prefix of each node, -1 at the top (and of -1)."""
        nodes = np.asarray(nodes, dtype=np.int64)
        if not len(self):
            return np.full(nodes.shape, -1, dtype=np.int64)
        return np.where(nodes >= 0, self.parent_node[nodes], -1)

    def first_payload(self, nodes, missing=-1):
        """Return the first payload of each node, `missing` for node -1."""
        nodes = np.asarray(nodes, dtype=np.int64)
        if not len(self):
            return np.full(nodes.shape, missing, dtype=np.int64)
        first = self.payload_start[:-1]
        return np.where(nodes >= 0, self.payloads[first[nodes]], missing)
