# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Toll fraud: what a customer usually does, and what is far from it.

- ``traffic``: calls, summed by quarter hours and by the ranges of numbers
- ``profile``: what a customer's past days say is usual
- ``check``: what is suspicious about new ones
"""

from .check import Accepted, Finding, Limits, check, honest
from .profile import MOST_DAYS, Profiles, learn
from .traffic import (
    KEYS,
    QUARTER_COLUMNS,
    RANGE_COLUMNS,
    add_up,
    calls_frame,
    ranges_of,
    runs,
    tally,
    unpack,
)

__all__ = [
    "KEYS",
    "MOST_DAYS",
    "QUARTER_COLUMNS",
    "RANGE_COLUMNS",
    "Accepted",
    "Finding",
    "Limits",
    "Profiles",
    "add_up",
    "calls_frame",
    "check",
    "honest",
    "learn",
    "ranges_of",
    "runs",
    "tally",
    "unpack",
]
