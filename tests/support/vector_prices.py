# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Cases of other engines about prices of aggregates, put to rating/'s functions.

One function a model: (config, input) -> the answers by the names of `expected`.
"""

from fractions import Fraction

from odoo.addons.metered_billing.rating import (
    Conversion,
    Graduated,
    GraduatedPercentage,
    Package,
    Percentage,
    PricedUsage,
    Standard,
    UsagePrice,
    Volume,
    price_usage,
    rounded,
)


def each(amount, units):
    """Return the price of each of some units; of none it is 0."""
    return amount / units if units > 0 else Fraction(0)


def full_units(given, units):
    """Return the units that a price of one is over, where others are priced."""
    return Fraction(given.get("full_units", given.get("full_units_number", units)))


def conversion_of(config):
    """Return a `Conversion`; OpenMeter calls its roundings so."""
    rounding = config.get("rounding")
    rounding = {"none": None, "ceiling": "ceil"}.get(rounding, rounding)
    return Conversion(config["operation"], config["factor"], rounding)


def usage_price(model, config):
    """Return what Lago, OpenMeter and Flexprice say around a model."""
    conversion = config.get("conversion")
    return UsagePrice(
        model,
        conversion=conversion_of(conversion) if conversion else Conversion(),
        free_units=0 if isinstance(model, Package) else config.get("free_units", 0),
        minimum=config.get("minimum_amount"),
        maximum=config.get("maximum_amount"),
        decimals=config.get("currency_decimals", 2),
    )


def slices(price, given):
    """Price a period with what was used of it before, and what was used before alone.

    :return: (`PricedUsage` of all, that of what was billed; `PricedUsage()` for none)
    """
    before = given.get("units_already_billed_in_period")
    if before is None and given.get("already_billed_amount") is None:
        return price_usage(price, quantity=given["units"]), PricedUsage()
    # It is told in the unit priced.
    before = Fraction(before or 0) / price.conversion.ratio
    whole = price_usage(price, quantity=before + Fraction(given["units"]))
    return whole, price_usage(price, quantity=before)


def _priced(config, given, model, per_unit=None):
    """Price `units` of a period or of a slice of it.

    :param per_unit: units that the price of one is over; None for all
    """
    whole, earlier = slices(usage_price(model, config), given)
    billed = given.get("already_billed_amount")
    billed = earlier.exact_amount if billed is None else Fraction(billed)
    amount = whole.due(billed, is_rounded=False)
    if per_unit is None:
        per_unit = full_units(given, given["units"])
    unit_amount = each(amount, per_unit)
    return {
        "amount": amount,
        "usage_amount": whole.charge - earlier.charge,
        "gross": whole.charge - earlier.charge,
        "billable_units": whole.billable - earlier.billable,
        "minimum_topup": whole.topup,
        "maximum_discount": whole.discount,
        "unit_amount": unit_amount,
        "effective_unit_cost": unit_amount,
    }, whole


def standard(config, given):
    found = _priced(config, given, Standard(config["unit_amount"]))[0]
    return found | {"tier_unit_amount": config["unit_amount"]}


def dynamic(config, given):
    """Price amounts by a markup; OpenMeter rounds each line to the currency."""
    model = Standard(config.get("multiplier", "1"))
    found = _priced(config, given, model)[0]
    if "quantity" in given:
        found["unit_amount"] = each(found["amount"], Fraction(given["quantity"]))
    decimals = config.get("currency_decimals")
    if decimals is not None:
        found = {name: rounded(value, decimals) for name, value in found.items()}
    return found


def package(config, given):
    model = Package(
        config["package_size"],
        config.get("package_amount") or "0",
        config.get("free_units") or "0",
        config.get("round") or "up",
    )
    units = Fraction(given["units"])
    values = model.price(units).steps[0].values
    found = _priced(config, given, model, Fraction(values["paid_units"]))[0]
    found["packages"] = int(values["packages"])
    found["paid_units"] = values["paid_units"]
    found["free_units"] = model.free_units
    found["effective_unit_cost"] = each(found["amount"], units)
    found["tier_unit_amount"] = model.unit_price / model.size
    return found


# ---- tiers


def _up_to_tiers(config):
    return [
        {
            "up_to": tier["up_to"],
            "unit_price": tier.get("unit_price", tier.get("unit_amount")),
            "flat_fee": tier.get("flat_price", tier.get("flat_amount")),
        }
        for tier in config["tiers"]
    ]


def _ranges(config):
    """Return Lago's ranges as tiers, with their beginnings to be checked."""
    return [
        {
            "up_to": row["to"],
            "first": row["from"],
            "flat_fee": row.get("flat"),
            **(
                {"rate": row["rate"]}
                if "rate" in row
                else {"unit_price": row.get("per_unit")}
            ),
        }
        for row in config["ranges"]
    ]


def _fee_at_zero(config):
    """Flexprice, which speaks of `unit_amount`, charges nothing for nothing."""
    return config.get("fee_at_zero", "unit_amount" not in config["tiers"][0])


def tiered_graduated(config, given):
    model = Graduated(_up_to_tiers(config), _fee_at_zero(config))
    found, usage = _priced(config, given, model)
    entered = list(model.tiers.entered(usage.quantity))
    return found | _tier(entered[-1][0], entered[-1][1]) | {"tiers": _filled(entered)}


def _tier(number, tier):
    return {"tier_index": number - 1, "tier_unit_amount": tier.unit_price}


def _filled(entered):
    return [
        {
            "tier": number,
            "units": within,
            "usage": within * tier.unit_price,
            "flat": tier.flat_fee,
        }
        for number, tier, within in entered
    ]


def tiered_volume(config, given):
    model = Volume(_up_to_tiers(config), _fee_at_zero(config))
    found, usage = _priced(config, given, model)
    return found | _tier(*model.tiers.reached(usage.quantity))


def graduated(config, given):
    model = Graduated(_ranges(config))
    found, usage = _priced(config, given, model)
    filled = _filled(model.tiers.entered(usage.quantity))
    found["tiers"] = [
        row
        | {
            "from": bounds["from"],
            "to": bounds["to"],
            "per_unit": model.tiers.rows[row["tier"] - 1].unit_price,
            "per_unit_total": row["usage"],
            "total": row["usage"] + row["flat"],
        }
        for bounds, row in zip(config["ranges"], filled, strict=False)
    ]
    return found


def graduated_percentage(config, given):
    model = GraduatedPercentage(_ranges(config), config.get("fee_at_zero", True))
    found, usage = _priced(config, given, model)
    found["tiers"] = _filled(model.tiers.entered(usage.quantity))
    return found


def volume(config, given):
    model = Volume(_ranges(config))
    total = full_units(given, given["units"])
    charge = model.price_of(given["units"], total)
    of_line = {line.code: line.amount for line in charge.lines}
    return {
        "amount": charge.amount,
        "unit_amount": each(charge.amount, total),
        "flat": of_line.get("tier_fee", 0),
        "per_unit_total": of_line.get("volume", 0),
    }


# ---- events


def _events(given):
    """Return the values of the events; Lago's tests give running totals instead."""
    units = Fraction(given["units"])
    events = [Fraction(value) for value in given.get("event_values") or ()]
    if not events:
        totals = [Fraction(0), *map(Fraction, given.get("running_total") or ())]
        events = [b - a for a, b in zip(totals, totals[1:], strict=False)]
        events += [units - totals[-1]]
        events += [Fraction(0)] * (given.get("events_count", 1) - len(events))
    if sum(events) != units:
        raise AssertionError(f"{events} are not {units} in all")
    return units, events


def percentage(config, given):
    model = Percentage(
        config["rate"],
        config.get("fixed_amount"),
        config.get("free_units_per_events"),
        config.get("free_units_per_total_aggregation"),
        config.get("per_transaction_min_amount"),
        config.get("per_transaction_max_amount"),
    )
    units, events = _events(given)
    charge = model.price(units, events)
    found = {"amount": charge.amount, "unit_amount": each(charge.amount, units)}
    if charge.steps:
        values = charge.steps[0].values
        found |= {
            "free_units": values["free_amount"],
            "paid_units": values["paid_amount"],
            "free_events": values["free_events"],
            "paid_events": values["paying_events"],
        }
    of_line = {line.code: line.amount for line in charge.lines}
    found["percentage_amount"] = of_line.get("percentage", 0)
    found["fixed_fee_amount"] = of_line.get("fixed_fee", 0)
    found["min_max_adjustment_amount"] = of_line.get("event_limits", 0)
    return found


# ---- groups and buckets


def _inner(config):
    inner = config["inner"]
    if inner["model"] == "standard":
        return Standard(inner["unit_amount"])
    if inner["model"] == "package":
        return Package(
            inner["package_size"],
            inner["package_amount"],
            rounding=inner.get("round") or "up",
        )
    model = {"tiered_graduated": Graduated, "tiered_volume": Volume}[inner["model"]]
    return model(_up_to_tiers(inner), _fee_at_zero(inner))


def _groups(config, quantities):
    price = UsagePrice(_inner(config))
    amounts = [price_usage(price, quantity=of).exact_amount for of in quantities]
    return {"amount": sum(amounts), "group_amounts": amounts}


def bucketed_max(config, given):
    return _groups(config, given["bucket_max"])


def grouped(config, given):
    return _groups(config, given["group_units"])
