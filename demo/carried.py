# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A customer whose month comes to less than an invoice is worth: it waits."""

from set_up import DUE, START

from odoo import Command

CUSTOMER, KEY = "Corner Kiosk", "kiosk-sms"
TEXTS, PRICE, SMALLEST = 7, 0.05, 5.0


def make_subscription(env, other, meter):
    """A customer who pays for text messages only, from 5.00 on.

    :param other: a subscription to go by
    :param meter: of the texts
    :return: ``sale.subscription``
    """
    partner = other.partner_id.copy(
        {"name": CUSTOMER, "country_id": env.ref("base.us").id}
    )
    template = other.template_id.copy({"name": "Text messages only"})
    env["metered.invoice.floor"].create(
        {"template_id": template.id, "amount": SMALLEST, "waived_below": 0.5}
    )
    price = env["metered.price"].create(
        {"name": "Text messages", "meter_id": meter.id, "unit_price": PRICE}
    )
    product = meter.product_id.copy(
        {"name": "Text messages, each", "metered_price_id": price.id}
    )
    env["metered.identifier"].create(
        {"partner_id": partner.id, "kind": "key", "value": KEY}
    )
    subscription = env["sale.subscription"].create(
        {
            "partner_id": partner.id,
            "template_id": template.id,
            "pricelist_id": other.pricelist_id.id,
            "stage_id": other.stage_id.id,
            "in_progress": True,
            "sale_subscription_line_ids": [Command.create({"product_id": product.id})],
        }
    )
    subscription.write({"date_start": START, "recurring_next_date": DUE})
    return subscription


def content():
    """Its texts, as a file of the gateway."""
    rows = [
        f"kiosk-{number},2026-10-{number * 3:02d} 12:00:00,{KEY},1"
        for number in range(1, TEXTS + 1)
    ]
    return "\n".join(("id,time,identifier,quantity", *rows, "")).encode()


def found(subscription):
    """What waits for a later invoice."""
    carried = subscription.partner_id._metered_carried(subscription.company_id)
    return [(one["amount"], len(one["periods"])) for one in carried]


def expected():
    """One period of seven texts."""
    return [(round(TEXTS * PRICE, 2), 1)]
