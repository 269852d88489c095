# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Cases of other engines about prices of aggregates, put to rating/'s functions.

One function a model: (config, input) -> the answers by the names of `expected`.
"""

import datetime
from decimal import Decimal
from fractions import Fraction

import pandas as pd

from odoo.addons.metered_billing.rating import proration
from odoo.addons.metered_billing.rating.aggregations import aggregate
from odoo.addons.metered_billing.rating.charge_models import (
    Graduated,
    GraduatedPercentage,
    Package,
    Percentage,
    Stairstep,
    Standard,
    Volume,
    price_peaks,
)
from odoo.addons.metered_billing.rating.charge_models.tiers import Tiers
from odoo.addons.metered_billing.rating.rebill import (
    Progress,
    amount_due,
    difference,
)
from odoo.addons.metered_billing.rating.units import Conversion
from odoo.addons.metered_billing.rating.usage_price import (
    Billed,
    UsagePrice,
    price_groups,
    price_usage,
)
from odoo.addons.metered_billing.tests.reference_rating import instant


def _moment(text):
    return datetime.datetime.fromisoformat(text)


def _each(amount, units):
    return amount / units if units else Fraction(0)


def _priced(config, given, model):
    """Price `units` with what Lago, OpenMeter and Flexprice say around a model."""
    billed = None
    before = given.get("units_already_billed_in_period")
    amount = given.get("already_billed_amount")
    if before is not None or amount is not None:
        billed = Billed(Fraction(before or 0), amount)
    price = UsagePrice(
        model,
        minimum=config.get("minimum_amount"),
        maximum=config.get("maximum_amount"),
    )
    usage = price_usage(price, quantity=given["units"], billed=billed)
    gross = usage.charge
    return {
        "amount": usage.exact_amount,
        "usage_amount": gross,
        "gross": gross,
        "minimum_topup": usage.topup - (Fraction(amount or 0) if amount is None else 0),
        "maximum_discount": usage.discount,
        "unit_amount": _each(usage.exact_amount, Fraction(given["units"])),
    }, usage


def standard(config, given):
    return _priced(config, given, Standard(config["unit_amount"]))[0]


def dynamic(config, given):
    price = UsagePrice(
        Standard(config["multiplier"]), decimals=config["currency_decimals"]
    )
    return {"amount": price_usage(price, quantity=given["units"]).amount}


def package(config, given):
    model = Package(
        config["package_size"],
        config.get("package_amount", "0"),
        config.get("free_units", "0"),
        config.get("round", "up"),
    )
    found, usage = _priced(config, given, model)
    whole = model.price(Fraction(given["units"]))
    values = whole.steps[0].values
    found["packages"] = int(values["packages"])
    found["paid_units"] = values["paid_units"]
    found["free_units"] = config.get("free_units", "0")
    found["effective_unit_cost"] = found["unit_amount"]
    return found


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
                else {"unit_price": row["per_unit"]}
            ),
        }
        for row in config["ranges"]
    ]


def _fee_at_zero(config):
    """Flexprice, which speaks of `unit_amount`, charges nothing for nothing."""
    return "unit_amount" not in config["tiers"][0]


def tiered_graduated(config, given):
    model = Graduated(_up_to_tiers(config), _fee_at_zero(config))
    found, usage = _priced(config, given, model)
    entered = list(model.tiers.entered(Fraction(given["units"])))
    found["tier_index"] = entered[-1][0] - 1
    found["tiers"] = [
        {
            "tier": number,
            "units": within,
            "usage": within * tier.unit_price,
            "flat": tier.flat_fee,
        }
        for number, tier, within in entered
    ]
    return found


def tiered_volume(config, given):
    model = Volume(_up_to_tiers(config), _fee_at_zero(config))
    found, _usage = _priced(config, given, model)
    number, _tier = model.tiers.reached(Fraction(given["units"]))
    found["tier_index"] = number - 1
    return found


def graduated(config, given):
    model = Graduated(_ranges(config))
    found, _usage = _priced(config, given, model)
    found["tiers"] = [
        {
            "from": row["from"],
            "to": row["to"],
            "units": within,
            "per_unit": tier.unit_price,
            "per_unit_total": within * tier.unit_price,
            "flat": tier.flat_fee,
            "total": within * tier.unit_price + tier.flat_fee,
        }
        for row, (_number, tier, within) in zip(
            config["ranges"],
            model.tiers.entered(Fraction(given["units"])),
            strict=False,
        )
    ]
    return found


def graduated_percentage(config, given):
    return _priced(config, given, GraduatedPercentage(_ranges(config)))[0]


def prorated_graduated(config, given):
    pairs = zip(given["event_units"], given["event_prorated_units"], strict=True)
    return {"amount": Graduated(_ranges(config)).price_prorated(pairs).amount}


def volume(config, given):
    model = Volume(_ranges(config))
    total = given["full_units"] if config.get("prorated") else given["units"]
    charge = model.price_of(given["units"], total)
    of_line = {line.code: line.amount for line in charge.lines}
    return {
        "amount": charge.amount,
        "unit_amount": _each(charge.amount, Fraction(total)),
        "flat": of_line.get("tier_fee", 0),
        "per_unit_total": of_line.get("volume", 0),
    }


def percentage(config, given):
    model = Percentage(
        config["rate"],
        config.get("fixed_amount"),
        config.get("free_units_per_events"),
        config.get("free_units_per_total_aggregation"),
        config.get("per_transaction_min_amount"),
        config.get("per_transaction_max_amount"),
    )
    units = Fraction(given["units"])
    events = [Fraction(value) for value in given.get("event_values", ())]
    if not events:
        totals = [Fraction(0), *map(Fraction, given["running_total"])]
        events = [b - a for a, b in zip(totals, totals[1:], strict=False)]
        events += [units - totals[-1]]
        events += [Fraction(0)] * (given["events_count"] - len(events))
    if sum(events) != units:
        raise AssertionError(f"{events} are not {units} in all")
    charge = model.price(units, events)
    found = {
        "amount": charge.amount,
        "unit_amount": _each(charge.amount, units),
    }
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
    return found


# ---- blocks and capacities


def _block_tiers(rows, policy):
    """Return Kill Bill's tiers: so many blocks of a size each, one on the other."""
    end, tiers = Fraction(0), []
    for row in rows:
        size = Fraction(row["block_size"])
        end = None if row["max_blocks"] is None else end + size * row["max_blocks"]
        tiers.append({"up_to": end, "unit_price": row["block_price"], "block": size})
    return Tiers(tiers, "last" if policy == "TOP_TIER" else "refuse")


def _block_models(config):
    model = {"ALL_TIERS": Graduated, "TOP_TIER": Volume}[config["policy"]]
    rows = config.get("units", {"": config.get("tiers")})
    return {
        unit: model(_block_tiers(of_unit, config["policy"]))
        for unit, of_unit in rows.items()
    }


def _of_units(given):
    units = given["units"]
    return units if isinstance(units, dict) else {"": units}


def _blocks(config, given):
    models = _block_models(config)
    charges = {
        unit: models[unit].price(quantity)
        for unit, quantity in _of_units(given).items()
    }
    amount = sum((charge.amount for charge in charges.values()), Fraction(0))
    lines = [line for charge in charges.values() for line in charge.lines]
    return {
        "amount": amount,
        "per_unit": {unit: charge.amount for unit, charge in charges.items()},
        "tiers": [
            {"tier": line.values["tier"], "amount": line.amount} for line in lines
        ],
        "tier": lines[-1].values["tier"],
    }


block_tiers_all = block_tiers_top = _blocks


def rebill_delta(config, given):
    models = _block_models(config)
    due, detail = Fraction(0), []
    of_unit = given.get("already_billed_detail", ())
    for unit, quantity in _of_units(given).items():
        lines = models[unit].price(quantity).lines
        due += sum(line.amount for line in lines)
        prices = {n: tier.unit_price for n, _begin, tier in models[unit].tiers}
        billed = [
            line
            for row in of_unit
            if row["unit"] == unit
            for line in models[unit].price(_up_to(models[unit], row)).lines
            if line.values["tier"] == row["tier"]
        ]
        detail += [
            {
                "unit": unit,
                "tier": line.values["tier"],
                "quantity": line.quantity,
                "price": prices[line.values["tier"]],
                "amount": line.amount,
            }
            for line in difference(lines, billed, keep_zero=True)
            if line.quantity or line.values["tier"] == 1
        ]
    decimals = config.get("currency_decimals", 2)
    amount = amount_due(due, given["already_billed"], decimals)
    return {
        "amount": amount,
        "items": int(amount != 0),
        "detail": sorted(detail, key=lambda row: (row["unit"], row["tier"])),
    }


def _up_to(model, row):
    """Return the units with which a tier has sold a quantity of blocks."""
    for number, begin, tier in model.tiers:
        if number == row["tier"]:
            return begin + Fraction(row["quantity"]) * tier.block
    raise AssertionError(row)


def capacity_tiers(config, given):
    units = {unit for tier in config["tiers"] for unit in tier["max"]}
    models = {
        unit: Stairstep(
            [
                {"up_to": tier["max"][unit], "flat_fee": tier["price"]}
                for tier in config["tiers"]
            ]
        )
        for unit in units
    }
    return {"amount": price_peaks(models, given["peak_units"]).amount}


# ---- groups and buckets


def _inner(config):
    inner = config["inner"]
    if inner["model"] == "standard":
        return Standard(inner["unit_amount"])
    if inner["model"] == "package":
        return Package(
            inner["package_size"], inner["package_amount"], rounding=inner["round"]
        )
    model = {"tiered_graduated": Graduated, "tiered_volume": Volume}[inner["model"]]
    return model(_up_to_tiers(inner), _fee_at_zero(inner))


def _groups(config, quantities):
    price = UsagePrice(_inner(config))
    return {"amount": price_groups(price, dict(enumerate(quantities)))[0]}


def bucketed_max(config, given):
    return _groups(config, given["bucket_max"])


def grouped(config, given):
    return _groups(config, given["group_units"])


# ---- quantities


def unit_conversion(config, given):
    rounding = config["rounding"]
    conversion = Conversion(
        config["operation"], config["factor"], None if rounding == "none" else rounding
    )
    return {"units": conversion.convert(given["units"])}


def round_units(config, given):
    function = {"round": "half_up"}.get(config["function"], config["function"])
    conversion = Conversion(rounding=function, decimals=config["precision"])
    return {"units": conversion.round(given["units"])}


def allowance_per_period(config, given):
    price = UsagePrice(Standard(1), free_units=config["free_units_per_period"])
    before = given["units_already_metered_in_period"]
    usage = price_usage(price, quantity=given["units"], billed=Billed(before))
    earlier = price_usage(price, quantity=before)
    return {
        "billable_units": usage.billable,
        "free_units_used_now": usage.free,
        "free_units_used_before": earlier.free,
        "billable_units_before": earlier.billable,
    }


def weighted_sum(config, given):
    records = pd.DataFrame(
        {
            "id": range(len(given["events"])),
            "at_us": [instant(event["timestamp"]) for event in given["events"]],
            "value": [Decimal(event["value"]) for event in given["events"]],
        }
    ).astype({"at_us": "int64"})
    period = (instant(config["period_start"]), instant(config["period_end_exclusive"]))
    found = aggregate(records, "weighted", period)
    return {"units": found.quantity, "count": found.count}


# ---- periods


def spending_minimum(config, given):
    price = UsagePrice(
        Standard(config["unit_amount"]),
        minimum=Fraction(config["charge_min_amount_cents"], 100),
        decimals=2,
    )
    share = Fraction(config["active_days"], config["period_days"])
    usage = price_usage(price, quantity=given["units"], share=share)
    return {
        "usage_fee_cents": usage.charge * 100,
        "true_up_fee_cents": (usage.amount - Decimal(int(usage.charge * 100)) / 100)
        * 100,
    }


def progressive_billing(config, given):
    model, progress, total = Standard(config["unit_amount"]), Progress(), Fraction(0)
    threshold = Fraction(config["threshold_cents"], 100)
    invoices = []
    first, last = map(datetime.date.fromisoformat, config["period"].split("/"))
    for event in given["events"]:
        total += model.price(event["units"]).amount
        after = progress.usage(total, [threshold])
        if after != progress:
            invoices.append(after.invoiced - progress.invoiced)
        progress = after
    plan = Fraction(config["plan_amount_cents"], 100)
    share = Fraction(1)
    if "terminated_on" in config:
        day = datetime.date.fromisoformat(config["terminated_on"])
        day += datetime.timedelta(days=1)
        share -= proration.share_of_days(first, last, day)
    fees = total + Fraction(proration.prorate(plan, share, 2))
    return {
        "threshold_invoice_cents": invoices[0] * 100,
        "threshold_invoices": len(invoices),
        "final_fees_cents": fees * 100,
        "progressive_credit_cents": progress.invoiced * 100,
        "final_total_cents": (fees - progress.invoiced) * 100,
    }


def proration_day_based(config, given):
    first, last, change = (
        datetime.date.fromisoformat(config[name])
        for name in ("period_first_day", "period_last_day_inclusive", "change_date")
    )
    share = proration.share_of_days(first, last, change)
    if share != Fraction(config["remaining_days"], config["period_days"]):
        raise AssertionError(f"{share} of the days")
    credit, charge, net = proration.change_of_price(
        given["old_amount"],
        given["new_amount"],
        share,
        config["currency_decimals"],
    )
    return {"credit": credit, "charge": charge, "net": net}


def proration_second_based(config, given):
    share = proration.share_of_time(
        *map(
            _moment,
            (config["period_start"], config["period_end"], given["change_date"]),
        )
    )
    return {"amount": proration.prorate(given["amount"], share, config["decimals"])}


def credit_cap(config, given):
    credit = proration.limited_credit(
        given["potential_credit"],
        given["original_amount_paid"],
        given["previous_credits"],
    )
    return {"credit": credit}


def calendar_days(config, given):
    start, end = _moment(given["start"]), _moment(given["end"])
    return {"days": proration.calendar_days(start, end, config["timezone"])}
