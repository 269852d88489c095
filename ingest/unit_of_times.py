# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""In which unit durations are as long as the times of their calls say.

Or another column of durations, whose name says its own unit.
"""

import numpy as np

from .duration_words import named_unit
from .durations import UNITS, parse_seconds
from .extract import column
from .mapping import same_name
from .two_times import durations_of_times


def unit_of_times(frame, columns, timezone, texts):
    """The unit in which durations fit the times of calls; empty where none does.

    :param frame: DataFrame of text columns under the source's own names
    :param columns: sequence of :class:`~.mapping.ColumnSpec`
    :param timezone: IANA zone of times without offset
    :param texts: pyarrow strings, the durations
    :return: one of ``durations.UNITS``, that in which most are right to the second
    """
    lasting = durations_of_times(frame, columns, timezone, "down")
    if not lasting or not lasting.valid.any():
        return ""
    fits = {}
    for unit in UNITS:
        seconds, valid, _unclear = parse_seconds(texts, "nearest", unit)
        both = valid & lasting.valid & (lasting.seconds > 0)
        # Clocks are cut to the second, durations of minutes to the minute.
        near = 60 if unit == "h:mm" else 1
        off = np.abs(seconds - lasting.seconds)[both]
        exact = 0 if unit == "h:mm" else np.count_nonzero(off == 0)
        fits[unit] = np.count_nonzero(off <= near), exact, -near
    best = max(fits, key=fits.get)
    is_most = 2 * fits[best][0] > np.count_nonzero(
        lasting.valid & (lasting.seconds > 0)
    )
    return best if is_most else ""


#: records that two columns have to agree about
_LEAST_AGREED = 3


def minutes_beside(frame, columns, texts, read=()):
    """Whether whole durations are the minutes that another column has in seconds.

    Minutes that have begun, or the nearest; of a column that is not read, and whose
    name says its unit: `seconds`, `Duration (sec)`, `durationMs`.

    :param frame, columns, texts: as :func:`unit_of_times` takes them
    :param read: names of other columns that the source's settings speak of
    :return: `min`, or empty
    """
    read = {same_name(name, frame.columns) for name in read}
    read.update(name for spec in columns for name in spec.resolve(frame.columns))
    others = {
        name: named_unit(name)
        for name in frame.columns
        if name not in read and named_unit(name) in ("s", "ms")
    }
    if not others:
        return ""
    minutes, whole, _unclear = parse_seconds(texts)
    for name, unit in others.items():
        seconds, valid, _unclear = parse_seconds(column(frame, name), "up", unit)
        both = valid & whole & (seconds > 0)
        told, lasting = minutes[both], seconds[both]
        agrees = (told == -(-lasting // 60)) | (told == (lasting + 30) // 60)
        differs = told != lasting
        if agrees.all() and len(np.unique(lasting[differs])) >= _LEAST_AGREED:
            return "min"
    return ""
