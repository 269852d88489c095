# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading the dates of a deck's file, in the order of day and month that it has."""

import datetime
import re

from ..rating.errors import _lt
from .cells import WrongCell

#: no date: from the day that the deck is applied
AT_ONCE = {"", "asap", "immediate", "immediately", "now"}
ORDERS = {"dmy": ("day", "month", "year"), "mdy": ("month", "day", "year")}
_NUMERIC_DATE = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})", re.ASCII)
_ISO_DATE = re.compile(r"(\d{4})[/.\-](\d{1,2})[/.\-](\d{1,2})", re.ASCII)
_NAMED_DATE = re.compile(r"(\d{1,2})[ \-]?([A-Za-z]{3,9})[ \-,]*(\d{4})", re.ASCII)
_MONTHS = {
    name: number
    for number, name in enumerate(
        "jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1
    )
}


def date_order(texts):
    """Whether 03/04/2026 is in April or March, as the dates of the file show.

    Empty where none of them tells.
    """
    orders = set()
    for name in ("valid_from", "valid_before", "last_day"):
        for text in texts[name].unique() if name in texts else ():
            found = _NUMERIC_DATE.match(text)
            if found:
                first, second = int(found[1]), int(found[2])
                if first > 12 >= second or "." in text:
                    orders.add("dmy")
                elif second > 12 >= first:
                    orders.add("mdy")
    return orders.pop() if len(orders) == 1 else ""


def date(order):
    """A reader of dates; an empty cell and "at once" are None.

    :param order: `dmy`, `mdy`, or empty where nothing tells
    """

    def read(text):
        if text.lower() in AT_ONCE:
            return None
        try:
            return _read_date(text, order)
        except ValueError as error:
            if isinstance(error, WrongCell):
                raise
            raise _no_date(text) from error

    return read


def after_last_day(order):
    """A reader of last days: the first day after it.

    :param order: as `date`
    """
    read_date = date(order)

    def read(text):
        day = read_date(text)
        if day == datetime.date.max:
            return None  # 9999-12-31: until further notice
        return day and day + datetime.timedelta(days=1)

    return read


def _no_date(text):
    return WrongCell(_lt("'%(text)s' is no date."), text=text)


def _read_date(text, order):
    iso = _ISO_DATE.match(text)
    if iso:
        return datetime.date(int(iso[1]), int(iso[2]), int(iso[3]))
    named = _NAMED_DATE.match(text)
    if named and named[2][:3].lower() in _MONTHS:
        month = _MONTHS[named[2][:3].lower()]
        return datetime.date(int(named[3]), month, int(named[1]))
    numeric = _NUMERIC_DATE.match(text)
    if not numeric:
        raise _no_date(text)
    first, second, year = (int(part) for part in numeric.groups())
    if first == second:
        return datetime.date(year, second, first)
    if not order:
        raise WrongCell(
            _lt(
                "%(text)s may be read in two ways. Say whether the day or the month "
                "comes first."
            ),
            text=text,
        )
    parts = dict(zip(ORDERS[order], (first, second, year), strict=True))
    return datetime.date(parts["year"], parts["month"], parts["day"])
