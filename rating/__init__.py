# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The rating engine: what does a call cost, and why.

It owns the choice of the rate (chains of decks, longest prefix, time bands, effective
dates), the arithmetic of a charge (increments, fees, limits, rounding) and its
explanation. Frames and plain configuration in, frames out; it imports nothing of Odoo
and reads no database. It does not own whose call it is, of which type, or on which
invoice it ends.

Invariants: charges are exact integers; a call's charge depends on nothing but the
call, its chain and the rates, so order, batching and repetition change nothing.

==============  =================================================
prefixes.py     numbers as keys, longest-prefix match
decks.py        what a deck and its time bands say
bands.py        which time bands hold when
rates.py        rates compiled, and the choice among them
increments.py   billing steps
charges.py      fee, minimum, maximum, reasons
money.py        scales and rounding
split.py        calls cut where their time band changes
engine.py       the whole, a frame at a time
explain.py      the whole, one call in words
==============  =================================================
"""

from .charges import FREE_ZERO, GRACE, MAXIMUM, MINIMUM, SPLIT
from .decks import HOLIDAY, Deck, Slot, TimeBand
from .engine import (
    INPUT_COLUMNS,
    NO_DECK,
    NO_RATE,
    RATED,
    TOO_LARGE,
    RatedCalls,
    RatingEngine,
)
from .explain import Step, explain
from .prefixes import PrefixIndex, number_keys, prefix_range
from .rates import MAX_US, MIN_US
from .split import Part

__all__ = [
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
