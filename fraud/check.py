# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What of new calls is suspicious.

Something is suspicious that is both far from what the customer usually does and worth
a person's time: a customer who never called at night may do so for some cents. And it
happens again and again: of charges the dearest call is left out, unless it is so dear
that it counts by itself. A limit that a person set counts alone.

=================  =====================================================================
reason             what was exceeded
=================  =====================================================================
`limit_hour`       the limit of charge within an hour, set by a person
`limit_day`        the same of a day
`limit_at_once`    the same of calls at one time (given as `lines`)
`not_allowed`      a country that is not among those allowed
`hour`             charge of an hour, against the usual and the least amount
`day`              the same of a day
`at_once`          calls at one time, averaged over a quarter hour; and charge
`risky`            premium, satellite or listed numbers that were never called before
`destination`      another country that was never called before: charge of a day
`one_range`        many calls at one time, or one after the other, to a range of a
                   destination that was never called before
`call_back`        calls to a range from which short calls came within a day
`slow_leak`        a range called at quiet times, day after day, little each day
=================  =====================================================================
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

from .profile import LEAK_QUIET_SHARE, Profiles, hour_sums
from .traffic import DAY, QUARTER, runs

UNIT = 1_000_000
#: how many times the usual is suspicious
FACTORS = {"low": 4.0, "normal": 2.5, "high": 1.7}
#: times the least amount
FLOORS = {"low": 2.0, "normal": 1.0, "high": 0.5}
#: days after which a customer is known
KNOWN_DAYS = 7
#: for one that is not, times the least amount
NEW_FACTOR = 2.0
#: parts of the least amount an hour: at quiet times, and of a day
QUIET_SHARE, DAY_SHARE = 0.6, 4.0
#: and of a day to one destination that was never called before
RISKY_SHARE, RANGE_SHARE, BACK_SHARE = 0.4, 0.4, 0.2
#: a call that costs so many times the least amount an hour is no exception
DEAR = 8
#: calls at one time that are never suspicious, by day and at quiet times
LINES = (8_000, 4_000)
#: calls to a new range
RISKY_CALLS, BACK_CALLS, ROW_CALLS, AT_ONCE_CALLS, AT_ONCE_LINES = 5, 3, 20, 8, 4.0
#: short calls from a range that nobody makes by mistake: one call back less is enough
MANY_RINGS = 5
#: of a slow leak
LEAK_DAYS, LEAK_CALLS = 3, 10
#: reasons for which a person set the limit
SET_REASONS = ("limit_hour", "limit_day", "limit_at_once", "not_allowed")
#: what a person took for honest is suspicious again from so many times of it on
ACCEPTED_FACTOR = 2


@dataclass(frozen=True)
class Limits:
    """What a person set for a customer; charges in 1e-6 of the company's currency.

    :ivar floor: charge within an hour that is never suspicious by itself
    :ivar sensitivity: one of :data:`FACTORS`
    :ivar hour, day, lines: limits; None: none
    :ivar zones: zones of allowed countries; None: all
    """

    floor: int = 25 * UNIT
    sensitivity: str = "normal"
    hour: int | None = None
    day: int | None = None
    lines: int | None = None
    zones: frozenset | None = None


class Accepted(NamedTuple):
    """What a person took for honest, until a moment (seconds)."""

    reason: str
    zone: int
    value: int
    until: int


class Finding(NamedTuple):
    """Something suspicious of one customer.

    - `value`, `limit`: charge in 1e-6, thousandths of calls at one time, or calls
    - `first`, `last`: seconds from which and until which the calls began
    - `zone`, `ranges`: which calls; 0 and empty: all that are charged
    """

    partner_id: int
    reason: str
    value: int
    limit: int
    first: int
    last: int
    zone: int = 0
    ranges: tuple = ()


@dataclass
class _Checked:
    """What is checked: sums of the customers, with the sums that are new marked."""

    quarters: pd.DataFrame
    ranges: pd.DataFrame
    limits: dict
    default: Limits
    profiles: Profiles
    findings: list = field(default_factory=list)

    def limit(self, partner):
        return self.limits.get(partner, self.default)


def check(quarters, ranges, since, profiles, limits=None, default=None, peaks=None):
    """Look for what is suspicious.

    :param quarters, ranges: sums, as of :func:`~.traffic.tally`, of customers with new
        calls, from the day before their first new one on
    :param since: dict customer -> seconds of its first new call: what ended before is
        not looked at again
    :param profiles: :class:`~.profile.Profiles`
    :param limits: dict customer -> :class:`Limits`
    :param default: those of all other customers
    :param peaks: dict customer -> (most calls at one time, when), of those for whom
        ``lines`` is set
    :return: list of :class:`Finding`, ordered by customer
    """
    checked = _Checked(
        quarters,
        ranges,
        limits or {},
        default or Limits(),
        profiles,
    )
    if len(quarters):
        _check_quarters(checked, since)
    if len(ranges):
        _check_ranges(checked, since)
    for partner, (peak, moment) in (peaks or {}).items():
        most = checked.limit(partner).lines
        if most is not None and peak > most:
            checked.findings.append(
                Finding(
                    partner, "limit_at_once", peak * 1000, most * 1000, moment, moment
                )
            )
    return sorted(checked.findings)


def honest(findings, accepted):
    """Leave out what a person took for honest before.

    :param accepted: dict customer -> list of :class:`Accepted`
    :return: the other findings
    """
    return [
        finding
        for finding in findings
        if not any(
            each.reason == finding.reason
            and each.zone == finding.zone
            and finding.value < ACCEPTED_FACTOR * each.value
            and finding.first < each.until
            for each in accepted.get(finding.partner_id, ())
        )
    ]


def _check_quarters(checked, since):
    """Charge by hour and day, and calls at one time."""
    quarters = checked.quarters
    hour, tops = hour_sums(quarters)
    begun = _begun(quarters, since)
    is_new = (quarters["quarter"].to_numpy() + 1) * QUARTER > begun
    quarters = quarters.assign(hour=hour, tops=tops)
    days = _days(quarters, begun)
    quarters = quarters[is_new]
    bounds = _bounds(checked, quarters["partner_id"])
    customer = quarters["partner_id"].to_numpy()
    quiet = quarters["quiet"].to_numpy()
    row = bounds.index.get_indexer(customer)

    def bound(name):
        return bounds[name].to_numpy()[row]

    hour = quarters["hour"].to_numpy()
    most_hour = np.where(quiet, bound("hour_quiet"), bound("hour_busy"))
    first = (quarters["quarter"].to_numpy() - 3) * QUARTER
    last = (quarters["quarter"].to_numpy() + 1) * QUARTER
    _worst(checked, "limit_hour", customer, hour, bound("limit_hour"), first, last)
    spared = _dearest(quarters["tops"], bound("floor"))
    _worst(checked, "hour", customer, hour, most_hour, first, last, spared)
    lines = quarters["talk"].to_numpy() * 1000 // QUARTER
    most_lines = np.where(quiet, bound("lines_quiet"), bound("lines_busy"))
    # Many calls that cost nothing are nobody's fraud.
    most_lines = np.where(hour > bound("floor") / 2, most_lines, np.inf)
    _worst(checked, "at_once", customer, lines, most_lines, last - QUARTER, last)
    row = bounds.index.get_indexer(days["partner_id"])
    of_day = (
        days["partner_id"].to_numpy(),
        days["charge"].to_numpy(),
    )
    span = days["first"].to_numpy() * QUARTER, (days["last"].to_numpy() + 1) * QUARTER
    _worst(checked, "limit_day", *of_day, bound("limit_day"), *span)
    spared = _dearest(days["tops"], bound("floor"))
    _worst(checked, "day", *of_day, bound("day"), *span, spared)


def _begun(frame, since):
    """When the first new call of each row's customer began, int64 array."""
    customers = np.array(sorted(since), np.int64)
    seconds = np.array([since[each] for each in customers.tolist()], np.int64)
    return seconds[np.searchsorted(customers, frame["partner_id"].to_numpy())]


def _days(quarters, begun):
    """Sums of the days with new calls: DataFrame."""
    partner, day = (quarters[name].to_numpy() for name in ("partner_id", "day"))
    starts = runs(partner, day)
    ends = np.append(starts[1:], len(day)) - 1
    days = pd.DataFrame(
        {
            "partner_id": partner[starts],
            "charge": np.add.reduceat(quarters["charge"].to_numpy(), starts),
            "tops": np.maximum.reduceat(quarters["top"].to_numpy(), starts),
            "first": quarters["quarter"].to_numpy()[starts],
            "last": quarters["quarter"].to_numpy()[ends],
        }
    )
    return days[(days["last"].to_numpy() + 1) * QUARTER > begun[starts]]


def _dearest(tops, floor):
    """What the dearest call may add to a limit."""
    tops = tops.to_numpy()
    return np.where(tops > DEAR * floor, 0, tops)


def _bounds(checked, customers):
    """What each customer must not exceed: DataFrame indexed by customer."""
    customers = pd.Index(np.unique(customers.to_numpy()))
    levels = checked.profiles.levels.reindex(customers).fillna(0)
    limits = [checked.limit(partner) for partner in customers.tolist()]

    def given(name):
        values = [getattr(limit, name) for limit in limits]
        return np.array([np.inf if v is None else v for v in values], np.float64)

    factor = np.array([FACTORS[limit.sensitivity] for limit in limits])
    is_new = levels["days"].to_numpy() < KNOWN_DAYS
    floor = np.array([FLOORS[limit.sensitivity] * limit.floor for limit in limits])
    floor = floor * np.where(is_new, NEW_FACTOR, 1)

    def beyond(level, least):
        # So few days say nothing that could be multiplied; they may say more.
        return np.maximum(least, levels[level].to_numpy() * factor)

    return pd.DataFrame(
        {
            "floor": floor,
            "hour_busy": beyond("hour_busy", floor),
            "hour_quiet": beyond("hour_quiet", floor * QUIET_SHARE),
            "day": beyond("day", floor * DAY_SHARE),
            "lines_busy": beyond("lines_busy", LINES[0]),
            "lines_quiet": beyond("lines_quiet", LINES[1]),
            "limit_hour": given("hour"),
            "limit_day": given("day"),
        },
        index=customers,
    )


def _worst(checked, reason, customer, value, limit, first, last, spared=0):
    """One finding for each customer that exceeds its limit: from the first time on."""
    for at in np.flatnonzero(value - spared > limit).tolist():
        found = checked.findings[-1] if checked.findings else None
        one = Finding(
            int(customer[at]),
            reason,
            int(value[at]),
            int(limit[at]),
            int(first[at]),
            int(last[at]),
        )
        # They come in the order of customers and times.
        if found and found[:2] == one[:2]:
            checked.findings[-1] = found._replace(
                value=max(found.value, one.value), last=max(found.last, one.last)
            )
        else:
            checked.findings.append(one)


def _check_ranges(checked, since):
    """Destinations and ranges: by customer and day, of watched calls alone."""
    ranges = checked.ranges
    partner, day = (ranges[name].to_numpy() for name in ("partner_id", "day"))
    starts = runs(partner, day)
    is_new = ranges["last"].to_numpy() >= _begun(ranges, since)
    # Of days with something new, all.
    is_new = np.logical_or.reduceat(is_new, starts)
    is_new = np.repeat(is_new, np.diff(starts, append=len(day)))
    rows = ranges[is_new & (ranges["calls"].to_numpy() > 0)]
    rows = rows[_may_be(checked, rows)]
    if not len(rows):
        return
    came = ranges[ranges["rang"] > 0].groupby(["partner_id", "range"])
    came = came.agg({"rang_at": "min", "rang": "sum"})
    rang = dict(zip(came.index, came.to_numpy().tolist(), strict=True))
    for (partner, _day), of_day in rows.groupby(["partner_id", "day"]):
        _check_day(checked, int(partner), of_day, rang)


def _may_be(checked, rows):
    """Which rows are worth a closer look: a bool array. Of a zone, all are or none."""
    partner, zone = rows["partner_id"].to_numpy(), rows["zone"].to_numpy()
    customers, of = np.unique(partner, return_inverse=True)
    levels = checked.profiles.levels.reindex(customers)["days"].fillna(0).to_numpy()
    floor, always = np.zeros(len(customers)), np.zeros(len(customers), bool)
    known = []
    for position, customer in enumerate(customers.tolist()):
        limits = checked.limit(customer)
        floor[position] = FLOORS[limits.sensitivity] * limits.floor
        always[position] = (
            limits.zones is not None or customer in checked.profiles.leaks
        )
        zones = checked.profiles.zones.get(customer, ())
        known += [customer << 33 | zone for zone in zones]
    floor = (floor * np.where(levels < KNOWN_DAYS, NEW_FACTOR, 1))[of]
    # Rows come by customer and day.
    starts = runs(partner, rows["day"].to_numpy())
    day = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(partner)))
    zones, of_zone = np.unique(zone, return_inverse=True)
    _codes, of_zone = np.unique(day * len(zones) + of_zone, return_inverse=True)
    charge = rows["charge"].to_numpy()
    of_all = np.bincount(of_zone, charge)[of_zone]
    calls = rows["calls"].to_numpy()
    candidate = (
        ((rows["risky"].to_numpy() > 0) & (of_all > floor * RISKY_SHARE / 4))
        | ((of_all > floor) & (levels >= KNOWN_DAYS)[of])
        | ((charge > floor * RANGE_SHARE) & (calls >= AT_ONCE_CALLS))
        | ((rows["rang"].to_numpy() > 0) & (charge > floor * BACK_SHARE / 4))
    )
    candidate &= ~np.isin(partner << 33 | zone, np.array(known, np.int64))
    return np.bincount(of_zone, candidate)[of_zone].astype(bool) | always[of]


def _check_day(checked, partner, rows, rang):
    """The ranges that one customer called on one day."""
    limits = checked.limit(partner)
    known = checked.profiles.zones.get(partner, ())
    levels = checked.profiles.levels
    days = int(levels.at[partner, "days"]) if partner in levels.index else 0
    floor = FLOORS[limits.sensitivity] * limits.floor
    floor *= NEW_FACTOR if days < KNOWN_DAYS else 1
    for zone, of_zone in rows.groupby("zone"):
        zone = int(zone)

        def find(reason, value, limit, rows=of_zone, zone=zone):
            checked.findings.append(
                Finding(
                    partner,
                    reason,
                    int(value),
                    int(limit),
                    int(rows["first"].min()),
                    int(rows["last"].max()),
                    zone,
                    tuple(rows["range"].tolist()),
                )
            )

        if limits.zones is not None and zone not in limits.zones:
            find("not_allowed", of_zone["calls"].sum(), 0)
        if zone not in known:
            _check_new(of_zone, floor, days, rang, partner, find)
    leaks = checked.profiles.leaks.get(partner)
    if leaks:
        _check_leaks(checked, partner, rows, leaks, floor)


def _check_new(rows, floor, days, rang, partner, find):
    """A destination that the customer has never called before."""
    charge, calls = int(rows["charge"].sum()), int(rows["calls"].sum())
    top = int(rows["top"].max())
    again = charge - top if top <= DEAR * floor else charge
    if rows["risky"].max():
        least = floor * RISKY_SHARE
        if again > least or (calls >= RISKY_CALLS and charge > least / 4):
            find("risky", charge, least)
    elif again > floor and days >= KNOWN_DAYS:
        find("destination", charge, floor)
    for row in rows.itertuples():
        one = rows[rows["range"] == row.range]
        span = max(row.last - row.first, 1)
        is_crowd = row.calls >= AT_ONCE_CALLS and row.talk / span >= AT_ONCE_LINES
        if row.charge > floor * RANGE_SHARE and (is_crowd or row.calls >= ROW_CALLS):
            find("one_range", row.calls, AT_ONCE_CALLS if is_crowd else ROW_CALLS, one)
        came, rings = rang.get((partner, row.range), (None, 0))
        if came is None or not 0 <= row.last - came < DAY:
            continue
        least = floor * BACK_SHARE
        again = row.charge - row.top
        most = BACK_CALLS - 1 if rings >= MANY_RINGS else BACK_CALLS
        if again > least or (row.calls >= most and row.charge > least / 4):
            find("call_back", row.charge, least, one)


def _check_leaks(checked, partner, rows, leaks, floor):
    for row in rows.itertuples():
        if row.range not in leaks or row.quiet_calls < LEAK_QUIET_SHARE * row.calls:
            continue
        days, calls, charge, _quiet = leaks[row.range]
        charge += row.charge
        if days + 1 >= LEAK_DAYS and calls + row.calls >= LEAK_CALLS and charge > floor:
            checked.findings.append(
                Finding(
                    partner,
                    "slow_leak",
                    int(charge),
                    int(floor),
                    int(row.first),
                    int(row.last),
                    int(row.zone),
                    (int(row.range),),
                )
            )
