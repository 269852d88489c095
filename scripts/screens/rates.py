# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Call types, destinations, rate decks and their rates."""

from .screen import ACTION, Screen, click, form, listed

SCREENS = [
    listed("call_types", "meter"),
    form("call_type", "meter", "metered.meter"),
    listed("destinations", "destination"),
    form("destination", "destination", "metered.destination"),
    listed("rate_decks", "rate_deck"),
    form("rate_deck", "rate_deck", "metered.rate.deck"),
    listed("rates", "rate"),
    form("rate", "rate", "metered.rate"),
    Screen(
        "rate_change",
        ACTION + "rate/",
        record=("metered.rate", [("used", "=", True)]),
        wait=".o_form_view",
        steps=(click("button[name=action_change]"),),
    ),
    form("rate_tiers", "rate", "metered.rate", [("tier_ids", "!=", False)]),
    listed("time_bands", "time_band"),
    form("time_band", "time_band", "metered.time.band"),
    listed("holidays", "holiday"),
    listed("customer_groups", "customer_group"),
]
