# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What customers called, summed so far that it can be added to.

All that is asked of a call is asked of two sums a customer and day: of its quarter
hours, and of the ranges of numbers that are watched. A sum does not depend on the order
or on the portions in which calls come. Times are whole seconds since 1970 UTC, money is
in 1e-6 of the company's currency, and days are the customer's own, as days since 1970.
"""

import numpy as np
import pandas as pd

QUARTER = 900
DAY = 86_400
#: local hours outside of which, and on weekends, it is quiet
BUSY_HOURS = (7, 20)
#: quarters that one call is spread over at most: longer ones are cut to two days
MOST_QUARTERS = 192
#: digits at the end of a number that a range leaves open: regulators and carriers
#: hand out blocks of a thousand to ten thousand numbers
OPEN_DIGITS = 4
#: ranges that are kept of one customer and day: who calls more is no victim of one
MOST_RANGES = 500

#: of all sums
KEYS = ("partner_id", "day")
#: calls count where they begin, talk (seconds) and charge where they are
QUARTER_COLUMNS = ("quarter", "quiet", "calls", "talk", "charge")
#: `rang`: short calls from the range, `rang_at` the first of them; 0: none
RANGE_COLUMNS = (
    "range",
    "zone",
    "risky",
    "calls",
    "talk",
    "charge",
    "quiet_calls",
    "first",
    "last",
    "rang",
    "rang_at",
)
_HOW = dict.fromkeys(("quiet", "zone", "risky", "last"), "max") | dict.fromkeys(
    ("first", "rang_at"), "min"
)
_NEVER = 2**62


def calls_frame(**columns):
    """Calls as :func:`tally` takes them.

    :param columns: equally long arrays: `partner_id`, `start` and `local` (seconds of
        the begin, UTC and on the customer's clock), `talk`, `charge`, `zone` (of a
        number that is watched, else 0), `risky`, `range`, `rang` (whether it is a short
        call from the range; all others are calls to it)
    """
    return pd.DataFrame({k: np.asarray(v, np.int64) for k, v in columns.items()})


def ranges_of(number_keys, digits):
    """The ranges of numbers: the digits without the last ones.

    :param number_keys: int64 array, as from ``rating.number_keys``
    :param digits: int64 array: digits of each number
    :return: int64 array, 0 for what is no international number
    """
    kept = np.clip(digits - OPEN_DIGITS, 1, 15)
    is_e164 = (number_keys > 0) & (number_keys < 10**15)
    return np.where(is_e164, number_keys // 10 ** (15 - kept), 0)


def tally(calls):
    """Sum calls by customer and day.

    :param calls: DataFrame as of :func:`calls_frame`
    :return: (quarters, ranges): DataFrames of :data:`KEYS` and their columns
    """
    calls = calls.assign(quiet=_quiet(calls["local"]), day=calls["local"] // DAY)
    quarters = _quarters(calls[calls["rang"] == 0])
    watched = calls[(calls["zone"] > 0) & (calls["range"] > 0)]
    rang = watched["rang"] > 0
    called = (~rang).astype(np.int64)
    ranges = watched[["partner_id", "day", "range", "zone", "risky", "rang"]].assign(
        calls=called,
        talk=watched["talk"] * called,
        charge=watched["charge"] * called,
        quiet_calls=watched["quiet"] * called,
        first=np.where(rang, _NEVER, watched["start"]),
        last=np.where(rang, 0, watched["start"] + watched["talk"]),
        rang_at=np.where(rang, watched["start"], _NEVER),
    )
    return add_up(quarters), add_up(ranges)


def add_up(*parts):
    """Add sums of the same kind to each other.

    :param parts: DataFrames as of :func:`tally`, all of quarters or all of ranges
    :return: one DataFrame, each key once
    """
    frame = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    kind = "quarter" if "quarter" in frame else "range"
    order = [*KEYS, *(QUARTER_COLUMNS if kind == "quarter" else RANGE_COLUMNS)]
    how = {name: _HOW.get(name, "sum") for name in order if name not in (*KEYS, kind)}
    frame = frame.groupby([*KEYS, kind], as_index=False, sort=True).agg(how)[order]
    if kind == "range":
        frame = _fewer(frame)
    return frame.astype(np.int64)


def _fewer(ranges):
    """At most so many ranges a customer and day: those that cost most."""
    if len(ranges) <= MOST_RANGES:
        return ranges
    by_charge = ranges.sort_values(["charge", "range"], ascending=[False, True])
    kept = by_charge.groupby(list(KEYS)).cumcount() < MOST_RANGES
    return by_charge[kept].sort_values([*KEYS, "range"], ignore_index=True)


def pack(frame, columns):
    """Sums as bytes, a part for each customer and day.

    :return: list of (partner id, day, bytes), in the order of the keys
    """
    values = frame[list(columns)].to_numpy(np.int64)
    keys = frame[list(KEYS)].to_numpy(np.int64)
    starts = np.flatnonzero(np.any(np.diff(keys, axis=0, prepend=keys[:1] - 1), axis=1))
    ends = np.append(starts, len(keys))[1:]
    return [
        (int(keys[start, 0]), int(keys[start, 1]), values[start:end].tobytes())
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


def unpack(parts, columns):
    """The sums that :func:`pack` made bytes of.

    :param parts: list of (partner id, day, bytes-like or None)
    """
    parts = [part for part in parts if part[2]]
    joined = b"".join(bytes(part[2]) for part in parts)
    values = np.frombuffer(joined, np.int64) if joined else np.zeros(0, np.int64)
    values = values.reshape(-1, len(columns))
    counts = [len(part[2]) // (8 * len(columns)) for part in parts]
    frame = pd.DataFrame(values, columns=list(columns))
    for position, name in enumerate(KEYS):
        frame.insert(
            position,
            name,
            np.repeat(np.array([part[position] for part in parts], np.int64), counts),
        )
    return frame


def _quiet(local):
    """1 for nights and weekends of the local clock, else 0."""
    hour = local // 3600 % 24
    # 1970-01-01 was a Thursday.
    weekend = (local // DAY + 3) % 7 >= 5
    busy = (hour >= BUSY_HOURS[0]) & (hour < BUSY_HOURS[1]) & ~weekend
    return (~busy).astype(np.int64)


def _quarters(calls):
    """The parts of calls in their quarter hours."""
    start = calls["start"].to_numpy()
    end = np.maximum(start + calls["talk"].to_numpy(), start + 1)
    first = start // QUARTER
    count = np.clip((end - 1) // QUARTER - first + 1, 1, MOST_QUARTERS)
    of = np.repeat(np.arange(len(calls)), count)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    quarter = first[of] + nth
    begin, finish = quarter * QUARTER, (quarter + 1) * QUARTER
    # Of talk and charge: how much there is up to the end of each part.
    all_talk = calls["talk"].to_numpy()[of]
    is_last = np.append(nth[1:] == 0, True)[: len(of)]
    until = np.where(is_last, all_talk, finish - start[of])
    charge = calls["charge"].to_numpy()[of]
    spent = np.where(is_last, charge, charge * until // np.maximum(all_talk, 1))
    local = begin + (calls["local"].to_numpy() - start)[of]
    # A zone may be half an hour off, no quarter is cut by midnight.
    return pd.DataFrame(
        {
            "partner_id": calls["partner_id"].to_numpy()[of],
            "day": local // DAY,
            "quarter": quarter,
            "quiet": _quiet(local),
            "calls": (nth == 0).astype(np.int64),
            "talk": until - np.where(nth == 0, 0, np.append(0, until)[:-1]),
            "charge": spent - np.where(nth == 0, 0, np.append(0, spent)[:-1]),
        }
    )
