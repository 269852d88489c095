# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From records as APIs and databases give them to frames of text."""

import datetime
import json
from collections import Counter
from operator import itemgetter

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .arrow_frames import arrow_frame
from .budget import CELLS, Budget
from .errors import SourceAnswerError
from .harmless import MOST_COLUMNS, OTHER_FIELDS, harmless, key_text

MOST_DIGITS = 18
# A value that a record lacks is filled up: so many for each that there is, and so many
# in any case.
MOST_FILLED = 50
FREE_CELLS = 2 * 10**6
TEXT_OR_NULL = frozenset((str, type(None)))


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


def text_frame(records, columns=(), wanted=()):
    """Records as the pipeline takes them.

    :param records: list of dicts, name -> value of any kind
    :param columns: names that the frame must have, first; more come as they appear
    :param wanted: names that have a column of their own where a record has them,
        however many others there are
    :return: DataFrame, all columns Arrow strings, '' where a record has no value. It
        has at most MOST_COLUMNS columns; what there is beyond these stands in the
        column OTHER_FIELDS of its record
    :raise SourceAnswerError: so many, and nothing in common: they are no records
    """
    names = dict.fromkeys(columns)
    given = sum(map(len, records))
    for record in records:
        if not names.keys() >= record.keys():
            names.update(dict.fromkeys(record))
    if any(key_text(name) != name for name in names):
        records = [{key_text(n): v for n, v in r.items()} for r in records]
        names = dict.fromkeys(map(key_text, names))
    if len(names) > MOST_COLUMNS:
        records = [texts(record) for record in records]
        records, names = _folded(records, names, [*columns, *wanted])
    most = max(FREE_CELLS, MOST_FILLED * given)
    Budget({CELLS: most}, _too_different).spend(CELLS, len(names) * len(records))
    return _frame(
        {
            name: _strings(values)
            for name, values in zip(names, _columns(records, list(names)), strict=True)
        },
        len(records),
    )


def _columns(records, names):
    """The values of each name, in order."""
    if not records:
        return ([] for _name in names)
    whole = itemgetter(*names) if len(names) > 1 else None
    rows = (
        whole(record)
        if whole and len(record) == len(names)
        else [record.get(name, "") for name in names]
        for record in records
    )
    return zip(*rows, strict=True)


def _folded(records, names, wanted):
    """The same records with fewer names; the rest of each is one JSON text.

    A column of their own have the wanted names, and then those that most records have:
    what a single caller made up is in few.

    :raise SourceAnswerError: they have nothing in common, and are no records
    """
    counts = Counter(n for record in records for n, value in record.items() if value)
    # Other than whom it was asked for: that is the same in all of them.
    common = [name for name, count in counts.items() if 2 * count > len(records)]
    if len(records) > 1 and not any(
        len({record.get(name) for record in records}) > 1 for name in common
    ):
        raise SourceAnswerError(
            f"The records have more than {MOST_COLUMNS} different fields.",
            remedy="Check the address and the location of the records in the response.",
        )
    often = sorted(names, key=lambda name: -counts[name])
    first = [name for name in dict.fromkeys(wanted) if name in names]
    kept = set([*dict.fromkeys([*first, *often])][: MOST_COLUMNS - 1])
    folded = []
    for record in records:
        own = {name: value for name, value in record.items() if name in kept}
        rest = {name: value for name, value in record.items() if name not in kept}
        if rest:
            own[OTHER_FIELDS] = json.dumps(rest, ensure_ascii=False)
        folded.append(own)
    return folded, [*(name for name in names if name in kept), OTHER_FIELDS]


def _strings(values):
    """Values of any kind as Arrow texts; see :func:`text`."""
    if not TEXT_OR_NULL.issuperset(map(type, values)):
        values = [text(value) for value in values]
    try:
        column = pa.array(values, pa.string())
    except UnicodeEncodeError:
        column = pa.array([harmless(text(value)) for value in values], pa.string())
    # What is a space to Arrow is one to Python.
    return pc.utf8_trim_whitespace(column).fill_null("")


def _too_different(_what, most):
    return SourceAnswerError(
        f"The records have so few fields in common that they would fill {most:,} "
        "cells.",
        remedy="Check the address and the location of the records in the response.",
    )


def join_frames(frames, wanted=()):
    """Several frames as one; a column that one of them lacks is '' there.

    :param wanted: see :func:`text_frame`
    """
    frames = [frame for frame in frames if len(frame)]
    names = dict.fromkeys(name for frame in frames for name in frame.columns)
    if len(names) > MOST_COLUMNS:
        return text_frame(
            [
                {name: value for name, value in record.items() if value}
                for frame in frames
                for record in frame.to_dict("records")
            ],
            wanted=wanted,
        )
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
