# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Cases of other engines about quantities and periods, put to rating/'s functions.

One function a model: (config, input) -> the answers by the names of `expected`.
"""

import datetime
from fractions import Fraction

from odoo.addons.metered_billing.rating import (
    Conversion,
    Standard,
    UsagePrice,
    price_usage,
    rounded,
    share_of_days,
)
from odoo.addons.metered_billing.tests.support.vector_prices import conversion_of


def _date(text):
    return datetime.date.fromisoformat(text)


# ---- quantities


def unit_conversion(config, given):
    return {"units": conversion_of(config).convert(given["units"])}


def round_units(config, given):
    """Round a quantity; without a precision Lago rounds to whole units."""
    function = {"round": "half_up"}.get(config["function"], config["function"])
    conversion = Conversion(rounding=function, decimals=config["precision"] or 0)
    return {"units": conversion.round(given["units"])}


def allowance_per_period(config, given):
    price = UsagePrice(Standard(1), free_units=config["free_units_per_period"])
    before = Fraction(given.get("units_already_metered_in_period", "0"))
    whole = price_usage(price, quantity=before + Fraction(given["units"]))
    earlier = price_usage(price, quantity=before)
    return {
        "billable_units": whole.billable - earlier.billable,
        "free_units_used_now": whole.free - earlier.free,
        "free_units_used_before": earlier.free,
        "billable_units_before": earlier.billable,
    }


# ---- periods


def spending_minimum(config, given):
    """Price usage, of one price or of several groups, with one minimum."""
    groups = given.get("groups") or [{**config, **given}]
    fees = sum(
        Standard(group["unit_amount"]).price(group["units"]).amount for group in groups
    )
    price = UsagePrice(
        Standard(1),
        minimum=Fraction(config["charge_min_amount_cents"], 100),
        decimals=2,
        rounding=config.get("rounding", "half_up"),
    )
    share = Fraction(config["active_days"], config["period_days"])
    usage = price_usage(price, quantity=fees, share=share)
    return {
        "usage_fee_cents": usage.charge * 100,
        "true_up_fee_cents": rounded(usage.topup, 2, price.rounding) * 100,
        "total_cents": usage.amount * 100,
    }


def proration_day_based(config, given):
    first, last, change = (
        _date(config[name])
        for name in ("period_first_day", "period_last_day_inclusive", "change_date")
    )
    share = share_of_days(first, last, change)
    if share != Fraction(config["remaining_days"], config["period_days"]):
        raise AssertionError(f"{share} of the days")
    decimals = config["currency_decimals"]
    credit, charge = (
        rounded(Fraction(amount or 0) * share, decimals)
        for amount in (given.get("old_amount"), given.get("new_amount"))
    )
    return {"credit": -credit, "charge": charge, "net": charge - credit}
