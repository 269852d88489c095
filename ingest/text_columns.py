# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A column of anything, as the text that a switch wrote."""

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def as_text(values):
    """Return a column as one pyarrow string array, trimmed; missing values are null.

    A number that a spreadsheet or a data frame made of digits (14046058270.0) is
    written as these digits again.

    :param values: Series, pyarrow Array or ChunkedArray, numpy array or list;
        shape (n,), of any type
    :return: pa.StringArray, shape (n,)
    """
    column = _as_array(values)
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.dictionary_decode()
        kind = column.type
    if pa.types.is_floating(kind):
        column = _float_text(column)
    elif not pa.types.is_string(kind):
        column = column.cast(pa.string())
    return pc.utf8_trim_whitespace(column)


def _as_array(values):
    if isinstance(values, pd.Series):
        values = values.array
    if hasattr(values, "__arrow_array__"):
        values = values.__arrow_array__()
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        try:
            values = pa.array(values, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            # values of several types, such as the cells of a spreadsheet
            values = pa.array(
                [None if pd.isna(value) else str(value) for value in values],
                type=pa.string(),
            )
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    return values


def _float_text(column):
    column = column.cast(pa.float64())
    whole = pc.and_(
        pc.equal(pc.floor(column), column), pc.less(pc.abs(column), 2.0**53)
    )
    digits = pc.if_else(whole, column, None).cast(pa.int64()).cast(pa.string())
    return pc.if_else(whole, digits, column.cast(pa.string()))


BETWEEN_WORDS = re.compile(r"[\W_]+")


def word_key(text):
    """A word as words are compared: without case, blanks, hyphens and the like."""
    text = text.strip().casefold()
    return BETWEEN_WORDS.sub("", text) or text
