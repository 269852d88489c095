# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What calls that are expected will cost, with what calling plans include of them.

Nobody knows the numbers that will be called, so calls of a type are expected to cost
what they cost on average, by the rate deck alone. Then allowances take from them in
their order, as much as is left: of each type in proportion, since the order of calls is
not known either.
"""

from dataclasses import dataclass, field
from fractions import Fraction

MINUTE = 60


@dataclass(frozen=True)
class ExpectedCalls:
    """Calls of a type.

    - `billed`, `quantity`: seconds after and before increments; `records`: how many
    - `charge`: what they cost without a plan
    """

    billed: Fraction
    quantity: Fraction
    records: Fraction
    charge: Fraction


@dataclass(frozen=True)
class ExpectedAllowance:
    """What is left of an allowance.

    - `unit`: "minutes", "units" (seconds), "records" or "money"
    - `left`: in that unit; None: without limit
    - `shares`: key of a type -> how much of its calls the allowance fits, up to 1; None
      fits all calls of all types
    - `factor`: how often each minute counts; `price`: of what it takes, per unit
    """

    unit: str
    left: Fraction | None
    shares: dict | None = None
    factor: int = 1
    price: Fraction = Fraction(0)


@dataclass
class _Rest:
    """What allowances have left of the calls of a type."""

    calls: ExpectedCalls
    share: Fraction = field(default_factory=lambda: Fraction(1))
    cost: Fraction = field(default_factory=Fraction)

    @property
    def charge(self):
        return self.share * self.calls.charge

    def amount(self, unit):
        """Return how much all of the calls are in a unit."""
        if unit == "records":
            return self.calls.records
        return self.calls.billed / MINUTE if unit == "minutes" else self.calls.quantity


def charges_of(calls, allowances):
    """Return what expected calls cost after allowances.

    :param calls: dict key of a call type -> :class:`ExpectedCalls`
    :param allowances: list of :class:`ExpectedAllowance`, in the order in which they
        take; those in money last
    :return: dict key -> Fraction, in the currency of the charges
    """
    rests = {key: _Rest(of_type) for key, of_type in calls.items()}
    for allowance in allowances:
        if allowance.unit == "money":
            _pay(rests, allowance)
        else:
            _take(rests, allowance)
    return {key: rest.cost + rest.charge for key, rest in rests.items()}


def _fitting(rests, allowance):
    """Return (rest, share of the type's calls that it may take), where there is one."""
    for key, rest in rests.items():
        fits = 1 if allowance.shares is None else allowance.shares.get(key, 0)
        share = min(rest.share, Fraction(fits))
        if share:
            yield rest, share


def _take(rests, allowance):
    fitting = [
        (rest, share, share * rest.amount(allowance.unit) * allowance.factor)
        for rest, share in _fitting(rests, allowance)
    ]
    wanted = sum(amount for _rest, _share, amount in fitting)
    part = Fraction(1)
    if allowance.left is not None and wanted > allowance.left:
        part = max(allowance.left, Fraction(0)) / wanted
    for rest, share, amount in fitting:
        rest.cost += allowance.price * amount * part
        rest.share -= share * part


def _pay(rests, allowance):
    fitting = [
        (rest, share, share * rest.calls.charge)
        for rest, share in _fitting(rests, allowance)
    ]
    wanted = sum(amount for _rest, _share, amount in fitting)
    if not wanted:
        return
    part = Fraction(1)
    if allowance.left is not None:
        part = min(max(allowance.left, Fraction(0)) / wanted, part)
    for rest, share, _amount in fitting:
        rest.share -= share * part
