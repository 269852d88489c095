# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the demo has of the price book beside decks.

A calling plan of one customer, what calls cost at the carrier's, golden calls, what a
new deck would have brought last month, and usage that is rated again.
"""

import datetime

from set_up import DUE, START, import_deck

from odoo import Command

#: who has the calling plan
PLAN_CUSTOMER = "SecureWatch Alarms"
#: call type -> (minutes of a period, most that is rolled over into the next one)
PLAN = {"national": (300, 30), "international": (150, 0)}
#: the deck that is tried, and the one that customers have
TRIED, RETAIL = "Retail 2027", "Retail"
#: days of the what-if and the margins, both included
DAYS = (
    datetime.date.fromisoformat(START),
    datetime.date.fromisoformat(DUE) - datetime.timedelta(days=1),
)


def make_plan(env, subscription):
    """Sell the calling plan on a subscription."""
    plan = env["metered.calling.plan"].create(
        {
            "name": "Office 300",
            "description": "For offices that call abroad now and then.",
            "allowance_ids": [
                Command.create(
                    {
                        "sequence": place,
                        "name": f"{kind.capitalize()} minutes",
                        "amount": minutes,
                        "scope": "customer",
                        "meter_ids": [
                            Command.set(env.ref(f"metered_billing.meter_{kind}").ids)
                        ],
                        "rollover_periods": 1 if most else 0,
                        "rollover_limited": bool(most),
                        "rollover_limit": most,
                    }
                )
                for place, (kind, (minutes, most)) in enumerate(PLAN.items())
            ],
        }
    )
    product = env["product.product"].create(
        {
            "name": "Office 300",
            "type": "service",
            "list_price": 19.0,
            "metered_plan_id": plan.id,
        }
    )
    subscription.sale_subscription_line_ids = [
        Command.create(
            {
                "product_id": product.id,
                "name": product.name,
                "product_uom_qty": 1,
                "price_unit": 19.0,
            }
        )
    ]
    return plan


def make_costs(env, folder):
    """The carrier's rates, as cost deck of the company."""
    deck = env["metered.rate.deck"].create(
        {
            "name": "Carrier costs",
            "purpose": "cost",
            "timezone": "America/New_York",
            "decimals": 4,
        }
    )
    import_deck(env, deck, folder / "carrier_costs.csv")
    env.company.metered_cost_deck_id = deck
    return deck


def make_golden_calls(env, partner):
    """Two prices that were promised to a customer.

    On Monday, 5 October 2026, 10:00 in New York: peak, a minute and a half at 0.012;
    and a minute to Jamaica.
    """
    return env["metered.golden.call"].create(
        [
            {
                "partner_id": partner.id,
                "number": number,
                "meter_id": env.ref(f"metered_billing.meter_{kind}").id,
                "moment": "2026-10-05 14:00:00",
                "seconds": seconds,
                "expected": expected,
                "note": note,
            }
            for number, kind, seconds, expected, note in (
                ("+12125550142", "national", 90, 0.018, "Promised by contract"),
                ("+16585550100", "international", 60, 0.25, "Their office in Kingston"),
            )
        ]
    )


def try_deck(env, decks):
    """What October would have brought with next year's deck.

    :return: finished ``metered.simulation``
    """
    return _simulate(
        env, "what_if", deck_id=decks[TRIED].id, replaces_id=decks[RETAIL].id
    )


def find_margins(env):
    """What the calls of October cost.

    :return: finished ``metered.simulation``
    """
    return _simulate(env, "margin")


def _simulate(env, kind, **values):
    start = env["metered.simulation.start"].create(
        {"kind": kind, "date_from": DAYS[0], "date_to": DAYS[1], **values}
    )
    return env["metered.simulation"].browse(start.action_run()["res_id"])


def rate_again(env, partner):
    """Rate a customer's open usage again: no rate changed, so nothing does.

    :return: finished ``metered.rerate``
    """
    last = datetime.date.fromisoformat(DUE) + datetime.timedelta(days=29)
    run = _preview_rerate(env, partner, (DUE, last))
    run.action_apply()
    return run


def credit_texts(env, partner, meter):
    """A price of texts that was agreed on after October was invoiced.

    The invoice keeps its charge; the difference goes on a credit note.

    :return: the posted ``account.move``
    """
    env["metered.price"].create(
        {
            "name": f"{meter.name}, as agreed with {partner.name}",
            "meter_id": meter.id,
            "partner_ids": [Command.set(partner.ids)],
            "charge_model": "graduated",
            "tier_ids": [
                Command.create({"up_to": 100, "unit_price": 0}),
                Command.create({"first": 100, "unit_price": 0.04}),
            ],
        }
    )
    run = _preview_rerate(env, partner, DAYS, scope="invoiced", meter=meter)
    env["metered.rerate.approve"].create(
        {"rerate_id": run.id, "reason": "Texts above 100 cost $0.04, as agreed."}
    ).action_post()
    return run.difference_ids.move_id


def _preview_rerate(env, partner, days, scope="open", meter=None):
    start = env["metered.rerate.start"].create(
        {
            "scope": scope,
            "date_from": days[0],
            "date_to": days[1],
            "partner_ids": [Command.set(partner.ids)],
            "meter_ids": [Command.set(meter.ids if meter else [])],
        }
    )
    return env["metered.rerate"].browse(start.action_preview()["res_id"])
