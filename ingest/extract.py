# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Taking a part of a column's text with a regular expression."""

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..connectors.harmless import shown


def expression_problem(pattern):
    """Say why an expression cannot be used; ``""`` where it can.

    :param pattern: text; a regular expression without look-around and references back
    """
    try:
        re.compile(pattern)
        pc.match_substring_regex(pa.array([""]), pattern)
    except (re.error, RecursionError, OverflowError, pa.ArrowInvalid) as error:
        reason = str(error).removeprefix("Invalid regular expression: ")
        return f"The expression {shown(pattern)} cannot be read: {reason}."
    return ""


def found(values, pattern):
    """Where an expression is found.

    The engine is RE2, whose time grows with the text and no faster, whatever the
    expression: texts of callers would keep Python's own busy for hours otherwise, and
    everybody else waiting. Telephone columns repeat themselves (trunks, contexts), so
    it runs once per distinct text.

    :param values: pyarrow string array without nulls
    :param pattern: text, see :func:`expression_problem`
    :return: pyarrow boolean array
    """
    encoded = pc.dictionary_encode(values)
    mask = pc.match_substring_regex(encoded.dictionary, pattern)
    return pc.take(mask, encoded.indices)


def extraction_problem(pattern):
    """Say what is wrong with an extraction pattern.

    :param pattern: a regular expression with one group, or an empty value
    :return: a sentence, or ``""`` where the pattern can be used
    """
    if not pattern:
        return ""
    problem = expression_problem(pattern)
    if problem:
        return problem
    if re.compile(pattern).groups != 1:
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
    """
    if not pattern:
        return values
    encoded = pc.dictionary_encode(values)
    texts = encoded.dictionary
    # The first place where it is found, and all around it.
    taken = pc.replace_substring_regex(
        texts, rf"\A(?s:.*?)(?:{pattern})(?s:.*)\z", r"\1", max_replacements=1
    )
    taken = pc.if_else(pc.match_substring_regex(texts, pattern), taken, "")
    return pc.take(taken, encoded.indices)


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
