# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Cases of Kill Bill about blocks and capacities, put to rating/'s functions.

One function a model: (config, input) -> the answers by the names of `expected`.
"""

from dataclasses import replace
from fractions import Fraction

from odoo.addons.metered_billing.rating import (
    Graduated,
    PricedUsage,
    Stairstep,
    Tiers,
    Volume,
    difference,
    rounded,
)


def _block_tiers(rows, policy):
    """Return Kill Bill's tiers: so many blocks of a size each, one on the other."""
    end, tiers = Fraction(0), []
    for row in rows:
        size = Fraction(row["block_size"])
        most = row["max_blocks"]
        end = None if most in (None, -1) else end + size * Fraction(most)
        tiers.append({"up_to": end, "unit_price": row["block_price"], "block": size})
    return Tiers(tiers, "last" if policy == "TOP_TIER" else "refuse")


def _block_models(config):
    model = {"ALL_TIERS": Graduated, "TOP_TIER": Volume}[config["policy"]]
    rows = config.get("units") or {"": config["tiers"]}
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
    lines = [line for charge in charges.values() for line in charge.lines]
    return {
        "amount": sum(line.amount for line in lines),
        "per_unit": {unit: charge.amount for unit, charge in charges.items()},
        "tiers": [
            {"tier": line.values["tier"], "amount": line.amount} for line in lines
        ],
        "tier": lines[-1].values["tier"] if lines else 1,
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
            for line in _with_first_tier(difference(lines, billed), lines)
        ]
    amount = _due(config, due, given["already_billed"])
    return {
        "amount": amount,
        "items": int(amount != 0),
        "items_of_detail": sum(row["amount"] != 0 for row in detail),
        "detail": sorted(detail, key=lambda row: (row["unit"], row["tier"])),
    }


def _due(config, amount, billed):
    """Return what is still to be billed of an exact amount."""
    decimals = config.get("currency_decimals", 2)
    return PricedUsage(amount=rounded(amount, decimals)).due(billed)


def _with_first_tier(found, lines):
    """Return a difference with a line for the first tier, also if nothing is new."""
    if lines and lines[0].key not in {line.key for line in found}:
        found = [replace(lines[0], quantity=Fraction(0)), *found]
    return found


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
                {"up_to": tier["max"].get(unit), "flat_fee": tier["price"]}
                for tier in config["tiers"]
            ]
        )
        for unit in units
    }
    # The highest step that any of the units reaches, each by itself, has the price.
    charges = [models[unit].price(peak) for unit, peak in given["peak_units"].items()]
    tier, amount = max(
        (charge.steps[0].values["tier"], charge.amount) for charge in charges
    )
    return {
        "amount": _due(config, amount, given.get("already_billed", 0)),
        "tier": tier,
    }
