# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What if a month was charged by another deck, for customers with and without plans.

The deck that is tried is the one that charged the calls, so that both sums have to be
the same. Nothing of it stays in the database.
"""

from datetime import UTC, datetime, timedelta

import imports
import rating_speed
import synthetic
from effort import Effort

from odoo import Command

#: minutes that the plan includes: some customers use them up, most do not
MINUTES = 300


def measure(env, operator, records):
    """What a what-if over all calls takes, and that in times of their rating alone.

    :param operator: ``workload.Workload``; its subscriptions get a plan
    :param records: how many calls the reference rates in memory
    :return: (:class:`~effort.Effort`, seconds for each second of rating as many calls)
    :raises imports.Disagreement: when both sums are not what is charged
    """
    _sell_plan(env, operator.subscriptions)
    env["metered.plan.mark"]._apply_plans()
    run = _make_run(env)
    with Effort.measure(env.cr) as effort:
        run._process()
    env.flush_all()
    env.cr.execute(
        "SELECT count(*), sum(charge) FROM metered_cdr WHERE state = 'rated'"
    )
    calls, charged = env.cr.fetchone()
    env.cr.execute(
        "SELECT sum(calls), sum(before), sum(after) FROM metered_simulation_line"
        " WHERE simulation_id = %s",
        (run.id,),
    )
    told, before, after = env.cr.fetchone()
    env.cr.rollback()
    env.invalidate_all(flush=False)
    imports.compare(
        [
            ("calls of the what-if", told, calls),
            ("charges of the what-if, now", before, charged),
            ("charges of the what-if, then", after, charged),
        ]
    )
    alone = calls / rating_speed.measure(env, operator.source, records)
    return effort, effort.wall / alone


def _sell_plan(env, subscriptions):
    plan = env["metered.calling.plan"].create(
        {
            "name": "Bench",
            "allowance_ids": [Command.create({"name": "Minutes", "amount": MINUTES})],
        }
    )
    product = env["product.product"].create(
        {"name": "Bench plan", "type": "service", "metered_plan_id": plan.id}
    )
    env["sale.subscription.line"].create(
        [
            {
                "sale_subscription_id": subscription.id,
                "product_id": product.id,
                "name": "Bench plan",
                "product_uom_qty": 1,
                "price_unit": 0,
            }
            for subscription in subscriptions
        ]
    )


def _make_run(env):
    first = datetime.fromtimestamp(synthetic.BEGIN, UTC).date()
    last = first + timedelta(days=synthetic.DAYS - 1)
    deck = env.company.metered_deck_id
    run = env["metered.simulation"].create(
        {
            "company_id": env.company.id,
            "deck_id": deck.id,
            "replaces_id": deck.id,
            "date_from": first,
            "date_to": last,
            "position": first,
        }
    )
    run.expected = run._count_calls()
    return run
