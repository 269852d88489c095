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
#: calls count where they begin, talk (seconds) and charge where they are; `top` is the
#: charge of the dearest call, all of it
QUARTER_COLUMNS = ("quarter", "quiet", "calls", "talk", "charge", "top")
#: `rang`: short calls from the range, `rang_at` the first of them; 0: none
RANGE_COLUMNS = (
    "range",
    "zone",
    "risky",
    "calls",
    "talk",
    "charge",
    "top",
    "quiet_calls",
    "first",
    "last",
    "rang",
    "rang_at",
)
_HOW = {
    **dict.fromkeys(("quiet", "zone", "risky", "last", "top"), np.maximum),
    **dict.fromkeys(("first", "rang_at"), np.minimum),
}
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
    columns = {name: calls[name].to_numpy() for name in calls}
    rang = columns["rang"] > 0
    quarters = _quarters(_of(columns, ~rang) if rang.any() else columns)
    columns = _of(columns, (columns["zone"] > 0) & (columns["range"] > 0))
    rang = columns["rang"] > 0
    called = (~rang).astype(np.int64)
    start, talk = columns["start"], columns["talk"]
    ranges = {
        **{name: columns[name] for name in ("partner_id", "range", "zone", "risky")},
        "day": columns["local"] // DAY,
        "calls": called,
        "talk": talk * called,
        "charge": columns["charge"] * called,
        "top": columns["charge"] * called,
        "quiet_calls": _quiet(columns["local"]) * called,
        "first": np.where(rang, _NEVER, start),
        "last": np.where(rang, 0, start + talk),
        "rang": columns["rang"],
        "rang_at": np.where(rang, start, _NEVER),
    }
    return add_up(quarters), add_up(ranges)


def _of(columns, mask):
    return {name: column[mask] for name, column in columns.items()}


def add_up(*parts):
    """Add sums of the same kind to each other.

    :param parts: DataFrames as of :func:`tally`, or dicts of their columns: all of
        quarters, or all of ranges
    :return: one DataFrame, each key once and in order
    """
    kind = "quarter" if "quarter" in parts[0] else "range"
    columns = QUARTER_COLUMNS if kind == "quarter" else RANGE_COLUMNS
    values = {
        name: np.concatenate([np.asarray(part[name], np.int64) for part in parts])
        for name in (*KEYS, *columns)
    }
    partner, day, what = values["partner_id"], values["day"], values[kind]
    if kind == "quarter":
        # A quarter is in one day: one number is sorted sooner than three.
        order = np.argsort(partner << 24 | what, kind="stable")
    else:
        order = np.lexsort((what, day, partner))
    starts = runs(partner[order], day[order], what[order])
    summed = {
        name: _HOW.get(name, np.add).reduceat(column[order], starts)
        if len(starts) and name not in (*KEYS, kind)
        else column[order][starts]
        for name, column in values.items()
    }
    frame = pd.DataFrame(summed)
    return _fewer(frame) if kind == "range" else frame


def runs(*columns):
    """Where runs of equal values begin, int64 array.

    :param columns: equally long arrays, in their order
    """
    begins = np.zeros(len(columns[0]), bool)
    begins[:1] = True
    for column in columns:
        begins[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(begins)


def _fewer(ranges):
    """At most so many ranges a customer and day: those that cost most."""
    starts = runs(ranges["partner_id"].to_numpy(), ranges["day"].to_numpy())
    if not len(starts) or np.diff(starts, append=len(ranges)).max() <= MOST_RANGES:
        return ranges
    by_charge = ranges.sort_values(["charge", "range"], ascending=[False, True])
    kept = by_charge.groupby(list(KEYS)).cumcount() < MOST_RANGES
    return by_charge[kept].sort_values([*KEYS, "range"], ignore_index=True)


def unpack(parts, columns):
    """Sums from the bytes of their columns, rows one after the other.

    :param parts: list of (partner id, day, bytes-like or None)
    :return: DataFrame, in the order of the parts; to be added up
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
    """The parts of calls in their quarter hours: dict of columns."""
    start, talk = calls["start"], calls["talk"]
    end = np.maximum(start + talk, start + 1)
    first = start // QUARTER
    count = np.clip((end - 1) // QUARTER - first + 1, 1, MOST_QUARTERS)
    of = np.repeat(np.arange(len(start)), count)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
    quarter = first[of] + nth
    begin = quarter * QUARTER
    # Of talk and charge: how much there is up to the end of each part.
    all_talk, charge, begun = talk[of], calls["charge"][of], start[of]
    is_first, is_last = nth == 0, np.append(nth[1:] == 0, True)[: len(of)]
    until = np.where(is_last, all_talk, begin + QUARTER - begun)
    spent = np.where(is_last, charge, charge * until // np.maximum(all_talk, 1))
    # Zones are whole quarters apart: midnight cuts none.
    local = begin + calls["local"][of] - begun
    return {
        "partner_id": calls["partner_id"][of],
        "day": local // DAY,
        "quarter": quarter,
        "quiet": _quiet(local),
        "calls": is_first,
        "talk": until - np.where(is_first, 0, np.append(0, until)[:-1]),
        "top": charge,
        "charge": spent - np.where(is_first, 0, np.append(0, spent)[:-1]),
    }
