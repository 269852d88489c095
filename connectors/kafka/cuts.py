# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The values of messages that are written alike, cut out where the quotes are.

Of texts without any escaped character the quotes alone tell where values end: the
third text of each message ends at its sixth quote. So all of a message is known by the
places of its quotes, and what is between the values is compared eight bytes at a time,
which takes half the time of an expression.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_QUOTE, _BACKSLASH, _FIRST_SHOWN = 0x22, 0x5C, 0x20
#: bytes that are looked through at a time: as many as are near the processor
_BLOCK = 2**18
#: bytes that are compared at once
_SIZES = ((8, np.uint64), (4, np.uint32), (2, np.uint16), (1, np.uint8))


class Cuts:
    """How the values of a message are found.

    :param between: list of the texts before, between and after the values
    :param expressions: list, for each value the expression that it is, "" for a text
    """

    def __init__(self, between, expressions):
        self._between = [text.encode() for text in between]
        self._expressions = expressions
        self._quotes = np.cumsum([text.count(b'"') for text in self._between]).tolist()
        self.is_possible = all(
            not expression or b'"' in after or at == len(expressions)
            for at, (expression, after) in enumerate(
                zip(expressions, self._between[1:], strict=True), 1
            )
        )

    def cut(self, texts):
        """The values of messages.

        :param texts: pyarrow strings without null
        :return: (bool array: which are written so, list of a pyarrow array of each
            value of these); None where it cannot be told
        """
        offsets = np.frombuffer(texts.buffers()[1], np.int32)
        offsets = offsets[texts.offset : texts.offset + len(texts) + 1]
        octets = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[: offsets[-1]]
        own = octets[offsets[0] :]
        if not len(own) or own.min() < _FIRST_SHOWN or (own == _BACKSLASH).any():
            return None
        places = self._places(own, offsets)
        first, last = offsets[:-1], offsets[1:]
        is_such = np.ones(len(texts), bool)
        edges, at = [], first + len(self._between[0])
        for value, after in enumerate(self._between[1:]):
            end = last - len(after)
            if not self._expressions[value] or b'"' in after:
                end = places(value)
                if self._expressions[value]:
                    end = end - after.index(b'"')
            is_such &= (at <= end) & (end <= last)
            edges += [at, end]
            at = end + len(after)
        is_such &= at == last
        rows = np.flatnonzero(is_such)
        edges = [edge[rows] for edge in edges]
        starts = [first[rows], *edges[1::2]]
        good = np.ones(len(rows), bool)
        for text, start in zip(self._between, starts, strict=True):
            _compare(octets, text, start, good)
        if not good.all():
            is_such[rows[~good]] = False
            edges = [edge[good] for edge in edges]
        return self._checked(is_such, _pieces(texts, edges))

    def _places(self, own, offsets):
        """Function of a value: of each message, its first quote behind it."""
        found = [
            np.flatnonzero(own[at : at + _BLOCK] == _QUOTE).astype(np.int32) + at
            for at in range(0, len(own), _BLOCK)
        ]
        # Behind the last one, for messages with too few of them.
        nowhere = np.full(self._quotes[-1] + 1, len(own), np.int32)
        quotes = np.concatenate([*found, nowhere]) + offsets[0]
        count = np.arange(len(offsets) - 1)
        each = self._quotes[-1]
        index = count * each
        if (
            len(quotes) - len(nowhere) != len(count) * each
            or (quotes[index] < offsets[:-1]).any()
            or (quotes[index + each - 1] >= offsets[1:]).any()
        ):
            index = np.searchsorted(quotes, offsets[:-1])
        return lambda value: quotes[index + self._quotes[value]]

    def _checked(self, is_such, pieces):
        """Leave out the messages of which a number, or a word, is none."""
        good = None
        for expression, piece in zip(self._expressions, pieces, strict=True):
            if not expression:
                continue
            distinct = piece.dictionary_encode()
            is_one = pc.match_substring_regex(
                distinct.dictionary, rf"\A(?:{expression})\z"
            )
            if not pc.all(is_one).as_py():
                is_one = is_one.take(distinct.indices)
                good = is_one if good is None else pc.and_(good, is_one)
        if good is not None:
            pieces = [piece.filter(good) for piece in pieces]
            rows = np.flatnonzero(is_such)
            is_such[rows[~good.to_numpy(zero_copy_only=False)]] = False
        return is_such, pieces


def _compare(octets, text, start, good):
    """Note where a text is not: clears ``good``."""
    at = 0
    while at < len(text) and len(good):
        left = len(text) - at
        size, kind = next(one for one in _SIZES if one[0] <= left)
        if left < 8 <= len(text):
            # Some of it once more.
            at, (size, kind) = len(text) - 8, _SIZES[0]
        words = np.ndarray((len(octets) - size + 1,), kind, octets, strides=(1,))
        good &= words[start + at] == np.frombuffer(text[at : at + size], kind)[0]
        at += size


def _pieces(texts, edges):
    """The texts between pairs of edges, each a pyarrow array.

    :param edges: list of int32 arrays: begin and end of the first value, and so on
    """
    count, many = len(edges[0]), len(edges)
    if not count:
        return [pa.array([], pa.string())] * (many // 2)
    places = np.ascontiguousarray(np.stack(edges, axis=1), np.int32)
    whole = pa.StringArray.from_buffers(
        count * many - 1, pa.py_buffer(places), texts.buffers()[2]
    )
    rows = np.arange(count) * many
    return [whole.take(pa.array(rows + at)) for at in range(0, many, 2)]
