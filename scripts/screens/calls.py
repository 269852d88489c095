# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The dashboard, calls, and why they cost what they cost."""

from .screen import ACTION, DIALOG, Screen, click, form, listed

SCREENS = [
    Screen(
        "dashboard",
        ACTION + "dashboard",
        wait=".o_metered_dashboard .o_metered_figures",
    ),
    Screen(
        "dashboard_whole",
        ACTION + "dashboard",
        wait=".o_metered_dashboard .o_metered_figures",
        # As high as what it shows, for the picture only.
        steps=(
            "document.querySelectorAll('html, body, .o_action_manager, .o_action,"
            " .o_content').forEach((part) => part.style.cssText ="
            " 'height: auto !important; overflow: visible !important')",
        ),
        full=True,
    ),
    listed("call_details", "cdr"),
    listed("call_details_rated", "cdr_menu"),
    form(
        "call",
        "cdr",
        "metered.cdr",
        [("state", "=", "rated"), ("usage_id.invoice_line_id", "!=", False)],
    ),
    form("call_not_billable", "cdr", "metered.cdr", [("state", "!=", "rated")]),
    Screen(
        "call_explained",
        ACTION + "cdr/",
        record=("metered.cdr", [("state", "=", "rated")]),
        wait=".o_form_view",
        steps=(click("button[name=action_explain]"),),
    ),
    Screen(
        "invoice_line_explained",
        "/odoo/account.move/",
        record=("account.move", [("invoice_line_ids.metered_usage_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(
            # On a phone the lines are cards: the button is on the line that opens.
            "document.querySelector('button[name=action_metered_explain],"
            " .o_field_widget[name=invoice_line_ids] .o_kanban_record:nth-child(2)')"
            f".click(), {DIALOG}",
        ),
    ),
]
