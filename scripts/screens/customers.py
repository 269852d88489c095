# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Customers, what they are sold and billed; settings."""

from .screen import ACTION, DIALOG, Screen, tab, until

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
        "measured",
        "/odoo/res.partner/",
        record=("res.partner", [("name", "=", "SecureWatch Alarms")]),
        wait=".o_form_view",
        steps=(
            tab("Metered"),
            "document.querySelector('[name=metered_measured]').scrollIntoView()",
        ),
    ),
    Screen(
        "level",
        "/odoo/res.partner/",
        record=("res.partner", [("name", "=", "SecureWatch Alarms")]),
        wait=".o_form_view, .o_metered_level_chart canvas",
        steps=(
            tab("Metered"),
            "document.querySelector('button[name=action_view_level]').click(), "
            + until(".o_metered_level_overview canvas"),
            "document.querySelector('.o_metered_level_overview').scrollIntoView(false)",
        ),
    ),
    Screen(
        "level_table",
        "/odoo/res.partner/",
        record=("res.partner", [("name", "=", "SecureWatch Alarms")]),
        wait=".o_form_view, .o_metered_level_chart canvas",
        steps=(
            tab("Metered"),
            "document.querySelector('button[name=action_view_level]').click(), "
            + until(".o_metered_level_overview canvas"),
            "document.querySelector('.o_metered_table_toggle').click()",
            "document.querySelector('.o_metered_level_rows').scrollIntoView()",
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
