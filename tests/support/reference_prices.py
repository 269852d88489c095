# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The price of a quantity as one would explain it: slow, obvious, one case at a time.

Shares nothing with rating/ but the words of its configurations: mappings with `model`
and the fields of that model. Numbers are fractions of decimals; rounding is done by the
decimal module.
"""

from fractions import Fraction

from odoo.addons.metered_billing.tests.support.reference_rating import round_exactly


class NoPrice(Exception):
    """There is no price for this."""


def exact(value):
    return Fraction(value or 0)


def model_price(config, quantity, events=()):
    """Return the exact price of a quantity; `NoPrice` when there is none."""
    return globals()[f"_{config['model']}"](config, Fraction(quantity), events)


def _standard(config, quantity, _events):
    return quantity * exact(config["unit_price"])


def _parts(tiers, quantity):
    """Return the part of a quantity that lies in each tier."""
    parts, begin = [], Fraction(0)
    for tier in tiers:
        end = tier["up_to"]
        part = quantity - begin
        if end is not None:
            part = min(part, Fraction(end) - begin)
        parts.append(max(part, Fraction(0)))
        begin = quantity if end is None else Fraction(end)
    if sum(parts) != quantity:
        raise NoPrice("above the last tier")
    return parts


def _in_blocks(tier, quantity):
    """Count blocks one by one, the last one being whole when it is started."""
    size = tier.get("block")
    if size is None:
        return quantity
    blocks = 0
    while blocks * size < quantity:
        blocks += 1
    return Fraction(blocks)


def _graduated(config, quantity, _events):
    if quantity < 0:
        raise NoPrice("below 0")
    total = Fraction(0)
    for tier, part in zip(
        config["tiers"], _parts(config["tiers"], quantity), strict=True
    ):
        if part > 0:
            total += _in_blocks(tier, part) * exact(tier.get("unit_price"))
            total += exact(tier.get("flat_fee"))
    if quantity == 0 and config["fee_at_zero"]:
        total += exact(config["tiers"][0].get("flat_fee"))
    return total


def _graduated_percentage(config, quantity, events):
    tiers = [
        {**tier, "unit_price": exact(tier["rate"]) / 100} for tier in config["tiers"]
    ]
    return _graduated({**config, "tiers": tiers}, quantity, events)


def _tier_of(tiers, quantity):
    for tier in tiers:
        if tier["up_to"] is None or quantity <= Fraction(tier["up_to"]):
            return tier
    raise NoPrice("above the last tier")


def _volume(config, quantity, _events):
    if quantity < 0:
        raise NoPrice("below 0")
    if quantity == 0 and not config["fee_at_zero"]:
        return Fraction(0)
    tier = _tier_of(config["tiers"], quantity)
    price = _in_blocks(tier, quantity) * exact(tier.get("unit_price"))
    return price + exact(tier.get("flat_fee"))


def _stairstep(config, quantity, events):
    tiers = [{**tier, "unit_price": 0} for tier in config["tiers"]]
    return _volume({**config, "tiers": tiers}, quantity, events)


def _package(config, quantity, _events):
    if quantity < 0:
        raise NoPrice("below 0")
    paid = max(quantity - exact(config.get("free_units")), Fraction(0))
    packages = round_exactly(
        paid / Fraction(config["size"]), 0, config.get("rounding", "up")
    )
    return Fraction(packages) * exact(config["price"])


def _percentage(config, quantity, events):
    events = [Fraction(event) for event in events] or [quantity]
    if quantity == 0:
        return Fraction(0)
    free_events, free_amount = config.get("free_events"), exact(config["free_amount"])
    total, used, still_free = Fraction(0), Fraction(0), bool(free_events or free_amount)
    for number, amount in enumerate(events, start=1):
        if free_events and number > free_events:
            still_free = False
        if still_free and (not free_amount or used + amount <= free_amount):
            used += amount
            continue
        if still_free:
            amount, still_free = used + amount - free_amount, False
        charge = amount * exact(config["rate"]) / 100 + exact(config.get("fixed_fee"))
        if config.get("event_minimum") is not None:
            charge = max(charge, Fraction(config["event_minimum"]))
        if config.get("event_maximum") is not None:
            charge = min(charge, Fraction(config["event_maximum"]))
        total += charge
    return total


def period_price(config, quantity, share=1):
    """Return (exact amount, the same rounded) of a period.

    :param config: of the model, and `period_free_units`, `minimum`, `maximum`,
        `operation`, `factor`, `quantity_rounding`, `quantity_decimals`, `decimals`,
        `amount_rounding`
    :param quantity: in the unit measured
    """
    factor = Fraction(config["factor"])
    if config["operation"] == "divide":
        factor = 1 / factor
    units = Fraction(quantity) * factor
    if config["quantity_rounding"]:
        decimals = config["quantity_decimals"]
        units = _rounded(units, decimals, config["quantity_rounding"])
    passed = Fraction(config["period_free_units"]) * share
    left = units if units < 0 else max(units - passed, Fraction(0))
    due = _limited(config, model_price(config, left), share)
    return due, _rounded(due, config["decimals"], config["amount_rounding"])


def _limited(config, amount, share):
    if config["minimum"] is not None:
        amount = max(amount, Fraction(config["minimum"]) * share)
    if config["maximum"] is not None:
        amount = min(amount, Fraction(config["maximum"]) * share)
    return amount


def _rounded(value, decimals, rounding):
    if rounding in ("ceil", "floor"):
        away = (value > 0) == (rounding == "ceil")
        rounding = "up" if away else "down"
    return Fraction(round_exactly(value, decimals, rounding))
