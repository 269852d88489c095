# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Why a stored call costs what it costs, and what it would cost today.

A call is explained by rating it again. Its charge may come from a deck that its
customer has no more, or from a rate that has ended since; so it is tried with the
settings of today, then with the rate that is stored, then with that rate's deck, until
the stored charge comes out. What does not come out is not explained away.
"""

from dataclasses import dataclass, field

from ..ingest.load import to_us
from ..ingest.load_rates import deck_chain, load_engine, load_rates, make_engine
from ..rating import MAX_US, explain
from ..rating.exact import in_micro
from ..rating.prefixes import number_keys


@dataclass
class Outcome:
    """How a call is charged.

    :ivar steps: list of :class:`~..rating.Step`
    :ivar charge_micro: None where it has no price
    :ivar currency_id: of the deck, 0 where there is none
    """

    steps: list
    charge_micro: int | None = None
    rate_id: int = 0
    band_id: int = 0
    currency_id: int = 0
    billed_seconds: int = 0


@dataclass
class Story:
    """How a stored charge came about.

    :ivar stored: the :class:`Outcome` that is stored; no steps where today's settings
        do not lead to it any more
    :ivar today: :class:`Outcome` with the settings of today
    :ivar same: whether both are the same charge
    """

    stored: Outcome
    today: Outcome
    same: bool = field(init=False)

    def __post_init__(self):
        self.same = (self.stored.charge_micro, self.stored.currency_id) == (
            self.today.charge_micro,
            self.today.currency_id,
        )


def explain_stored(cdr, plan=None):
    """Explain the charge of a rated call.

    :param cdr: one ``metered.cdr`` record, rated
    :param plan: `calling_plans.PlanOfCall`, what its calling plan took of it
    :return: :class:`Story`
    """
    cdr = cdr.sudo().with_company(cdr.company_id)
    env = cdr.env(
        context={**cdr.env.context, "allowed_company_ids": cdr.company_id.ids}
    )
    env.flush_all()
    cdr = cdr.with_env(env)
    env.cr.execute(
        "SELECT charge::text, quantity::bigint, billed_quantity::bigint"
        "  FROM metered_cdr WHERE id = %s",
        (cdr.id,),
    )
    charge, seconds, billed = env.cr.fetchone()
    stored = Outcome(
        [],
        in_micro(charge),
        cdr.rate_id.id,
        cdr.band_id.id or 0,
        cdr.currency_id.id,
        billed,
    )
    call = make_call(cdr.callee, cdr.start_time, seconds, cdr.meter_id)
    chain = deck_chain(cdr.partner_id, cdr.company_id)
    today = rate_one(load_engine(env, [chain], cdr.callee or ""), call, plan)
    for found in _candidates(env, cdr, call, plan, today):
        same = all(
            getattr(found, name) == getattr(stored, name)
            for name in ("charge_micro", "rate_id", "currency_id", "billed_seconds")
        )
        if same:
            stored.steps = found.steps
            break
    return Story(stored, today)


def _candidates(env, cdr, call, plan, today):
    """Yield the outcomes that may be the stored one."""
    yield today
    deck = cdr.rate_id.deck_id
    if not deck.exists():
        return
    rates = load_rates(env, deck, cdr.callee or "")
    rate = rates[rates["rate_id"] == cdr.rate_id.id].copy()
    # The day on which it ends may have been set after the call.
    rate["valid_to_us"] = MAX_US
    for some in (rate, rates):
        if len(some):
            yield rate_one(make_engine(env, [(deck.id,)], deck, some), call, plan)


def make_call(number, start, seconds, meter):
    """A call as the engine takes it, of its only chain.

    :param number: normalised
    :param start: naive UTC datetime
    :param meter: ``metered.meter`` record, may be empty
    """
    return {
        "number_key": int(number_keys([number or None])[0]),
        "start_us": to_us(start, 0),
        "seconds": int(seconds),
        "meter_id": meter.id or 0,
        "chain": 0,
    }


def rate_one(loaded, call, plan=None):
    """Rate one call and say why.

    :param loaded: what `load_engine` returned
    :param call: see `make_call`
    :return: :class:`Outcome`
    """
    engine, currency_of_deck = loaded
    steps = explain(engine, call, plan)
    return outcome_of(steps, currency_of_deck, _billed_seconds(steps))


def outcome_of(steps, currency_of_deck, billed_seconds):
    """Read the outcome off the steps that lead to it."""
    values = {step.code: step.values for step in steps}
    if "charge" not in values:
        return Outcome(steps)
    return Outcome(
        steps,
        in_micro(values["charge"]["charge"]),
        values["rate"]["rate_id"],
        values["band"]["band_id"],
        currency_of_deck[values["deck"]["deck_id"]],
        billed_seconds,
    )


def _billed_seconds(steps):
    """Seconds after increments: of the whole call, or of its parts."""
    return sum(
        step.values["billed_seconds"]
        for step in steps
        if step.code in ("increments", "part")
    )
