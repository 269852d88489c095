# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How long calls were, from the times at which they were answered and ended."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import mapping
from .time_layouts import DAY_ORDERS
from .times import SECOND_US, parse_times


@dataclass(frozen=True)
class Lasting:
    """Durations of records.

    :ivar seconds: int64 array, from answer to end; 0 where it is none
    :ivar valid: bool array
    :ivar total: int64 array, from start to end; 0 where it is none
    :ivar texts: pyarrow strings, the two times, for messages
    """

    seconds: np.ndarray
    valid: np.ndarray
    total: np.ndarray
    texts: pa.Array


def durations_of_times(frame, columns, timezone, rounding):
    """Durations where no column tells them: from answer, or else start, to end.

    A time that is missing or cannot be read, and an end before the beginning, give
    none. Nor do times in the hour that a clock repeats when it is set back, unless only
    one of the two hours is possible.

    :param frame: the source's records, text columns
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :param timezone: IANA zone of times without offset
    :param rounding: what becomes of fractions of a second, see ``durations``
    :return: :class:`Lasting`; None where no column tells the end
    """
    ends = _read(frame, columns, "end_time", timezone)
    starts = _read(frame, columns, "start_time", timezone)
    answers = _read(frame, columns, "answer_time", timezone)
    if ends is None or starts is None:
        return None
    begins = answers or starts
    seconds, valid = _between(begins, ends, rounding)
    total, known = (
        (seconds, valid) if begins is starts else _between(starts, ends, rounding)
    )
    return Lasting(
        seconds,
        valid,
        np.where(known, total, seconds),
        pc.binary_join_element_wise(begins[0], ends[0], " → "),
    )


def _read(frame, columns, target, timezone):
    """(texts, earliest, latest moments, whether there is one); None without column."""
    texts, spec = mapping.read_target(frame, columns, target)
    if texts is None:
        return None
    style = spec.style
    if not style:
        # Which of day and month comes first is said once for all times of a file.
        _texts, start = mapping.read_target(frame, columns, "start_time")
        style = start.style if start and start.style in DAY_ORDERS else ""
    hint = None
    if target == "start_time":
        hint, _spec = mapping.read_target(frame, columns, "time_hint")
    early, valid = parse_times(texts, style, timezone, hint)
    late = early
    if hint is None and timezone != "UTC":
        late, _valid = parse_times(texts, style, timezone, later=True)
    return texts, early, late, valid


def _between(begins, ends, rounding):
    _texts, *of_begin, begins_valid = begins
    _texts, *of_end, ends_valid = ends
    possible = np.stack([end - begin for begin in of_begin for end in of_end])
    least = np.where(possible < 0, np.iinfo(np.int64).max, possible).min(axis=0)
    # Of several that are not negative nobody can tell which.
    valid = begins_valid & ends_valid & (possible.max(axis=0) == least)
    seconds, rest = np.divmod(np.where(valid, least, 0), SECOND_US)
    if rounding == "up":
        seconds += rest > 0
    elif rounding == "nearest":
        seconds += 2 * rest >= SECOND_US
    return seconds, valid
