# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the usage of a meter costs in a billing period.

The records come to a quantity, which is converted and rounded once; free units are
passed over; the charge model prices the rest; minimum and maximum of the period follow,
and one rounding. What a price says beside its charge model is that of its last version
in the period that charges.
"""

import datetime
from dataclasses import dataclass, field
from fractions import Fraction

from .charge_models import NoPrice, Terms, model_charge, volume_charge
from .exact import rounded, text

ADDED_UP = ("sum", "count")


@dataclass(frozen=True)
class Version:
    """A price, from a day on.

    :ivar first: None for always
    :ivar charges: False where its period is for statistics only
    :ivar aggregation: what the records of a period are combined into
    :ivar is_basis: whether the price says so, in place of the meter
    :ivar ratio: how many of the priced unit one of the measured is
    :ivar quantity_rounding: None for none; `ceil` and `floor` besides the others
    :ivar decimals, rounding: of the amount
    """

    id: int
    terms: Terms
    first: datetime.date | None = None
    charges: bool = True
    aggregation: str = "sum"
    ratio: Fraction = Fraction(1)
    quantity_rounding: str | None = None
    quantity_decimals: int = 0
    free_units: Fraction = Fraction(0)
    minimum: Fraction | None = None
    maximum: Fraction | None = None
    prorates: bool = False
    currency: int = 0
    decimals: int = 2
    rounding: str = "half_up"
    is_basis: bool = False


@dataclass(frozen=True)
class Record:
    """What is added up: a record, or all of a day.

    :ivar order: within its day
    :ivar value: Fraction, or what is told apart by `unique`
    """

    day: datetime.date
    order: tuple
    value: object
    count: int = 1


@dataclass
class PricedPeriod:
    """What came of it.

    :ivar exact_amount: before the rounding
    """

    quantity: Fraction = Fraction(0)
    exact_amount: Fraction = Fraction(0)
    amount: Fraction = Fraction(0)
    steps: list = field(default_factory=list)


def versions_in(versions, first, end):
    """The versions in force on days of a period: (version, first day, day after)."""
    ordered = sorted(versions, key=lambda v: v.first or datetime.date.min)
    begins = [version.first or datetime.date.min for version in ordered]
    if begins[0] > first:
        raise NoPrice("no version of the price at the beginning of the period")
    return [
        (version, max(begin, first), min(until, end))
        for version, begin, until in zip(
            ordered, begins, [*begins[1:], end], strict=True
        )
        if max(begin, first) < min(until, end)
    ]


def deciding(versions, first, end):
    """The version whose terms beside the charge model count for a period."""
    found = [version for version, _begin, _end in versions_in(versions, first, end)]
    return ([version for version in found if version.charges] or found)[-1]


def combined(records, how):
    """What records come to.

    :param records: list of :class:`Record`
    :return: Fraction
    """
    records = sorted(records, key=lambda record: (record.day, record.order))
    if how == "count":
        return Fraction(sum(record.count for record in records))
    if how == "unique":
        return Fraction(len({record.value for record in records}))
    values = [record.value for record in records]
    if not values:
        return Fraction(0)
    if how == "average":
        return sum(values, Fraction(0)) / sum(record.count for record in records)
    if how == "last":
        return values[-1]
    return {"sum": lambda of: sum(of, Fraction(0)), "max": max, "min": min}[how](values)


def price_period(versions, records, first, end, share=1, measured=None):
    """What a period costs.

    :param versions: of the price, at least one
    :param records: of the whole period: list of :class:`Record`
    :param first, end: its first day, and the first day after it
    :param share: of a whole period
    :param measured: what a level comes to, in place of records
    :return: :class:`PricedPeriod`
    :raises NoPrice: where there is none
    """
    terms = deciding(versions, first, end)
    how, ratio, found = terms.aggregation, terms.ratio, PricedPeriod()
    if how in ("count", "unique"):
        ratio = Fraction(1)
    is_added_up = how in ADDED_UP and measured is None
    if measured is None:
        measured = combined(records, how)
    found.quantity = _rounded_quantity(measured * ratio, terms)
    found.steps.append(
        f"{how} of {sum(r.count for r in records)} records is {text(measured)},"
        f" priced are {text(found.quantity)}"
    )
    parts = []
    for version, begin, until in versions_in(versions, first, end):
        some = [r for r in records if begin <= r.day < until]
        some.sort(key=lambda record: (record.day, record.order))
        values = [Fraction(r.count) if how == "count" else r.value for r in some]
        part = _Part(version, Fraction((until - begin).days, (end - first).days))
        if is_added_up:
            part.events = [value * ratio for value in values]
        parts.append(part)
    # What the rounding adds or takes off belongs to the last part.
    if is_added_up:
        change = found.quantity - measured * ratio
        if parts[-1].events:
            parts[-1].events[-1] += change
        elif change:
            parts[-1].events.append(change)
    free = terms.free_units * share
    billable = _after(found.quantity, free)
    if billable != found.quantity:
        found.steps.append(f"{text(free)} are free, {text(billable)} are left")
    amount = _charge(parts, billable, free, is_added_up)
    found.steps.append(f"{terms.terms.model}: {text(amount)}")
    if terms.minimum is not None:
        amount = max(amount, terms.minimum * share)
    if terms.maximum is not None:
        amount = min(amount, terms.maximum * share)
    found.exact_amount = amount
    found.amount = rounded(amount, terms.decimals, terms.rounding)
    found.steps.append(
        f"with minimum and maximum {text(amount)}, rounded {text(found.amount)}"
    )
    return found


@dataclass
class _Part:
    """A part of a period with one version of the price, and its share of the days."""

    version: Version
    share: Fraction
    events: list = field(default_factory=list)


def _charge(parts, billable, free, is_added_up):
    """Each part by its own charge model, in the way in which that one follows others.

    Units have their place in the row of all units of the period (free ones first), and
    the price that was in force when they were used. Tiers of the volume are found with
    the whole period; what can not be divided is due for a share of the days.
    """
    if not is_added_up:
        return sum(
            (model_charge(p.version.terms, billable) * p.share for p in parts),
            Fraction(0),
        )
    amount, used, before = Fraction(0), Fraction(0), None
    everything = []
    for part in parts:
        for value in part.events:
            everything.append(_after(used + value, free) - _after(used, free))
            used += value
    place = 0
    for part in parts:
        events = everything[place : place + len(part.events)]
        place += len(part.events)
        terms, quantity = part.version.terms, sum(events, Fraction(0))
        if terms.model == "stairstep":
            amount += model_charge(terms, billable) * part.share
        elif terms.model == "volume":
            amount += volume_charge(terms, quantity, billable, part.share)
        else:
            after = [*(before or ()), *events]
            amount += model_charge(terms, sum(after, Fraction(0)), after)
            if before is not None:
                amount -= model_charge(terms, sum(before, Fraction(0)), before)
            before = after
    return amount


def _after(units, passed):
    return units if units < 0 else max(units - passed, Fraction(0))


def _rounded_quantity(quantity, terms):
    how = terms.quantity_rounding
    if how in ("ceil", "floor"):
        how = "up" if (quantity > 0) == (how == "ceil") else "down"
    return rounded(quantity, terms.quantity_decimals, how) if how else quantity
