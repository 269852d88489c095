# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a call costs.

A call is billed in started increments; a call of no seconds, or below the grace period,
costs nothing. Then come, each once a call: the price of the seconds, the connection
fee, the minimum, the maximum, what a calling plan charges, the rounding, and what an
allowance of money pays.
"""

import datetime
from dataclasses import dataclass, field
from fractions import Fraction

from .exact import rounded, text

_SECOND = datetime.timedelta(seconds=1)


@dataclass
class Call:
    """A call to be charged.

    :ivar start: datetime with time zone
    :ivar seconds: whole
    :ivar meter: its type
    :ivar decks: ids of the decks that are asked, in order
    """

    number: str | None
    start: datetime.datetime
    seconds: int
    meter: int
    decks: tuple


@dataclass
class Cover:
    """What a calling plan took of a call.

    :ivar seconds: billed seconds from the beginning that the deck does not charge
    :ivar without_fee: whether there is no connection fee
    :ivar amount: what the plan charges for it
    :ivar paid: what allowances of money pay of the charge
    """

    seconds: int = 0
    without_fee: bool = False
    amount: Fraction = Fraction(0)
    paid: Fraction = Fraction(0)


@dataclass
class Charged:
    """What became of a call; without a rate, `rate` is None.

    :ivar billed: seconds
    :ivar steps: sentences that lead to the charge
    """

    rate: object = None
    billed: int = 0
    charge: Fraction = Fraction(0)
    steps: list = field(default_factory=list)


def charge_call(book, call, cover=None, rate=None):
    """What a call costs.

    :param book: `rates.RateBook`
    :param call: :class:`Call`
    :param cover: :class:`Cover`
    :param rate: the rate to charge it with, instead of that which is found
    :return: :class:`Charged`
    """
    candidates = [rate] if rate else book.candidates(call)
    rate = rate or book.first(candidates, call.start)
    if rate is None:
        return Charged(steps=["there is no rate"])
    deck = book.decks[rate.deck]
    found = Charged(rate)
    found.steps.append(
        f"deck {deck.name or deck.id}, rate {rate.id}"
        f" ({' '.join(rate.prefixes[:3]) or 'all numbers'}):"
        f" {text(rate.price)} per {rate.per_seconds} s"
    )
    if call.seconds == 0 or call.seconds < rate.grace:
        found.steps.append(f"{call.seconds} s are free: grace {rate.grace} s")
        return found
    increments = increments_of(book, call, rate, candidates)
    found.billed = sum(length for _start, length, _price in increments)
    found.steps.append(
        f"{call.seconds} s in steps of {rate.initial or rate.increment} and"
        f" {rate.increment} s are {found.billed} s"
    )
    found.charge = _amount(deck, rate, increments, cover or Cover(), found.steps)
    return found


def _amount(deck, rate, increments, cover, steps):
    amount, left = Fraction(0), 0
    for start, length, price in increments:
        charged = length - min(max(cover.seconds - start, 0), length)
        amount += charged * price
        left += charged
    if cover.seconds:
        steps.append(f"a plan takes {cover.seconds} s, {left} s are left")
    steps.append(f"the seconds cost {text(amount)}")
    if not cover.without_fee:
        amount += rate.fee
    if left and rate.minimum > 0:
        amount = max(amount, rate.minimum)
    if rate.maximum is not None:
        amount = min(amount, rate.maximum)
    steps.append(f"with connection fee, minimum, and maximum {text(amount)}")
    if cover.amount:
        amount += cover.amount
        steps.append(f"the plan charges {text(cover.amount)}")
    amount = rounded(amount, deck.decimals, deck.rounding)
    steps.append(f"rounded {deck.rounding} to {deck.decimals}: {text(amount)}")
    if cover.paid:
        amount = max(amount - cover.paid, min(amount, Fraction(0)))
        steps.append(f"an allowance pays {text(cover.paid)}: {text(amount)}")
    return amount


def increments_of(book, call, rate, candidates):
    """What a call is billed in.

    :param candidates: rates that may follow where the deck splits calls
    :return: list of (second of the call, seconds, price of a second); those at one
        price are one
    """
    splits = book.decks[rate.deck].crossing == "split" and any(
        other.band for other in candidates
    )
    if not splits and not rate.tiers:
        return [(0, _in_steps(rate, call.seconds), rate.price / rate.per_seconds)]
    found, second, current, looked_at = [], 0, rate, None
    while second < call.seconds:
        at = call.start + second * _SECOND
        # Bands change at whole minutes.
        if second and splits and looked_at != at.replace(second=0, microsecond=0):
            looked_at = at.replace(second=0, microsecond=0)
            current = book.first(candidates, at) or current
        terms = current
        for tier in current.tiers:
            if tier.from_second <= second:
                terms = tier
        length = terms.increment
        if not second:
            length = rate.initial or rate.increment
        price = terms.price / terms.per_seconds
        if found and found[-1][2] == price:
            start, before, _price = found.pop()
            found.append((start, before + length, price))
        else:
            found.append((second, length, price))
        second += length
    return found


def _in_steps(rate, seconds):
    first = rate.initial or rate.increment
    following = max(seconds - first, 0)
    return first + -(-following // rate.increment) * rate.increment
