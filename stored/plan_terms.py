# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading a subscription's calling plans into what the engine applies."""

from dataclasses import dataclass
from decimal import Decimal
from types import SimpleNamespace

import numpy as np

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
#: key of an allowance that all calls of a subscription share
EVERYBODY = 1

_TERMS = """
    SELECT allowance.id, allowance.plan_id, allowance.sequence, allowance.unit,
           allowance.unlimited, allowance.scope, allowance.times_quantity,
           allowance.prorated, allowance.free_calls, allowance.increment,
           allowance.factor, allowance.waive_fee, allowance.overage,
           allowance.rollover_limited,
           coalesce(allowance.rollover_periods, 0) AS rollover_periods,
           coalesce(allowance.amount, 0)::text AS amount,
           coalesce(allowance.fair_use, 0)::text AS fair_use,
           coalesce(allowance.price, 0)::text AS price,
           coalesce(allowance.overage_price, 0)::text AS overage_price,
           coalesce(allowance.rollover_limit, 0)::text AS rollover_limit,
           plan.currency_id,
           ARRAY(SELECT meter_id FROM metered_allowance_meter_rel
                  WHERE allowance_id = allowance.id) AS meter_ids,
           ARRAY(SELECT destination_id FROM metered_allowance_destination_rel
                  WHERE allowance_id = allowance.id) AS destination_ids,
           ARRAY(SELECT band_id FROM metered_allowance_band_rel
                  WHERE allowance_id = allowance.id) AS band_ids
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

    @property
    def currency_id(self):
        """The one that calls must be charged in, 0 for any."""
        return int(self.allowance.pool.rpartition("_")[2])


def load_terms(cr, plans):
    """The allowances of plans.

    :param plans: dict plan id -> quantity of the subscription's lines
    :return: list of :class:`Term`
    """
    cr.execute(_TERMS, (list(plans),))
    terms = []
    for row in cr.dictfetchall():
        terms += _terms(SimpleNamespace(**row), plans[row["plan_id"]])
    return terms


def plans_with(cr, allowance_ids):
    """The plans of allowances: dict plan id -> 1, as often as a line has one."""
    cr.execute(
        "SELECT DISTINCT plan_id FROM metered_calling_plan_allowance"
        " WHERE id = ANY(%s)",
        (list(allowance_ids),),
    )
    return {plan_id: 1 for (plan_id,) in cr.fetchall()}


def set_pools(calls, terms, own):
    """Set the columns that say from whose allowances calls take.

    :param calls: DataFrame with currency_id and identifier_id
    :param terms: list of :class:`Term`
    :param own: whether the subscription bills them, bool, shape (n,)
    """
    currency = calls["currency_id"].to_numpy()
    for term in terms:
        if term.allowance.pool in calls:
            continue
        key = np.full(len(calls), EVERYBODY, np.int64)
        if term.scope == "identifier":
            key = calls["identifier_id"].to_numpy().copy()
        if term.scope in OWN_CALLS:
            key[~own] = 0
        if term.currency_id:
            key[currency != term.currency_id] = 0
        calls[term.allowance.pool] = key


def pool_column(scope, currency_id):
    """Name of the column of calls that says whose an allowance is.

    :param currency_id: that the calls must be charged in, 0 for any
    """
    return f"{scope}_{currency_id}"


def _terms(row, quantity):
    per_unit = PER_UNIT[row.unit]

    def smallest(text):
        return int(rounded(exact(text) * per_unit, 0))

    fair = row.unlimited and exact(row.fair_use)
    priced = row.unit == "money" or exact(row.price)
    limited = row.rollover_limited and row.rollover_periods
    shared = {
        "unit": UNIT_OF[row.unit],
        "meter_ids": row.meter_ids,
        "destination_ids": row.destination_ids,
        "band_ids": row.band_ids,
        "increment": row.increment,
        "per_units": MINUTE if row.unit == "minutes" else 1,
        "fee_e8": 0 if row.waive_fee else DECK_FEE,
        "free_calls": bool(row.free_calls),
    }
    allowances = [
        Allowance(
            row.id,
            amount=None if row.unlimited else smallest(row.amount),
            fair_use=smallest(row.fair_use) if fair else None,
            pool=pool_column(row.scope, row.currency_id if priced else 0),
            priority=row.sequence,
            factor=row.factor,
            price_e8=_e8(row.price),
            prorated=bool(row.prorated),
            rollover_periods=row.rollover_periods,
            rollover_limit=smallest(row.rollover_limit) if limited else None,
            **shared,
        )
    ]
    if row.overage == "own" and row.unit != "money" and (fair or not row.unlimited):
        allowances.append(
            Allowance(
                -row.id,
                pool=pool_column(row.scope, row.currency_id),
                priority=row.sequence + AFTER_ALL,
                price_e8=_e8(row.overage_price),
                prorated=False,
                **shared,
            )
        )
    times = Decimal(1)
    if row.times_quantity and row.scope != "identifier":
        times = Decimal(repr(quantity))
    return [
        Term(allowance, row.scope, times, per_unit, row.sequence, row.plan_id)
        for allowance in allowances
    ]


def _e8(text):
    return int(rounded(exact(text) * 10**8, 0))
