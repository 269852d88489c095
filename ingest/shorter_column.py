# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether another column than the one that is read has the chargeable seconds."""

import re

import numpy as np

from . import mapping
from .duration_words import named_unit
from .durations import parse_named

#: names of what is charged: without the time that it rang, 0 for calls not answered
_CHARGED = re.compile(
    r"bill|talk|convers|charg|answered|connect.*(?:time|dur|sec)|gespr|factur|cobr",
    re.IGNORECASE,
)
_MOST = 1000


def shorter_column(frame, columns):
    """A column that is not read, and has shorter durations than the one that is.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :return: (its name, that of the chargeable seconds, number of records in which it
        is shorter) of the first records; None without one
    """
    frame = frame[:_MOST]
    texts, spec = mapping.read_target(frame, columns, "seconds")
    if texts is None or _CHARGED.search(mapping.heading(frame, spec)):
        return None
    chosen = mapping.heading(frame, spec)
    seconds, valid, _unclear = parse_named(
        texts, "down", spec.style, named_unit(chosen)
    )
    read = {name for spec in columns for name in spec.resolve(frame.columns)}
    for name in frame.columns:
        if name in read or not _CHARGED.search(name):
            continue
        other = mapping.column(frame, name)
        found, good, _unclear = parse_named(other, "down", "", named_unit(name))
        both = valid & good
        shorter = int(np.count_nonzero(both & (found < seconds)))
        if shorter and both.all() and (found <= seconds).all():
            return name, chosen, shorter
    return None
