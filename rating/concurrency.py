# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How many calls there are at one time, exactly: a sweep over their begins and ends.

No sampler is needed, and no short peak is missed. A call is there from its begin up to,
and without, its end: one that begins in the instant in which another ends is not at the
same time. Legs of one call are one call while any of them lasts.
"""

import numpy as np

from .levels import Levels


def calls_at_once(begin_us, end_us, start_us, stop_us, call=None):
    """Return how many calls there are, as the level of a period.

    :param begin_us, end_us: int64 arrays, microseconds UTC, of calls or of their legs,
        in any order; one that ends when it begins, or before, is none
    :param start_us, stop_us: the period, half-open, of at most 2**62 microseconds;
        calls are cut to it
    :param call: int64 array: which call a leg is of, 0: a call of its own; None: each
        is a call of its own
    :return: `levels.Levels`
    """
    begin_us = np.asarray(begin_us, np.int64)
    end_us = np.asarray(end_us, np.int64)
    if call is not None:
        begin_us, end_us = _joined(begin_us, end_us, np.asarray(call, np.int64))
    begin_us = np.clip(begin_us, start_us, stop_us) - start_us
    end_us = np.clip(end_us, start_us, stop_us) - start_us
    lasts = begin_us < end_us
    # One number for instant and kind is sorted in a fraction of the time of two.
    events = np.concatenate([begin_us[lasts] * 2 + 1, end_us[lasts] * 2])
    events.sort()
    at, level = events // 2, np.cumsum(events % 2 * 2 - 1)
    # Of an instant, what is there after all that happens in it.
    closes = np.append(at[1:] != at[:-1], True)[: len(at)]
    times = np.concatenate([[0], at[closes], [stop_us - start_us]]).astype(np.int64)
    level = np.concatenate([[0], level[closes]]).astype(np.int64)
    lasts = times[:-1] < times[1:]
    times += start_us
    return Levels(times[:-1][lasts], times[1:][lasts], level[lasts])


def _joined(begin_us, end_us, call):
    """Return (begins, ends) of the times for which a leg of each call lasts."""
    ordered = np.sort(call)
    several = ordered[1:][(ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)]
    if not len(several):
        return begin_us, end_us
    several = several[np.append(True, several[1:] != several[:-1])]
    number = np.minimum(np.searchsorted(several, call), len(several) - 1)
    is_leg = several[number] == call
    joined = _joined_legs(begin_us[is_leg], end_us[is_leg], number[is_leg])
    alone = begin_us[~is_leg], end_us[~is_leg]
    return tuple(map(np.concatenate, zip(alone, joined, strict=True)))


def _joined_legs(begin_us, end_us, number):
    """The same of legs alone; their calls are numbered."""
    low = min(int(begin_us.min()), int(end_us.min()))
    span = max(int(begin_us.max()), int(end_us.max())) - low + 1
    is_long = (int(number.max()) + 1) * span > 2**62
    # The calls one after the other, so that no leg of one reaches into the next.
    shift = (number.astype(object) if is_long else number) * span
    order = np.argsort(begin_us - low + shift)
    begin_us, number = begin_us[order], number[order]
    begin, shift = begin_us - low + shift[order], shift[order]
    # The latest end so far of each call: a running maximum that no other call exceeds.
    latest = np.maximum.accumulate(end_us[order] - low + shift)
    starts = np.append(True, begin[1:] > latest[:-1])
    starts[1:] |= number[1:] != number[:-1]
    last = np.append(np.flatnonzero(starts)[1:] - 1, len(order) - 1)
    ends = (latest - shift)[last].astype(np.int64) + low
    return begin_us[starts], ends
