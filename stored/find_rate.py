# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a call that nobody has made would be, and would cost.

It goes the way of an imported call: the number is read, its destination and call type
are found, and the engine rates it; only that there is one of it, and no record.
"""

from dataclasses import dataclass

import numpy as np

from ..ingest.classify import Classifier
from ..ingest.dial_plans import dial_plan
from ..ingest.load_classes import load_classes, source_dial_plan
from ..ingest.load_rates import deck_chain, load_engine
from ..ingest.numbers import normalise_numbers, without_doubtful
from ..rating.prefixes import number_keys
from .why import make_call, rate_one


@dataclass(frozen=True)
class DialledNumber:
    """A number as the import would read it.

    :ivar number: normalised, None where it is no number
    :ivar destination_id: 0 where no destination fits
    :ivar meter_id: 0 where no call type takes it
    """

    number: str | None
    destination_id: int = 0
    meter_id: int = 0


def read_number(company, number, country, source=None, caller=None, is_assumed=False):
    """Read a dialled number.

    :param company: ``res.company`` record, with all rights
    :param number: as somebody dials it
    :param country: ``res.country`` record where it is dialled
    :param source: ``metered.source`` record with its own ways to dial; may be empty
    :param caller: number that calls, normalised, which tells local calls
    :param is_assumed: whether only the customer's address tells the country
    :return: :class:`DialledNumber`
    """
    own = source and source.country_id == country
    dialling = source_dial_plan(source) if own else dial_plan(country.code)
    found = normalise_numbers([number], dialling)
    if is_assumed and source:
        as_switch = normalise_numbers([number], source_dial_plan(source))
        found = without_doubtful(found, as_switch)
    [read] = found.to_pylist()
    if read is None:
        return DialledNumber(None)
    classifier = Classifier(
        *load_classes(company.env, company),
        country.id,
        source.local_digits if source else 0,
    )
    destination_ids, meter_ids = classifier.classify(
        np.array(["outbound"], object), number_keys([caller]), number_keys([read])
    )
    return DialledNumber(read, int(destination_ids[0]), int(meter_ids[0]))


def price_calls(
    company,
    partner,
    deck,
    number,
    meter,
    moment,
    lengths,
    plan=None,
    destination_id=0,
    tried=None,
):
    """Rate calls of several lengths to one number.

    :param company: ``res.company`` record, with all rights
    :param partner: whose decks are asked; empty: the company's own
    :param deck: asked instead, where there is one
    :param number: normalised
    :param meter: ``metered.meter`` record
    :param moment: naive UTC datetime
    :param lengths: seconds
    :param plan: ``find_allowance.PlanNow``: what the calls may take from
    :param destination_id: of the number, 0 for none
    :param tried: ``TriedRates``, as if they were in force
    :return: list of :class:`~.why.Outcome`
    """
    env = company.env
    env.flush_all()
    partner = partner.with_company(company)
    chain = (deck.id,) if deck else deck_chain(partner, company, tried)
    loaded = load_engine(env, [chain], number, tried)
    if plan:
        return [
            plan.price(loaded, number, destination_id, meter, moment, seconds)
            for seconds in lengths
        ]
    return [
        rate_one(loaded, make_call(number, moment, seconds, meter))
        for seconds in lengths
    ]
