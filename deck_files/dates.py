# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading the dates of a deck's file, in the order of day and month that it has."""

import datetime
import re

from ..connectors.workbook_cells import DateText
from ..notation.days import (
    FIRST_YEAR,
    LAST_YEAR,
    NUMERIC_DAY,
    ORDERS,
    TIME,
    shown_order,
)
from ..rating.errors import _lt
from .cells import TwoWays, WrongCell
from .columns import plain

#: no date: from the day that the deck is applied
AT_ONCE = frozenset(
    ["", *"asap immediate immediately now inmediato sofort null none n/a - --".split()]
)
_ISO_DATE = re.compile(
    rf"([0-9]{{4}})([/.\-])([0-9]{{1,2}})\2([0-9]{{1,2}}){TIME}", re.IGNORECASE
)
_BASIC_DATE = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_NAME = r"(?P<month>[^\W\d_]{3,10})\.?"
_DAY_FIRST = re.compile(
    rf"(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|er|º|°|\.)?[ \-/]*(?:de )?"
    rf"{_NAME}[ \-/,]*(?:de )?"
    rf"(?P<year>[0-9]{{4}}|[0-9]{{2}}){TIME}",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"{_NAME}[ \-]*(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?(?:,| ) *"
    rf"(?P<year>[0-9]{{4}}){TIME}",
    re.IGNORECASE,
)
_EAST_ASIAN = re.compile(r"([0-9]{4})[年년] ?([0-9]{1,2})[月월] ?([0-9]{1,2})[日일]")
_SERIAL = re.compile(r"[0-9]{5}(?:\.0+)?")
#: days that a spreadsheet counts from the end of 1899: from 2010 to 2059
_SERIALS = range(40_179, 58_440)
_EIGHT_DIGITS = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")
_MONTHS = {
    plain(name): number
    for number, names in enumerate(
        (
            "jan january januar jänner enero ene janv janvier januari gennaio gen "
            "janeiro янв января январь",
            "feb february februar febrero févr février fév februari febbraio "
            "fevereiro fev фев февр февраля февраль",
            "mar march märz mär mrz marzo mars maart mrt março мар марта март",
            "apr april abril abr avr avril aprile апр апреля апрель",
            "may mai mayo mei maggio mag maio май мая",
            "jun june juni junio juin giugno giu junho июн июня июнь",
            "jul july juli julio juil juillet luglio lug julho июл июля июль",
            "aug august agosto ago août augustus авг августа август",
            "sep sept september septiembre setiembre septembre settembre set setembro "
            "сен сент сентября сентябрь",
            "oct october oktober okt octubre octobre ottobre ott outubro out "
            "окт октября октябрь",
            "nov november noviembre novembre novembro ноя нояб ноября ноябрь",
            "dec december dezember dez diciembre dic déc décembre dicembre dezembro "
            "дек декабря декабрь",
        ),
        start=1,
    )
    for name in names.split()
}
_LONGEST = 60
#: meanings of columns with days
DAYS = ("valid_from", "valid_before", "last_day")
_HEADING = re.compile(r"([dt]{1,2}|m{1,3})[./ -]?([dt]{1,2}|m{1,3})[./ -]?[yja]{2,4}")
_EXCHANGED = _lt(
    "The day and month of '%(text)s' may be swapped: the spreadsheet converted only "
    "days up to 12 to dates and left the others as text. Enter all dates in the same "
    "format, with the year first."
)
_TWO_ORDERS = _lt(
    "%(text)s is ambiguous. Choose whether the day or the month comes first."
)


def date_order(texts):
    """Whether 03/04/2026 is in April or March, as the dates of the file show.

    :return: (`dmy`, `mdy`, or empty where none of them tells; a date that shows it)
    """
    orders = {}
    for name in DAYS:
        for text in texts[name].unique() if name in texts else ():
            if order := shown_order(text):
                orders.setdefault(order, text)
    return orders.popitem() if len(orders) == 1 else ("", "")


def order_of_heading(text):
    """The order of day and month that the name of a column says: `(MM/DD/YYYY)`."""
    found = _HEADING.search(text.lower())
    if not found or found[1][0] == found[2][0]:
        return ""
    return "mdy" if found[1][0] == "m" else "dmy"


def are_exchanged(texts):
    """Whether a spreadsheet that expects the other order made its dates of texts.

    It makes dates of all days up to 12, with day and month exchanged, and leaves the
    others as texts: its dates have no day above 12, and all of its texts have.

    :param texts: DataFrame of cells
    """
    made, left = [], []
    for name in DAYS:
        for text in texts[name].unique() if name in texts else ():
            if isinstance(text, DateText):
                made.append(_ISO_DATE.fullmatch(text))
            elif found := NUMERIC_DAY.fullmatch(text.strip()[:_LONGEST]):
                left.append(max(int(found[1]), int(found[3])) > 12)
    days = [(int(found[4]), int(found[3])) for found in made if found]
    return (
        bool(left)
        and all(left)
        and all(day <= 12 for day, _month in days)
        and any(day != month for day, month in days)
    )


def spread_digits(texts):
    """A column of days that are digits alone, as days with signs between their parts.

    46082 is what a spreadsheet counts, 15032026 a day before its month and year; all
    cells of a column are of one kind.

    :param texts: Series of cells
    :return: the Series, or the same one where they are other days
    """
    filled = {str(text) for text in texts.unique() if text and text not in AT_ONCE}
    if filled and all(map(_is_serial, filled)):
        new = {text: _of_serial(text) for text in filled}
    elif filled and all(map(_EIGHT_DIGITS.fullmatch, filled)):
        if all(map(_is_basic, filled)):
            return texts
        new = {text: _EIGHT_DIGITS.sub(r"\1/\2/\3", text) for text in filled}
    else:
        return texts
    return texts.map(lambda text: new.get(str(text), text))


def _is_serial(text):
    return bool(_SERIAL.fullmatch(text)) and int(float(text)) in _SERIALS


def _of_serial(text):
    day = datetime.date(1899, 12, 30) + datetime.timedelta(days=int(float(text)))
    return day.isoformat()


def _is_basic(text):
    found = _BASIC_DATE.fullmatch(text)
    try:
        return bool(found) and bool(datetime.date(*map(int, found.groups())))
    except ValueError:
        return False


def date(order, exchanged=False):
    """A reader of dates; an empty cell and "at once" are None.

    :param order: `dmy`, `mdy`, or empty where nothing tells
    :param exchanged: as `are_exchanged` says it: cells that are dates are none
    """

    def read(text):
        if exchanged and isinstance(text, DateText):
            raise WrongCell(_EXCHANGED, text=text)
        if text.lower() in AT_ONCE:
            return None
        try:
            return _read_date(text.strip(), order)
        except ValueError as error:
            if isinstance(error, WrongCell):
                raise
            raise _no_date(text) from error

    return read


def after_last_day(order, exchanged=False):
    """A reader of last days: the first day after it.

    :param order, exchanged: as `date`
    """
    read_date = date(order, exchanged)

    def read(text):
        day = read_date(text)
        if day == datetime.date.max:
            return None  # 9999-12-31: until further notice
        return day and day + datetime.timedelta(days=1)

    return read


def _no_date(text):
    return WrongCell(_lt("'%(text)s' is not a date."), text=text)


def _year(text):
    return int(text) if len(text) == 4 else 2000 + int(text)


def _read_date(text, order):
    if len(text) > _LONGEST:
        raise _no_date(text)
    iso = _ISO_DATE.fullmatch(text)
    if iso:
        return datetime.date(int(iso[1]), int(iso[3]), int(iso[4]))
    basic = _BASIC_DATE.fullmatch(text) or _EAST_ASIAN.fullmatch(text)
    if basic:
        return datetime.date(*map(int, basic.groups()))
    named = _DAY_FIRST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    if named:
        month = _MONTHS.get(plain(named["month"]))
        if not month:
            raise _no_date(text)
        year = _checked_year(named["year"], text)
        return datetime.date(year, month, int(named["day"]))
    found = NUMERIC_DAY.fullmatch(text)
    if not found:
        raise _no_date(text)
    first, second = int(found[1]), int(found[3])
    year = _checked_year(found[4], text)
    if first == second:
        return datetime.date(year, second, first)
    if not order:
        raise TwoWays("date_order", _TWO_ORDERS, text=text)
    parts = dict(zip(ORDERS[order], (first, second, year), strict=True))
    return datetime.date(parts["year"], parts["month"], parts["day"])


def _checked_year(digits, text):
    year = _year(digits)
    if len(digits) == 2 and not FIRST_YEAR <= year <= LAST_YEAR:
        raise _no_date(text)
    return year
