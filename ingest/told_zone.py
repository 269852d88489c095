# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether a file names another time zone than the one its times are read in."""

import re

import numpy as np
import pyarrow.compute as pc

from . import mapping
from .time_layouts import abbreviations
from .times import SECOND_US, parse_times

_UTC = re.compile(
    r"(?<![^\W_])(?:UTC|GMT|Zulu)(?: ?([+-])([0-9]{1,2})(?::?([0-9]{2}))?)?(?![^\W_])",
    re.IGNORECASE,
)
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


def told_zone(frame, columns, timezone):
    """What names a time zone that times without an offset are not read in.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :param timezone: IANA zone of these times
    :return: name of a column: that of the times, or one with zones; empty for none
    """
    frame = frame[:_MOST]
    texts, spec = mapping.read_target(frame, columns, "start_time")
    if texts is None:
        return ""
    local, valid = parse_times(texts, spec.style, "UTC")
    moments, good = parse_times(texts, spec.style, timezone)
    # Times with an offset are the same in all zones.
    elsewhere, _valid = parse_times(texts, spec.style, "Asia/Tokyo")
    naive = valid & good & (elsewhere != local)
    if not naive.any():
        return ""
    heading = mapping.heading(frame, spec)
    offsets = (local - moments)[naive] // (60 * SECOND_US)
    if found := _UTC.search(heading):
        minutes = int(found[2] or 0) * 60 + int(found[3] or 0)
        minutes *= -1 if found[1] == "-" else 1
        return heading if np.any(offsets != minutes) else ""
    if found := _ABBREVIATION.search(heading):
        return "" if found[1] in abbreviations(timezone) else heading
    for name in frame.columns:
        plain = re.sub(r"[^a-z]", "", name.lower())
        if plain in _COLUMNS and name not in heading.split("+"):
            told = pc.unique(pc.utf8_trim_whitespace(mapping.column(frame, name)))
            if {*told.to_pylist()} - {"", timezone, *abbreviations(timezone)}:
                return name
    return ""
