# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Customers, what they are sold and billed; settings."""

from .screen import ACTION, DIALOG, Screen, tab

SCREENS = [
    Screen(
        "customer",
        "/odoo/res.partner/",
        record=("res.partner", [("metered_identifier_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(
            "[...document.querySelectorAll('.o_notebook .nav-link')]"
            ".find((tab) => tab.textContent.includes('Metered')).click()",
        ),
    ),
    Screen(
        "customer_checks",
        "/odoo/res.partner/",
        record=("res.partner", [("metered_identifier_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(
            "[...document.querySelectorAll('.o_notebook .nav-link')]"
            ".find((tab) => tab.textContent.includes('Metered')).click()",
            "document.querySelector('.o_metered_checks').scrollIntoView()",
        ),
    ),
    Screen(
        "sync_start",
        "/odoo/res.partner/",
        record=("res.partner", [("metered_account_ids.source_id.name", "like", "Net")]),
        wait=".o_form_view",
        steps=(
            tab("Metered"),
            "[...document.querySelectorAll('.o_metered_checks header button')]"
            ".find((button) => button.textContent.includes('Sync')).click(), " + DIALOG,
        ),
    ),
    Screen(
        "invoice",
        "/odoo/account.move/",
        record=("account.move", [("move_type", "=", "out_invoice")]),
        wait=".o_form_view",
    ),
    Screen(
        "subscription",
        "/odoo/sale.subscription/",
        record=("sale.subscription", []),
        wait=".o_form_view",
    ),
    Screen("settings", ACTION + "settings", wait=".o_form_view"),
]
