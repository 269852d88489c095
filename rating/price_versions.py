# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A price that changes within the period.

A price has versions, each in force from its date until the next one begins. How the
charge of a period is put together from them is said by the charge model (`on_change`):

`slice` (standard, graduated, package, percentage)
    The usage is one row in order of time. What was used before a change keeps its
    place in tiers, packages and free units; from there on the new version prices the
    units, as if it had always been in force. Each version charges price(up to its
    end) - price(up to its beginning). For a standard price these are simply the units
    of each version at its price.

`volume`
    The total of the whole period decides the tier, for each version in its own tiers.
    The units used under a version have its unit price; the flat fee is due for its
    share of the time.

`time` (stairstep; and every model on a quantity that cannot be added up: max, min,
average, last, unique)
    Each version prices the quantity of the whole period, and is due for its share of
    the time.

With one version all three are price(quantity).
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from .charge_models import Charge
from .errors import TranslatableError, _lt
from .exact import exact_text
from .steps import Step


@dataclass(frozen=True)
class PriceVersion:
    """A charge model, in force from an instant (microseconds UTC) on."""

    from_us: int
    model: object


@dataclass(frozen=True)
class Span:
    """A part of the period under one version.

    - `quantity`: used in it, where quantities can be added up; None where not
    - `share`: of the period's time
    - `events`: values of the events, if the model prices them
    """

    model: object
    share: Fraction
    quantity: Fraction | None = None
    events: tuple = ()


def versions_in(versions, start_us, end_us):
    """Return the versions in force in [start, end) as (from, to, model).

    :param versions: `PriceVersion`s, in any order
    :raise ValueError: when two begin at the same time, or none is in force at the start
    """
    ordered = sorted(versions, key=lambda version: version.from_us)
    begins = [version.from_us for version in ordered]
    if len(set(begins)) != len(begins):
        raise TranslatableError(_lt("Two versions of the price start at the same time"))
    if not begins or begins[0] > start_us:
        raise TranslatableError(
            _lt("No version of the price is valid at the start of the period")
        )
    found = []
    for version, until in zip(ordered, [*begins[1:], end_us], strict=True):
        low, high = max(version.from_us, start_us), min(until, end_us)
        if low < high or (version is ordered[-1] and not found):
            found.append((low, high, version.model))
    return found


def left_of(units, passed):
    """Return what is left to be priced of a period's units, without the first ones.

    Below 0 (more was taken back than used) nothing is passed over.
    """
    return units if units < 0 else max(units - passed, Fraction(0))


def spans_left(spans, passed):
    """Return the spans without the first `passed` units of the period.

    What is taken back within the period frees the units that it had taken.
    """
    if any(span.quantity is None for span in spans):
        return list(spans)
    found, begin = [], Fraction(0)
    for span in spans:
        events, reached = [], begin
        for value in span.events:
            after = left_of(reached + value, passed)
            events.append(after - left_of(reached, passed))
            reached += value
        end = begin + span.quantity
        quantity = left_of(end, passed) - left_of(begin, passed)
        found.append(replace(span, quantity=quantity, events=tuple(events)))
        begin = end
    return found


def price_spans(spans, total):
    """Price a period whose price changed in it.

    :param spans: `Span`s in order of time, at least one
    :param total: quantity of the whole period
    :return: `Charge`; from the second version on, keys of lines name the version
    """
    additive = all(span.quantity is not None for span in spans)
    lines, steps = [], []
    reached, events = None, []
    for number, span in enumerate(spans, start=1):
        model = span.model
        way = model.on_change if additive else "time"
        if way == "time":
            whole = model.price(total, [e for each in spans for e in each.events])
            part = _scaled(whole, span.share)
        elif way == "volume":
            part = model.price_of(span.quantity, total, span.share)
        else:
            part = _slice(model, span, reached, events)
            reached = (reached or 0) + span.quantity
            events = [*events, *span.events]
        lines += part.lines if number == 1 else _of_version(number, part.lines)
        if len(spans) > 1:
            share = exact_text(span.share)
            steps.append(Step("price_version", {"version": number, "share": share}))
        steps += part.steps
    return Charge(tuple(lines), tuple(steps))


def _slice(model, span, reached, events):
    """Return price(reached + quantity of the span) - price(reached)."""
    if reached is None:
        return model.price(span.quantity, span.events)
    charge = model.price(reached + span.quantity, [*events, *span.events])
    before = model.price(reached, events)
    return Charge(tuple(difference(charge.lines, before.lines)), charge.steps)


def difference(lines, billed):
    """Return the lines that bring what is billed to what is due, by their keys.

    A line whose unit price has changed becomes two: the old one taken back (its key
    with `-credit`), and the new one in full.

    :param lines: `ChargeLine`s that are due, of a whole period
    :param billed: `ChargeLine`s billed before; several may have the same key
    :return: list of `ChargeLine`, those due first
    """
    before = {}
    for line in billed:
        of_key = before.setdefault(line.key, {})
        earlier = of_key.get(line.unit_price)
        quantity = line.quantity + (earlier.quantity if earlier else 0)
        of_key[line.unit_price] = replace(line, quantity=quantity)
    found = []
    for line in lines:
        same = before.get(line.key, {}).pop(line.unit_price, None)
        quantity = line.quantity - (same.quantity if same else 0)
        if quantity:
            found.append(replace(line, quantity=quantity))
    for of_key in before.values():
        for line in of_key.values():
            if line.quantity:
                key = f"{line.key}-credit"
                found.append(replace(line, key=key, quantity=-line.quantity))
    return found


def _of_version(number, lines):
    return [replace(line, key=f"version-{number}-{line.key}") for line in lines]


def _scaled(charge, share):
    if share == 1:
        return charge
    lines = (replace(line, quantity=line.quantity * share) for line in charge.lines)
    return Charge(tuple(lines), charge.steps)
