# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Texts of digits, grouped by their shape.

The shape of a text is the text with each digit written as 0: `2026-10-01 05:26` has
the shape `0000-00-00 00:00`. A file has few shapes, and in texts of one shape the
same digits stand at the same places. So what a shape means is decided once, and its
numbers are read exactly and all at once, without a binary float in between.
"""

import numpy as np
import pyarrow as pa

ZERO, NINE = ord("0"), ord("9")
AS_SHAPE = np.arange(256, dtype=np.uint8)
AS_SHAPE[ZERO : NINE + 1] = ZERO

MOST_DIGITS = 18
"""Digits that surely fit into an int64."""


class DigitShapes:
    """A column of texts and its shapes.

    - `shapes`: list of str, each once, in no particular order
    """

    def __init__(self, texts):
        """
        :param texts: pa.StringArray without nulls, shape (n,)
        """
        texts = pa.concat_arrays([texts])  # begins at offset 0
        _validity, offsets, data = texts.buffers()
        self._data = np.frombuffer(data or b"", dtype=np.uint8)
        self._start = np.frombuffer(offsets or bytes(4), np.int32)[: len(texts)]
        shaped = pa.py_buffer(AS_SHAPE[self._data])
        encoded = pa.StringArray.from_buffers(len(texts), offsets, shaped)
        encoded = encoded.dictionary_encode()
        self.shapes = encoded.dictionary.to_pylist()
        self._code = encoded.indices.to_numpy()

    def groups(self, read):
        """Yield (rows, what) of the shapes that mean something.

        :param read: function of a shape; returns None for a shape without meaning
        :return: iterator of (int64 array of row numbers, result of `read`)
        """
        meanings = [read(shape) for shape in self.shapes]
        if len(meanings) == 1:
            if meanings[0] is not None:
                yield np.arange(len(self._code)), meanings[0]
            return
        order = np.argsort(self._code, kind="stable")
        ends = np.cumsum(np.bincount(self._code, minlength=len(meanings)))
        begin = 0
        for meaning, end in zip(meanings, ends.tolist(), strict=True):
            if meaning is not None:
                yield order[begin:end], meaning
            begin = end

    def number(self, rows, begin, end):
        """Return the digits at [begin, end) of rows of one shape as int64.

        :param begin, end: places, counted in bytes; at most MOST_DIGITS apart
        """
        if end - begin > MOST_DIGITS:
            raise ValueError(f"more than {MOST_DIGITS} digits")
        value = np.zeros(len(rows), dtype=np.int64)
        start = self._start[rows]
        for place in range(begin, end):
            value *= 10
            value += self._data[start + place]
            value -= ZERO
        return value

    def fraction(self, rows, begin, end, digits):
        """Return the first digits of a decimal fraction, as if it had no fewer.

        :param digits: how many; further ones are dropped
        """
        read = min(end - begin, digits)
        return self.number(rows, begin, begin + read) * 10 ** (digits - read)
