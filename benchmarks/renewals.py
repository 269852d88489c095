# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Renewing subscriptions with a month of usage, beside stock renewals without any.

Both renew the same subscriptions, a portion at a time and in turns, and both are
rolled back. The stock renewal runs without anything that this module overrides.
"""

import statistics
import time
from contextlib import ExitStack, contextmanager
from decimal import Decimal

import imports

PORTION = 50
MODELS = (
    "sale.subscription",
    "sale.subscription.line",
    "account.move",
    "account.move.line",
)
OUR_CODE = "odoo.addons.metered_billing."


def measure(env, subscriptions):
    """How much longer a renewal with usage takes than a stock one without.

    :return: (seconds a renewal with usage, seconds a stock renewal, the median over
        the portions of the ratio of both)
    :raises imports.Disagreement: when invoices do not bill the usage to the cent
    """
    portions = [
        subscriptions[start : start + PORTION]
        for start in range(0, len(subscriptions), PORTION)
    ]
    _renew_with_usage(env, portions[0])
    _renew_as_stock(env, portions[0])
    with_usage, stock = [], []
    for turn, portion in enumerate(portions):
        if turn % 2:
            with_usage.append(_renew_with_usage(env, portion))
            stock.append(_renew_as_stock(env, portion))
        else:
            stock.append(_renew_as_stock(env, portion))
            with_usage.append(_renew_with_usage(env, portion))
    ratio = statistics.median(
        mine / theirs for mine, theirs in zip(with_usage, stock, strict=True)
    )
    count = len(subscriptions)
    return sum(with_usage) / count, sum(stock) / count, ratio


def _renew_with_usage(env, portion):
    """Renew as our scheduled action does, a portion at a time; seconds."""
    with _rolled_back(env):
        run = env["metered.renewal"].create(
            {
                "company_id": portion.company_id.id,
                "date": max(portion.mapped("recurring_next_date")),
                "expected": len(portion),
            }
        )
        env.flush_all()
        begun = time.perf_counter()
        failed = run._renew_portion(portion)
        env.flush_all()
        seconds = time.perf_counter() - begun
        imports.compare([("failed renewals", len(failed), 0)])
        _check_invoices(env, portion)
    return seconds


def _renew_as_stock(env, portion):
    """Renew as the scheduled action of ``subscription_oca`` does; seconds."""
    with _stock_code(env), _rolled_back(env):
        begun = time.perf_counter()
        for subscription in portion:
            subscription.with_company(subscription.company_id).generate_invoice()
        env.flush_all()
        return time.perf_counter() - begun


@contextmanager
def _rolled_back(env):
    env.cr.commit()
    env.invalidate_all()
    try:
        yield
    finally:
        env.cr.rollback()


@contextmanager
def _stock_code(env):
    """Take away the methods with which this module extends others' ones."""
    with ExitStack() as stack:
        for model in MODELS:
            classes = type(env[model]).__mro__
            for place, owner in enumerate(classes):
                if not owner.__module__.startswith(OUR_CODE):
                    continue
                for name, value in list(vars(owner).items()):
                    if callable(value) and any(
                        name in vars(parent) for parent in classes[place + 1 :]
                    ):
                        delattr(owner, name)
                        stack.callback(setattr, owner, name, value)
        yield


def _check_invoices(env, portion):
    """Each invoice has a line per call type, the exact sum of its usage, rounded."""
    env.cr.execute(
        """
        SELECT count(*) FILTER (WHERE line.id IS NULL),
               count(*) FILTER (WHERE line.price_subtotal != usage.amount),
               coalesce(sum(usage.amount), 0)::text
          FROM (SELECT partner_id, meter_id, invoice_line_id,
                       round(sum(amount), 2) AS amount
                  FROM metered_usage WHERE partner_id = ANY(%s)
                 GROUP BY partner_id, meter_id, invoice_line_id) usage
          LEFT JOIN account_move_line line ON line.id = usage.invoice_line_id
        """,
        (portion.partner_id.ids,),
    )
    missing, different, amount = env.cr.fetchone()
    imports.compare(
        [
            ("usage without an invoice line", missing, 0),
            ("invoice lines that are not the sum of their usage", different, 0),
            ("some usage was billed", Decimal(amount) > 0, True),
        ]
    )
