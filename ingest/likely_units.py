# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""In what unit the durations of a file are likely, to be proposed and asked."""

import re

from .durations import FEW_MINUTES, are_long, parse_seconds

_CLOCK = re.compile(r"([0-9]+):[0-9]{2}([.,][0-9]+)?", re.ASCII)
_DECIMAL = re.compile(r"([0-9]+)[.,]([0-9]*)", re.ASCII)
#: calls longer than so many hours are rare, such of as many minutes are not
_MOST_HOURS = 3
#: and so are calls of an hour or more
_SHARE_BELOW_AN_HOUR = 0.8
_DAY_DIGITS, _MINUTE_DIGITS = 5, 2
#: of so few seconds are hardly half of the calls
_LEAST_SECONDS = 5
#: seconds have no decimals, or those of a thousandth or millionth
_SECOND_DIGITS = ({3}, {6})


def likely_unit(counted, whole=()):
    """The unit of durations that may be read in several.

    :param counted: list of (text, number of records)
    :param whole: the same of the whole numbers of the file
    :return: a key of ``durations.UNITS``; empty where none is likelier
    """
    clocks = [(_CLOCK.fullmatch(text), count) for text, count in counted]
    clocks = [(match, count) for match, count in clocks if match]
    numbers = [(_DECIMAL.fullmatch(text), count) for text, count in counted]
    numbers = [(match, count) for match, count in numbers if match]
    if not clocks and not numbers:
        return _whole_unit([text for text, _count in counted])
    if _records(clocks) >= _records(numbers):
        return _clock_unit(clocks) if clocks else ""
    unit = _number_unit([match for match, _count in numbers])
    others = sum(count for _text, count in whole) - sum(
        count for text, count in counted if text.isdigit()
    )
    if others > 2 * _records(numbers) and unit != "day":
        # The answer decides about many whole numbers, which are usual as seconds.
        lengths = sorted(int(text) for text, _count in whole)
        return unit if lengths[len(lengths) // 2] <= FEW_MINUTES else ""
    return unit


def _records(counted):
    return sum(count for _match, count in counted)


def _clock_unit(clocks):
    if any(match[2] or int(match[1]) > _MOST_HOURS for match, _count in clocks):
        return "mm:ss"
    short = sum(count for match, count in clocks if not int(match[1]))
    return "h:mm" if short >= _SHARE_BELOW_AN_HOUR * _records(clocks) else "mm:ss"


def _whole_unit(texts):
    """The unit of whole numbers that are no seconds: they are padded, or large."""
    lengths = [len(text) for text in texts if text.startswith("0")]
    if not lengths:
        seconds, _valid, _unclear = parse_seconds(texts)
        return "ms" if are_long(seconds[seconds > 0]) else ""
    _seconds, valid, _unclear = parse_seconds(texts, unit="hhmmss")
    return "hhmmss" if max(lengths) > _DAY_DIGITS and valid.all() else "mmss"


def _number_unit(numbers):
    digits = {len(match[2]) for match in numbers}
    if max(digits) >= _DAY_DIGITS and not any(int(match[1]) for match in numbers):
        return "day"
    lengths = sorted(int(match[1]) for match in numbers)
    if digits in _SECOND_DIGITS and lengths[len(lengths) // 2] >= _LEAST_SECONDS:
        return "s"
    return "min" if max(digits) <= _MINUTE_DIGITS else ""
