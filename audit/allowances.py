# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What calls take of allowances, decided call by call.

The calls of a period take in the order of their start, and of their identity where they
start together. Of the allowances that fit a call the one with the lowest sequence takes
first. Seconds, units and calls come before money, which pays for what is left to be
charged. What charges a price of its own when an allowance is used up comes after all
that is included. A step that does not fit any more is not taken.
"""

from dataclasses import dataclass, field
from fractions import Fraction

from .call_charge import Cover, charge_call

MICRO = 10**6


@dataclass(frozen=True)
class Term:
    """An allowance; with a negative number, its own price when it is used up.

    :ivar unit: `minutes`, `units`, `records`, or `money`
    :ivar scope: `customer`, `subscription`, or `identifier`: who shares it
    :ivar currency: that calls must be charged in, 0 for any
    :ivar increment: seconds or units that are taken together
    :ivar factor: how much one that is used takes
    :ivar price: of a minute, unit or call that is taken
    :ivar rolls: for how many periods what is left may be used
    :ivar limit: most that is rolled over, in the smallest unit; None for no limit
    """

    id: int
    sequence: int
    unit: str
    scope: str
    currency: int = 0
    meters: frozenset = frozenset()
    destinations: frozenset = frozenset()
    bands: frozenset = frozenset()
    increment: int = 1
    factor: int = 1
    price: Fraction = Fraction(0)
    waives_fee: bool = False
    free_calls: bool = False
    rolls: int = 0
    limit: int | None = None

    @property
    def order(self):
        """Its place among the others."""
        return self.id < 0, self.sequence, self.id


@dataclass
class Balance:
    """What there is of an allowance in a period.

    :ivar lots: list of [amount, periods after this one in which it may be used], in
        the smallest unit: seconds, micro-units of money; None where it has no end
    """

    lots: list | None
    used: int = 0

    @property
    def left(self):
        """What is left; None where it has no end."""
        if self.lots is None:
            return None
        return sum(amount for amount, _periods in self.lots) - self.used

    def take(self, steps, size):
        """Take so many steps of a size, as far as there are; how many were taken."""
        if self.lots is not None:
            steps = min(steps, self.left // size)
        self.used += steps * size
        return steps

    def rolled(self, limit):
        """What may be used in the next period: lots, those that expire first first.

        What expires first is used first. Of what is left, what expires last is kept.
        """
        kept, used = [], self.used
        for amount, periods in sorted(self.lots or (), key=lambda lot: lot[1]):
            gone = min(amount, used)
            used -= gone
            if periods and amount > gone:
                kept.append([amount - gone, periods])
        room, found = limit, []
        for amount, periods in reversed(kept):
            part = amount if room is None else min(amount, room)
            room = None if room is None else room - part
            if part:
                found.insert(0, [part, periods])
        return found


@dataclass
class Taken:
    """What became of a call.

    :ivar entries: dict number of an allowance -> [quantity, billed seconds]
    """

    charge: Fraction
    billed: int
    entries: dict = field(default_factory=dict)
    steps: list = field(default_factory=list)


def take(book, call, terms, balances, about, rate=None):
    """Let a call take of allowances, and charge what is left.

    :param call: `call_charge.Call`
    :param terms: list of :class:`Term`
    :param balances: dict (number of an allowance, identifier or 0) ->
        :class:`Balance`; what is taken is taken off
    :param about: :class:`About` the call
    :param rate: to charge it with, instead of that which is found
    :return: :class:`Taken`
    """
    plain = charge_call(book, call, rate=rate)
    found = Taken(plain.charge, plain.billed, steps=plain.steps)
    if plain.rate is None or not plain.billed:
        return found
    fitting = [
        (term, balance)
        for term in sorted(terms, key=lambda term: term.order)
        if (plain.charge or term.free_calls) and about.fits(term, plain.rate)
        if (balance := balances.get((term.id, about.key(term)))) is not None
    ]
    cover = Cover()
    for term, balance in fitting:
        left = plain.billed - cover.seconds
        if term.unit == "money" or left <= 0:
            continue
        quantity, seconds = _take(term, balance, left)
        if not quantity:
            continue
        if not cover.seconds:
            cover.without_fee = term.waives_fee
        cover.seconds += seconds
        units = 60 if term.unit == "minutes" else 1
        cover.amount += term.price * quantity / units
        found.entries[term.id] = [quantity, seconds]
    if cover.seconds:
        covered = charge_call(book, call, cover, rate)
        found.charge, found.steps = covered.charge, covered.steps
    charge = int(found.charge * MICRO)
    for term, balance in fitting:
        if term.unit == "money" and charge > 0:
            part = balance.take(charge // term.factor, term.factor)
            # A step is a micro-unit of the call.
            if part:
                charge -= part
                found.entries[term.id] = [part, 0]
    found.charge = Fraction(charge, MICRO)
    return found


def _take(term, balance, left):
    """(Quantity, billed seconds that it covers) that a call takes of `left`."""
    if term.unit == "records":
        steps = balance.take(1, term.factor)
        return steps, left if steps else 0
    wanted = -(-left // term.increment)
    steps = balance.take(wanted, term.increment * term.factor)
    quantity = steps * term.increment
    return quantity, left if steps == wanted else quantity


@dataclass(frozen=True)
class About:
    """What decides whether an allowance is for a call.

    :ivar own: whether the subscription bills it
    """

    meter: int
    destination: int
    band: int
    currency: int
    identifier: int
    own: bool

    def key(self, term):
        """Whose balance it takes from."""
        return self.identifier if term.scope == "identifier" else 0

    def fits(self, term, rate):
        """Whether a call with this rate may take of an allowance."""
        return (
            (not term.meters or self.meter in term.meters)
            and (not term.destinations or self.destination in term.destinations)
            and (not term.bands or rate.band in term.bands)
            and term.currency in (0, self.currency)
            and (term.scope == "customer" or self.own)
            and (term.scope != "identifier" or bool(self.identifier))
        )
