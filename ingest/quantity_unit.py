# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether the name of a column of quantities says another unit than the meter's.

What quantities are multiplied by is asked then: a megabyte has 1000 or 1024 kilobytes.
"""

import re
from decimal import Decimal

from ..rating.exact import exact_text
from . import mapping

#: longer names of units -> short ones
_SHORT = {
    "gigabyte": "gb",
    "megabyte": "mb",
    "kilobyte": "kb",
    "terabyte": "tb",
    "byte": "b",
    "kilowatthour": "kwh",
    "megawatthour": "mwh",
    "watthour": "wh",
    "cubicmeter": "m3",
    "cubicmetre": "m3",
    "liter": "l",
    "litre": "l",
    "minute": "min",
    "hour": "h",
    "second": "s",
}
_KNOWN = {
    *_SHORT.values(),
    *("gib", "mib", "kib", "tib", "gj", "mj", "kj", "j", "gwh", "kw", "mw", "w"),
    *("hl", "ml", "cl", "m", "km", "cm", "mm", "kg", "g", "t", "kvarh", "kvah", "ms"),
}
#: units of which one is exactly so many of another; none of bytes are
_SIZES = (
    {"wh": 1, "kwh": 10**3, "mwh": 10**6, "gwh": 10**9},
    {"ml": 1, "cl": 10, "l": 1000, "hl": 10**5, "m3": 10**6},
    {"g": 1, "kg": 1000},
    {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000},
)
_DECIMALS = 9
#: between the column and its quantity, in what is said of a record
OTHER_UNIT = ": "
_IN_BRACKETS = re.compile(r"[(\[]\s*([^()\[\]]{1,20}?)\s*[)\]]")
_AT_THE_END = re.compile(r"(?:[ _]|(?: in ))([^\W\d_]{2,12}[23³]?)\s*$")


def other_unit(frame, columns, unit):
    """The column whose name says another unit than that of the meter.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :param unit: what the meter counts: `kWh`, `gigabyte`
    :return: (name of the column, the unit that it says); None where it says none, or
        the same
    """
    texts, spec = mapping.read_target(frame, columns, "quantity")
    wanted = _plain(unit or "")
    if texts is None or not wanted:
        return None
    heading = mapping.heading(frame, spec)
    for pattern in (_IN_BRACKETS, _AT_THE_END):
        for found in pattern.finditer(heading):
            if _plain(found[1]) in _KNOWN:
                same = _plain(found[1]) == wanted
                return None if same else (heading, found[1])
    return None


def factor(unit, wanted):
    """What quantities in one unit are multiplied by to be in another.

    :return: decimal text, `1000` from `MWh` to `kWh`; empty where that is not certain,
        or no decimal number
    """
    for sizes in _SIZES:
        one, other = sizes.get(_plain(unit)), sizes.get(_plain(wanted))
        if one and other:
            exact = Decimal(one) / Decimal(other)
            if exact * other == one and -exact.as_tuple().exponent <= _DECIMALS:
                return exact_text(exact.normalize())
    return ""


def _plain(name):
    """A unit by its short name, in lower case."""
    name = re.sub(r"[ \-.]", "", name.lower()).replace("³", "3").replace("²", "2")
    return _SHORT.get(name) or _SHORT.get(name.removesuffix("s")) or name
