# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""In which unit durations are as long as the times of their calls say."""

import numpy as np

from .durations import UNITS, parse_seconds
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
