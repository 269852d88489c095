# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Allowances: what a plan includes, and who takes it.

An allowance is granted for a period to a *pool*: an identifier, a subscription, or a
customer with its child companies; which, is only a column of the calls. The calls of a
pool take from it in the order of (start, id), so that neither order nor batches of the
frame have a meaning; `id` must be the record's own identity (its call id), not a number
given on arrival. A record that is given twice takes once.

Where several allowances fit a call, the one with the lowest priority takes first, then
the next from what is left of the call; an allowance takes whole steps only. Allowances
in seconds, units and records come before those in money, which pay for what is left to
be charged. They take from the beginning of a call; its end is left to the deck, at the
prices that hold there.

Within an allowance, what was rolled over is used before what was granted for the
period, and what expires first is used first.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .charges import DECK_FEE
from .exact import exact, rounded
from .pools import group_starts

SECONDS, UNITS, RECORDS, MONEY = ALLOWANCE_UNITS = (
    "seconds",
    "units",
    "records",
    "money",
)
BILLED, DURATION = MEASURES = ("billed", "duration")

UNLIMITED = 2**62
"""Amount of a balance without an end."""

BALANCE_COLUMNS = ("allowance_id", "key", "amount", "periods_left")
"""A balance: int64 columns. `key` is the pool; `amount` in the allowance's unit (money
in micro-units); `periods_left` after this one in which it may still be used."""


@dataclass(frozen=True)
class Allowance:
    """What is included, for which calls.

    - `unit`: `seconds`, `units` (of the quantity that the frame calls seconds),
      `records`, or `money` (micro-units of the calls' currency)
    - `amount`: for a period and one unit of the line; None = unlimited
    - `fair_use`: cap of an unlimited allowance, None for none
    - `pool`: column of the calls whose equal values share the allowance; 0 = none
    - `meter_ids`, `destination_ids`, `band_ids`: the calls it is for; empty = any
    - `priority`: lower takes first; among equals the lower id
    - `increment`: seconds or units are taken in started steps of so many; a last step
      that does not fit any more is not taken
    - `factor`: how much a second or unit used takes (2: mobiles count double)
    - `measure`: seconds as they are `billed`, or the real `duration`
    - `price_e8`, `per_units`: what is charged for so many units taken (before the
      factor); 0 = included in the plan
    - `fee_e8`: connection fee of a call that it takes from; `DECK_FEE`: that of the
      deck stays. Of several allowances the first that takes decides.
    - `free_calls`: whether calls that the deck charges nothing for take from it
    - `prorated`: whether a part of a period has a part of it
    - `rollover_periods`: how many periods later what is left may be used; 0 = none
    - `rollover_limit`: most that is rolled over in all, None for no limit; what
      expires last is kept
    """

    id: int
    unit: str = SECONDS
    amount: int | None = None
    fair_use: int | None = None
    pool: str = "subscription_id"
    meter_ids: frozenset = frozenset()
    destination_ids: frozenset = frozenset()
    band_ids: frozenset = frozenset()
    priority: int = 0
    increment: int = 1
    factor: int = 1
    measure: str = BILLED
    price_e8: int = 0
    per_units: int = 1
    fee_e8: int = DECK_FEE
    free_calls: bool = False
    prorated: bool = True
    rollover_periods: int = 0
    rollover_limit: int | None = None

    def __post_init__(self):
        for name in ("meter_ids", "destination_ids", "band_ids"):
            object.__setattr__(self, name, frozenset(getattr(self, name)))
        if self.unit not in ALLOWANCE_UNITS:
            raise ValueError(f"Allowance {self.id}: unit {self.unit!r} is unknown")
        if self.measure not in MEASURES:
            raise ValueError(
                f"Allowance {self.id}: measure {self.measure!r} is unknown"
            )
        for name in ("amount", "fair_use", "rollover_limit", "rollover_periods"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < UNLIMITED:
                raise ValueError(f"Allowance {self.id}: {name} {value} is not possible")
        for name in ("increment", "factor", "per_units"):
            if getattr(self, name) < 1:
                raise ValueError(f"Allowance {self.id}: {name} is below 1")
        if self.amount is not None and self.fair_use is not None:
            raise ValueError(
                f"Allowance {self.id}: fair use is for unlimited allowances"
            )
        if self.unit == MONEY and (self.price_e8 or self.fee_e8 != DECK_FEE):
            raise ValueError(f"Allowance {self.id}: money has no price of its own")
        if self.unit in (RECORDS, MONEY) and self.increment != 1:
            raise ValueError(f"Allowance {self.id}: {self.unit} have no increment")

    @property
    def limit(self):
        """Return what it has in a whole period for one unit of the line."""
        limit = self.fair_use if self.amount is None else self.amount
        return UNLIMITED if limit is None else limit


def grant(allowance, key, quantity=1, share=1):
    """Return the balance that a period begins with, a dict of `BALANCE_COLUMNS`.

    :param quantity: of the subscription line, exact
    :param share: of a whole period, 0..1, exact
    """
    amount = allowance.limit
    if amount != UNLIMITED:
        times = exact(quantity) * (exact(share) if allowance.prorated else 1)
        amount = int(rounded(amount * times, 0))
    return {
        "allowance_id": allowance.id,
        "key": key,
        "amount": amount,
        "periods_left": allowance.rollover_periods,
    }


def balances(rows=()):
    """Return a frame of balances from dicts, or from other frames of balances."""
    rows = list(rows)
    if rows and isinstance(rows[0], pd.DataFrame):
        return pd.concat(rows, ignore_index=True)[list(BALANCE_COLUMNS)]
    return pd.DataFrame(
        {
            name: np.array([row[name] for row in rows], np.int64)
            for name in BALANCE_COLUMNS
        }
    )


# ---- what calls take


@dataclass
class Taken:
    """What one allowance took; arrays of one element per call that it took from.

    - `places`: of the calls among those that were asked
    - `rows`: of the calls
    - `quantity`: seconds, units, records or micro-units of money, before the factor
    """

    places: np.ndarray
    rows: np.ndarray
    quantity: np.ndarray


def take(allowance, calls, need, left):
    """Let calls take from an allowance, one after the other, until it is used up.

    :param calls: `PoolCalls`
    :param need: steps that each would take, int64, shape (n,); 0 = none
    :param left: what pools have of it, by their number; what is taken is taken off
    :return: `Taken`
    """
    first = calls.first
    step = allowance.increment * allowance.factor
    sums = np.zeros(len(need) + 1, dtype=np.int64)
    np.cumsum(need, out=sums[1:])
    # of each pool the sum at which its allowance is used up
    before = sums.take(first[:-1])
    ends = before + left.take(calls.pools) // step
    left[calls.pools] -= (np.minimum(sums.take(first[1:]), ends) - before) * step
    # what is left for a call when those before it have taken
    taken = np.repeat(ends, np.diff(first))
    taken -= sums[:-1]
    np.minimum(taken, need, out=taken)
    np.maximum(taken, 0, out=taken)
    places = np.flatnonzero(taken)
    quantity = taken.take(places)
    if allowance.increment > 1:
        quantity *= allowance.increment
    return Taken(places, calls.rows.take(places), quantity)


# ---- balances


def close(allowances, opening, used):
    """Return the balances after a period.

    :param allowances: the `Allowance`s
    :param opening: frame of `BALANCE_COLUMNS`
    :param used: mapping of allowance id -> (keys sorted, amounts taken)
    :return: the opening frame's rows, those that expire first before the others, with
        the columns `used`, `left`, `rolled` (may be used in the next period) and
        `expired` (may not)
    """
    columns = [opening[name].to_numpy() for name in BALANCE_COLUMNS]
    allowance_id, key, _amount, periods_left = columns
    order = np.lexsort((periods_left, key, allowance_id))
    allowance_id, key, amount, periods_left = (c.take(order) for c in columns)
    first = group_starts(allowance_id, key)
    earlier = _sum_before(np.minimum(amount, UNLIMITED), first)
    total = np.zeros(len(order), dtype=np.int64)
    for number, (keys, amounts) in used.items():
        of_allowance = np.flatnonzero(allowance_id == number)
        place = np.searchsorted(keys, key[of_allowance])
        place = np.minimum(place, max(len(keys) - 1, 0))
        if len(keys):
            hit = keys[place] == key[of_allowance]
            total[of_allowance[hit]] = amounts[place[hit]]
    gone = np.clip(total - earlier, 0, amount)
    unlimited = amount == UNLIMITED
    left = np.where(unlimited, UNLIMITED, amount - gone)
    may_roll = (periods_left > 0) & ~unlimited
    rolled = np.where(may_roll, left, 0)
    limits = {
        a.id: a.rollover_limit for a in allowances if a.rollover_limit is not None
    }
    if limits and len(order):
        # what expires last is kept: count from the end of each group
        limit = np.array([limits.get(a, UNLIMITED) for a in allowance_id.tolist()])
        last = group_starts(allowance_id[::-1], key[::-1])
        later = _sum_before(rolled[::-1], last)[::-1]
        rolled = np.clip(limit - later, 0, rolled)
    return pd.DataFrame(
        {
            "allowance_id": allowance_id,
            "key": key,
            "amount": amount,
            "periods_left": periods_left,
            "used": gone,
            "left": left,
            "rolled": rolled,
            "expired": np.where(unlimited, 0, left - rolled),
        },
        copy=False,
    )


def opening_of_next(closing, grants):
    """Return the balances that the next period begins with.

    :param closing: as `close` returns it
    :param grants: frame of the balances granted for the next period
    """
    rolled = closing[closing["rolled"] > 0]
    rolled = rolled.assign(
        amount=rolled["rolled"], periods_left=rolled["periods_left"] - 1
    )
    return balances([rolled, grants])


def totals(opening, allowance_id):
    """Return (keys sorted, amounts) of the balances of an allowance."""
    own = np.flatnonzero(opening["allowance_id"].to_numpy() == allowance_id)
    keys, amounts = (opening[name].to_numpy()[own] for name in ("key", "amount"))
    order = np.argsort(keys, kind="stable")
    keys, amounts = keys[order], amounts[order]
    if not len(keys):
        return keys, amounts
    first = np.flatnonzero(np.append(True, np.diff(keys) != 0))
    return keys[first], np.minimum(np.add.reduceat(amounts, first), UNLIMITED)


def _sum_before(values, first):
    """Return of each element the sum of those before it in its group."""
    if not len(values):
        return values
    before = np.cumsum(values) - values
    return before - np.repeat(before[first], np.diff(np.append(first, len(values))))
