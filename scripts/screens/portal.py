# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a customer sees."""

from .screen import Screen


def page(name: str, url: str) -> Screen:
    return Screen(name, url, wait="#wrap", user="customer", full=True)


SCREENS = [
    page("portal_home", "/my"),
    page("portal_usage", "/my/usage"),
    page("portal_calls", "/my/usage/calls"),
    page("portal_statements", "/my/statements"),
    page("portal_alerts", "/my/usage/alerts"),
    page("portal_disputes", "/my/disputes"),
]
