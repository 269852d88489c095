# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a calling plan took of a call, from what is stored with the call.

A record keeps, for each allowance, how much it took and how many billed seconds that
covers. The number of an allowance is negative where its own price is charged because
it was used up; this comes after all others.
"""

import json
from dataclasses import dataclass
from fractions import Fraction

from .call_charge import Cover
from .exact import exact

_ALLOWANCES = """
    SELECT allowance.id, sequence, unit, waive_fee, price::text,
           overage_price::text
      FROM metered_calling_plan_allowance allowance
"""
_MICRO = 10**6


@dataclass(frozen=True)
class Allowance:
    """The terms of an allowance that a charge depends on.

    :ivar price: of a minute, unit, or record that it takes
    :ivar overage: the same when it is used up
    """

    id: int
    sequence: int
    unit: str
    waives_fee: bool
    price: Fraction
    overage: Fraction


def read_allowances(cursor):
    """All allowances: dict id -> :class:`Allowance`."""
    cursor.execute(_ALLOWANCES)
    return {
        row[0]: Allowance(*row[:4], exact(row[4]), exact(row[5]))
        for row in cursor.fetchall()
    }


def cover_of(taken, covered, allowances):
    """What a plan took of a call.

    :param taken: what the record keeps, JSON; None where nothing was taken
    :param covered: billed seconds in all
    :param allowances: as :func:`read_allowances` returns them
    :return: `call_charge.Cover`
    :raises LookupError: where an allowance is not there any more
    """
    entries = []
    for key, (quantity, _seconds) in json.loads(taken or "{}").items():
        number = int(key)
        allowance = allowances[abs(number)]
        order = number < 0, allowance.sequence, number
        entries.append((order, allowance, number < 0, quantity))
    cover, is_first = Cover(seconds=int(covered or 0)), True
    for _order, allowance, is_used_up, quantity in sorted(entries, key=lambda e: e[0]):
        if allowance.unit == "money":
            cover.paid += Fraction(quantity, _MICRO)
            continue
        if is_first:
            cover.without_fee, is_first = bool(allowance.waives_fee), False
        price = allowance.overage if is_used_up else allowance.price
        units = 60 if allowance.unit == "minutes" else 1
        cover.amount += price * quantity / units
    return cover
