# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage that is no call."""

from .screen import ACTION, Screen, click, form, listed, tab

SCREENS = [
    form("usage_record", "cdr", "metered.cdr", [("meter_id.kind", "!=", "call")]),
    Screen(
        "usage_record_explained",
        ACTION + "cdr/",
        record=("metered.cdr", [("meter_id.kind", "!=", "call")]),
        wait=".o_form_view",
        steps=(click("button[name=action_explain]"),),
    ),
    listed("usage", "usage"),
    form(
        "usage_so_far",
        "usage",
        "metered.usage",
        [("meter_id.kind", "!=", "call"), ("invoice_line_id", "=", False)],
    ),
    Screen(
        "quote",
        "/odoo/action-subscription_oca.sale_subscription_action/",
        record=(
            "sale.subscription",
            [("sale_subscription_line_ids.product_id.metered_meter_id", "!=", False)],
        ),
        wait=".o_form_view",
        steps=(click("button[name=action_metered_quote]"),),
    ),
    Screen(
        "events_source",
        ACTION + "source/",
        record=("metered.source", [("takes_events", "=", True)]),
        wait=".o_form_view",
        steps=(tab("Connection"),),
    ),
    Screen(
        "customer_so_far",
        "/odoo/res.partner/",
        record=("res.partner", [("name", "=", "Thames Print Ltd")]),
        wait=".o_form_view",
        steps=(
            tab("Metered"),
            "document.querySelector('.o_metered_usage').scrollIntoView()",
        ),
    ),
]
