# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The screens that `./dev screenshots` takes pictures of."""

from . import (
    billing,
    calls,
    customers,
    fraud,
    imports,
    plans,
    portal,
    proof,
    rates,
    sources,
    usage,
    what_if,
)
from .screen import Screen

SIZES = ((1440, 900), (390, 844))

SCREENS = [
    screen
    for part in (
        calls,
        what_if,
        usage,
        imports,
        billing,
        sources,
        rates,
        plans,
        customers,
        fraud,
        proof,
        portal,
    )
    for screen in part.SCREENS
]
