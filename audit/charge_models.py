# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a quantity costs: one function a charge model.

All take the terms, the quantity, and the values of the single events, and return the
exact charge. `NoPrice` is raised where the model has none.
"""

from dataclasses import dataclass
from fractions import Fraction

from .exact import rounded


class NoPrice(Exception):
    """There is no price for this."""


@dataclass(frozen=True)
class Tier:
    """A range of quantities up to one, which belongs to it; None is no end.

    :ivar block: units that are sold together, None where each is sold
    """

    up_to: Fraction | None
    unit_price: Fraction = Fraction(0)
    flat_fee: Fraction = Fraction(0)
    block: Fraction | None = None

    def amount(self, quantity):
        """What units cost at its price; a started block is a whole one."""
        if self.block:
            quantity = -(-quantity // self.block)
        return quantity * self.unit_price


@dataclass(frozen=True)
class Terms:
    """What a charge model is told; each uses some of it.

    :ivar unit_price: of a unit, or of a package
    :ivar rate: percent of each event
    """

    model: str
    unit_price: Fraction = Fraction(0)
    tiers: tuple = ()
    fee_at_zero: bool = True
    beyond: str = "refuse"
    size: Fraction = Fraction(1)
    rounding: str = "up"
    rate: Fraction = Fraction(0)
    fixed_fee: Fraction = Fraction(0)
    free_events: int = 0
    free_amount: Fraction = Fraction(0)
    event_minimum: Fraction | None = None
    event_maximum: Fraction | None = None


def model_charge(terms, quantity, events=()):
    """What a quantity costs.

    :param events: what it is made of, in order of time
    :return: Fraction
    :raises NoPrice: where it has no price
    """
    if quantity < 0 and terms.model not in ("standard", "percentage"):
        raise NoPrice("quantities below 0")
    return _MODELS[terms.model](terms, quantity, list(events))


def volume_charge(terms, quantity, total, fee_share):
    """What a part of a period costs at the tier that the total reaches."""
    if total < 0:
        raise NoPrice("quantities below 0")
    if not total and not terms.fee_at_zero:
        return Fraction(0)
    tier = _reached(terms, total)
    return tier.amount(quantity) + tier.flat_fee * fee_share


def _standard(terms, quantity, _events):
    return quantity * terms.unit_price


def _graduated(terms, quantity, _events):
    if not quantity and not terms.fee_at_zero:
        return Fraction(0)
    amount, begin = Fraction(0), Fraction(0)
    for place, tier in enumerate(terms.tiers):
        if place and quantity <= begin:
            break
        end = tier.up_to
        if tier is terms.tiers[-1] and end is not None and quantity > end:
            if terms.beyond != "last":
                raise NoPrice("quantities beyond the last tier")
            end = None
        reached = quantity if end is None else min(quantity, end)
        amount += tier.amount(reached - begin) + tier.flat_fee
        begin = end if end is not None else quantity
    return amount


def _volume(terms, quantity, _events):
    return volume_charge(terms, quantity, quantity, 1)


def _stairstep(terms, quantity, _events):
    if not quantity and not terms.fee_at_zero:
        return Fraction(0)
    return _reached(terms, quantity).flat_fee


def _package(terms, quantity, _events):
    return rounded(quantity / terms.size, 0, terms.rounding) * terms.unit_price


def _percentage(terms, quantity, events):
    if not quantity:
        return Fraction(0)
    charge, passed = Fraction(0), Fraction(0)
    is_free = bool(terms.free_events or terms.free_amount)
    for place, amount in enumerate(events or [quantity]):
        if terms.free_events and place >= terms.free_events:
            is_free = False
        if is_free:
            if not terms.free_amount or passed + amount <= terms.free_amount:
                passed += amount
                continue
            is_free = False
            amount -= terms.free_amount - passed
        of_event = amount * terms.rate / 100 + terms.fixed_fee
        if terms.event_minimum is not None:
            of_event = max(of_event, terms.event_minimum)
        if terms.event_maximum is not None:
            of_event = min(of_event, terms.event_maximum)
        charge += of_event
    return charge


def _reached(terms, quantity):
    for tier in terms.tiers:
        if tier.up_to is None or quantity <= tier.up_to:
            return tier
    if terms.beyond == "last":
        return terms.tiers[-1]
    raise NoPrice("quantities beyond the last tier")


_MODELS = {
    "standard": _standard,
    "graduated": _graduated,
    # The price of a unit is its percentage.
    "graduated_percentage": _graduated,
    "volume": _volume,
    "stairstep": _stairstep,
    "package": _package,
    "percentage": _percentage,
}
