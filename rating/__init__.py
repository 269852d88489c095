# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rating: what does usage cost, and why.

It owns the choice of the rate (chains of decks, longest prefix, time bands, effective
dates), the arithmetic of a charge (increments, tiers, fees, limits, rounding), the
price of an aggregate, what calling plans include, and the explanation of all of it.
Frames and plain configuration in, frames out; it imports nothing of Odoo and reads no
database. It does not own whose call it is, of which type, or on which invoice it ends.

Invariants: charges are exact integers or fractions, never binary floats; a charge
depends on nothing but the usage of its customer and period and on the prices, so
order, batching and repetition change nothing.

A call:

==================  =====================================================
prefixes.py         numbers as keys, longest-prefix match
decks.py            what a deck and its time bands say
bands.py            which time bands hold when
rate_columns.py     the columns that rates are given in
rate_cells.py       which rate wins where, compiled
rates.py            the rates, and the choice among them
increments.py       billing steps
call_tiers.py       prices that change within a call
charges.py          fee, minimum, maximum, reasons, what a plan has taken
money.py            scales and rounding of columns
split.py            calls cut where their time band changes
rate_search.py      which rate a call has
engine.py           the whole, a frame at a time
allowances.py       what is included, who takes it, what is left
pools.py            the calls of a pool, in their order
plan_block.py       what allowances take of a block of calls
calling_plans.py    rated calls after allowances and tiers within the period
explain.py          the whole, one call in words
==================  =====================================================

A meter's usage of a period:

==================  =====================================================
counters.py         readings of a counter into what was used, by day
aggregations.py     records into one quantity
levels.py           samples of what is held into one quantity, by time
concurrency.py      how many calls there are at one time, as such a level
units.py            the unit that is priced
charge_models/      what a quantity costs, one file a model
price_versions.py   a price that changes within the period
usage_price.py      the whole, in its order
forecast.py         what a running period will come to
forecast_calls.py   what expected calls will cost, after allowances
proration.py        parts of a period
==================  =====================================================

`exact.py` has exact numbers and their rounding, `steps.py` the texts of explanations,
`errors.py` those of refusals, `shares.py` how an amount is divided to the last digit,
`reserves.py` what allowances keep back.

Which function answers what (all of them are here, as `rating.NAME`; README.md beside
this file has an example of each):

======================================  ===========================================
what does a call cost                   `RatingEngine(rates, decks, bands, chains,
                                        tiers).rate(calls)` -> `RatedCalls`
why                                     `explain(engine, call)` -> list of `Step`
what is left of it after a plan         `apply_plans(engine, calls, rated,
                                        allowances, opening)` -> `PlannedCalls`
does a time band hold                   `Calendar(..).cover(..)`, `.class_at(..)`
seconds in billing steps                `billed_seconds(seconds, initial, increment)`
what does a quantity cost               `charge_model(name, ..).price(quantity)`
                                        -> `Charge`
with free units, minimum, maximum,      `price_usage(UsagePrice(..), quantity=..)`
a price that changes                    -> `PricedUsage`
readings of a counter into use          `counters.points(readings, dial)`,
                                        `counters.used(way, dial, owners)`
records into a quantity                 `aggregate(records, how)`
a level into a quantity                 `levels_of(samples, start_us, end_us)
                                        .comes_to(how)`
a running period at its end             `forecast.forecast_sum(days, begin, end,
                                        today).quantity`
calls at one time                       `calls_at_once(begin_us, end_us, start_us,
                                        stop_us).comes_to("max")`
another unit, a rounded quantity        `Conversion(..).convert(quantity)`
what is due, where some is billed       `PricedUsage.due(billed)`,
                                        `difference(lines, billed)`
a part of a period                      `share_of_days(first, last, change)`
a number rounded, exactly               `rounded(value, decimals, rounding)`
======================================  ===========================================

Quantities and amounts of aggregates go in as int, Decimal, Fraction or decimal text
(binary floats are refused) and come out as Fraction, rounded amounts as Decimal; calls
go in and out as int64 columns: seconds, microseconds since 1970 UTC, prices in 1e-8
(`_e8`) and charges in 1e-6 (`_micro`) of the currency.
"""

from . import counters, forecast
from .aggregations import AGGREGATIONS, Aggregate, aggregate
from .allowances import Allowance, balances, close, grant
from .bands import Calendar
from .calling_plans import PlannedCalls, PlanOfCall, apply_plans
from .charge_models import (
    CHARGE_MODELS,
    Charge,
    ChargeLine,
    ChargeModel,
    Graduated,
    GraduatedPercentage,
    Package,
    Percentage,
    Stairstep,
    Standard,
    Tier,
    Tiers,
    Volume,
    charge_model,
)
from .charges import (
    COVERED,
    DECK_FEE,
    FREE_ZERO,
    GRACE,
    MAXIMUM,
    MINIMUM,
    SPLIT,
    TIERED,
    Cover,
)
from .concurrency import calls_at_once
from .decks import HOLIDAY, Deck, Slot, TimeBand
from .engine import (
    NO_DECK,
    NO_RATE,
    RATED,
    TOO_LARGE,
    RatedCalls,
    RatingEngine,
)
from .exact import ROUNDINGS, exact_text, rounded
from .explain import explain
from .increments import billed_seconds
from .levels import OF_LEVELS, Levels, levels_of
from .prefixes import PrefixIndex, number_keys, prefix_range
from .price_versions import PriceVersion, difference
from .proration import share_of_days
from .rate_search import INPUT_COLUMNS
from .rate_columns import MAX_US, MIN_US
from .split import Part
from .steps import Step
from .units import Conversion
from .usage_price import STAGES, PricedUsage, UsagePrice, price_usage

__all__ = [
    "AGGREGATIONS",
    "CHARGE_MODELS",
    "COVERED",
    "DECK_FEE",
    "FREE_ZERO",
    "GRACE",
    "HOLIDAY",
    "INPUT_COLUMNS",
    "MAXIMUM",
    "MAX_US",
    "MINIMUM",
    "MIN_US",
    "NO_DECK",
    "NO_RATE",
    "OF_LEVELS",
    "RATED",
    "ROUNDINGS",
    "SPLIT",
    "STAGES",
    "TIERED",
    "TOO_LARGE",
    "Aggregate",
    "Allowance",
    "Calendar",
    "Charge",
    "ChargeLine",
    "ChargeModel",
    "Conversion",
    "Cover",
    "Deck",
    "Graduated",
    "GraduatedPercentage",
    "Levels",
    "Package",
    "Part",
    "Percentage",
    "PlanOfCall",
    "PlannedCalls",
    "PrefixIndex",
    "PriceVersion",
    "PricedUsage",
    "RatedCalls",
    "RatingEngine",
    "Slot",
    "Stairstep",
    "Standard",
    "Step",
    "Tier",
    "Tiers",
    "TimeBand",
    "UsagePrice",
    "Volume",
    "aggregate",
    "apply_plans",
    "balances",
    "billed_seconds",
    "calls_at_once",
    "charge_model",
    "close",
    "counters",
    "difference",
    "exact_text",
    "explain",
    "forecast",
    "grant",
    "levels_of",
    "number_keys",
    "prefix_range",
    "price_usage",
    "rounded",
    "share_of_days",
]
