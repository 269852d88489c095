# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From billed seconds to the charge of a call.

The order is: usage, connection fee, minimum, maximum, rounding; each once a call.
Usage is a ratio: numerator / denominator in e8, because 0.1 a minute has no exact
price a second. Everything up to the rounding is kept as numerators over that one
denominator.
"""

import math
from dataclasses import dataclass

import numpy as np

from . import money

GRACE = 1
"""Reason: shorter than the grace period, free."""
MINIMUM = 2
"""Reason: raised to the minimum charge."""
MAXIMUM = 4
"""Reason: lowered to the maximum charge."""
SPLIT = 8
"""Reason: charged at more than one rate."""
FREE_ZERO = 16
"""Reason: no seconds, free."""
TIERED = 32
"""Reason: charged in more than one tier of its rate."""
COVERED = 64
"""Reason: an allowance took a part of it, or all."""

DECK_FEE = -1
"""`Cover.fee`: the connection fee of the rate stays."""


@dataclass
class Terms:
    """What a rate says about the whole call; arrays of shape (n,) or scalars.

    `fee`, `minimum` (0 = none) and `maximum` (-1 = none) in e8; `decimals` and
    `rounding` (a code) come from the deck.
    """

    fee: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    decimals: np.ndarray
    rounding: np.ndarray

    def take(self, rows):
        """Return the terms of some calls."""
        return Terms(
            self.fee[rows],
            self.minimum[rows],
            self.maximum[rows],
            self.decimals[rows],
            self.rounding[rows],
        )


@dataclass
class Cover:
    """What a calling plan has taken of calls; arrays of shape (n,), integers.

    - `seconds`: billed seconds that the deck does not charge, from the beginning of
      the call; 0 = the plan has not touched the call
    - `fee`: connection fee in e8 instead of the rate's, `DECK_FEE` for that of the
      rate
    - `amount`, `denominator`: what the plan charges for these seconds, as a ratio in
      e8; the deck's minimum and maximum do not concern it
    """

    seconds: np.ndarray
    fee: np.ndarray
    amount: np.ndarray
    denominator: np.ndarray

    def __len__(self):
        return len(self.seconds)

    def take(self, rows):
        """Return the cover of some calls."""
        return Cover(
            self.seconds[rows],
            self.fee[rows],
            self.amount[rows],
            self.denominator[rows],
        )

    def of_piece(self, start, billed):
        """Return how many of the billed seconds of a piece are covered."""
        return np.clip(self.seconds - start, 0, billed)

    def terms(self, terms, rest):
        """Return the terms of the calls for what is left to the deck.

        :param terms: `Terms` of the rates
        :param rest: seconds left, shape (n,); without any there is no minimum
        """
        return Terms(
            np.where(self.fee == DECK_FEE, terms.fee, self.fee),
            np.where(rest > 0, terms.minimum, 0),
            terms.maximum,
            terms.decimals,
            terms.rounding,
        )


@dataclass
class Amounts:
    """The way to the charge: numerators over `denominator` in e8, shape (n,)."""

    usage: np.ndarray
    with_fee: np.ndarray
    limited: np.ndarray
    denominator: np.ndarray
    charge_micro: np.ndarray
    reason: np.ndarray


def amounts(usage, denominator, terms, extra=None):
    """Return the amounts of calls from the numerators of their usage.

    A minimum of 0 is none, so it does not lift a negative price to 0. The maximum is
    applied after the minimum and therefore wins.

    :param usage: integers (int64, or object where int64 could overflow), shape (n,)
    :param denominator: positive integers of the same dtype, shape (n,)
    :param extra: numerators that no limit concerns, added before the rounding
    """
    dtype = usage.dtype
    with_fee = usage + terms.fee.astype(dtype, copy=False) * denominator
    limited = with_fee
    reason = np.zeros(len(usage), dtype=np.int8)
    if (terms.minimum > 0).any():
        minimum = terms.minimum.astype(dtype, copy=False) * denominator
        raised = (terms.minimum > 0) & (limited < minimum).astype(bool)
        limited = np.where(raised, minimum, limited)
        reason[raised] |= MINIMUM
    if (terms.maximum >= 0).any():
        maximum = terms.maximum.astype(dtype, copy=False) * denominator
        lowered = (terms.maximum >= 0) & (limited > maximum).astype(bool)
        limited = np.where(lowered, maximum, limited)
        reason[lowered] |= MAXIMUM
    if extra is not None:
        limited = limited + extra
    charge = money.round_charge(limited, denominator, terms.decimals, terms.rounding)
    return Amounts(usage, with_fee, limited, denominator, charge, reason)


def charge_at_one_rate(price, billed, per_seconds, terms):
    """Charge calls that have one price from beginning to end.

    int64 where that is exact, Python integers for the calls where it might not be.

    :param price: e8 per `per_seconds`, int64, shape (n,)
    :param billed: seconds, int64, shape (n,)
    :return: (charge_micro int64, reason int8, too_large bool), shape (n,)
    """
    wide = ~_fits(price, billed, per_seconds, terms)
    if not wide.any():
        found = amounts(price * billed, per_seconds, terms)
        return found.charge_micro, found.reason, wide
    charge = np.zeros(len(price), dtype=np.int64)
    reason = np.zeros(len(price), dtype=np.int8)
    narrow = np.flatnonzero(~wide)
    found = amounts(
        price[narrow] * billed[narrow], per_seconds[narrow], terms.take(narrow)
    )
    charge[narrow], reason[narrow] = found.charge_micro, found.reason
    rows = np.flatnonzero(wide)
    usage = price[rows].astype(object) * billed[rows].astype(object)
    charge[rows], reason[rows], wide[rows] = charge_exactly(
        usage, per_seconds[rows], terms.take(rows)
    )
    return charge, reason, wide


def charge_pieces(pieces, terms, extra=None):
    """Charge calls that consist of pieces at different prices.

    int64 where all of it fits, else Python integers.

    :param pieces: list of (price in e8, per seconds, seconds), each int64 (n,); none
        for calls that are covered to their end
    :param extra: (numerators, denominators) in e8 that no limit concerns; needed where
        there are no pieces
    :return: (charge_micro int64, reason int8, too_large bool), shape (n,)
    """
    denominators = [per_seconds for _price, per_seconds, _seconds in pieces]
    if extra is not None:
        denominators.append(extra[1])
    if not _pieces_fit(pieces, terms, extra, denominators):
        pieces = [tuple(c.astype(object) for c in piece) for piece in pieces]
        extra = extra and tuple(column.astype(object) for column in extra)
        denominators = [column.astype(object) for column in denominators]
    dtype = denominators[0].dtype
    constant = [_constant(column) for column in denominators]
    if None not in constant:
        # the usual case, and much faster than a common multiple for each call
        denominators = constant
        common = math.lcm(*constant)
    else:
        common = np.lcm.reduce(denominators)
    usage = np.zeros(len(terms.fee), dtype=dtype)
    for (price, _per_seconds, seconds), per_seconds in zip(
        pieces, denominators, strict=False
    ):
        usage = usage + _times(price * seconds, common // per_seconds)
    if extra is not None:
        extra = _times(extra[0], common // denominators[-1])
    common = np.broadcast_to(np.asarray(common, dtype=dtype), usage.shape)
    if usage.dtype == object:
        return charge_exactly(usage, common, terms, extra)
    found = amounts(usage, common, terms, extra)
    return found.charge_micro, found.reason, np.zeros(len(usage), dtype=bool)


def charge_exactly(usage, denominator, terms, extra=None):
    """Charge calls in Python integers, whatever their size.

    :return: (charge_micro int64, reason int8, too_large bool), shape (n,); a charge
        that no int64 holds is 0 and too large
    """
    if extra is not None:
        extra = extra.astype(object)
    found = amounts(usage.astype(object), denominator.astype(object), terms, extra)
    too_large = (abs(found.charge_micro) > money.INT64_MAX).astype(bool)
    charge = np.where(too_large, 0, found.charge_micro).astype(np.int64)
    return charge, found.reason, too_large


def _fits(price, billed, per_seconds, terms):
    """Say for each call whether int64 holds every number on the way; bool (n,)."""
    if not len(price):
        return np.ones(0, dtype=bool)
    limits = (terms.fee, terms.minimum, terms.maximum)
    usage = _largest(price) * _largest(billed)
    fixed = sum(_largest(limit) for limit in limits) * _largest(per_seconds)
    scaled = _largest(per_seconds) * 10**money.PRICE_DECIMALS
    if usage + fixed < money.SAFE and scaled < money.SAFE:
        return np.ones(len(price), dtype=bool)
    half = money.SAFE // 2
    each = half // (len(limits) * per_seconds)
    fits = np.abs(price) <= half // np.maximum(billed, 1)
    for limit in limits:
        fits &= np.abs(limit) <= each
    return fits & (per_seconds < money.SAFE // 10**money.PRICE_DECIMALS)


def _pieces_fit(pieces, terms, extra, denominators):
    """Say whether int64 holds every number on the way, for all of the calls."""
    if not len(terms.fee):
        return True
    # no common multiple is larger than the product
    common = math.prod(map(_largest, denominators))
    amount = sum(_largest(price) * _largest(s) for price, _per, s in pieces)
    amount += sum(map(_largest, (terms.fee, terms.minimum, terms.maximum)))
    if extra is not None:
        if extra[0].dtype == object:
            return False
        amount += _largest(extra[0])
    return max(amount, 10**money.PRICE_DECIMALS) * common < money.SAFE


def _constant(column):
    """Return the one value of a column as a Python integer, None for several."""
    if not len(column):
        return 1
    return int(column[0]) if (column == column[0]).all() else None


def _times(values, factor):
    """Multiply, unless by one."""
    return values if np.ndim(factor) == 0 and factor == 1 else values * factor


def _largest(values):
    """Return the largest magnitude, as a Python integer that cannot overflow."""
    return max(abs(int(values.max())), abs(int(values.min())))
