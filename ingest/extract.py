# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Taking a part of a column's text with a regular expression."""

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def extraction_problem(pattern):
    """Say what is wrong with an extraction pattern.

    :param pattern: a regular expression with one group, or an empty value
    :return: a sentence, or ``""`` where the pattern can be used
    """
    if not pattern:
        return ""
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        return f"The expression {pattern} cannot be read: {error}."
    if groups != 1:
        return (
            f"The expression {pattern} needs exactly one group in parentheses: "
            "the part to take."
        )
    return ""


def extract(values, pattern):
    """Take the pattern's group out of every text; ``""`` where it does not match.

    :param values: pyarrow string array without nulls
    :param pattern: a regular expression with one group; empty: the whole text
    :return: pyarrow string array of the same length

    Telephone columns repeat themselves (trunks, contexts), so the expression runs
    once per distinct text. It is Python's ``re``, the syntax users know.
    """
    if not pattern:
        return values
    search = re.compile(pattern).search
    encoded = pc.dictionary_encode(values)
    taken = []
    for text in encoded.dictionary.to_pylist():
        match = search(text)
        taken.append((match.group(1) or "") if match else "")
    return pc.take(pa.array(taken, pa.string()), encoded.indices)


def column(frame, name):
    """The text column ``name`` of a frame as a pyarrow array without nulls.

    :param frame: DataFrame with Arrow strings
    :raises KeyError: when the frame has no such column
    """
    values = frame[name]
    array = (
        pa.array(values.array)
        if isinstance(values.dtype, pd.ArrowDtype)
        else pa.array(values, pa.string())
    )
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return pc.fill_null(array, "") if array.null_count else array
