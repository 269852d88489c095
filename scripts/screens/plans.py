# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Calling plans and allowances."""

from .screen import ACTION, Screen, click, form, listed, tab

WITH_PLAN = [("name", "=", "SecureWatch Alarms")]

SCREENS = [
    listed("calling_plans", "calling_plan"),
    form(
        "calling_plan",
        "calling_plan",
        "metered.calling.plan",
        [("allowance_ids.scope", "=", "customer")],
    ),
    Screen("calling_plan_empty", f"{ACTION}calling_plan/new", wait=".o_form_view"),
    Screen(
        "allowance",
        ACTION + "calling_plan/",
        record=("metered.calling.plan", [("allowance_ids.scope", "=", "customer")]),
        wait=".o_form_view",
        # On a phone the allowances are cards.
        steps=(
            click(
                "[name=allowance_ids] .o_data_row td[name=name],"
                " [name=allowance_ids] .o_kanban_record"
            ),
        ),
    ),
    listed("allowances", "allowance_balance"),
    form("allowance_balance", "allowance_balance", "metered.allowance.balance"),
    Screen(
        "subscription_allowances",
        "/odoo/sale.subscription/",
        record=("sale.subscription", [("metered_balance_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(tab("Allowances"),),
    ),
    Screen(
        "subscription_no_allowances",
        "/odoo/sale.subscription/",
        record=("sale.subscription", [("metered_balance_ids", "=", False)]),
        wait=".o_form_view",
        steps=(tab("Allowances"),),
    ),
    Screen(
        "customer_allowances",
        "/odoo/res.partner/",
        record=("res.partner", WITH_PLAN),
        wait=".o_form_view",
        steps=(
            tab("Metered"),
            "document.querySelector('.o_metered_allowances').scrollIntoView()",
        ),
    ),
    Screen(
        "product_plan",
        "/odoo/action-product.product_template_action/",
        record=("product.template", [("metered_plan_id", "!=", False)]),
        wait=".o_form_view",
        steps=(tab("Metered"),),
    ),
]
