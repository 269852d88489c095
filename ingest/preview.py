# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How the first records of a file are understood, before anything is imported."""

from dataclasses import dataclass

from . import mapping
from .durations import parse_seconds
from .numbers import normalise_numbers
from .times import parse_times


@dataclass(frozen=True)
class Understood:
    """One record: None where a column is missing, or its text cannot be read.

    :ivar start_us: microseconds since the epoch
    """

    start_us: int | None
    caller: str | None
    callee: str | None
    seconds: int | None


def understand(frame, columns, timezone, rounding, plan):
    """What an import would take from each record: when, from, to, how long.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :param timezone: IANA zone of times without offset
    :param rounding: what becomes of fractions of a second
    :param plan: :class:`~.dial_plans.DialPlan` by which numbers are read
    :return: list of :class:`Understood`, one a record
    """
    return [
        Understood(*facts)
        for facts in zip(
            _starts(frame, columns, timezone),
            _numbers(frame, columns, "caller", plan),
            _numbers(frame, columns, "callee", plan),
            _seconds(frame, columns, rounding),
            strict=True,
        )
    ]


def _starts(frame, columns, timezone):
    texts, spec = mapping.read_target(frame, columns, "start_time")
    if texts is None:
        return [None] * len(frame)
    hint, _spec = mapping.read_target(frame, columns, "time_hint")
    times, valid = parse_times(texts, spec.style or "auto", timezone, hint)
    return _where(times, valid)


def _seconds(frame, columns, rounding):
    texts, spec = mapping.read_target(frame, columns, "seconds")
    if texts is None:
        return [None] * len(frame)
    return _where(*parse_seconds(texts, rounding, spec.style or "s"))


def _numbers(frame, columns, target, plan):
    texts, _spec = mapping.read_target(frame, columns, target)
    if texts is None:
        return [None] * len(frame)
    return [text or None for text in normalise_numbers(texts, plan).to_pylist()]


def _where(values, valid):
    return [
        int(value) if good else None for value, good in zip(values, valid, strict=True)
    ]
