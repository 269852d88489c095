# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A program of the operator that pushes events: faxes that its customers sent."""

import json

from odoo import Command

from odoo.addons.metered_billing.connectors.events.cloud_event import BATCH, read_events

CUSTOMER, SUBJECT = "Lakeside Hotel", "lakeside-fax"
DAYS, A_DAY, PAGES = 10, 12, 3
FREE, PRICE = 100, 0.04


def make_source(env, partner, subscription):
    """What pages of faxes cost, the source of the events, and the program's key.

    :return: ``metered.source``
    """
    meter = env["metered.meter"].create(
        {"name": "Fax pages", "code": "fax", "kind": "event", "unit": "pages"}
    )
    price = env["metered.price"].create(
        {
            "name": f"Fax pages, first {FREE} free",
            "meter_id": meter.id,
            "free_units": FREE,
            "charge_model": "graduated",
            "tier_ids": [Command.create({"up_to": 0, "unit_price": PRICE})],
        }
    )
    product = env["product.product"].create(
        {
            "name": "Fax pages",
            "type": "service",
            "list_price": 0,
            "metered_meter_id": meter.id,
            "metered_price_id": price.id,
        }
    )
    meter.product_id = product
    subscription.sale_subscription_line_ids = [
        Command.create({"product_id": product.id})
    ]
    env["metered.identifier"].create(
        {"partner_id": partner.id, "kind": "key", "value": SUBJECT}
    )
    source = env["metered.source"].create(
        {
            "name": "Fax program",
            "source_type": "events",
            "preset": "events",
            "timezone": "UTC",
            "country_id": env.ref("base.us").id,
            "max_age_days": 0,
            "future_hours": 24 * 365 * 100,
            "event_type_ids": [
                Command.create({"name": "fax.sent", "meter_id": meter.id})
            ],
        }
    )
    env["metered.api.key"].create(
        {"name": "Fax program", "source_ids": [Command.set(source.ids)]}
    )._make()
    return source


def make_alert(env, subscription):
    """Tell the operator and the customer before the faxes cost too much.

    :return: ``metered.alert``
    """
    return env["metered.alert"].create(
        {
            "name": "Fax budget",
            "scope": "subscription",
            "subscription_id": subscription.id,
            "threshold_ids": [
                Command.create({"value": 8}),
                Command.create({"value": 10}),
                Command.create({"value": 20, "caps": True}),
            ],
        }
    )


def triggered(env, alert):
    """What the alert told, once what was pushed is rated."""
    env["metered.alert.mark"]._check(env.cr.commit)
    events = env["metered.alert.event"].search([("alert_id", "=", alert.id)])
    return sorted(events.mapped("level"))


def push(env, source):
    """Push the events of ten days of November, as requests carry them.

    :return: how many were accepted
    """
    accepted = 0
    for day in range(1, DAYS + 1):
        events = [
            {
                "specversion": "1.0",
                "id": f"fax-{day}-{number}",
                "source": "/fax",
                "type": "fax.sent",
                "subject": SUBJECT,
                "time": f"2026-11-{day:02}T{15 + number % 5}:00:00Z",
                "data": {"quantity": PAGES},
            }
            for number in range(A_DAY)
        ]
        outcomes = source._receive_events(
            read_events(json.dumps(events).encode(), BATCH)
        )
        env.cr.commit()
        accepted += outcomes.count("accepted")
    source._rate_now(env.cr.commit)
    return accepted


def expected():
    """What the pages of the quote of November come to."""
    return round((DAYS * A_DAY * PAGES - FREE) * PRICE, 2)


def quoted(subscription):
    """What the quote of the running period says about the pages."""
    [quote] = subscription._metered_quotes()
    return round(
        sum(line["amount"] for line in quote["lines"] if "pages" in line["name"]), 2
    )
