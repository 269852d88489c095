# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a meter's usage of a period costs: everything before and after the charge model.

The order is the tuple `STAGES`, and nowhere else:

1. `_measure`: each value converted to the priced unit, then aggregated
2. `_round_quantity`: the quantity rounded, once
3. `_take_free_units`: free units of the price, from the beginning of the period
4. `_charge`: the charge model, or the models in force one after the other
5. `_limit`: raised to the minimum of the period, lowered to its maximum
6. `_round`: to the currency, once

A period may be billed in slices. The whole of it is priced each time, and what is due
is the difference to what is billed of it (`PricedUsage.due`): so nothing depends on how
it was cut.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from .aggregations import ADDITIVE, Aggregate, aggregate
from .charge_models import ChargeLine, ChargeModel
from .errors import TranslatableError, _lt
from .exact import exact, exact_text, rounded
from .price_versions import (
    PriceVersion,
    Span,
    left_of,
    price_spans,
    spans_left,
    versions_in,
)
from .steps import Step
from .units import Conversion

ALWAYS = -(2**62)

_BELOW_ZERO = {
    "free_units": _lt("Free units cannot be negative: %(value)s"),
    "minimum": _lt("The minimum per period cannot be negative: %(value)s"),
    "maximum": _lt("The maximum per period cannot be negative: %(value)s"),
}


@dataclass(frozen=True)
class UsagePrice:
    """How the usage of a meter is priced.

    - `model`: `ChargeModel`, or a tuple of `PriceVersion`s
    - `aggregation`: see `aggregations`
    - `conversion`: from the unit measured to the unit priced, with the rounding of
      the quantity
    - `free_units`: per period, in the unit priced
    - `minimum`, `maximum`: charge per period, None for none
    - `decimals`, `rounding`: of the amount
    """

    model: ChargeModel | tuple
    aggregation: str = "sum"
    conversion: Conversion = field(default_factory=Conversion)
    free_units: Fraction = Fraction(0)
    minimum: Fraction | None = None
    maximum: Fraction | None = None
    decimals: int = 2
    rounding: str = "half_up"

    def __post_init__(self):
        for name in ("free_units", "minimum", "maximum"):
            value = getattr(self, name)
            value = None if value is None else exact(value)
            object.__setattr__(self, name, value)
            if value is not None and value < 0:
                raise TranslatableError(_BELOW_ZERO[name], value=value)
        if None not in (self.minimum, self.maximum) and self.minimum > self.maximum:
            raise TranslatableError(
                _lt("The minimum per period is greater than the maximum")
            )

    @property
    def versions(self):
        """Return the versions of the price, at least one."""
        if isinstance(self.model, ChargeModel):
            return (PriceVersion(ALWAYS, self.model),)
        return tuple(self.model)


@dataclass
class PricedUsage:
    """The price of a period's usage, and how it came about.

    - `quantity`: in the unit priced
    - `free`: of it, taken by free units
    - `billable`: what the charge model priced
    - `lines`: `ChargeLine`s; their sum is `exact_amount`
    - `charge`: of the model alone; `topup` and `discount`: what the minimum and the
      maximum of the period added and took off
    - `exact_amount`: Fraction; `amount`: Decimal, rounded
    - `steps`: `Step`s
    """

    quantity: Fraction = Fraction(0)
    free: Fraction = Fraction(0)
    billable: Fraction = Fraction(0)
    lines: tuple = ()
    charge: Fraction = Fraction(0)
    topup: Fraction = Fraction(0)
    discount: Fraction = Fraction(0)
    exact_amount: Fraction = Fraction(0)
    amount: Decimal = Decimal(0)
    steps: tuple = ()

    def due(self, billed=0, is_rounded=True):
        """Return what is to be billed of the period now.

        :param billed: exact amount that is billed of it
        :param is_rounded: whether the bill is in the currency of the price, whose
            amounts the price rounds; in another one, what is due is rounded once, when
            it is converted
        :return: Fraction; below 0 more is billed than the period costs
        """
        amount = Fraction(self.amount) if is_rounded else self.exact_amount
        return amount - exact(billed)


@dataclass
class _Work:
    """What is on its way through the stages."""

    price: UsagePrice
    records: object
    period_us: tuple | None
    given: Aggregate | None
    share: Fraction
    result: PricedUsage
    spans: list = field(default_factory=list)

    def say(self, code, **values):
        texts = {
            name: exact_text(value) if isinstance(value, Fraction | Decimal) else value
            for name, value in values.items()
        }
        self.result.steps += (Step(code, texts),)

    def add_line(self, key, amount):
        if amount:
            line = ChargeLine(key, Fraction(1), amount, key)
            self.result.lines += (line,)


def price_usage(
    price,
    records=None,
    quantity=None,
    events=(),
    period_us=None,
    share=1,
):
    """Price the usage of a meter in a period.

    :param price: `UsagePrice`
    :param records: DataFrame as `aggregations.aggregate` takes it: all of the period,
        whether it is billed or not
    :param quantity: instead of records, what is aggregated already, in the unit
        measured (and `events`, the values of its events, where a model prices them)
    :param period_us: (start, end) of the period, microseconds UTC; needed where the
        price has several versions
    :param share: of a whole period, 0..1: the free units, minimum and maximum of a
        part of it
    :return: `PricedUsage`
    :raise ValueError: when there is no price for the usage, saying why
    """
    given = None
    if quantity is not None:
        values = tuple(exact(event) for event in events)
        given = Aggregate(exact(quantity), len(values), values)
    work = _Work(
        price=price,
        records=records,
        period_us=period_us,
        given=given,
        share=exact(share),
        result=PricedUsage(),
    )
    for stage in STAGES:
        stage(work)
    return work.result


def _measure(work):
    """Find the quantity of the period, and of each version of the price in it."""
    price = work.price
    whole = _aggregate(work, work.records)
    quantity = work.result.quantity = _converted(price, whole.quantity)
    work.say(
        "measured",
        aggregation=price.aggregation,
        measured=whole.quantity,
        quantity=quantity,
    )
    additive = price.aggregation in ADDITIVE
    versions = price.versions
    if work.period_us is not None:
        versions = versions_in(versions, *work.period_us)
    elif len(versions) == 1:
        versions = [(None, None, versions[0].model)]
    else:
        raise TranslatableError(_lt("A price with several versions needs the period"))
    if len(versions) == 1:
        events = tuple(_converted(price, value) for value in whole.events)
        used = quantity if additive else None
        work.spans = [Span(versions[0][2], Fraction(1), used, events)]
        return
    start, end = work.period_us
    for low, high, model in versions:
        used, events = None, ()
        if additive:
            if work.records is None:
                raise TranslatableError(
                    _lt("A price with several versions needs the records")
                )
            at_us = work.records["at_us"]
            part = _aggregate(work, work.records[(at_us >= low) & (at_us < high)])
            used = _converted(price, part.quantity)
            events = tuple(_converted(price, value) for value in part.events)
        share = Fraction(high - low, end - start)
        work.spans.append(Span(model, share, used, events))
    if additive and sum(span.quantity for span in work.spans) != quantity:
        raise TranslatableError(_lt("Some records are outside the period"))


def _aggregate(work, records):
    if work.given is not None:
        return work.given
    return aggregate(records, work.price.aggregation, with_events=True)


def _converted(price, quantity):
    """Return a quantity in the unit priced; a number of things has none."""
    if price.aggregation in ("count", "unique"):
        return quantity
    return quantity * price.conversion.ratio


def _round_quantity(work):
    """Round the quantity; what that adds or takes off belongs to the last version."""
    before = work.result.quantity
    after = work.price.conversion.round(before)
    if after == before:
        return
    work.say("quantity_rounded", before=before, after=after)
    last = work.spans[-1]
    if last.quantity is not None:
        events = last.events
        if events:
            events = (*events[:-1], events[-1] + after - before)
        elif not last.quantity:
            # Without usage under the last version: what is added is an event of it.
            events = (after - before,)
        quantity = last.quantity + after - before
        work.spans[-1] = replace(last, quantity=quantity, events=events)
    work.result.quantity = after


def _take_free_units(work):
    """Pass over the first units of the period."""
    result, free = work.result, work.price.free_units * work.share
    result.billable = left_of(result.quantity, free)
    result.free = result.quantity - result.billable
    work.spans = spans_left(work.spans, free)
    if result.free:
        work.say("free_units", free_units=free, taken=result.free)


def _charge(work):
    """Price what is left, by the model or by those in force one after the other."""
    result = work.result
    charge = price_spans(work.spans, result.billable)
    result.lines = tuple(line for line in charge.lines if line.quantity)
    result.charge = charge.amount
    result.steps += charge.steps


def _limit(work):
    """Raise the charge to the minimum of the period, lower it to its maximum."""
    price, result, amount = work.price, work.result, work.result.charge
    if price.minimum is not None:
        minimum = price.minimum * work.share
        result.topup = max(minimum - amount, Fraction(0))
        if result.topup:
            work.say("period_minimum", minimum=minimum, amount=result.topup)
            work.add_line("minimum", result.topup)
    if price.maximum is not None:
        maximum = price.maximum * work.share
        result.discount = max(amount + result.topup - maximum, Fraction(0))
        if result.discount:
            work.say("period_maximum", maximum=maximum, amount=result.discount)
            work.add_line("maximum", -result.discount)
    result.exact_amount = amount + result.topup - result.discount


def _round(work):
    result, price = work.result, work.price
    result.amount = rounded(result.exact_amount, price.decimals, price.rounding)
    work.say(
        "amount_rounded",
        before=result.exact_amount,
        after=result.amount,
        decimals=price.decimals,
        rounding=price.rounding,
    )


STAGES = (
    _measure,
    _round_quantity,
    _take_free_units,
    _charge,
    _limit,
    _round,
)
"""The order in which a price is made; each function takes and changes the `_Work`."""
