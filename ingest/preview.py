# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How the first records of a file are understood, before anything is imported."""

from dataclasses import dataclass

from . import mapping
from .answered import only_answered
from .duration_words import named_unit
from .durations import parse_named
from .numbers import normalise_numbers, with_form
from .quantities import quantity_texts, read_quantities
from .times import parse_times
from .two_times import durations_of_times


@dataclass(frozen=True)
class Understood:
    """One record: None where a column is missing, or its text cannot be read.

    :ivar start_us: microseconds since the epoch
    :ivar quantity: decimal text; 1 where no column tells it
    :ivar meter: code of the meter, empty where the record names none
    """

    start_us: int | None
    caller: str | None
    callee: str | None
    seconds: int | None
    quantity: str | None
    meter: str


def understand(frame, columns, timezone, rounding, dialling):
    """What an import would take from each record: when, from, to, how long.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :param timezone: IANA zone of times without offset
    :param rounding: what becomes of fractions of a second
    :param dialling: :class:`~.dial_plans.DialPlan` by which numbers are read
    :return: list of :class:`Understood`, one a record
    """
    return [
        Understood(*facts)
        for facts in zip(
            _starts(frame, columns, timezone),
            _numbers(frame, columns, "caller", dialling),
            _numbers(frame, columns, "callee", dialling),
            _seconds(frame, columns, timezone, rounding),
            _quantities(frame, columns),
            _meters(frame, columns),
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


def _seconds(frame, columns, timezone, rounding):
    texts, spec = mapping.read_target(frame, columns, "seconds")
    if texts is None:
        lasting = durations_of_times(frame, columns, timezone, rounding)
        if not lasting:
            return [None] * len(frame)
        found = lasting.seconds, lasting.valid, ~lasting.valid
    else:
        named = named_unit(mapping.heading(frame, spec))
        found = parse_named(texts, rounding, spec.style, named)
    seconds, valid, _unclear = only_answered(frame, columns, *found)
    return _where(seconds, valid)


def _quantities(frame, columns):
    texts, spec = mapping.read_target(frame, columns, "quantity")
    if texts is None:
        return ["1"] * len(frame)
    values, valid, _unclear = read_quantities(texts, spec)
    return [
        text if good else None
        for text, good in zip(quantity_texts(values), valid, strict=True)
    ]


def _meters(frame, columns):
    texts, _spec = mapping.read_target(frame, columns, "meter")
    if texts is None:
        return [""] * len(frame)
    return [text.strip() for text in texts.to_pylist()]


def _numbers(frame, columns, target, dialling):
    texts, spec = mapping.read_target(frame, columns, target)
    if texts is None:
        return [None] * len(frame)
    numbers = normalise_numbers(texts, with_form(dialling, spec.style))
    return [text or None for text in numbers.to_pylist()]


def _where(values, valid):
    return [
        int(value) if good else None for value, good in zip(values, valid, strict=True)
    ]
