# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The operator whose month is measured: rate deck, customers, source, subscriptions."""

from dataclasses import dataclass

import synthetic

from odoo import Command

START, DUE = "2026-05-01", "2026-07-01"
CUSTOMERS = 2_000
PREFIXES = 20_000
ZONE = "America/New_York"
BANDS = (
    ("Peak", (("week", 8, 18),)),
    ("Evening", (("week", 18, 22), ("weekend", 8, 22))),
    ("Night", (("week", 22, 8), ("weekend", 22, 8))),
)
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")
WEEKEND = ("saturday", "sunday")
#: of every so many-th prefix the price depends on the time band
BANDED_EVERY = 5
#: first digit of the prefix -> first and further increments; others 30/6
INCREMENTS = {"1": (1, 1), "3": (60, 6), "4": (60, 6)}


@dataclass
class Workload:
    """What the figures are measured with."""

    source: object
    partners: object
    subscriptions: object
    numbers: object
    prefixes: list


def set_up(env):
    """Make the operator in an empty database; the caller commits.

    :return: :class:`Workload`
    """
    env.company.metered_tz = ZONE
    prices = synthetic.deck_prices(PREFIXES)
    env.company.metered_deck_id = _make_deck(env, prices)
    numbers = synthetic.customer_numbers(CUSTOMERS)
    partners = env["res.partner"].create(
        [{"name": f"Customer {number}"} for number in range(1, CUSTOMERS + 1)]
    )
    env["metered.identifier"].create(
        [
            {"partner_id": partner.id, "kind": "number", "value": f"+{number}"}
            for partner, number in zip(partners, numbers.tolist(), strict=True)
        ]
    )
    return Workload(
        source=_make_source(env),
        partners=partners,
        subscriptions=_make_subscriptions(env, partners),
        numbers=numbers,
        prefixes=[price.prefix for price in prices],
    )


def _make_deck(env, prices):
    deck = env["metered.rate.deck"].create(
        {"name": "A-Z", "timezone": ZONE, "decimals": 4}
    )
    bands = env["metered.time.band"].create(
        [
            {
                "name": name,
                "sequence": rank,
                "slot_ids": [
                    Command.create(
                        {
                            **{day: when == "week" for day in WEEK},
                            **{day: when == "weekend" for day in WEEKEND},
                            "hour_from": start,
                            "hour_to": end,
                        }
                    )
                    for when, start, end in slots
                ],
            }
            for rank, (name, slots) in enumerate(BANDS)
        ]
    )
    env["metered.rate"].create(
        [
            values
            for rank, price in enumerate(prices)
            for values in _rates(deck, bands, rank, price)
        ]
    )
    return deck


def _rates(deck, bands, rank, price):
    initial, increment = INCREMENTS.get(price.prefix[0], (30, 6))
    values = {
        "deck_id": deck.id,
        "prefix": price.prefix,
        "name": price.name,
        "price": float(price.price),
        "initial_increment": initial,
        "increment": increment,
    }
    yield values
    if rank % BANDED_EVERY == 0:
        for place, band in enumerate(bands):
            factor = (1.0, 0.8, 0.6)[place]
            reduced = round(float(price.price) * factor, 6)
            yield {**values, "band_id": band.id, "price": reduced}


def _make_source(env):
    """Calls of a switch in the generic layout; what was not answered is not charged."""
    return env["metered.source"].create(
        {
            "name": "Bench switch",
            "preset": "generic",
            "timezone": "UTC",
            "country_id": env.ref("base.us").id,
            "local_digits": 4,
            "max_age_days": 0,
            # The month lies where it lies, whatever the clock says.
            "future_hours": 24 * 365 * 100,
            "rule_ids": [
                Command.create(
                    {
                        "name": "Unanswered",
                        "outcome": "not_billable",
                        "condition_ids": [
                            Command.create(
                                {
                                    "column": "disposition",
                                    "operator": "is not",
                                    "value": "ANSWERED",
                                }
                            )
                        ],
                    }
                )
            ],
        }
    )


def _make_subscriptions(env, partners):
    """A monthly subscription with one flat fee for every customer."""
    income = env["account.account"].search(
        [("account_type", "=", "income")], limit=1
    )
    fee = env["product.product"].create(
        {
            "name": "Line rental",
            "type": "service",
            "list_price": 25.0,
            "property_account_income_id": income.id,
        }
    )
    template = env["sale.subscription.template"].create(
        {
            "name": "Monthly telephone service",
            "code": "TEL",
            "recurring_rule_type": "months",
            "recurring_interval": 1,
            "recurring_rule_boundary": "unlimited",
            "invoicing_mode": "draft",
        }
    )
    stage = env["sale.subscription.stage"].search(
        [("type", "=", "in_progress")], limit=1
    )
    pricelist = env["product.pricelist"].create(
        {"name": "Bench", "currency_id": env.company.currency_id.id}
    )
    subscriptions = env["sale.subscription"].create(
        [
            {
                "partner_id": partner.id,
                "template_id": template.id,
                "pricelist_id": pricelist.id,
                "stage_id": stage.id,
                "in_progress": True,
                "sale_subscription_line_ids": [
                    Command.create(
                        {
                            "product_id": fee.id,
                            "name": fee.name,
                            "product_uom_qty": 1,
                            "price_unit": 25.0,
                        }
                    )
                ],
            }
            for partner in partners
        ]
    )
    # A subscription that is put in progress sets both dates to today.
    subscriptions.write({"date_start": START, "recurring_next_date": DUE})
    return subscriptions
