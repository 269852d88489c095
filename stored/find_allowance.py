# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which allowance a call that nobody has made would take from, with what is left now.

The call comes after all others of its billing period: what they took is taken. The
same code gives it the rest that gives allowances to calls that were made.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..rating.allowances import UNLIMITED, balances
from ..rating.calling_plans import apply_plans
from ..rating.reserves import less
from .apply_subscription import SubscriptionPlans
from .golden import subscription_of_call
from .plan_engines import Engines
from .plan_outcome import Told
from .plan_terms import EVERYBODY, OWN_CALLS, set_pools
from .why import make_call, rate_one


@dataclass
class PlanNow:
    """The calling plans that a customer's call would take from.

    :ivar period: ``PlanPeriod`` of the call
    :ivar terms: list of ``plan_terms.Term``
    :ivar left: DataFrame of `allowances.balances`: what is left now
    :ivar identifier_id: whose call it would be, where each has an allowance for itself
    :ivar own: whether the subscription bills the customer's calls; a parent company's
        may only share an allowance
    """

    period: object
    terms: list
    left: pd.DataFrame
    identifier_id: int
    own: bool

    def left_of(self, term):
        """What is left of an allowance for the call, in its smallest unit.

        :return: int, None for no end, 0 where the customer has none of it
        """
        rows = self.left[
            (self.left["allowance_id"] == term.allowance.id)
            & (self.left["key"] == self._key(term))
        ]
        amount = int(rows["amount"].sum()) if len(rows) else 0
        return None if (rows["amount"] == UNLIMITED).any() else amount

    def _key(self, term):
        if term.scope in OWN_CALLS and not self.own:
            return 0
        return self.identifier_id if term.scope == "identifier" else EVERYBODY

    def price(self, loaded, number, destination_id, meter, moment, seconds):
        """Rate a call, and let it take from what is left.

        :param loaded: what ``load_rates.load_engine`` returned
        :return: :class:`~.why.Outcome`
        """
        engine, currency_of_deck = loaded
        call = make_call(number, moment, seconds, meter)
        calls = pd.DataFrame([call])
        rated = engine.rate(calls).frame
        calls["id"], calls["destination_id"] = "asked", destination_id
        calls["currency_id"] = currency_of_deck.get(int(rated["deck_id"].iloc[0]), 0)
        calls["identifier_id"] = self.identifier_id
        set_pools(calls, self.terms, np.array([self.own]))
        allowances = [term.allowance for term in self.terms]
        planned = apply_plans(engine, calls, rated, allowances, self.left)
        if not len(planned.taken):
            return rate_one(loaded, call)
        return rate_one(loaded, call, planned.of_call(0, allowances))


class _Left(Told):
    """Remembers what is left at the end of each period."""

    def __init__(self):
        super().__init__()
        self.closing = {}

    def balances(self, _work, period, closing):
        self.closing[period.date_from] = closing


def find_plan(book, partner, moment, identifier_id=0):
    """The plans that a call of a customer would take from, with what is left now.

    :param book: :class:`~.plan_book.PlanBook`
    :param partner: ``res.partner`` record with all rights, the customer
    :param moment: naive UTC datetime
    :param identifier_id: of the customer, whose call it would be
    :return: :class:`PlanNow`, None where there is no plan
    """
    subscription, day, own = subscription_of_call(book, partner, moment)
    periods = subscription and subscription.periods(day, day)
    if not periods:
        return None
    work = SubscriptionPlans(book, subscription, Engines(partner.env))
    found = _Left()
    work.run(day, day, found)
    closing = found.closing[periods[0].date_from]
    left = closing[["allowance_id", "key"]].assign(
        amount=np.minimum(closing["left"], UNLIMITED), periods_left=0
    )
    # What is left may be another period's already, that was billed.
    reserve = work.reserve_of[periods[0].date_from]
    return PlanNow(
        periods[0],
        work.terms,
        less(balances([left]), {}, reserve),
        identifier_id,
        own,
    )
