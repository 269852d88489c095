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
from .apply_subscription import SubscriptionPlans
from .balance_store import balance_rows
from .payers import with_contacts
from .plan_book import DAY
from .plan_calls import anchor, read_calls, read_usage
from .plan_outcome import Stored
from .plan_periods import PlanPeriods


def apply_plans_of(book, owner_id, subscriptions, first, last, engines, keep=None):
    """Apply the plans that usage of a customer and some days may take from.

    :param book: :class:`~.plan_book.PlanBook` of the company
    :param owner_id: commercial entity whose usage changed
    :param subscriptions: list of ``PlanSubscription`` whose plans it may take from,
        locked by the caller
    :param first, last: dates: the first and the last day with changes
    :param engines: :class:`~.plan_engines.Engines`
    :param keep: :class:`~.plan_outcome.Told` to write nothing; None:
        :class:`~.plan_outcome.Stored`, by SQL that the ORM does not know of
    """
    keep = keep or Stored(book.cr)
    for subscription in subscriptions:
        SubscriptionPlans(book, subscription, engines).run(first, last, keep)
    _reset_the_others(book, owner_id, subscriptions, first, last, keep)


def untouched_balances(book, subscription, period):
    """The balances of a period in which there are no calls yet.

    :param subscription: ``PlanSubscription``
    :param period: ``PlanPeriod`` of it
    :return: list of dicts, see :func:`~.balance_store.balance_rows`
    """
    work = PlanPeriods(book, subscription)
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


def _reset_the_others(book, owner_id, subscriptions, first, last, keep):
    """Give calls that no plan is for any more the charge of their rate deck."""
    contacts = with_contacts(book.cr, owner_id)
    rows = read_usage(book.cr, book.company_id, contacts, first, last + DAY)
    ids = [
        row.usage_id
        for row in rows
        if not row.invoiced and not anchor(row, subscriptions)
    ]
    if ids:
        calls = read_calls(book.cr, np.array(ids, np.int64), everything=False)
        nothing = np.zeros(len(calls), np.int64), np.full(len(calls), "", object)
        keep.charges(calls, calls["deck_micro"].to_numpy(), nothing)
