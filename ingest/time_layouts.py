# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the shape of a time can be: a date beside a clock, in the ways that are clear.

A shape is a text with each digit written as 0, see ``digit_shapes``; names of months,
weekdays and zones stand in it as they are.
"""

import datetime
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

from ..notation.calendar_names import MONTHS, WEEKDAYS
from ..notation.days import ORDERS

SWAPPED = "-swapped"
DAY_ORDERS = (*ORDERS, "ymd", *(f"{order}{SWAPPED}" for order in ORDERS))
"""Which of day, month and a year of two digits comes first.

A spreadsheet that expects the other of day and month makes wrong dates of days up to
12, and leaves the others texts: `dmy-swapped` reads 13/10/2026 and puts 2026-12-10
right, which is 10 December in the file and was 12 October.
"""

_CLOCK = r"(?P<H>0{1,2}):(?P<M>00)(?::(?P<S>00)(?:[.,](?P<f>0+))?)?"
_POINTS = r"(?P<H>0{1,2})\.(?P<M>00)\.(?P<S>00)"
_HALF_DAY = r"(?:[ \u00a0\u202f]?(?P<p>[AaPp])\.?[ \u00a0]?[Mm]\.?)?"
_OFFSET = (
    r"(?P<z> ?(?:"
    r"Z|(?:UTC|GMT)?[+-](?P<zh>00)(?::?(?P<zm>00))?"
    r"|\((?:UTC|GMT)[+-](?P<bh>00):(?P<bm>00)\)"
    r"|UTC|GMT|/?(?P<zn>[A-Z]{3,5}))(?: \([A-Za-z ]{2,40}\))?)?"
)
_WEEKDAY = r"(?:(?P<wd>[^\W\d_]{2,12})\.?,? +)?"
_NAME = r"(?P<mon>[^\W\d_]{3,12})\.?"
_BETWEEN = r"(?:,? +(?:(?:at|um|à|kl\.?|-) +)?|T|:|_)"
_YEAR = "(?:(?P<Y>0000)|(?P<y>00))"

_YEAR_FIRST = (
    r"(?P<Y>0000)-(?P<m>0{1,2})-(?P<d>0{1,2})",
    r"(?P<Y>0000)/(?P<m>0{1,2})/(?P<d>0{1,2})",
    r"(?P<Y>0000)\.(?P<m>0{1,2})\.(?P<d>0{1,2})",
    r"(?P<Y>0000)年(?P<m>0{1,2})月(?P<d>0{1,2})日",
)
_NAMED = (
    r"(?P<d>0{1,2})(?:\.|st|nd|rd|th|er|º)?[ \-/]*(?:de |of )?"
    + _NAME
    + r"[ \-/,]*(?:de |del )?"
    + _YEAR,
    _NAME + r"[ \-]*(?P<d>0{1,2})(?:st|nd|rd|th)?(?:,| |-) *(?P<Y>0000)",
    r"(?P<Y>0000)[ \-/.]" + _NAME + r"[ \-/.](?P<d>0{1,2})",
)


def _compiled(dates, clocks=(_CLOCK, _POINTS)):
    """Patterns of dates beside clocks."""
    end = _HALF_DAY + _OFFSET
    return tuple(
        re.compile(layout)
        for clock in clocks
        for date in dates
        for layout in (
            _WEEKDAY + date + _BETWEEN + clock + end,
            _WEEKDAY + clock + end + ",? +" + date,
        )
    )


_ISO = re.compile(r"(?P<Y>0000)-(?P<m>00)-(?P<d>00)[T ]" + _CLOCK + _OFFSET)
_DIGITS = tuple(
    re.compile(
        r"(?P<Y>0000)(?P<m>00)(?P<d>00)[-T ]?(?P<H>00)(?P<M>00)(?P<S>00)"
        + fraction
        + _OFFSET
    )
    for fraction in (r"(?:\.(?P<f>0+))?", r"(?P<f>000)")
)
#: what switches write; tried first
_COMMON = (_ISO, *_DIGITS)
_ASCTIME = re.compile(
    _WEEKDAY
    + _NAME
    + r" +(?P<d>0{1,2}) +"
    + _CLOCK
    + r"(?P<z> (?:UTC|GMT|(?P<zn>[A-Z]{3,5})))? +(?P<Y>0000)"
)
_CLEAR = (*_COMMON, *_compiled((*_YEAR_FIRST, *_NAMED)), _ASCTIME)
_ORDERED = {
    order: _compiled(
        [
            r"{}(?P<sign>[/.\-]){}(?P=sign)".format(
                *(rf"(?P<{part[0]}>0{{1,2}})" for part in parts[:2])
            )
            + _YEAR
        ],
    )
    for order, parts in ORDERS.items()
} | {
    "ymd": _compiled(
        [r"(?P<y>00)(?P<sign>[/.\-])(?P<m>0{1,2})(?P=sign)(?P<d>0{1,2})"],
        (_CLOCK,),
    )
}
_LONGEST = 90


def clear_places(shape, zones, is_swapped=False):
    """Where the parts of a time stand that is read in one way only.

    :param shape: text with 0 for each digit
    :param zones: dict of abbreviation -> minutes east, see :func:`abbreviations`
    :param is_swapped: whether day and month of dates in signs are exchanged
    :return: dict, see :func:`places_of`; None for no such time
    """
    for layout in _CLEAR if len(shape) <= _LONGEST else _COMMON:
        places = places_of(layout, shape, zones)
        if places:
            if is_swapped and layout not in _DIGITS and not places["mon"]:
                places["m"], places["d"] = places["d"], places["m"]
            return places
    return None


def ordered_places(shape, order, zones):
    """The same of dates in digits whose order somebody has said.

    :param order: one of `DAY_ORDERS`
    """
    base = order.removesuffix(SWAPPED)
    for layout in _ORDERED[base] if len(shape) <= _LONGEST else ():
        if places := places_of(layout, shape, zones):
            return places
    return clear_places(shape, zones, base != order)


def places_of(layout, shape, zones=None):
    """Where the named parts of a layout stand in a shape, in bytes.

    :return: dict of names to (begin, end), or None for those that it has not; besides
        `mon`: number of the month, `weekday`: 0 for Monday, `afternoon`, `is_east` and
        `offset`: minutes east of UTC that a name says; None where it does not fit
    """
    match = layout.fullmatch(shape)
    if not match:
        return None
    found = match.groupdict()
    places = dict.fromkeys(("Y", "y", "m", "d", "H", "M", "S", "f", "z", "zh", "zm"))
    for name in found:
        begin, end = match.span(name)
        if begin >= 0 and not shape.isascii():
            begin, end = (len(shape[:place].encode()) for place in (begin, end))
        places[name] = None if begin < 0 else (begin, end)
    if places.get("bh"):
        places["zh"], places["zm"] = places["bh"], places["bm"]
    places |= dict.fromkeys(("mon", "weekday", "offset"))
    if found.get("mon") is not None:
        places["mon"] = MONTHS.get(found["mon"].lower())
        if not places["mon"]:
            return None
    if found.get("wd") is not None:
        places["weekday"] = WEEKDAYS.get(found["wd"].lower())
        if places["weekday"] is None:
            return None
    if found.get("zn") is not None:
        places["offset"] = (zones or {}).get(found["zn"])
        if places["offset"] is None:
            return None
    places["afternoon"] = (found.get("p") or "") in "Pp"
    places["is_east"] = "-" not in (found.get("z") or "")
    return places


@lru_cache(maxsize=256)
def abbreviations(zone):
    """What the clock of a zone is called in summer and winter.

    :param zone: IANA name
    :return: dict of abbreviation -> minutes east of UTC, without those that have been
        several
    """
    found = {}
    clock = ZoneInfo(zone)
    for year in range(1990, 2041):
        for month in (1, 7):
            moment = datetime.datetime(year, month, 1, tzinfo=clock)
            minutes = moment.utcoffset() // datetime.timedelta(minutes=1)
            found.setdefault(moment.tzname(), set()).add(minutes)
    return {
        name: min(offsets)
        for name, offsets in found.items()
        if name.isalpha() and len(offsets) == 1
    }
