# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Billing steps: 60/6 = the first 60 seconds at once, then every started 6."""

import numpy as np


def started(seconds, increment):
    """Return how many increments have started within `seconds` (integers >= 0)."""
    return -(-seconds // increment)


def billed_seconds(seconds, initial, increment):
    """Return the seconds that a call is billed for.

    :param seconds: duration, int64 >= 0, shape (n,); 0 seconds are billed as 0
    :param initial: first step in seconds, >= 0; 0 = the same as the others
    :param increment: each further step in seconds, >= 1
    :return: int64, shape (n,); at least `seconds`
    """
    beyond = np.maximum(seconds - initial, 0)
    billed = initial + started(beyond, increment) * increment
    return np.where(seconds > 0, billed, 0)
