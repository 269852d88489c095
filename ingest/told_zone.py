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


def doubted_zone(frame, columns, timezone, read=()):
    """What names a time zone that times without an offset are not read in.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :param timezone: IANA zone of these times
    :param read: names of other columns that the source's settings speak of
    :return: (name of the column, what it says, bool array: the times that are read in
        another zone than that); three None where nothing does
    """
    nothing = None, None, None
    texts, spec = mapping.read_target(frame, columns, "start_time")
    if texts is None:
        return nothing
    heading = mapping.heading(frame, spec)
    told = _named(heading)
    name = heading if told else _zone_column(frame, spec, columns, read)
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


def told_zone(frame, columns, timezone, read=()):
    """The name of the column that :func:`doubted_zone` finds; empty for none."""
    return doubted_zone(frame[:_MOST], columns, timezone, read)[0] or ""


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
