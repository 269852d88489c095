# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Where records come from."""

from .screen import ACTION, Screen, click, form, listed, tab

SCREENS = [
    listed("sources", "source"),
    form("source", "source", "metered.source"),
    form(
        "source_connected",
        "source",
        "metered.source",
        [("source_type", "=", "netsapiens")],
    ),
    Screen(
        "source_connection",
        ACTION + "source/",
        record=("metered.source", [("source_type", "=", "netsapiens")]),
        wait=".o_form_view",
        steps=(
            "document.querySelector('.nav-link[name=connection]').click()",
            "document.querySelector('.o_notebook').scrollIntoView()",
        ),
    ),
    form("source_usage", "source", "metered.source", [("record_kind", "=", "usage")]),
    Screen(
        "source_schedule",
        ACTION + "source/",
        record=("metered.source", [("source_type", "=", "netsapiens")]),
        wait=".o_form_view",
        steps=("document.querySelector('.nav-link[name=schedule]').click()",),
    ),
    listed("switch_accounts", "source_found"),
    Screen(
        "account_choice",
        "/odoo/res.partner/",
        record=("res.partner", [("metered_account_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(
            tab("Metered"),
            click("button[name=action_metered_choose_account]"),
        ),
    ),
    listed("syncs", "sync"),
    form("sync", "sync", "metered.sync"),
    listed("records_per_day", "completeness"),
    Screen("records_per_day_graph", ACTION + "completeness?view_type=graph"),
    listed("source_accounts", "source_account"),
    listed("identifiers", "identifier"),
]
