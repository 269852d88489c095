# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Quantities of meters, exactly: integers in units of 10**-9.

They are Python's integers, in arrays of objects: octets of a month need more than 64
bits at nine decimals, and a sum must not lose a digit.
"""

import re

import numpy as np
import pyarrow as pa

from ..notation.numbers import PLAIN, Signs, is_open, number_values

DECIMALS = 9
UNIT = 10**DECIMALS
MOST = 10**18
_SIGNED = re.compile(r"([+-]?) ?([^+\-eE]{1,60})")


def parse_quantities(texts, convention=""):
    """Read quantities: `3`, `-1`, `12.5`, `1.234,56`.

    What is 10**18 or more or has more than 9 decimals is none, nor is one in
    exponential form.

    :param texts: pyarrow string array, shape (n,)
    :param convention: the decimal sign, see `notation.numbers`; empty where nobody has
        said it: the one that others of the texts show
    :return: (object array of integers in units of 10**-9, bool array: whether it was a
        quantity, bool array: whether it may be one of two); what is none is 0
    """
    encoded = texts.fill_null("").dictionary_encode()
    distinct = encoded.dictionary.to_pylist()
    found = [quantity_values(text) for text in distinct]
    # Of one convention alone that is shown, not of none.
    signs = Signs()
    for text, values in zip(distinct, found, strict=True):
        signs.add(text, 1, values)
    shown = signs.convention if any(signs.shown.values()) else ""
    read, unclear = [], []
    for values in found:
        is_unclear = is_open(values) and not (convention or shown)
        unclear.append(is_unclear)
        if convention:
            read.append(values.get(convention))
        elif is_open(values):
            read.append(values.get(shown))
        else:
            read.append(next(iter(values.values()), None))
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    values = np.array([value or 0 for value in read], object)
    valid = np.array([value is not None for value in read], bool)
    return values[codes], valid[codes], np.array(unclear, bool)[codes]


def quantity_values(text):
    """Read a quantity in every convention that it fits.

    :return: dict convention -> int in units of 10**-9; empty for what is no quantity
    """
    match = _SIGNED.fullmatch(text.translate(PLAIN).strip())
    if not match:
        return {}
    found = {}
    for convention, number in number_values(match[2].strip()).items():
        _sign, digits, exponent = number.as_tuple()
        places = exponent + DECIMALS
        digits = "".join(map(str, digits))
        if places < 0:
            digits, rest = digits[:places], digits[places:]
            if rest.strip("0"):
                return {}
        value = int(digits or "0") * 10 ** max(places, 0)
        if value >= MOST * UNIT:
            return {}
        found[convention] = -value if match[1] == "-" else value
    return found


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
