# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Applying calling plans to stored calls, customer by customer.

Calls are stored at the price of their rate deck. Here a subscription's allowances are
given to the calls of its billing periods in the order of (start, identity), and the
CDRs whose charge changes are written, together with the sums of their usage and the
balances. It may be done any number of times: the outcome depends on the calls only.

What is on an invoice is left as it is: what its calls took counts as used, and what
they took of amounts that were rolled over is kept for them in the periods before.
"""

import numpy as np

from ..rating.allowances import close
from .balance_store import balance_rows
from .plan_calls import anchor, read_calls, read_usage
from .plan_periods import DAY, PlanPeriods, candidate_of, partners_of
from .settle_outcome import Stored, Told
from .settle_subscription import Settling


def settle(company, owner, subscriptions, first, last, engines, keep=None):
    """Apply the plans that usage of a customer and some days may take from.

    :param company: ``res.company`` record, with all rights
    :param owner: ``res.partner`` record, the customer whose usage changed
    :param subscriptions: ``sale.subscription`` records whose plans it may take from,
        locked by the caller
    :param first, last: dates: the first and the last day with changes
    :param engines: :class:`~.settle_engines.Engines`
    :param keep: :class:`~.settle_outcome.Told` to write nothing; None:
        :class:`~.settle_outcome.Stored`
    :return: number of CDRs that were written
    """
    env = company.env
    env.flush_all()
    keep = keep or Stored(env.cr)
    written = 0
    for subscription in subscriptions:
        work = Settling(company, subscription, engines)
        written += work.run(first, last, keep)
    written += _reset_the_others(company, owner, subscriptions, first, last, keep)
    if isinstance(keep, Told):
        return 0
    for model, names in (
        ("metered.cdr", ["charge", "deck_charge", "plan_quantity", "plan_taken"]),
        ("metered.usage", ["amount"]),
        ("metered.allowance.balance", None),
    ):
        env[model].invalidate_model(names, flush=False)
    return written


def untouched_balances(company, subscription, period):
    """The balances of a period in which there are no calls yet.

    :param period: ``PlanPeriod`` of the subscription
    :return: list of dicts, see :func:`~.balance_store.balance_rows`
    """
    work = PlanPeriods(company, subscription)
    # Periods without balances had no calls either: all of them rolls over.
    before = [
        earlier
        for earlier in work.periods(period.date_from, period.date_from)
        if earlier.date_from < period.date_from
    ]
    periods = [*before, period]
    lots = work.stored_lots(periods[0].date_from)
    for each in periods:
        lots = close(work.allowances, work.opening(each, lots), {})
    return balance_rows(subscription, period, work.terms, lots)


def _reset_the_others(company, owner, subscriptions, first, last, keep):
    """Give calls that no plan is for any more the charge of their rate deck."""
    cr = company.env.cr
    family = partners_of(company.env, [("commercial_partner_id", "=", owner.id)])
    candidates = [candidate_of(subscription) for subscription in subscriptions]
    rows = read_usage(cr, company.id, family, first, last + DAY)
    ids = [
        row.usage_id for row in rows if not row.invoiced and not anchor(row, candidates)
    ]
    if not ids:
        return 0
    calls = read_calls(cr, np.array(ids, np.int64), everything=False)
    return keep.charges(calls, calls["deck_micro"].to_numpy(), _nothing(calls))


def _nothing(calls):
    return np.zeros(len(calls), np.int64), np.full(len(calls), "", object)
