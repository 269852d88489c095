# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From records as APIs and databases give them to frames of text."""

import datetime
import json

import pandas as pd
import pyarrow as pa

from .errors import SourceAnswerError

MOST_COLUMNS = 1000
TEXT = pd.ArrowDtype(pa.string())


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


def text_frame(records, columns=()):
    """Records as the pipeline takes them.

    :param records: list of dicts, name -> value of any kind
    :param columns: names that the frame must have, first; more come as they appear
    :return: DataFrame, all columns Arrow strings, '' where a record has no value
    :raise SourceAnswerError: they have too many different names to be records
    """
    names = dict.fromkeys(columns)
    for record in records:
        names.update(dict.fromkeys(record))
        if len(names) > MOST_COLUMNS:
            raise SourceAnswerError(
                f"The records have more than {MOST_COLUMNS} different fields.",
                remedy="Check the address, and where in the answer the records are.",
            )
    return pd.DataFrame(
        {
            name: pd.array(
                pa.array([text(record.get(name)) for record in records], pa.string()),
                dtype=TEXT,
            )
            for name in names
        },
        index=pd.RangeIndex(len(records)),
    )


def join_frames(frames):
    """Several frames as one; a column that one of them lacks is '' there."""
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        return text_frame([])
    return pd.concat(frames, ignore_index=True).fillna("")
