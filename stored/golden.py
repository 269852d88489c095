# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a call that nobody has made costs with the customer's calling plan.

What is left of an allowance is another thing every day. So a call is priced with all of
it, as the first one of a whole billing period without anything rolled over, or with
nothing of it left.
"""

from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from ..ingest.classify import Classifier
from ..ingest.load import customer_zone
from ..ingest.load_classes import load_classes
from ..ingest.load_rates import deck_chain, load_engine
from ..rating import RATED, number_keys
from ..rating.allowances import UNLIMITED, balances, grant
from ..rating.calling_plans import apply_plans
from .payers import payers_of, with_parents
from .plan_calls import UsageRow, anchor
from .plan_terms import EVERYBODY, load_terms, set_pools
from .why import make_call


def price_with_plan(
    book, company, partner, number, meter, moment, seconds, left, tried=None
):
    """Charge a call, as a subscription's plans would.

    :param book: :class:`~.plan_book.PlanBook` of the company
    :param company: ``res.company`` record, with all rights
    :param partner: the customer
    :param number: normalised
    :param meter: ``metered.meter`` record
    :param moment: naive UTC datetime
    :param left: True: all of the allowances is left; False: nothing of what has an end
    :param tried: ``TriedRates``, as if they were in force
    :return: (micro-units, currency id); (None, 0) where no rate fits
    """
    env = company.env
    partner = partner.with_company(company)
    chain = deck_chain(partner, company, tried)
    engine, currency_of_deck = load_engine(env, [chain], number, tried)
    calls = pd.DataFrame([make_call(number, moment, seconds, meter)])
    rated = engine.rate(calls).frame
    if rated["status"].iloc[0] != RATED:
        return None, 0
    currency_id = currency_of_deck[int(rated["deck_id"].iloc[0])]
    charge = int(rated["charge_micro"].iloc[0])
    subscription, _day, own = subscription_of_call(book, partner, moment)
    if subscription:
        terms = load_terms(env.cr, subscription.plans)
        _prepare(calls, company, own, terms, currency_id, number)
        planned = apply_plans(
            engine,
            calls,
            rated,
            [term.allowance for term in terms],
            balances(
                grant(term.allowance, EVERYBODY, term.quantity)
                for term in terms
                if left or term.allowance.limit == UNLIMITED
            ),
        )
        charge = int(planned.frame["charge_micro"].iloc[0])
    return charge, currency_id


def subscription_of_call(book, partner, moment):
    """Whose plans a call that a customer would make takes from.

    :param partner: ``res.partner`` record, may be empty
    :param moment: naive UTC datetime
    :return: (``PlanSubscription``, None for none; the day that the call is counted on;
        whether the subscription bills the customer's calls)
    """
    zone = ZoneInfo(customer_zone(partner, book.timezone))
    day = moment.replace(tzinfo=UTC).astimezone(zone).date()
    owner_id = partner.commercial_partner_id.id
    found = {each.id: each for each in book.of_customer(owner_id)} if owner_id else {}
    if not found:
        return None, day, False
    owners = with_parents(book.cr, [owner_id])[owner_id]
    payer_id = payers_of(book.cr, book.company_id, [owner_id])[owner_id]
    row = UsageRow(0, partner.id, 0, day, 0, owners, payer_id)
    subscription = found.get(anchor(row, list(found.values())))
    own = subscription is not None and row.is_billed_by(subscription.owner_id)
    return subscription, day, own


def _prepare(calls, company, own, terms, currency_id, number):
    """Add to a call the columns that its allowances ask for."""
    calls["id"] = "golden"
    calls["destination_id"] = 0
    if any(term.allowance.destination_ids for term in terms):
        classifier = Classifier(
            *load_classes(company.env, company), company.country_id.id, 0
        )
        callee = number_keys([number])
        destination_ids, _meters = classifier.classify(
            np.array(["outbound"], object), np.full(1, -1, np.int64), callee
        )
        calls["destination_id"] = destination_ids
    calls["currency_id"], calls["identifier_id"] = currency_id, EVERYBODY
    set_pools(calls, terms, np.array([own]))
