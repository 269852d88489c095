# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which of two hours with the same name values are of, by the order of their file.

When clocks are set back, a meter that is read every quarter of an hour has 02:00 to
02:45 twice. In a file that is in the order of time, the second ones begin where the
times go back. Where only one of both is there, nobody can tell which.
"""

import numpy as np


def told_hours(keys, first_us, second_us, twice):
    """Moments of values, as far as their order tells them.

    :param keys: int64 array: what each value is of; below 0 where that is not known
    :param first_us, second_us: int64 arrays, in the first and in the second hour
    :param twice: bool array: which are in an hour that a clock shows twice
    :return: (int64 array of moments, bool array: which can still be in either)
    """
    moments, still = first_us.copy(), twice.copy()
    for key in np.unique(keys[twice & (keys >= 0)]).tolist():
        rows = np.flatnonzero(keys == key)
        back = np.flatnonzero(np.diff(first_us[rows]) <= 0)
        if len(back) != 1 or not twice[rows[back[0] : back[0] + 2]].all():
            continue
        after = rows[back[0] + 1 :]
        after = after[twice[after]]
        moments[after] = second_us[after]
        if (np.diff(moments[rows]) > 0).all():
            still[rows] = False
        else:
            moments[after] = first_us[after]
    return moments, still
