# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""In what unit the durations of a file are, as far as it shows, to be proposed.

What is proposed is agreed to with one click. So nothing is where two units are only
more and less likely: of few records, and of short ones.
"""

import re
from decimal import Decimal

from .durations import FEW_MINUTES, are_long, parse_seconds

_CLOCK = re.compile(r"([0-9]+):[0-9]{2}([.,][0-9]+)?", re.ASCII)
_DECIMAL = re.compile(r"([0-9]+)[.,]([0-9]*)", re.ASCII)
#: calls longer than so many hours are rare, such of as many minutes are not
_MOST_HOURS = 3
#: and so are calls of an hour or more
_SHARE_BELOW_AN_HOUR = 0.8
#: of so many different ones not all look like clocks, or last less than a minute
_LEAST_DIFFERENT = 10
_DAY_DIGITS, _MINUTE_DIGITS = 5, 2
#: half of the calls are hardly shorter than that, nor longer than as many minutes
_LEAST_SECONDS, _MOST_MINUTES = 4, 60
_LEAST_SHORT = 5
#: seconds have no decimals, or those of a thousandth or millionth; 20.000 may be 20000
_SECOND_DIGITS = ({3}, {6})
_LEAST_THOUSANDS = 20
#: decimals that minutes of whole seconds have: 0.02, 0.03, 0.05
_OF_SECONDS = {f"{(second * 100 + 30) // 60:02}" for second in range(60)}
#: units that so many decimals show, if all are whole seconds
_EXACT = {"h": 3600, "day": 86_400}
_NEAR = Decimal("0.1")


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
    short = sum(not int(match[1]) for match, _count in clocks)
    is_most = short >= _SHARE_BELOW_AN_HOUR * len(clocks)
    return "h:mm" if is_most and len(clocks) >= _LEAST_DIFFERENT else ""


def _whole_unit(texts):
    """The unit of whole numbers that are no seconds: they are padded, or large."""
    lengths = [len(text) for text in texts if text.startswith("0")]
    if not lengths:
        seconds, _valid, _unclear = parse_seconds(texts)
        return "ms" if are_long(seconds[seconds > 0]) else ""
    if len(texts) < _LEAST_DIFFERENT:
        return ""
    _seconds, valid, _unclear = parse_seconds(texts, unit="hhmmss")
    return "hhmmss" if max(lengths) > _DAY_DIGITS and valid.all() else "mmss"


def _number_unit(numbers):
    digits = {len(match[2]) for match in numbers}
    lengths = sorted(int(match[1]) for match in numbers)
    middle = lengths[len(lengths) // 2]
    if max(digits) >= _DAY_DIGITS and not any(lengths):
        exact = [unit for unit in _EXACT if _are_whole(numbers, _EXACT[unit])]
        return exact[0] if len(exact) == 1 else ""
    if (
        middle >= _MOST_MINUTES
        or digits in _SECOND_DIGITS
        and (middle >= _LEAST_THOUSANDS)
    ):
        return "s"
    if max(digits) > _MINUTE_DIGITS:
        return ""
    fractions = {match[2].ljust(_MINUTE_DIGITS, "0") for match in numbers}
    is_short = middle < _LEAST_SECONDS and len(numbers) >= _LEAST_SHORT
    is_whole = fractions <= _OF_SECONDS and len(fractions) >= _LEAST_DIFFERENT
    return "min" if is_short or is_whole and middle <= FEW_MINUTES else ""


def _are_whole(numbers, per_unit):
    """Whether decimals are whole seconds, as far as their digits tell."""
    shown = 0
    for match in numbers:
        exact = Decimal(f"{match[1]}.{match[2] or 0}") * per_unit
        written = per_unit * Decimal("0.5").scaleb(-len(match[2]))
        if written < _NEAR:
            shown += 1
            if abs(exact - round(exact)) > written:
                return False
    return shown >= 2
