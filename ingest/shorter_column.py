# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether another column than the one that is read has the chargeable seconds."""

import re

import pyarrow.compute as pc

from . import mapping
from .duration_words import named_unit
from .durations import parse_named

#: names of what is charged: without the time that it rang, 0 for calls not answered
_CHARGED = re.compile(
    r"(?:bill|charg|answer|connect|talk|convers|factur|cobr|berechn|gespr).*"
    r"(?:time|dur|sec|min|seg|zeit|dauer|tiempo)"
    r"|(?:dur|time|sec|min|tiempo).*(?:factur|cobr)",
    re.IGNORECASE,
)


def shorter_column(frame, columns, read=()):
    """A column that is not read, and has shorter durations than the one that is.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :param read: names of other columns that the source's settings speak of
    :return: (its name, that of the chargeable seconds, bool array: in which records it
        is shorter); None without one
    """
    texts, spec = mapping.read_target(frame, columns, "seconds")
    if not any(_CHARGED.search(name) for name in frame.columns):
        return None
    if texts is None or _CHARGED.search(mapping.heading(frame, spec)):
        return None
    chosen = mapping.heading(frame, spec)
    seconds, valid, _unclear = parse_named(
        texts, "down", spec.style, named_unit(chosen)
    )
    read = {mapping.same_name(name, frame.columns) for name in read}
    read |= {name for spec in columns for name in spec.resolve(frame.columns)}
    for name in frame.columns:
        if name in read or not _CHARGED.search(name):
            continue
        other = mapping.column(frame, name)
        found, good, _unclear = parse_named(other, "down", "", named_unit(name))
        both = valid & good
        shorter = both & (found < seconds)
        filled = pc.not_equal(pc.utf8_trim_whitespace(other), "")
        is_duration = not (filled.to_numpy(zero_copy_only=False) & ~good).any()
        if is_duration and shorter.any() and (found <= seconds)[both].all():
            return name, chosen, shorter
    return None
