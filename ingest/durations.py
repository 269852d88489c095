# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Durations as switches write them, as whole seconds."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: digits that are read; more are no plausible duration
_NUMBER = r"^ *(?P<whole>\d{1,15})(?:\.(?P<fraction>\d*))? *$"
_CLOCK = (
    r"^ *(?:(?P<hours>\d{1,6}):)?(?P<minutes>\d{1,6}):(?P<seconds>\d{2})"
    r"(?:\.(?P<fraction>\d*))? *$"
)
ROUNDINGS = ("down", "up", "nearest")


def parse_seconds(values, rounding="down", unit="s"):
    """Read durations.

    ``114``, ``114.03``, ``00:01:54`` and ``1:54`` (minutes and seconds) are read;
    a negative or empty text is no duration. Fractions are judged by their decimal
    digits, never through binary floats.

    :param values: pyarrow string array, shape (n,), without nulls
    :param rounding: what becomes of a fraction of a second: ``down``, ``up`` or
        ``nearest`` (half up)
    :param unit: ``s``, or ``ms`` where bare numbers are milliseconds
    :return: (int64 array of seconds, bool array: whether the text was a duration)
    :raises ValueError: for an unknown rounding or unit
    """
    if rounding not in ROUNDINGS:
        raise ValueError(f"{rounding} is not one of {', '.join(ROUNDINGS)}")
    if unit not in ("s", "ms"):
        raise ValueError(f"{unit} is not a unit of durations: s or ms")
    numbers = pc.extract_regex(values, _NUMBER)
    valid = numbers.is_valid().to_numpy(zero_copy_only=False)
    seconds = np.zeros(len(values), np.int64)
    rows = np.flatnonzero(valid)
    if len(rows):
        chosen = numbers if len(rows) == len(values) else numbers.take(pa.array(rows))
        seconds[rows] = _read_numbers(chosen, rounding, unit)
    if len(rows) < len(values):
        clocks = pc.extract_regex(values, _CLOCK)
        found = clocks.is_valid().to_numpy(zero_copy_only=False) & ~valid
        if found.any():
            chosen = clocks.take(pa.array(np.flatnonzero(found)))
            seconds[found] = _read_clocks(chosen, rounding)
            valid = valid | found
    return seconds, valid


def _read_numbers(parts, rounding, unit):
    whole = parts.field("whole").cast(pa.int64()).to_numpy()
    fraction = pc.fill_null(parts.field("fraction"), "")
    if unit == "s":
        return whole + _carry(fraction, rounding)
    rest = whole % 1000
    # A fraction of a millisecond matters only where it makes the rest more than none.
    more = _carry(fraction, "up")
    if rounding == "down":
        carry = np.zeros(len(whole), np.int64)
    elif rounding == "up":
        carry = ((rest + more) > 0).astype(np.int64)
    else:
        carry = (rest >= 500).astype(np.int64)
    return whole // 1000 + carry


def _read_clocks(parts, rounding):
    hours = pc.replace_with_mask(
        parts.field("hours"), pc.equal(parts.field("hours"), ""), pa.scalar("0")
    )
    total = (
        hours.cast(pa.int64()).to_numpy() * 3600
        + parts.field("minutes").cast(pa.int64()).to_numpy() * 60
        + parts.field("seconds").cast(pa.int64()).to_numpy()
    )
    return total + _carry(pc.fill_null(parts.field("fraction"), ""), rounding)


def _carry(fraction, rounding):
    """The second that the digits after the point add: 0 or 1 each."""
    if rounding == "down":
        return np.zeros(len(fraction), np.int64)
    shape = "[1-9]" if rounding == "up" else "^[5-9]"
    carried = pc.match_substring_regex(fraction, shape)
    return carried.to_numpy(zero_copy_only=False).astype(np.int64)
