# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The operator whose month is measured: rate deck, customers, source, subscriptions."""

from dataclasses import dataclass
from decimal import Decimal

import synthetic

from odoo import Command

START, DUE = "2026-05-01", "2026-07-01"
CUSTOMERS = 2_000
SUBSCRIPTIONS = 500
PREFIXES = 20_000
ZONE = "America/New_York"
BANDS = (
    ("Peak", (("week", 8, 18),)),
    ("Evening", (("week", 18, 22), ("weekend", 8, 22))),
    ("Night", (("week", 22, 8), ("weekend", 22, 8))),
)
#: of the price at any time
BAND_SHARES = (Decimal(1), Decimal("0.8"), Decimal("0.6"))
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")
WEEKEND = ("saturday", "sunday")
#: of every so many-th prefix the price depends on the time band
BANDED_EVERY = 5
#: first digit of the prefix -> first and further increments; others 30/6
INCREMENTS = {"1": (1, 1), "3": (60, 6), "4": (60, 6)}


@dataclass
class Workload:
    """What the figures are measured with; ``prefixes`` are those that are called."""

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
    quiet = env(context={**env.context, "tracking_disable": True})
    numbers = synthetic.customer_numbers(CUSTOMERS)
    partners = quiet["res.partner"].create(
        [{"name": f"Customer {number}"} for number in range(1, CUSTOMERS + 1)]
    )
    quiet["metered.identifier"].create(
        [
            {"partner_id": partner.id, "kind": "number", "value": f"+{number}"}
            for partner, number in zip(partners, numbers.tolist(), strict=True)
        ]
    )
    return Workload(
        source=make_source(env),
        partners=partners.with_env(env),
        subscriptions=_make_subscriptions(quiet, partners[:SUBSCRIPTIONS]).with_env(
            env
        ),
        numbers=numbers,
        prefixes=_with_destination(env, prices),
    )


def _with_destination(env, prices):
    """The prefixes that lead somewhere: the deck is older than some of the world."""
    known = {
        prefix
        for destination in env["metered.destination"].search([])
        for prefix in destination._split_prefixes()
    }
    return [
        price.prefix
        for price in prices
        if any(price.prefix[:digits] in known for digits in range(1, 9))
    ]


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
    env.flush_all()
    rows = [
        row
        for rank, price in enumerate(prices)
        for row in _rates(deck, bands, rank, price)
    ]
    # Not by the ORM: how a deck is made is not what is measured.
    env.cr.execute_values(
        "INSERT INTO metered_rate (deck_id, company_id, prefix, name, band_id, price,"
        " per_seconds, initial_increment, increment, connection_fee, min_charge,"
        " max_charge, grace_seconds) VALUES %s",
        rows,
        page_size=1000,
    )
    return deck


def _rates(deck, bands, rank, price):
    """The rates of one prefix: at any time, and for some in each band."""
    steps = INCREMENTS.get(price.prefix[0], (30, 6))
    head = (deck.id, deck.company_id.id, price.prefix, price.name)
    tail = (60, *steps, 0, 0, 0, 0)
    amount = Decimal(price.price)
    yield (*head, None, amount, *tail)
    if rank % BANDED_EVERY == 0:
        for band, share in zip(bands, BAND_SHARES, strict=True):
            yield (*head, band.id, amount * share, *tail)


def make_source(env, name="Bench switch"):
    """Calls of a switch in the generic layout; what was not answered is not charged."""
    return env["metered.source"].create(
        {
            "name": name,
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
    """A monthly subscription with one flat fee for each of these customers."""
    income = env["account.account"].search([("account_type", "=", "income")], limit=1)
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
