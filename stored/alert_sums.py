# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What usage of many subscriptions' running periods comes to, in one query.

What was invoiced of it meanwhile counts, too: an invoice in the middle of a period
does not begin it anew.

Calls have their charges; what other meters come to has a price of its own.
"""

from dataclasses import dataclass, field
from fractions import Fraction

#: Usage that names no subscription is that of one of those that bill the customer:
#: the first that is due has all meters but those that only later ones have lines for.
_SUMS = """
    WITH asked AS (
        SELECT * FROM unnest(%(place)s::int[], %(partner)s::int[], %(implied)s::bool[],
                             %(subscription)s::int[], %(begin)s::date[],
                             %(end)s::date[], %(is_first)s::bool[], %(meters)s::text[])
            AS asked (place, partner_id, implied, subscription_id, date_from, date_to,
                      is_first, meters)
    )
    SELECT asked.place, usage.meter_id, meter.kind = 'call', usage.currency_id,
           sum(usage.billed_quantity)::text, sum(usage.amount)::text
      FROM asked
      JOIN metered_usage usage
        ON usage.partner_id = asked.partner_id AND usage.company_id = %(company)s
       AND usage.day >= asked.date_from AND usage.day < asked.date_to
       AND usage.records > 0
       AND (usage.subscription_id = asked.subscription_id
            OR usage.subscription_id IS NULL AND asked.implied
               AND asked.is_first != (usage.meter_id = ANY (asked.meters::int[])))
      JOIN metered_meter meter ON meter.id = usage.meter_id
      LEFT JOIN account_move_line line ON line.id = usage.invoice_line_id
     WHERE line.metered_subscription_id IS NULL
        OR line.metered_subscription_id = asked.subscription_id
     GROUP BY 1, 2, 3, 4
"""


@dataclass
class Asked:
    """A billing period of a subscription.

    - `subscription_id`, `date_from`, `date_to`: the day after the last one
    - `household`: :class:`~.payers.Household` of its customer
    - `is_first`: whether usage that names no subscription is its own, but for that of
      `meters`; else that of `meters` alone
    - `meters`: set of ids
    """

    subscription_id: int
    date_from: object
    date_to: object
    household: object
    is_first: bool
    meters: set


@dataclass
class Sums:
    """What usage of a period comes to.

    - `amounts`: dict currency id -> Fraction, of calls
    - `seconds`: dict meter id -> Fraction, billed seconds of calls
    - `others`: set of ids of meters that are no call types and have usage
    """

    amounts: dict = field(default_factory=dict)
    seconds: dict = field(default_factory=dict)
    others: set = field(default_factory=set)


def sums_of(cr, company_id, asked):
    """Add up the usage of periods.

    :param asked: list of :class:`Asked`
    :return: list of :class:`Sums`, in the order of the periods
    """
    rows = [
        (place, partner, partner in implied, one)
        for place, one in enumerate(asked)
        for implied in [frozenset(one.household.implied)]
        for partner in one.household.named
    ]
    found = [Sums() for _one in asked]
    if not rows:
        return found
    cr.execute(
        _SUMS,
        {
            "company": company_id,
            "place": [row[0] for row in rows],
            "partner": [row[1] for row in rows],
            "implied": [row[2] for row in rows],
            "subscription": [row[3].subscription_id for row in rows],
            "begin": [row[3].date_from for row in rows],
            "end": [row[3].date_to for row in rows],
            "is_first": [row[3].is_first for row in rows],
            "meters": [f"{{{','.join(map(str, row[3].meters))}}}" for row in rows],
        },
    )
    for place, meter_id, is_call, currency_id, seconds, amount in cr.fetchall():
        sums = found[place]
        if not is_call:
            sums.others.add(meter_id)
            continue
        for totals, key, value in (
            (sums.amounts, currency_id, amount),
            (sums.seconds, meter_id, seconds),
        ):
            totals[key] = totals.get(key, Fraction(0)) + Fraction(value)
    return found
