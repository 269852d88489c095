# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether a file names another time zone than the one its times are read in."""

import re
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import mapping
from .time_layouts import abbreviations
from .times import SECOND_US, parse_times

_UTC = re.compile(
    r"(?<![^\W_])(?:UTC|GMT|Zulu)(?: ?([+-])([0-9]{1,2})(?::?([0-9]{2}))?)?(?![^\W_])",
    re.IGNORECASE,
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})|Z", re.IGNORECASE)
_ZONES = (
    "CET CEST EET EEST WET WEST BST IST MSK EST EDT CST CDT MST MDT PST PDT AKST HST "
    "AEST AEDT AWST JST KST SGT HKT NZST NZDT"
).split()
_ABBREVIATION = re.compile(rf"(?<![^\W_])({'|'.join(_ZONES)})(?![^\W_])")
#: columns that have the zone of each record
_COLUMNS = {
    *("timezone", "tz", "zone", "utcoffset", "gmtoffset", "tzoffset", "zeitzone"),
    *("zonahoraria", "fuseauhoraire"),
}
_MOST = 100
#: what such lines begin with, as they are told apart from columns
TITLE = "↑ "
_TITLE = re.compile(
    r"time ?zone|zeitzone|zona horaria|fuseau horaire|fuso orario|tijdzone"
    r"|times?\W+(?:are |is |shown |given )*in|zeiten in",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-Z][A-Za-z]+/[A-Z][A-Za-z_]+(?:/[A-Z][A-Za-z_]+)?")
_SHOWN = 200


def doubted_zone(frame, columns, timezone, read=(), titles=""):
    """What names a time zone that times without an offset are not read in.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :param timezone: IANA zone of these times
    :param read: names of other columns that the source's settings speak of
    :param titles: what stands above the names of the columns
    :return: (name of the column, or `TITLE` and the titles; what it says; bool array:
        the times that are read in another zone than that); three None where nothing
        names one
    """
    nothing = None, None, None
    texts, spec = mapping.read_target(frame, columns, "start_time")
    if texts is None:
        return nothing
    heading = mapping.heading(frame, spec)
    told = _named(heading)
    name = heading if told else _zone_column(frame, spec, columns, read)
    if not name and (told := _told_above(titles)):
        name = TITLE + titles.removeprefix(TITLE)[:_SHOWN]
    if not name:
        return nothing
    local, valid = parse_times(texts, spec.style, "UTC")
    moments, good = parse_times(texts, spec.style, timezone)
    # Times with an offset are the same in all zones.
    elsewhere, _valid = parse_times(texts, spec.style, "Asia/Tokyo")
    naive = valid & good & (elsewhere != local)
    if not naive.any():
        return nothing
    offsets = (local - moments) // (60 * SECOND_US)
    if told:
        words = pa.array([told] * len(frame), pa.string())
    else:
        words = pc.utf8_trim_whitespace(mapping.column(frame, name))
    encoded = pc.dictionary_encode(words)
    rows = encoded.indices.to_numpy(zero_copy_only=False)
    doubted = np.zeros(len(frame), bool)
    for rank, word in enumerate(encoded.dictionary.to_pylist()):
        here = naive & (rows == rank)
        if here.any() and word:
            own = texts.filter(pa.array(here))
            doubted[here] = ~_is_zone(word, timezone, own, spec, offsets[here])
    return (name, words, doubted) if doubted.any() else nothing


def told_zone(frame, columns, timezone, read=(), titles=""):
    """The name that :func:`doubted_zone` finds; empty for none."""
    return doubted_zone(frame[:_MOST], columns, timezone, read, titles)[0] or ""


def _told_above(titles):
    """The zone that the lines above the table say its times are in."""
    begin = _TITLE.search(titles)
    text = titles[begin.end() :] if begin else ""
    found = _NAME.search(text) or _UTC.search(text) or _ABBREVIATION.search(text)
    return found[0] if found else ""


def _named(heading):
    """The zone that the name of a column names; empty where it names none."""
    found = _UTC.search(heading) or _ABBREVIATION.search(heading)
    return found[0] if found else ""


def _zone_column(frame, spec, columns, read):
    """The column that has the zone of each record."""
    known = {mapping.same_name(name, frame.columns) for name in read}
    known.update(n for one in columns for n in one.resolve(frame.columns))
    for name in frame.columns:
        plain = re.sub(r"[^a-z]", "", name.lower())
        if plain in _COLUMNS and name not in known:
            return name
    return ""


def _is_zone(word, timezone, texts, spec, offsets):
    """Whether times in the source's zone are in the one that is told, a bool array."""
    if word == timezone or word in abbreviations(timezone):
        return np.ones(len(texts), bool)
    found = _UTC.fullmatch(word) or _OFFSET.fullmatch(word)
    if found:
        minutes = int(found[2] or 0) * 60 + int(found[3] or 0)
        return offsets == (-minutes if found[1] == "-" else minutes)
    try:
        ZoneInfo(word)
    except (KeyError, OSError, ValueError):
        return np.zeros(len(texts), bool)
    there = parse_times(texts, spec.style, word)[0]
    return there == parse_times(texts, spec.style, timezone)[0]
