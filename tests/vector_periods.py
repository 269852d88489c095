# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Cases of other engines about quantities and periods, put to rating/'s functions.

One function a model: (config, input) -> the answers by the names of `expected`.
"""

import datetime
from decimal import Decimal
from fractions import Fraction

import pandas as pd

from odoo.addons.metered_billing import rating
from odoo.addons.metered_billing.rating import (
    Billed,
    Conversion,
    Progress,
    Standard,
    UsagePrice,
    aggregate,
    change_of_price,
    limited_credit,
    price_usage,
    prorate,
    rounded,
    share_of_days,
    share_of_time,
)
from odoo.addons.metered_billing.tests.reference_rating import instant
from odoo.addons.metered_billing.tests.vector_prices import conversion_of


def _moment(text):
    return datetime.datetime.fromisoformat(text)


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
    before = given.get("units_already_metered_in_period", "0")
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
    opening = given.get("initial_value", config.get("initial_value", 0))
    found = aggregate(records, "weighted", period, opening)
    return {"units": found.quantity, "count": found.count}


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


def progressive_billing(config, given):
    """Bill a period while it runs, and at its end what is left."""
    model, progress, total = Standard(config["unit_amount"]), Progress(), Fraction(0)
    cents = config.get("thresholds_cents") or [config["threshold_cents"]]
    thresholds = [Fraction(value, 100) for value in cents]
    recurring = config.get("recurring_threshold_cents")
    recurring = None if recurring is None else Fraction(recurring, 100)
    invoices = []
    first, last = map(_date, config["period"].split("/"))
    for event in given["events"]:
        total += model.price(event["units"]).amount
        after = progress.usage(total, thresholds, recurring)
        if after != progress:
            invoices.append((after.invoiced - progress.invoiced) * 100)
        progress = after
    plan = Fraction(config["plan_amount_cents"], 100)
    share = Fraction(1)
    if "terminated_on" in config:
        day = _date(config["terminated_on"]) + datetime.timedelta(days=1)
        share -= share_of_days(first, last, day)
    fees = total + Fraction(prorate(plan, share, 2))
    return {
        "threshold_invoice_cents": invoices[0] if invoices else 0,
        "threshold_invoices": len(invoices),
        "threshold_invoices_cents": invoices,
        "final_fees_cents": fees * 100,
        "progressive_credit_cents": progress.invoiced * 100,
        "final_total_cents": (fees - progress.invoiced) * 100,
    }


def proration_day_based(config, given):
    first, last, change = (
        _date(config[name])
        for name in ("period_first_day", "period_last_day_inclusive", "change_date")
    )
    share = share_of_days(first, last, change)
    if share != Fraction(config["remaining_days"], config["period_days"]):
        raise AssertionError(f"{share} of the days")
    credit, charge, net = change_of_price(
        given.get("old_amount"),
        given.get("new_amount"),
        share,
        config["currency_decimals"],
    )
    return {"credit": credit, "charge": charge, "net": net}


def proration_second_based(config, given):
    """Share an amount over what is left of a period, or over what was used of it."""
    start, end = _moment(config["period_start"]), _moment(config["period_end"])
    if "used_until" in given:
        share = 1 - share_of_time(start, end, _moment(given["used_until"]))
    else:
        share = share_of_time(start, end, _moment(given["change_date"]))
    amount = prorate(given["amount"], share, config["decimals"])
    return {"amount": amount, "coefficient": share}


def credit_cap(config, given):
    credit = limited_credit(
        given["potential_credit"],
        given["original_amount_paid"],
        given["previous_credits"],
    )
    return {"credit": credit}


def calendar_days(config, given):
    start, end = _moment(given["start"]), _moment(given["end"])
    timezone = config.get("timezone") or "UTC"
    return {"days": rating.calendar_days(start, end, timezone)}
