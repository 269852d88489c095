# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Times as switches write them, as microseconds since the epoch, in UTC."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ..notation.days import FIRST_YEAR, LAST_YEAR
from .digit_shapes import DigitShapes
from .text_columns import as_text
from .time_layouts import (
    DAY_ORDERS,
    abbreviations,
    clear_places,
    ordered_places,
    places_of,
)

SECOND_US = 1_000_000
FRACTION_DIGITS = 6

HINT_TOLERANCE_US = 2 * SECOND_US
"""A record may begin this long before its channel: clocks are cut to the second."""

HINT = r"(?P<seconds>[0-9]{9,11})(?:\.[0-9]*)?$"
"""The end of Asterisk's uniqueid, which may begin with the name of the system."""

_EPOCH = re.compile(r"(?P<whole>0+)(?:\.(?P<f>0*))?")
_SERIAL = re.compile(r"(?P<whole>0{1,6})(?:[.,](?P<f>0*))?")
_FIRST_SERIAL = 25_569  # 1970-01-01
_DAY_US = 86_400 * SECOND_US
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
#: digits of seconds, milliseconds and microseconds of calls that are no day and clock
#: without signs, such as 261005140000
AUTOMATIC_EPOCHS = (9, 10, 13, 16)

# Directives of strptime that are digits at a place of their own.
_DIRECTIVES = {
    "Y": r"(?P<Y>0000)",
    "y": r"(?P<y>00)",
    "m": r"(?P<m>0{1,2})",
    "d": r"(?P<d>0{1,2})",
    "H": r"(?P<H>0{1,2})",
    "M": r"(?P<M>0{1,2})",
    "S": r"(?P<S>0{1,2})",
    "f": r"(?P<f>0{1,9})",
    "z": r"(?P<z>Z|[+-](?P<zh>00):?(?P<zm>00))",
    "%": "%",
}
_SHORT_FORMS = {"%T": "%H:%M:%S", "%R": "%H:%M", "%F": "%Y-%m-%d"}
FIRST_YEAR_OF_TWO_DIGITS = 69  # POSIX: 69 is 1969, 68 is 2068


def parse_times(values, style, tz, hint_epoch=None, later=False):
    """Read times.

    :param values: Series, pyarrow array or list of texts, shape (n,)
    :param style: what the texts are:

        - `auto`: a date with the year first or the month's name and a clock, with or
          without weekday, fraction, half day and offset; `YYYYMMDD-HHMMSS`,
          `YYYYMMDDHHMMSS`; or what `epoch` reads with 9, 10, 13 or 16 digits, in any
          mixture
        - one of ``time_layouts.DAY_ORDERS``: what `auto` reads, and days in digits in
          this order: `03/04/2026 5:26 PM`
        - `epoch`: numbers since 1970, fractions allowed: seconds up to 11 digits,
          milliseconds up to 14, microseconds up to 17; 0 stands for no time
        - `serial`: days since 1899-12-30, fractions allowed, of spreadsheets
        - otherwise a `strptime` format

    :param tz: IANA zone of the times that carry no offset. The abbreviation of a zone
        (`CEST`) is read where it is the name that this one has at the time.
    :param hint_epoch: texts or numbers, shape (n,), or None: epoch seconds shortly
        before each record, such as Asterisk's uniqueid. They tell the two hours apart
        that have the same name when clocks are set back: the first time that is not
        before the hint. Without a hint it is the first of the two.
    :param later: without a hint take the second of the two
    :return: (int64 array of microseconds, bool array: whether the text was a time);
        digits beyond a microsecond are dropped, and what is no time is 0. A day,
        hour or second that does not exist is none, nor is a local time that the
        clocks skip, nor a weekday that it was not. 24:00 ends a day.
    """
    times, valid, _twice = read_times(values, style, tz, hint_epoch, later)
    return times, valid


def read_times(values, style, tz, hint_epoch=None, later=False):
    """The same, and a bool array: which are in an hour that a clock shows twice.

    That is where neither an offset nor a hint tells which of the two it is.
    """
    texts = as_text(values).fill_null("")
    zones = abbreviations(tz)
    if style == "epoch":
        read = partial(_read_epoch, digits=range(1, 18))
    elif style == "serial":
        read = _read_serial
    elif style in DAY_ORDERS:
        read = partial(_read_ordered, order=style, zones=zones)
    elif style in ("", "auto", None):
        read = partial(_read_automatic, zones=zones)
    else:
        layout = _compiled(style)
        if layout is None:
            return _from_local(*_by_pandas(texts, style), tz, hint_epoch, later)
        read = partial(_read_layout, layout=layout)
    columns = DigitShapes(texts)
    times = np.zeros(len(texts), dtype=np.int64)
    valid = np.zeros(len(texts), dtype=bool)
    twice = np.zeros(len(texts), dtype=bool)
    is_local = np.zeros(len(texts), dtype=bool)
    for rows, (convert, found) in columns.groups(read):
        times[rows], valid[rows] = convert(columns, rows, found)
        is_local[rows] = convert is not _epoch and found["z"] is None
        if found.get("offset") is not None:
            valid[rows] &= _has_offset(times[rows], found["offset"], tz)
    rows = np.flatnonzero(is_local & valid)
    if len(rows):
        hint = None if hint_epoch is None else _take(hint_epoch, rows)
        everything = len(rows) == len(texts)
        local = times if everything else times[rows]
        times[rows], valid[rows], twice[rows] = _from_local(
            local, valid[rows], tz, hint, later
        )
    times[~valid] = 0
    return times, valid, twice


def needs_an_order(values):
    """Where a text is a time as soon as somebody says whether day or month comes first.

    :param values: texts, shape (n,)
    :return: bool array
    """
    readings = [parse_times(values, order, "UTC")[1] for order in DAY_ORDERS[:3]]
    return np.any(readings, axis=0) & ~parse_times(values, "auto", "UTC")[1]


def style_problem(style):
    """Say why a format of times cannot be used; empty where it can.

    :param style: see :func:`parse_times`
    """
    if style in ("", "auto", "epoch", "serial", *DAY_ORDERS):
        return ""
    if "%" not in style:
        return (
            f"{style} is not a time format. Enter a format such as %d/%m/%Y %H:%M:%S, "
            "dmy or mdy to set only the order of day and month, or epoch."
        )
    try:
        pd.to_datetime(pd.Series([""]), format=style, errors="coerce")
    except (ValueError, re.error) as error:
        return f"The format {style} cannot be used: {error}."
    return ""


def _read_ordered(shape, order, zones):
    places = ordered_places(shape, order, zones)
    if places:
        return _date_and_time, places
    return _read_epoch(shape, AUTOMATIC_EPOCHS)


def _read_automatic(shape, zones):
    places = clear_places(shape, zones)
    if places:
        return _date_and_time, places
    return _read_epoch(shape, AUTOMATIC_EPOCHS)


def _read_layout(shape, layout):
    places = places_of(layout, shape)
    return places and (_date_and_time, places)


def _read_epoch(shape, digits):
    match = _EPOCH.fullmatch(shape)
    if match and len(match["whole"]) in digits:
        places = {"whole": match.span("whole"), "f": match.span("f"), "z": None}
        return _epoch, places
    return None


def _read_serial(shape):
    match = _SERIAL.fullmatch(shape)
    if match:
        places = {"whole": match.span("whole"), "f": match.span("f"), "z": None}
        return _serial, places
    return None


def _serial(columns, rows, places):
    """Return microseconds of a spreadsheet's days, and whether they are a time."""
    begin, end = places["whole"]
    days = columns.number(rows, begin, end)
    times = (days - _FIRST_SERIAL) * _DAY_US
    begin, end = places["f"]
    if end > begin:
        digits = min(end - begin, 12)
        # 46300.583333 is 14:00:00, to the precision that is written.
        part = columns.fraction(rows, begin, begin + digits, digits)
        seconds = np.rint(part * (86_400 / 10**digits) * 1000) / 1000
        whole = np.rint(seconds)
        near = np.abs(seconds - whole) <= max(86_400 / 10**digits, 0.001)
        times += (np.where(near, whole, seconds) * SECOND_US).astype(np.int64)
    return times, days >= 1


def _epoch(columns, rows, places):
    """Return microseconds of epoch numbers, and whether they are a time."""
    begin, end = places["whole"]
    digits = end - begin
    # a number that grows by three digits has a unit of a thousandth
    unit_digits = 6 if digits <= 11 else 3 if digits <= 14 else 0
    times = columns.number(rows, begin, end) * 10**unit_digits
    begin, end = places["f"]
    if end > begin and unit_digits:
        times += columns.fraction(rows, begin, end, unit_digits)
    return times, times > 0


def _date_and_time(columns, rows, places):
    """Return microseconds of dates with times, and whether these exist."""

    def field(name, missing=0):
        if not places.get(name):
            return missing
        return columns.number(rows, *places[name])

    valid = True
    if places["y"]:
        year = field("y")
        if places["mon"]:
            # Otherwise it may be the day: 26-Oct-05.
            valid = (year + 2000 >= FIRST_YEAR) & (year + 2000 <= LAST_YEAR)
        year += np.where(year >= FIRST_YEAR_OF_TWO_DIGITS, 1900, 2000)
    else:
        year = field("Y")
    month = np.full(len(rows), places["mon"]) if places["mon"] else field("m", 1)
    day = field("d", 1)
    hour, minute, second = field("H"), field("M"), field("S")
    if places.get("p"):
        valid &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + 12 * places["afternoon"]
    valid &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    is_end_of_day = (hour == 24) & (minute == 0) & (second == 0)
    valid &= ((hour <= 23) | is_end_of_day) & (minute <= 59) & (second <= 59)
    months = np.where(valid, (year - 1970) * 12 + month - 1, 0)
    first_day = _first_day(months)
    valid &= first_day + day <= _first_day(months + 1)
    seconds = (first_day + day - 1) * 86400 + hour * 3600 + minute * 60 + second
    if places["weekday"] is not None:
        valid &= (first_day + day - 1 + _EPOCH_WEEKDAY) % 7 == places["weekday"]
    if places["offset"] is not None:
        seconds -= places["offset"] * 60
    elif places["zh"]:
        offset = field("zh") * 60 + field("zm")
        valid &= (field("zh") <= 23) & (field("zm") <= 59)
        seconds += offset * (-60 if places["is_east"] else 60)
    times = seconds * SECOND_US
    if places["f"]:
        times += columns.fraction(rows, *places["f"], FRACTION_DIGITS)
    return times, valid


def _has_offset(times, minutes, tz):
    """Return where the clock of a zone is so far from UTC at moments."""
    index = pd.DatetimeIndex(times.view("datetime64[us]"), tz="UTC").tz_convert(tz)
    local = index.tz_localize(None).to_numpy().astype("datetime64[us]").view(np.int64)
    return local - times == minutes * 60 * SECOND_US


def _first_day(months):
    """Return the days since 1970-01-01 of the first days of months since 1970-01."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _compiled(style):
    """Return the shapes of a format, None when it has more than digits and signs."""
    for short, long in _SHORT_FORMS.items():
        style = style.replace(short, long)
    parts = re.split(r"%(.)", style)
    literals, directives = parts[::2], parts[1::2]
    once = len(set(directives)) == len(directives)
    if not once or not set(directives) <= _DIRECTIVES.keys():
        return None
    if not {"Y", "y"} & set(directives) or not style.isascii():
        return None
    if re.search(r"[0-9%]", "".join(literals)):
        return None
    pattern = re.escape(literals[0])
    for position, directive in enumerate(directives):
        shape = _DIRECTIVES[directive]
        before = position and not literals[position]
        after = position + 1 < len(directives) and not literals[position + 1]
        if before or after:
            # digits of two numbers side by side: nothing but the width parts them
            shape = shape.replace("0{1,2}", "00")
        pattern += shape + re.escape(literals[position + 1])
    return re.compile(pattern)


def _by_pandas(texts, style):
    """Read names of months, hours of the half day and the like; slower."""
    nothing = np.zeros(len(texts), np.int64), np.zeros(len(texts), bool)
    encoded = texts.dictionary_encode()
    try:
        parsed = pd.to_datetime(
            pd.Series(encoded.dictionary.to_pylist(), dtype=object),
            format=style,
            errors="coerce",
            utc="%z" in style or "%Z" in style,
        )
    except (ValueError, re.error):
        # A format that cannot be used reads nothing: every record says so.
        return nothing
    if parsed.dt.tz is not None:
        parsed = parsed.dt.tz_localize(None)
    good = parsed.notna().to_numpy()
    moments = parsed.to_numpy().astype("datetime64[us]").astype(np.int64)
    code = encoded.indices.to_numpy()
    return np.where(good, moments, 0)[code], good[code]


def _from_local(local, valid, tz, hint_epoch, later):
    """Return local times as UTC, which of them exist, and which do so twice.

    :param local: int64, shape (n,): microseconds of the local clock
    :param valid: bool, shape (n,): whether there is a time
    """
    twice = np.zeros(len(local), bool)
    if tz == "UTC":
        return local, valid, twice
    index = pd.DatetimeIndex(local.view("datetime64[us]"))
    zoned = index.tz_localize(tz, ambiguous="NaT", nonexistent="NaT")
    times = _utc(zoned).copy()
    valid = valid.copy()
    odd = np.flatnonzero(zoned.isna() & valid)
    if len(odd):
        hint = None if hint_epoch is None else _take(hint_epoch, odd)
        times[odd], valid[odd], twice[odd] = _twice_or_never(
            index[odd], tz, hint, later
        )
    return times, valid, twice


def _twice_or_never(index, tz, hint, later):
    """Return local times that the clock shows twice, or skips, as UTC."""
    first, second = (
        index.tz_localize(
            tz, ambiguous=np.full(len(index), is_summer), nonexistent="NaT"
        )
        for is_summer in (True, False)
    )
    valid = ~np.asarray(first.isna())
    early, late = _utc(first), _utc(second)
    if hint is None:
        return late if later else early, valid, valid & (early != late)
    found = pc.extract_regex(as_text(hint).fill_null(""), HINT)
    seconds = pc.struct_field(found, "seconds").fill_null("0").cast(pa.int64())
    earliest = seconds.to_numpy() * SECOND_US - HINT_TOLERANCE_US
    twice = valid & (early != late) & (seconds.to_numpy() == 0)
    return np.where(early < earliest, late, early), valid, twice


def _utc(zoned):
    naive = zoned.tz_convert("UTC").tz_localize(None)
    return naive.to_numpy().astype("datetime64[us]").view(np.int64)


def _take(values, rows):
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.take(pa.array(rows))
    if isinstance(values, pd.Series):
        return values.iloc[rows]
    return [values[row] for row in rows]
