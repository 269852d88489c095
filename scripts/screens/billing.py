# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Periods, manual invoices, prices of meters, renewals."""

from .screen import ACTION, Screen, form, listed

# Opens the wizard for a customer and a month, searched.
SEARCHED = """
    (async () => {{
        const {{orm, action}} = odoo.__WOWL_DEBUG__.root.env.services;
        const model = "metered.manual.invoice";
        const [partner] = await orm.search("res.partner", {customer}, {{limit: 1}});
        const [id] = await orm.create(model, [
            {{partner_id: partner, date_from: "{first}", date_to: "{last}"}},
        ]);
        await action.doAction(await orm.call(model, "action_search", [[id]]));
    }})()
"""


def searched(name: str, customer: str, first: str, last: str) -> Screen:
    step = SEARCHED.format(customer=customer, first=first, last=last)
    return Screen(name, ACTION + "usage", steps=(step,))


SCREENS = [
    listed("periods", "period"),
    Screen("manual_invoice", ACTION + "manual_invoice", wait=".modal .o_form_view"),
    searched(
        "manual_invoice_found",
        "[['metered_identifier_ids', '!=', false]]",
        "2026-10-01",
        "2026-12-31",
    ),
    searched(
        "manual_invoice_nothing",
        "[['metered_identifier_ids', '=', false], ['is_company', '=', true]]",
        "2026-10-01",
        "2026-10-31",
    ),
    listed("prices", "price"),
    form("price", "price", "metered.price", [("current_id", "=", False)]),
    Screen(
        "metered_product",
        "/odoo/action-product.product_template_action_all/",
        record=("product.template", [("metered_meter_id", "!=", False)]),
        wait=".o_form_view",
        steps=("document.querySelector('.nav-link[name=metered]').click()",),
    ),
    listed("meters", "meter_usage"),
    Screen(
        "metered_subscription",
        "/odoo/action-subscription_oca.sale_subscription_action/",
        record=(
            "sale.subscription",
            [("sale_subscription_line_ids.product_id.metered_meter_id", "!=", False)],
        ),
        wait=".o_form_view",
    ),
    Screen(
        "metered_invoice",
        "/odoo/action-account.action_move_out_invoice_type/",
        record=(
            "account.move",
            [("invoice_line_ids.metered_price_id", "!=", False)],
        ),
        wait=".o_form_view",
    ),
    listed("renewals", "renewal"),
    form("renewal", "renewal", "metered.renewal"),
    listed("failed_renewals", "renewal_failure"),
    listed("jobs", "job_entry"),
    listed("customers", "customer"),
    listed("subscriptions", "subscription"),
    listed("invoices", "invoice"),
    listed("metered_products", "product"),
    Screen("usage_setup", ACTION + "usage_setup", wait=".modal .o_form_view"),
    Screen(
        "subscription_setup", ACTION + "subscription_setup", wait=".modal .o_form_view"
    ),
]
