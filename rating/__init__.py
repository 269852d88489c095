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
rates.py            rates compiled, and the choice among them
increments.py       billing steps
call_tiers.py       prices that change within a call
charges.py          fee, minimum, maximum, reasons, what a plan has taken
money.py            scales and rounding of columns
split.py            calls cut where their time band changes
rate_search.py      which rate a call has
engine.py           the whole, a frame at a time
attempts.py         fees for attempts, on the sell and the buy side
allowances.py       what is included, who takes it, what is left
pools.py            the calls of a pool, in their order
plan_block.py       what allowances take of a block of calls
calling_plans.py    rated calls after allowances and tiers within the period
explain.py          the whole, one call in words
==================  =====================================================

A meter's usage of a period:

==================  =====================================================
aggregations.py     records into one quantity
units.py            the unit that is priced
charge_models/      what a quantity costs, one file a model
price_versions.py   a price that changes within the period
usage_price.py      the whole, in its order
rebill.py           the difference to what is billed
proration.py        parts of a period
==================  =====================================================

`exact.py` has exact numbers and their rounding, `steps.py` the texts of explanations.
"""

from .charges import COVERED, FREE_ZERO, GRACE, MAXIMUM, MINIMUM, SPLIT, TIERED
from .decks import HOLIDAY, Deck, Slot, TimeBand
from .engine import (
    NO_DECK,
    NO_RATE,
    RATED,
    TOO_LARGE,
    RatedCalls,
    RatingEngine,
)
from .explain import explain
from .prefixes import PrefixIndex, number_keys, prefix_range
from .rate_search import INPUT_COLUMNS
from .rates import MAX_US, MIN_US
from .split import Part
from .steps import Step

__all__ = [
    "COVERED",
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
    "RATED",
    "SPLIT",
    "TIERED",
    "TOO_LARGE",
    "Deck",
    "Part",
    "PrefixIndex",
    "RatedCalls",
    "RatingEngine",
    "Slot",
    "Step",
    "TimeBand",
    "explain",
    "number_keys",
    "prefix_range",
]
