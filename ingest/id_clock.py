# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether the time that is part of many record ids contradicts the source's time zone.

Asterisk's uniqueid ends with the epoch second at which the channel began
(``1759312800.12``), ids of NetSapiens begin with the moment in UTC
(``20261005140000...``). A zone that is not the switch's puts every call off by whole
quarter hours: by day, evening rates are charged.
"""

import numpy as np
import pyarrow.compute as pc

from .times import SECOND_US, parse_times

QUARTER_US = 900 * SECOND_US
#: a record begins so long before or after its id was made
TOLERANCE_US = 120 * SECOND_US
#: most records say the same; so many have to say anything
LEAST_SHARE, LEAST_RECORDS = 0.8, 5
#: further apart is no time zone
MOST_US = 15 * 3600 * SECOND_US

_EPOCH = r"(?:^|[^0-9])(?P<time>1[0-9]{9})(?:\.[0-9]+)?(?:-[0-9]+)?$"
_STAMP = r"^(?P<time>20[0-9]{12})"


def id_clock(ids, start_us, valid):
    """How much later the times of records are than the ids say that they began.

    :param ids: pyarrow strings
    :param start_us: int64 array, when the records began, as it is read
    :param valid: bool array, whether that could be read
    :return: microseconds, whole quarter hours; negative where the ids say a later
        time; 0 where the ids agree, tell no time, or do not tell the same
    """
    for pattern, style in ((_EPOCH, "epoch"), (_STAMP, "auto")):
        told = pc.struct_field(pc.extract_regex(ids, pattern), "time")
        moments, good = parse_times(told, style, "UTC")
        good &= valid
        rows = np.flatnonzero(good)
        if len(rows) < max(LEAST_RECORDS, LEAST_SHARE * len(ids)):
            continue
        apart = start_us[rows] - moments[rows]
        quarters = np.rint(apart / QUARTER_US).astype(np.int64)
        close = np.abs(apart - quarters * QUARTER_US) <= TOLERANCE_US
        close &= np.abs(apart) <= MOST_US
        found, counts = np.unique(quarters[close], return_counts=True)
        if len(found) and counts.max() >= LEAST_SHARE * len(rows):
            return int(found[counts.argmax()]) * QUARTER_US
    return 0
