# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calls of made-up customers, honest and hacked, and a guard that watches them.

Prices are of the tests alone. A number stands for its range: what is open in it is of
no matter to the guard.
"""

import numpy as np
import pandas as pd

from odoo.addons.metered_billing import fraud

DAY, HOUR = 86_400, 3600
UNIT = 1_000_000
#: a Monday in spring 2026, local and UTC alike
MONDAY = 20_549 * DAY
#: zones: 0 is the customer's own country
NEIGHBOR, FAR, ISLAND, PREMIUM = 1, 2, 3, 4
RISKY = {PREMIUM}
#: charge a minute by zone
PRICES = {0: 0.02, NEIGHBOR: 0.08, FAR: 0.25, ISLAND: 0.9, PREMIUM: 1.2}


def calls(starts, seconds, zone=0, number_range=None, partner=1, rang=False):
    """Calls as the guard takes them; all to one zone."""
    starts = np.sort(np.asarray(starts, np.int64))
    seconds = np.broadcast_to(np.asarray(seconds, np.int64), starts.shape)
    price = 0 if rang else PRICES[zone]
    ranges = zone * 10_000 if number_range is None else number_range
    return fraud.calls_frame(
        partner_id=np.full(len(starts), partner),
        start=starts,
        local=starts,
        talk=seconds,
        charge=np.round(seconds / 60 * price * UNIT),
        zone=np.full(len(starts), zone),
        risky=np.full(len(starts), zone in RISKY),
        range=np.broadcast_to(ranges, starts.shape),
        rang=np.full(len(starts), rang),
    )


def office(rng, day, partner=1, calls_a_day=40, abroad=0.1, zones=(NEIGHBOR, FAR)):
    """A day of an office: by day, a little on weekends, some of it abroad."""
    weekday = day % 7
    mean = calls_a_day * (1.0 if weekday < 5 else 0.08)
    parts = []
    for zone in (0, *zones):
        share = 1 - abroad if not zone else abroad / len(zones)
        count = rng.poisson(mean * share * rng.lognormal(0, 0.35))
        hours = np.clip(rng.normal(13, 2.5, count), 6, 21)
        seconds = np.clip(rng.lognormal(4.8, 1.0, count), 5, 5400).astype(int)
        ranges = zone * 10_000 + rng.integers(0, 8, count) if zone else 0
        starts = MONDAY + day * DAY + (hours * HOUR).astype(int)
        parts.append(calls(starts, seconds, zone, ranges, partner))
    return pd.concat(parts, ignore_index=True)


def call_centre(rng, day, partner=1, agents=25):
    """A day of a call centre that dials all day, with a campaign now and then."""
    if day % 7 >= 6:
        return office(rng, day, partner, 10)
    count = int(agents * 60 * (1.6 if rng.random() < 0.1 else 1) * rng.normal(1, 0.1))
    starts = MONDAY + day * DAY + rng.integers(8 * HOUR, 19 * HOUR, max(count, 1))
    seconds = np.clip(rng.lognormal(4.6, 0.9, len(starts)), 3, 3600).astype(int)
    abroad = rng.random(len(starts)) < 0.1
    ranges = NEIGHBOR * 10_000 + rng.integers(0, 200, int(abroad.sum()))
    order = np.argsort(starts)
    starts, seconds, abroad = starts[order], seconds[order], abroad[order]
    return pd.concat(
        [
            calls(starts[~abroad], seconds[~abroad], 0, None, partner),
            calls(starts[abroad], seconds[abroad], NEIGHBOR, ranges, partner),
        ],
        ignore_index=True,
    )


class Guard:
    """What the import does: sums are kept, and each slice is checked."""

    def __init__(self, limits=None, default=None):
        self.limits, self.default = limits, default
        nothing = calls([], [])
        self.quarters, self.ranges = fraud.tally(nothing)
        self.profiles = fraud.Profiles()

    def add(self, some):
        """Add calls without a check: those of the past."""
        quarters, ranges = fraud.tally(some)
        self.quarters = fraud.add_up(self.quarters, quarters)
        self.ranges = fraud.add_up(self.ranges, ranges)

    def learn(self, day, left_out=()):
        """Learn in the night before a day."""
        today = MONDAY // DAY + day
        self.profiles = fraud.learn(self.quarters, self.ranges, today, left_out)

    def store(self, some, peaks=None):
        """Add a slice, and check it: list of findings."""
        if not len(some):
            return []
        self.add(some)
        since = some.groupby("partner_id")["start"].min().to_dict()
        first = min(since.values()) // DAY - 1
        who = list(since)
        quarters, ranges = (
            frame[frame["partner_id"].isin(who) & (frame["day"] >= first)]
            for frame in (self.quarters, self.ranges)
        )
        return fraud.check(
            quarters, ranges, since, self.profiles, self.limits, self.default, peaks
        )

    def until_alarm(self, some, minutes=5, begin=None):
        """Store calls as a sync would that runs every so many minutes.

        :param begin: when the fraud begins; None: with the first call that costs
        :return: (findings, calls until then, charge until then in units of money,
            minutes from the begin); no findings: all were stored
        """
        # A record is there when the call is over.
        ends = some["start"] + some["talk"]
        done = np.sort(ends // (minutes * 60) + 1)
        charge = count = 0
        begin = begin or int(some.loc[some["charge"] > 0, "start"].min())
        for tick in np.unique(done):
            part = some[ends // (minutes * 60) + 1 == tick]
            found = self.store(part)
            count += int((part["rang"] == 0).sum())
            charge += int(part["charge"].sum()) / UNIT
            if found:
                return found, count, charge, (tick * minutes * 60 - begin) / 60
        return [], count, charge, None


def office_guard(rng, days=35, **given):
    """A guard that knows an office for some weeks."""
    guard = Guard()
    guard.add(pd.concat([office(rng, day, **given) for day in range(days)]))
    guard.learn(days)
    return guard
