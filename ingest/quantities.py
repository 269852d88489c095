# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Quantities of meters, exactly: integers in units of 10**-9.

They are Python's integers, in arrays of objects: octets of a month need more than 64
bits at nine decimals, and a sum must not lose a digit.
"""

import re
from decimal import Decimal, InvalidOperation

import numpy as np
import pyarrow as pa

from ..notation.numbers import COMMA, CONVENTIONS, PLAIN, POINT, number_values
from .digit_shapes import DigitShapes
from .text_columns import as_text

DECIMALS = 9
UNIT = 10**DECIMALS
MOST = 10**18
_SIGNED = re.compile(r"([+-]?) ?([^+\-eE]{1,60})")
#: what nearly all are, and an int64 holds
_USUAL = re.compile(r"(?P<minus>-?)(?P<whole>0{1,9})(?:(?P<sign>[.,])(?P<f>0{0,9}))?")
_GROUP = 3  # digits of a thousand
_OTHER = {POINT: COMMA, COMMA: POINT}


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
    values, fits = quantities_in_both(texts)
    if convention:
        return values[convention], fits[convention], np.zeros(len(texts), bool)
    unclear = fits[POINT] & fits[COMMA]
    unclear &= values[POINT] != values[COMMA]
    shown = [name for name in CONVENTIONS if (fits[name] & ~fits[_OTHER[name]]).any()]
    own = np.where(fits[POINT], values[POINT], values[COMMA])
    valid = fits[POINT] | fits[COMMA]
    if len(shown) == 1:
        # The texts that fit one convention only agree about it.
        return np.where(unclear, values[shown[0]], own), valid, unclear & False
    return np.where(unclear, 0, own), valid & ~unclear, unclear


def read_quantities(texts, spec):
    """Read quantities, multiplied by what the source says.

    :param texts: pyarrow string array, shape (n,)
    :param spec: :class:`~.mapping.ColumnSpec` of their column
    :return: as :func:`parse_quantities`; what then has more than 9 decimals is none
    """
    values, valid, unclear = parse_quantities(texts, spec.style)
    factor = Decimal(spec.factor or 1)
    if factor == 1:
        return values, valid, unclear
    above, below = factor.as_integer_ratio()
    values = values * above
    valid &= (values % below == 0).astype(bool) & (abs(values) < MOST * UNIT * below)
    return np.where(valid, values // below, 0), valid, unclear


def factor_problem(text):
    """Whether a text is no number that quantities can be multiplied by."""
    try:
        factor = Decimal(text)
    except InvalidOperation:
        return True
    return not (factor.is_finite() and Decimal("1e-9") <= factor <= Decimal("1e9"))


def quantities_in_both(texts):
    """Read quantities in each convention.

    :param texts: pyarrow string array, shape (n,)
    :return: (dict convention -> object array of integers in units of 10**-9, dict
        convention -> bool array: whether the text fits it)
    """
    texts = as_text(texts).fill_null("")
    columns = DigitShapes(texts)
    values = {name: np.zeros(len(texts), np.int64) for name in CONVENTIONS}
    fits = {name: np.zeros(len(texts), bool) for name in CONVENTIONS}
    odd = np.ones(len(texts), bool)
    for rows, match in columns.groups(_USUAL.fullmatch):
        odd[rows] = False
        whole = columns.number(rows, *match.span("whole"))
        factor = -UNIT if match["minus"] else UNIT
        for name in CONVENTIONS:
            values[name][rows] = whole * factor
            fits[name][rows] = True
        if not match["f"]:
            continue
        own = POINT if match["sign"] == "." else COMMA
        fraction = columns.fraction(rows, *match.span("f"), DECIMALS)
        values[own][rows] += fraction * (-1 if match["minus"] else 1)
        if len(match["f"]) == _GROUP >= len(match["whole"]):
            thousands = columns.number(rows, *match.span("f"))
            values[_OTHER[own]][rows] = (whole * 1000 + thousands) * factor
            first = match.start("whole")
            fits[_OTHER[own]][rows] = columns.number(rows, first, first + 1) > 0
        else:
            fits[_OTHER[own]][rows] = False
    values = {name: found.astype(object) for name, found in values.items()}
    _read_odd(texts, np.flatnonzero(odd), values, fits)
    for name in CONVENTIONS:
        values[name][~fits[name]] = 0
    return values, fits


def _read_odd(texts, rows, values, fits):
    """Read what is no usual number: each text once.

    :param rows: int64 array of positions
    :param values, fits: as `quantities_in_both` returns them, to be changed
    """
    encoded = texts.take(pa.array(rows)).dictionary_encode()
    found = [quantity_values(text) for text in encoded.dictionary.to_pylist()]
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    for name in CONVENTIONS:
        read = np.array([one.get(name, 0) for one in found] + [0], object)
        good = np.array([name in one for one in found] + [False], bool)
        values[name][rows] = read[codes]
        fits[name][rows] = good[codes]


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
