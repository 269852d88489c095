# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading a subscription's calling plans into what the engine applies."""

from dataclasses import dataclass
from decimal import Decimal

from ..rating.allowances import MONEY, RECORDS, SECONDS, UNITS, Allowance
from ..rating.charges import DECK_FEE
from ..rating.exact import exact, rounded

MINUTE = 60
UNIT_OF = {"minutes": SECONDS, "units": UNITS, "records": RECORDS, "money": MONEY}
#: smallest units in one of the units that people see
PER_UNIT = {"minutes": MINUTE, "units": 1, "records": 1, "money": 10**6}
#: what an allowance charges itself when it is used up comes after all that is included
AFTER_ALL = 10**6
OWN_CALLS = ("subscription", "identifier")

_TERMS = """
    SELECT allowance.id, allowance.plan_id, allowance.sequence, allowance.unit,
           coalesce(allowance.unlimited, FALSE), coalesce(allowance.amount, 0)::text,
           coalesce(allowance.fair_use, 0)::text, allowance.scope,
           coalesce(allowance.times_quantity, FALSE),
           coalesce(allowance.prorated, FALSE),
           coalesce(allowance.free_calls, FALSE), allowance.increment,
           allowance.factor, coalesce(allowance.price, 0)::text,
           coalesce(allowance.waive_fee, FALSE), allowance.overage,
           coalesce(allowance.overage_price, 0)::text,
           coalesce(allowance.rollover_periods, 0),
           coalesce(allowance.rollover_limited, FALSE),
           coalesce(allowance.rollover_limit, 0)::text, plan.currency_id,
           (SELECT coalesce(array_agg(meter_id), '{}')
              FROM metered_allowance_meter_rel WHERE allowance_id = allowance.id),
           (SELECT coalesce(array_agg(destination_id), '{}')
              FROM metered_allowance_destination_rel
             WHERE allowance_id = allowance.id),
           (SELECT coalesce(array_agg(band_id), '{}')
              FROM metered_allowance_band_rel WHERE allowance_id = allowance.id)
      FROM metered_calling_plan_allowance allowance
      JOIN metered_calling_plan plan ON plan.id = allowance.plan_id
     WHERE allowance.plan_id = ANY(%s)
     ORDER BY allowance.sequence, allowance.id
"""


@dataclass(frozen=True)
class Term:
    """An allowance as a subscription has it.

    :ivar allowance: :class:`~..rating.allowances.Allowance`; what it charges itself
        when another one is used up has the negative id of that
    :ivar scope: as on the record
    :ivar quantity: times that the subscription has it, Decimal
    :ivar per_unit: smallest units in one of the unit that people see
    :ivar sequence: its place among the others
    :ivar plan_id: that it belongs to
    """

    allowance: Allowance
    scope: str
    quantity: Decimal
    per_unit: int
    sequence: int
    plan_id: int


def load_terms(cr, plans):
    """The allowances of plans.

    :param plans: dict plan id -> quantity of the subscription's lines
    :return: list of :class:`Term`
    """
    cr.execute(_TERMS, (list(plans),))
    terms = []
    for row in cr.fetchall():
        terms += _terms(row, plans[row[1]])
    return terms


def pool_column(scope, currency_id):
    """Name of the column of calls that says whose an allowance is.

    :param currency_id: that the calls must be charged in, 0 for any
    """
    return f"{scope}_{currency_id}"


def _terms(row, quantity):
    (
        allowance_id,
        plan_id,
        sequence,
        unit,
        unlimited,
        amount,
        fair_use,
        scope,
        times_quantity,
        prorated,
        free_calls,
        increment,
        factor,
        price,
        waive_fee,
        overage,
        overage_price,
        rollover_periods,
        rollover_limited,
        rollover_limit,
        currency_id,
        meter_ids,
        destination_ids,
        band_ids,
    ) = row
    per_unit = PER_UNIT[unit]

    def smallest(text):
        return int(rounded(exact(text) * per_unit, 0))

    priced = unit == "money" or exact(price)
    shared = {
        "unit": UNIT_OF[unit],
        "meter_ids": meter_ids,
        "destination_ids": destination_ids,
        "band_ids": band_ids,
        "increment": increment,
        "per_units": MINUTE if unit == "minutes" else 1,
        "fee_e8": 0 if waive_fee else DECK_FEE,
        "free_calls": free_calls,
    }
    limited = rollover_limited and rollover_periods
    terms = [
        Allowance(
            allowance_id,
            amount=None if unlimited else smallest(amount),
            fair_use=smallest(fair_use) if unlimited and exact(fair_use) else None,
            pool=pool_column(scope, currency_id if priced else 0),
            priority=sequence,
            factor=factor,
            price_e8=_e8(price),
            prorated=prorated,
            rollover_periods=rollover_periods,
            rollover_limit=smallest(rollover_limit) if limited else None,
            **shared,
        )
    ]
    if overage == "own" and unit != "money" and not (unlimited and not exact(fair_use)):
        terms.append(
            Allowance(
                -allowance_id,
                pool=pool_column(scope, currency_id),
                priority=sequence + AFTER_ALL,
                price_e8=_e8(overage_price),
                prorated=False,
                **shared,
            )
        )
    times = Decimal(1)
    if times_quantity and scope != "identifier":
        times = Decimal(repr(quantity))
    return [
        Term(terms_of, scope, times, per_unit, sequence, plan_id) for terms_of in terms
    ]


def _e8(text):
    return int(rounded(exact(text) * 10**8, 0))
