# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What calls that nobody has made cost, by rate decks or with calling plans.

What is left of an allowance is another thing every day. So a call is priced with all of
it, as the first one of a whole billing period without anything rolled over, or with
nothing of it left.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
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


@dataclass(frozen=True)
class AgreedCall:
    """A call that nobody has made.

    :ivar partner: the customer; empty: one without rates of its own
    :ivar number: normalised
    :ivar meter: ``metered.meter`` record
    :ivar moment: naive UTC datetime
    :ivar left: what is left of the allowances of its calling plan. True: all; False:
        nothing of what has an end; None: the rate deck's charge, whatever the plan
    """

    partner: object
    number: str
    meter: object
    moment: datetime
    seconds: int
    left: bool | None = None


def price_agreed(company, calls, plan_book=None, tried=None):
    """Charge calls, all of them in one pass over the rates.

    :param company: ``res.company`` record, with all rights
    :param calls: list of :class:`AgreedCall`
    :param plan_book: function that returns the :class:`~.plan_book.PlanBook` of the
        company; called where a call has a calling plan
    :param tried: ``TriedRates``, as if they were in force
    :return: list of (micro-units, currency id); (None, 0) where no rate fits
    """
    env = company.env
    env.flush_all()
    chains, rows = {}, []
    for call in calls:
        chain = deck_chain(call.partner.with_company(company), company, tried)
        row = make_call(call.number, call.moment, call.seconds, call.meter)
        rows.append({**row, "chain": chains.setdefault(chain, len(chains))})
    numbers = {call.number for call in calls}
    engine, currency_of_deck = load_engine(env, list(chains), numbers, tried)
    frame = pd.DataFrame(rows)
    rated = engine.rate(frame).frame
    book, priced = None, []
    for at, call in enumerate(calls):
        if rated["status"].iloc[at] != RATED:
            priced.append((None, 0))
            continue
        currency_id = currency_of_deck[int(rated["deck_id"].iloc[at])]
        charge = int(rated["charge_micro"].iloc[at])
        if call.left is not None:
            book = book or plan_book()
            one = [x.iloc[[at]].reset_index(drop=True) for x in (frame, rated)]
            charge = _with_plan(book, company, engine, call, *one, currency_id)
        priced.append((charge, currency_id))
    return priced


def _with_plan(book, company, engine, call, frame, rated, currency_id):
    """The charge of a rated call as its subscription's plans make it."""
    partner = call.partner.with_company(company)
    subscription, _day, own = subscription_of_call(book, partner, call.moment)
    if not subscription:
        return int(rated["charge_micro"].iloc[0])
    terms = load_terms(company.env.cr, subscription.plans)
    _prepare(frame, company, own, terms, currency_id, call.number)
    planned = apply_plans(
        engine,
        frame,
        rated,
        [term.allowance for term in terms],
        balances(
            grant(term.allowance, EVERYBODY, term.quantity)
            for term in terms
            if call.left or term.allowance.limit == UNLIMITED
        ),
    )
    return int(planned.frame["charge_micro"].iloc[0])


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
    row = UsageRow(
        usage_id=0,
        partner_id=partner.id,
        subscription_id=0,
        day=day,
        invoice_id=0,
        is_kept=False,
        owners=owners,
        payer_id=payer_id,
    )
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
