# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How long calls were, from the times at which they were answered and ended."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from . import mapping
from .time_layouts import DAY_ORDERS
from .times import SECOND_US, parse_times

#: what stands for no time: the call was not answered
_NEVER = r"^\s*(?:0+(?:\.0*)?|0000-00-00.*|1970-01-01[T ]00:00:00.*)\s*$"
_CLOCK = r"^[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?$"


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
    one of the two hours is possible. An answer at the beginning of time, such as
    1970-01-01 or 0, is none: the call lasted 0 seconds. An answer or end without a day
    is the first after the start.

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
    ends = _on_the_day_of(starts, ends, timezone)
    begins = answers and _on_the_day_of(starts, answers, timezone) or starts
    seconds, valid = _between(begins, ends, rounding)
    if answers:
        never = pc.match_substring_regex(answers[0], _NEVER)
        never = never.to_numpy(zero_copy_only=False) & starts[3] & ends[3]
        seconds, valid = np.where(never, 0, seconds), valid | never
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


def _on_the_day_of(starts, times, timezone):
    """The same times, where a clock alone has the day of the start, or the next one."""
    _texts, first, _late, known = starts
    texts, early, late, valid = times
    plain = pc.utf8_trim_whitespace(texts)
    clocks = pc.match_substring_regex(plain, _CLOCK).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(clocks & known & ~valid)
    if not len(rows):
        return times
    early, late, valid = early.copy(), late.copy(), valid.copy()
    begins = pd.DatetimeIndex(first[rows].view("datetime64[us]"), tz="UTC")
    days = begins.tz_convert(timezone).tz_localize(None).normalize()
    for _day in range(2):
        dates = pa.array(days.strftime("%Y-%m-%d").to_list(), pa.string())
        joined = pc.binary_join_element_wise(dates, plain.take(pa.array(rows)), " ")
        early[rows], valid[rows] = parse_times(joined, "auto", timezone)
        late[rows], _valid = parse_times(joined, "auto", timezone, later=True)
        over = late[rows] < first[rows]
        if not over.any():
            break
        days = days.where(~over, days + pd.Timedelta(days=1))
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
