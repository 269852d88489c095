# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which of day, month and year comes first, as the times of a file show it.

The order is one that reads all of them. A single time shows it by a day above 12, by
its weekday, or by a year of two digits that is none.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..notation.days import FIRST_YEAR, LAST_YEAR
from . import mapping
from .time_layouts import DAY_ORDERS, SWAPPED
from .times import SECOND_US, parse_times

ORDERS = DAY_ORDERS[:3]
#: calls of a file are within a month; with day and month exchanged, three days are not
MONTH_US, MOST_APART_US = (days * 86_400 * SECOND_US for days in (32, 50))
# What such times begin with, which is quickly looked for.
_BEGIN = r"^[^0-9]{0,12}[0-9]{1,2}[^0-9]"
# Dates in digits with the year last, or with two digits only. Weekdays may precede.
_DATE = r"(?:^|[^0-9])[0-9]{1,2}([/.\-])[0-9]{1,2}[/.\-][0-9]{2}"
_SHORT_YEAR = r"(?:^|[^0-9])[0-9]{1,2}[/.\-][0-9]{1,2}[/.\-][0-9]{2}(?:[^0-9]|$)"
_POINTS = r"(?:^|[^0-9])[0-9]{1,2}\.[0-9]{1,2}\."
_SIGNS = r"^[0-9]{4}[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})(?:[^0-9]|$)"


# dd/mm/yyyy, TT.MM.JJJJ, JJ/MM/AAAA, mm-dd-yy
_DAY, _MONTH, _YEAR = r"(?:dd?|tt?|jj?|дд?)", r"mm?", r"(?:yy|jj|aa|гг)"
_NAMED = {
    "dmy": re.compile(rf"(?<![^\W\d_]){_DAY}[./ \-]{_MONTH}[./ \-]{_YEAR}"),
    "mdy": re.compile(rf"(?<![^\W\d_]){_MONTH}[./ \-]{_DAY}[./ \-]{_YEAR}"),
    "ymd": re.compile(rf"(?<![^\W\d_]){_YEAR}[./ \-]{_MONTH}[./ \-]{_DAY}(?!\w)"),
}


_MOST_DATES_A_TEXT = 4


@dataclass(frozen=True)
class Shown:
    """What texts show of the order.

    :ivar open: bool array: which are times only once the order is said
    :ivar order: one of ``times.DAY_ORDERS``, shown or only likely; empty for none
    :ivar is_sure: whether it is shown
    :ivar examples: texts that show it, or that it matters for
    :ivar swapped: bool array: dates that a spreadsheet may have made of the other order
    """

    open: np.ndarray
    order: str = ""
    is_sure: bool = False
    examples: tuple[str, ...] = ()
    swapped: np.ndarray | None = None


def named_order(heading):
    """The order that the name of a column of times tells: `Date (mm/dd/yyyy)`.

    :return: one of `ORDERS`; empty where it names none, or several
    """
    heading = heading.lower()
    found = [order for order, layout in _NAMED.items() if layout.search(heading)]
    return found[0] if len(found) == 1 else ""


def shown_order(texts, heading=""):
    """What times show of the order of day and month.

    :param texts: pyarrow strings without blanks around them
    :param heading: name of their column
    :return: :class:`Shown`; None where no time needs an order
    """
    for pattern in (_BEGIN, _DATE):
        if not pc.any(pc.match_substring_regex(texts, pattern)).as_py():
            return None
    times, reads = {}, {}
    for order in ORDERS:
        times[order], reads[order] = parse_times(texts, order, "UTC")
    automatic = parse_times(texts, "auto", "UTC")[1]
    open_ = np.any([*reads.values()], axis=0) & ~automatic
    if not open_.any():
        return None
    _drop_unlikely_years(texts, times, reads)
    counts = {order: np.count_nonzero(reads[order] & open_) for order in ORDERS}
    best = max(counts.values())
    likely = [order for order in ORDERS if counts[order] == best]
    is_all = best == np.count_nonzero(open_)
    # A point parts days from months in most of the countries that have it there.
    named = named_order(heading)
    if is_all and named in likely and len(likely) > 1:
        return Shown(open_, named, True, _first(texts, open_))
    points = pc.match_substring_regex(texts, _POINTS).to_numpy(zero_copy_only=False)
    points &= open_
    if is_all and len(likely) == 1:
        [order] = likely
        shown = open_ & ~np.any([reads[o] for o in ORDERS if o != order], axis=0)
        swapped = _swapped(texts, automatic, open_, shown, order)
        if swapped.any():
            examples = (*_first(texts, shown), *_first(texts, swapped))
            return Shown(open_, order + SWAPPED, False, examples, swapped)
        is_sure = order == "dmy" or order == "mdy" and not points.any()
        return Shown(open_, order, is_sure, _first(texts, shown))
    if is_all and "dmy" in likely and points.any():
        return Shown(open_, "dmy", True, _first(texts, points))
    order = ""
    if len(likely) == 1:
        [order] = likely
    elif best:
        order = _closest(times, reads, open_, likely)
    found = [_first(texts, open_ & ~reads[o]) for o in ORDERS[:2]]
    examples = (*found[0], *found[1]) if all(found) else ()
    return Shown(open_, order, False, examples or _first(texts, open_, 4))


def with_shown_orders(frame, columns):
    """The columns of a source, with the order that the records show by themselves.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :return: tuple of the same
    """
    found = []
    for spec in columns:
        if spec.target in mapping.TIMES and spec.style in ("", "auto"):
            texts, first = mapping.read_target(frame, columns, spec.target)
            if first is spec:
                texts = pc.utf8_trim_whitespace(texts)
                shown = shown_order(texts, mapping.heading(frame, spec))
                if shown and shown.is_sure:
                    spec = replace(spec, style=shown.order)
        found.append(spec)
    return tuple(found)


def _drop_unlikely_years(texts, times, reads):
    """Take a number that is hardly a year of two digits for none, if others fit."""
    short = pc.match_substring_regex(texts, _SHORT_YEAR).to_numpy(zero_copy_only=False)
    if not short.any():
        return
    likely = {}
    for order in ORDERS:
        years = times[order].astype("datetime64[us]").astype("datetime64[Y]")
        years = years.astype(np.int64) + 1970
        likely[order] = reads[order] & (years >= FIRST_YEAR) & (years <= LAST_YEAR)
    some = np.any([*likely.values()], axis=0) & short
    for order in ORDERS:
        reads[order] = np.where(some, likely[order], reads[order])


def _swapped(texts, automatic, open_, shown, order):
    """Dates of a spreadsheet that expected the other order.

    It made dates of all days up to 12, with day and month exchanged, and left the
    others as texts.
    """
    none = np.zeros(len(texts), bool)
    if (open_ & ~shown).any() or order not in ORDERS[:2]:
        return none
    parts = pc.extract_regex(texts, _SIGNS)
    dated = automatic & pc.is_valid(parts).to_numpy(zero_copy_only=False)
    # Of a month, more days are above 12 than not; one odd text shows nothing.
    count = np.count_nonzero(dated)
    if not count or np.count_nonzero(open_) * _MOST_DATES_A_TEXT < count:
        return none
    days = pc.struct_field(parts, "day").fill_null("0").cast(pa.int64()).to_numpy()
    months = pc.struct_field(parts, "month").fill_null("0").cast(pa.int64()).to_numpy()
    if (days[dated] > 12).any():
        return none
    return dated & (days != months)


def _closest(times, reads, open_, likely):
    """The order in which the days lie so close together as calls of a file do."""
    spans = {
        order: int(np.ptp(times[order][reads[order] & open_]))
        for order in likely
        if (reads[order] & open_).any()
    }
    return closest(spans)


def closest(spans):
    """What calls of a file are read by: by nothing else are they within a month.

    :param spans: dict reading -> microseconds from the first to the last call
    :return: a reading; empty where none is far likelier than the others
    """
    within = [name for name, span in spans.items() if span <= MONTH_US]
    near = [name for name, span in spans.items() if span <= MOST_APART_US]
    return within[0] if within == near and len(near) == 1 else ""


def _first(texts, mask, count=1):
    return tuple(pc.unique(texts.filter(pa.array(mask))).to_pylist()[:count])
