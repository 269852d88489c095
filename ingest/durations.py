# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Durations as switches write them, as whole seconds."""

import re

import numpy as np

from .digit_shapes import MOST_DIGITS, DigitShapes
from .text_columns import as_text

ROUNDINGS = ("down", "up", "nearest")
MS_DIGITS = 3
MS = 10**MS_DIGITS

_NUMBER = re.compile(r"(?P<whole>0{1,15})(?:\.(?P<f>0*))?")
_CLOCK = re.compile(r"(?:(?P<H>0{1,6}):)?(?P<M>0{1,6}):(?P<S>00)(?:\.(?P<f>0*))?")


def parse_seconds(values, rounding="down", unit="s"):
    """Read durations.

    `114`, `114.030000`, `00:01:54` and `1:54` (minutes and seconds) are read. A
    negative or empty text is no duration, nor is one of which a part is too large
    (`1:75`). Fractions are judged by their decimal digits, never as binary floats.

    :param values: Series, pyarrow array or list of texts, shape (n,)
    :param rounding: what becomes of a fraction of a second: `down`, `up` or `nearest`
        (half up)
    :param unit: `s`, or `ms` where numbers without a colon are milliseconds
    :return: (int64 array of seconds, bool array: whether the text was a duration);
        what is none has 0 seconds
    :raise ValueError: for an unknown rounding or unit
    """
    if rounding not in ROUNDINGS:
        raise ValueError(f"{rounding!r} is not one of {', '.join(ROUNDINGS)}")
    if unit not in ("s", "ms"):
        raise ValueError(f"{unit!r} is not a unit of durations: s or ms")
    texts = as_text(values).fill_null("")
    columns = DigitShapes(texts)
    seconds = np.zeros(len(texts), dtype=np.int64)
    valid = np.zeros(len(texts), dtype=bool)
    for rows, match in columns.groups(_read):
        if match.re is _CLOCK:
            whole, good = _clock(columns, rows, match)
            carry = _carry(columns, rows, *match.span("f"), rounding)
        else:
            whole = columns.number(rows, *match.span("whole"))
            good = True
            if unit == "ms":
                whole, carry = _from_ms(columns, rows, match, whole, rounding)
            else:
                carry = _carry(columns, rows, *match.span("f"), rounding)
        seconds[rows] = np.where(good, whole + carry, 0)
        valid[rows] = good
    return seconds, valid


def _read(shape):
    return _NUMBER.fullmatch(shape) or _CLOCK.fullmatch(shape)


def _clock(columns, rows, match):
    """Return the whole seconds of hours, minutes and seconds, and where they fit."""
    minutes = columns.number(rows, *match.span("M"))
    seconds = columns.number(rows, *match.span("S"))
    good = seconds <= 59
    if match["H"] is not None:
        good &= minutes <= 59
        minutes = minutes + 60 * columns.number(rows, *match.span("H"))
    return minutes * 60 + seconds, good


def _from_ms(columns, rows, match, whole, rounding):
    """Return the whole seconds of milliseconds, and what the rest of them adds."""
    rest = whole % MS
    if rounding == "up":
        carry = (rest > 0) | _has_digits(columns, rows, *match.span("f"))
    else:
        carry = (rest >= MS // 2) & (rounding == "nearest")
    return whole // MS, carry


def _carry(columns, rows, begin, end, rounding):
    """Return the second, 0 or 1, that the digits after the point add."""
    if rounding == "down" or end <= begin:
        return 0
    if rounding == "nearest":
        return columns.number(rows, begin, begin + 1) >= 5
    return _has_digits(columns, rows, begin, end)


def _has_digits(columns, rows, begin, end):
    """Return where a digit other than 0 stands at [begin, end)."""
    found = np.zeros(len(rows), dtype=bool)
    for start in range(begin, end, MOST_DIGITS):
        found |= columns.number(rows, start, min(end, start + MOST_DIGITS)) > 0
    return found
