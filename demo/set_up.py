# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The operator of the demo: company, rate decks, source, customers, subscriptions."""

import base64
import csv

from odoo import Command

from odoo.addons.metered_billing.deck_files import split_tiers

START, DUE = "2026-10-01", "2026-11-01"
#: the demo's switch says what it is
SWITCH_NOTE = (
    "This switch is a part of the demo. It runs on this machine while ./dev demo or "
    "./dev serve does, and has the calls until yesterday. At other times it cannot be "
    "reached: so it has no schedule, and no invoice waits for it."
)
KINDS = {
    "did": "number",
    "extension": "extension",
    "accountcode": "account_code",
    "endpoint": "endpoint",
    "context": "context",
}


def set_up_company(env):
    """Name the company, and let its days begin in New York."""
    env.company.write(
        {
            "name": "Hudson Valley Telecom",
            "metered_tz": "America/New_York",
            "metered_statement_auto": True,
            "metered_sealing": True,
        }
    )
    env.ref("base.user_admin").tz = "America/New_York"
    # Subscriptions have pricelists: let users see them.
    env.ref("base.group_user").implied_ids += env.ref("product.group_product_pricelist")


def make_decks(env, folder):
    """The A-Z deck as the company's default, and the operator's own rates.

    :param folder: path with the rate files
    :return: dict name -> ``metered.rate.deck``
    """
    Deck, Rate = env["metered.rate.deck"], env["metered.rate"]
    zone = {"timezone": "America/New_York", "decimals": 4}
    decks = {
        name: Deck.create({"name": label, **zone})
        for name, label in (
            ("A-Z", "A-Z termination"),
            ("Retail", "Retail"),
            ("BrightCall", "BrightCall wholesale"),
            ("Retail 2027", "Retail 2027"),
        )
    }
    import_deck(env, decks["A-Z"], folder / "az_36205.csv")
    peak = env["metered.time.band"].create(
        {
            "name": "Peak",
            "slot_ids": [Command.create({"hour_from": 8, "hour_to": 18})],
        }
    )
    with (folder / "house_rates.csv").open(encoding="utf-8") as lines:
        Rate.create(
            [
                _house_rate(env, decks[row["deck"]], peak, row)
                for row in csv.DictReader(lines)
            ]
        )
    env.company.metered_deck_id = decks["A-Z"]
    return decks


def import_deck(env, deck, path):
    """Import a carrier's file into a deck, as a person does."""
    wizard = env["metered.deck.import"].create(
        {
            "deck_id": deck.id,
            "file": base64.b64encode(path.read_bytes()),
            "file_name": path.name,
        }
    )
    wizard.action_preview()
    wizard.action_apply()


def _house_rate(env, deck, peak, row):
    kind = row["call_type"]
    return {
        "deck_id": deck.id,
        "meter_id": env.ref(f"metered_billing.meter_{kind}").id if kind else False,
        "prefix": row["prefix"] or False,
        "band_id": peak.id if row["band"] else False,
        "name": row["description"],
        "price": float(row["price"]),
        "per_seconds": int(row["per_seconds"]),
        "initial_increment": int(row["first_increment"]),
        "increment": int(row["next_increment"]),
        "connection_fee": float(row["connection_fee"]),
        "has_max_charge": bool(row["maximum"]),
        "max_charge": float(row["maximum"] or 0),
        "grace_seconds": int(row["grace_seconds"]),
        "tier_ids": [
            Command.create(
                {
                    "from_second": start,
                    "price": price_e8 / 10**8,
                    "per_seconds": per,
                    "increment": step,
                }
            )
            for start, price_e8, per, step in split_tiers(row["tiers"])
        ],
    }


def make_source(env):
    """The Asterisk: one preset, and the time zone of its files."""
    return env["metered.source"].create(
        {
            "name": "Asterisk Albany",
            "preset": "asterisk",
            "timezone": "UTC",
            "country_id": env.ref("base.us").id,
            # The month stays where it lies; the demo may run years later.
            "max_age_days": 0,
        }
    )


def make_switch(env, address, api_key, domains):
    """A NetSapiens switch on this machine, with a customer for each domain."""
    source = env["metered.source"].create(
        {
            "name": "NetSapiens Chicago",
            "source_type": "netsapiens",
            "timezone": "UTC",
            "country_id": env.ref("base.us").id,
            "address": address,
            "api_key": api_key,
            "allowed_networks": "127.0.0.1",
            # It is there while ./dev serves, and at no other time.
            "sync_hours": 0,
            "sync_before_invoice": False,
        }
    )
    source.message_post(body=SWITCH_NOTE)
    group = env["metered.customer.group"].search([("name", "=", "Retail")], limit=1)
    for name, domain in zip(
        ("Lakeside Dental", "Prairie Freight"), domains, strict=True
    ):
        env["metered.source.account"].create(
            {
                "source_id": source.id,
                "name": domain.name,
                "partner_id": env["res.partner"]
                .create(
                    {
                        "name": name,
                        "is_company": True,
                        "country_id": env.ref("base.us").id,
                        "metered_group_id": group.id,
                    }
                )
                .id,
            }
        )
    return source


def make_customers(env, folder, source, decks):
    """Customers with their identifiers and rates; one of them dials as in Britain.

    :return: dict name -> ``res.partner``
    """
    group = env["metered.customer.group"].create(
        {"name": "Retail", "deck_id": decks["Retail"].id}
    )
    partners, identifiers = {}, []
    with (folder / "asterisk" / "customers.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            name = row["customer"]
            if name not in partners:
                partners[name] = env["res.partner"].create(
                    {
                        "name": name,
                        "is_company": True,
                        "country_id": env.ref("base.us").id,
                        "metered_group_id": group.id,
                    }
                )
            identifiers.append(
                {
                    "partner_id": partners[name].id,
                    "source_id": source.id,
                    "kind": KINDS[row["kind"]],
                    "value": row["identifier"],
                }
            )
    partners["BrightCall Outsourcing"].metered_deck_id = decks["BrightCall"]
    thames = partners["Thames Print Ltd"]
    thames.country_id = env.ref("base.uk")
    env["metered.source.account"].create(
        {
            "name": "tpl",
            "source_id": source.id,
            "partner_id": thames.id,
            "country_id": env.ref("base.uk").id,
        }
    )
    env["metered.identifier"].create(identifiers)
    return partners


def make_texts(env, partner, subscription):
    """Text messages of one customer: 100 are free each month, then 0.05 each.

    :return: the ``metered.source`` that they come from
    """
    meter = env["metered.meter"].create(
        {
            "name": "Text messages",
            "code": "sms",
            "kind": "event",
            "unit": "texts",
            "presentation": "detail",
        }
    )
    price = env["metered.price"].create(
        {
            "name": "Text messages, first 100 free",
            "meter_id": meter.id,
            "charge_model": "graduated",
            "tier_ids": [
                Command.create({"up_to": 100, "unit_price": 0}),
                Command.create({"first": 100, "unit_price": 0.05}),
            ],
        }
    )
    product = env["product.product"].create(
        {
            "name": "Text messages",
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
        {"partner_id": partner.id, "kind": "key", "value": "tpl-sms"}
    )
    return env["metered.source"].create(
        {
            "name": "Text gateway",
            "preset": "usage",
            "meter_id": meter.id,
            "timezone": "UTC",
            "country_id": env.ref("base.us").id,
            "max_age_days": 0,
        }
    )


def make_subscriptions(env, partners):
    """A monthly subscription for every customer, due on 1 November.

    :return: dict partner -> ``sale.subscription``
    """
    rental = env["product.product"].create(
        {"name": "SIP trunk rental", "type": "service", "list_price": 25.0}
    )
    template = env["sale.subscription.template"].create(
        {
            "name": "Monthly telephone service",
            "code": "TEL",
            "recurring_rule_type": "months",
            "recurring_interval": 1,
            "recurring_rule_boundary": "unlimited",
            "invoicing_mode": "invoice",
        }
    )
    stage = env["sale.subscription.stage"].search(
        [("type", "=", "in_progress")], limit=1
    )
    pricelist = env["product.pricelist"].create(
        {"name": "US dollars", "currency_id": env.company.currency_id.id}
    )
    subscriptions = {}
    for partner in partners.values():
        subscription = env["sale.subscription"].create(
            {
                "partner_id": partner.id,
                "template_id": template.id,
                "pricelist_id": pricelist.id,
                "stage_id": stage.id,
                "in_progress": True,
                "sale_subscription_line_ids": [
                    Command.create(
                        {
                            "product_id": rental.id,
                            "name": rental.name,
                            "product_uom_qty": 1,
                            "price_unit": 25.0,
                        }
                    )
                ],
            }
        )
        # A subscription that is put in progress sets both dates to today.
        subscription.write({"date_start": START, "recurring_next_date": DUE})
        subscriptions[partner] = subscription
    return subscriptions
