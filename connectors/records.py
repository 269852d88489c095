# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From records as APIs and databases give them to frames of text."""

import datetime
import json

import pandas as pd
import pyarrow as pa

from .arrow_frames import arrow_frame
from .budget import CELLS, Budget
from .errors import SourceAnswerError

MOST_COLUMNS = 1000
MOST_DIGITS = 18
# A value that a record lacks is filled up: so many for each that there is, and so many
# in any case.
MOST_FILLED = 50
FREE_CELLS = 2 * 10**6


def text(value):
    """A value as the text that a file would hold.

    Numbers keep all their digits, and those that were a fraction of nothing lose it:
    ``12025550101`` and ``"12025550101"`` and ``12025550101.0`` are one number.
    Null is empty, a moment in time ISO 8601, a list or an object JSON.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def texts(record):
    """A record with all its values as text; see :func:`text`."""
    return {
        name: value.strip() if value.__class__ is str else text(value)
        for name, value in record.items()
    }


def whole_number(value):
    """A whole number that a server sent, as int or text; None when it is none.

    :param value: of any kind; more than 18 digits are none
    """
    digits = text(value)
    if digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS:
        return int(digits)
    return None


def text_frame(records, columns=()):
    """Records as the pipeline takes them.

    :param records: list of dicts, name -> value of any kind
    :param columns: names that the frame must have, first; more come as they appear
    :return: DataFrame, all columns Arrow strings, '' where a record has no value
    :raise SourceAnswerError: they have too many different names to be records
    """
    return frame_of_texts([texts(record) for record in records], columns)


def frame_of_texts(records, columns=()):
    """:func:`text_frame` of records whose values are text already."""
    names = dict.fromkeys(columns)
    given = sum(map(len, records))
    for record in records:
        if names.keys() >= record.keys():
            continue
        names.update(dict.fromkeys(record))
        if len(names) > MOST_COLUMNS:
            raise SourceAnswerError(
                f"The records have more than {MOST_COLUMNS} different fields.",
                remedy="Check the address, and where in the answer the records are.",
            )
    most = max(FREE_CELLS, MOST_FILLED * given)
    Budget({CELLS: most}, _too_different).spend(CELLS, len(names) * len(records))
    return _frame(
        {
            name: pa.array([record.get(name, "") for record in records], pa.string())
            for name in names
        },
        len(records),
    )


def _too_different(_what, most):
    return SourceAnswerError(
        f"The records have so few fields in common that they fill {most:,} cells.",
        remedy="Check the address, and where in the answer the records are.",
    )


def join_frames(frames):
    """Several frames as one; a column that one of them lacks is '' there."""
    frames = [frame for frame in frames if len(frame)]
    names = dict.fromkeys(name for frame in frames for name in frame.columns)
    return _frame(
        {
            name: pa.concat_arrays(
                [part for frame in frames for part in _parts(frame, name)]
            )
            for name in names
        },
        sum(map(len, frames)),
    )


def _parts(frame, name):
    """A column's arrays; '' for each row where the frame does not have it."""
    if name not in frame.columns:
        return [pa.repeat(pa.scalar("", pa.string()), len(frame))]
    column = pa.array(frame[name].array)
    parts = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    return [part.fill_null("") if part.null_count else part for part in parts]


def _frame(columns, length):
    """Arrow arrays of strings as a frame."""
    if not columns:
        return pd.DataFrame(index=pd.RangeIndex(length))
    return arrow_frame(pa.table(columns))
