# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a meter's usage of a period costs: everything before and after the charge model.

The order is the tuple `STAGES`, and nowhere else:

1. `_measure`: each value converted to the priced unit, then aggregated
2. `_round_quantity`: the quantity rounded, once
3. `_take_free_units`: free units of the price, from the beginning of the period
4. `_take_allowance`: included units of the customer's plan, what is left of them
5. `_charge`: the charge model, or the models in force one after the other
6. `_limit`: raised to the minimum of the period, lowered to its maximum
7. `_subtract_billed`: what was billed of the period before
8. `_round`: to the currency, once

A period may be billed in slices: `Billed` says what came before. The whole period is
recomputed, and what is due is the difference.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

from .aggregations import ADDITIVE, Aggregate, aggregate
from .charge_models import Charge, ChargeLine, ChargeModel
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
from .rebill import difference
from .steps import Step
from .units import Conversion

ALWAYS = -(2**62)

_BELOW_ZERO = {
    "free_units": _lt("The free units %(value)s are below 0"),
    "minimum": _lt("The minimum %(value)s of a period is below 0"),
    "maximum": _lt("The maximum %(value)s of a period is below 0"),
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
            raise TranslatableError(_lt("The minimum of a period is above its maximum"))

    @property
    def versions(self):
        """Return the versions of the price, at least one."""
        if isinstance(self.model, ChargeModel):
            return (PriceVersion(ALWAYS, self.model),)
        return tuple(self.model)


@dataclass(frozen=True)
class Billed:
    """What is billed of a period before.

    - `quantity`: in the unit priced, before free units
    - `amount`: exact; None for what the price makes of the quantity
    """

    quantity: Fraction = Fraction(0)
    amount: Fraction | None = None


@dataclass
class PricedUsage:
    """The price of a period's usage, and how it came about.

    - `quantity`: in the unit priced, with what was billed before
    - `free`, `included`: of it, taken by free units and by the plan's allowance, now
    - `billable`: what the charge model priced now
    - `lines`: `ChargeLine`s; their sum is `exact_amount`
    - `charge`: of the model alone, now; `topup` and `discount`: what the minimum and
      the maximum of the period added and took off
    - `exact_amount`: Fraction; `amount`: Decimal, rounded
    - `steps`: `Step`s
    """

    quantity: Fraction = Fraction(0)
    free: Fraction = Fraction(0)
    included: Fraction = Fraction(0)
    billable: Fraction = Fraction(0)
    lines: tuple = ()
    charge: Fraction = Fraction(0)
    topup: Fraction = Fraction(0)
    discount: Fraction = Fraction(0)
    exact_amount: Fraction = Fraction(0)
    amount: Decimal = Decimal(0)
    steps: tuple = ()


@dataclass
class _Work:
    """What is on its way through the stages."""

    price: UsagePrice
    records: object
    period_us: tuple | None
    given: Aggregate | None
    allowance: Fraction
    billed: Billed | None
    share: Fraction
    result: PricedUsage
    spans: list = field(default_factory=list)
    new: Fraction = Fraction(0)
    before: Fraction = Fraction(0)
    passed_over: Fraction = Fraction(0)
    whole: Charge = Charge()
    earlier: Charge = Charge()
    due: Fraction = Fraction(0)

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
    allowance=0,
    billed=None,
    share=1,
):
    """Price the usage of a meter in a period.

    :param price: `UsagePrice`
    :param records: DataFrame as `aggregations.aggregate` takes it
    :param quantity: instead of records, what is aggregated already, in the unit
        measured (and `events`, the values of its events, where a model prices them)
    :param period_us: (start, end) of the period, microseconds UTC; needed where the
        price has several versions or the aggregation is `weighted`
    :param allowance: included units that the customer's plan has in this period
    :param billed: `Billed`, or None for the first bill of the period. Of an additive
        aggregation, records and quantity are those not billed yet; of another one,
        all of the period.
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
        allowance=exact(allowance),
        billed=billed,
        share=exact(share),
        result=PricedUsage(),
    )
    for stage in STAGES:
        stage(work)
    return work.result


def price_groups(price, quantities, **options):
    """Price each group of a period by itself (the peak of each hour, each region).

    :param quantities: mapping of group -> quantity
    :return: (exact sum of their amounts, mapping of group -> `PricedUsage`)
    """
    priced = {
        group: price_usage(price, quantity=quantity, **options)
        for group, quantity in quantities.items()
    }
    total = sum((usage.exact_amount for usage in priced.values()), Fraction(0))
    return total, priced


def _measure(work):
    """Find the quantity of the period, and of each version of the price in it."""
    price = work.price
    whole = _aggregate(work, work.records)
    work.new = _converted(price, whole.quantity)
    work.say(
        "measured",
        aggregation=price.aggregation,
        measured=whole.quantity,
        quantity=work.new,
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
        used = work.new if additive else None
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
    if additive and sum(span.quantity for span in work.spans) != work.new:
        raise TranslatableError(_lt("There are records outside of the period"))


def _aggregate(work, records):
    if work.given is not None:
        return work.given
    how = work.price.aggregation
    return aggregate(records, how, work.period_us, with_events=how == "sum")


def _converted(price, quantity):
    """Return a quantity in the unit priced; a number of things has none."""
    if price.aggregation in ("count", "unique"):
        return quantity
    return quantity * price.conversion.ratio


def _round_quantity(work):
    """Round the quantity; what that adds or takes off belongs to the last version."""
    rounded_quantity = work.price.conversion.round(work.new)
    if rounded_quantity == work.new:
        return
    work.say("quantity_rounded", before=work.new, after=rounded_quantity)
    last = work.spans[-1]
    if last.quantity is not None:
        quantity = last.quantity + rounded_quantity - work.new
        events = last.events
        if events:
            events = (*events[:-1], events[-1] + rounded_quantity - work.new)
        work.spans[-1] = replace(last, quantity=quantity, events=events)
    work.new = rounded_quantity


def _take_free_units(work):
    """Pass over the first units of the period, whichever slice they are billed in."""
    if work.billed is not None and work.price.aggregation in ADDITIVE:
        work.before = exact(work.billed.quantity)
    work.result.quantity = work.before + work.new
    free = work.price.free_units * work.share
    work.result.free = _pass_over(work, free)
    if work.result.free:
        work.say("free_units", free_units=free, taken=work.result.free)


def _take_allowance(work):
    work.result.included = _pass_over(work, work.allowance)
    if work.result.included:
        work.say("allowance", allowance=work.allowance, taken=work.result.included)


def _pass_over(work, units):
    """Leave out the next units; return how many of them are new in this slice."""
    low, units = work.passed_over, max(units, Fraction(0))
    work.passed_over += units
    return max(
        min(work.before + work.new, low + units) - max(work.before, low), Fraction(0)
    )


def _charge(work):
    """Price the whole period, and what was billed of it before; the rest is new."""
    passed = work.passed_over
    before = left_of(work.before, passed)
    total = left_of(work.before + work.new, passed)
    work.result.billable = total - before
    spans = spans_left(work.spans, work.before, passed)
    if work.before:
        first = spans[0]
        events = (before, *first.events) if first.events and before else first.events
        spans[0] = replace(first, quantity=first.quantity + before, events=events)
    work.whole = price_spans(spans, total)
    if work.billed is not None and work.price.aggregation in ADDITIVE:
        work.earlier = spans[0].model.price(before)
    work.result.lines = tuple(difference(work.whole.lines, work.earlier.lines))
    work.result.charge = work.whole.amount - work.earlier.amount
    work.result.steps += work.whole.steps
    work.due = work.whole.amount


def _limited(work, amount):
    """Return (amount, raised by, lowered by) of the period's limits."""
    price, topup, discount = work.price, Fraction(0), Fraction(0)
    if price.minimum is not None:
        topup = max(price.minimum * work.share - amount, Fraction(0))
    if price.maximum is not None:
        discount = max(amount + topup - price.maximum * work.share, Fraction(0))
    return amount + topup - discount, topup, discount


def _limit(work):
    result, price = work.result, work.price
    work.due, result.topup, result.discount = _limited(work, work.whole.amount)
    if result.topup:
        minimum = price.minimum * work.share
        work.say("period_minimum", minimum=minimum, amount=result.topup)
        work.add_line("minimum", result.topup)
    if result.discount:
        maximum = price.maximum * work.share
        work.say("period_maximum", maximum=maximum, amount=result.discount)
        work.add_line("maximum", -result.discount)


def _subtract_billed(work):
    """Take off what was billed before, less what its lines were taken off for."""
    result, billed = work.result, Fraction(0)
    if work.billed is not None:
        earlier = work.earlier.amount
        billed = work.billed.amount
        billed = _limited(work, earlier)[0] if billed is None else exact(billed)
        work.add_line("billed", earlier - billed)
        work.say("billed", whole=work.due, billed=billed)
    result.exact_amount = work.due - billed


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
    _take_allowance,
    _charge,
    _limit,
    _subtract_billed,
    _round,
)
"""The order in which a price is made; each function takes and changes the `_Work`."""
