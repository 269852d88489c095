# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Quantities of meters, exactly: integers in units of 10**-9.

They are Python's integers, in arrays of objects: octets of a month need more than 64
bits at nine decimals, and a sum must not lose a digit.
"""

import re

import numpy as np
import pyarrow as pa

DECIMALS = 9
UNIT = 10**DECIMALS

_NUMBER = re.compile(
    rf"\s*([+-]?)(\d{{1,18}})(?:\.(\d{{0,{DECIMALS}}})0*)?\s*", re.ASCII
)


def parse_quantities(texts):
    """Read quantities: `3`, `-1`, `12.345`.

    What has more than 18 digits before the point or 9 after it is none, nor is one
    with separators of thousands or in exponential form.

    :param texts: pyarrow string array, shape (n,)
    :return: (object array of integers in units of 10**-9, bool array: whether it was
        a quantity); what is none is 0
    """
    values = np.zeros(len(texts), object)
    valid = np.zeros(len(texts), bool)
    for row, text in enumerate(texts.to_pylist()):
        match = _NUMBER.fullmatch(text or "")
        if match:
            sign, whole, digits = match.groups(default="")
            value = int(whole + digits.ljust(DECIMALS, "0"))
            values[row] = -value if sign == "-" else value
            valid[row] = True
    return values, valid


def quantity_texts(values):
    """Quantities as decimal texts, without zeros at the end.

    :param values: object array of integers in units of 10**-9, or int64 array of whole
        units
    :return: list of str
    """
    if values.dtype != object:
        return list(map(str, values.tolist()))
    return [_text(value) for value in values.tolist()]


def quantity_column(values):
    """Quantities as a column to be copied: numbers, or texts of them."""
    if values.dtype != object:
        return pa.array(values)
    return pa.array(quantity_texts(values), pa.string())


def _text(value):
    whole, rest = divmod(abs(value), UNIT)
    sign = "-" if value < 0 else ""
    digits = f"{rest:0{DECIMALS}d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
