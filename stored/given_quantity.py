# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Quantities that a program gives for a charge: one record, with its own usage.

The record has no source, as those of counters have none: it says in its properties
which charge it was given for. Its usage collects nothing, so that taking it back takes
nothing else with it.
"""

import json
from dataclasses import dataclass

from ..ingest.marks import note_change

_ADD_USAGE = """
    INSERT INTO metered_usage (company_id, partner_id, subscription_id, meter_id, day,
                               currency_id, records, quantity, billed_quantity, amount,
                               collecting)
         VALUES (%s, %s, %s, %s, %s, %s, 1, trim_scale(%s::numeric), 0, 0, FALSE)
      RETURNING id
"""
_ADD_CDR = """
    INSERT INTO metered_cdr (company_id, call_id, start_time, duration, quantity,
                             state, meter_id, partner_id, usage_id, currency_id,
                             properties)
         VALUES (%s, %s, %s, 0, trim_scale(%s::numeric), 'rated', %s, %s, %s, %s,
                 %s::jsonb)
"""


@dataclass(frozen=True, slots=True)
class Given:
    """A quantity that was given.

    - `quantity`: decimal text, may be below 0 where more was recorded
    - `day`: the day of the usage; `moment`: naive datetime in UTC, within it
    - `properties`: what the record tells of where it came from
    """

    company_id: int
    partner_id: int
    subscription_id: int
    meter_id: int
    currency_id: int
    call_id: str
    day: object
    moment: object
    quantity: str
    properties: dict


def store_given(cr, given):
    """Store a record of a quantity, and its usage.

    :param cr: cursor; the caller commits
    :param given: :class:`Given`
    :return: id of the usage
    """
    cr.execute(
        _ADD_USAGE,
        (
            given.company_id,
            given.partner_id,
            given.subscription_id,
            given.meter_id,
            given.day,
            given.currency_id,
            given.quantity,
        ),
    )
    [usage_id] = cr.fetchone()
    note_change(cr, [usage_id], "given")
    cr.execute(
        _ADD_CDR,
        (
            given.company_id,
            given.call_id,
            given.moment,
            given.quantity,
            given.meter_id,
            given.partner_id,
            usage_id,
            given.currency_id,
            json.dumps(given.properties),
        ),
    )
    return usage_id


def take_back_given(cr, usage_id):
    """Take back a quantity that is on no invoice.

    :param usage_id: as :func:`store_given` returned it
    """
    note_change(cr, [usage_id], "given")
    cr.execute(
        "DELETE FROM metered_cdr USING metered_usage usage"
        " WHERE usage.id = usage_id AND usage.id = %s"
        "   AND usage.invoice_line_id IS NULL",
        (usage_id,),
    )
    cr.execute(
        "DELETE FROM metered_usage WHERE id = %s AND invoice_line_id IS NULL",
        (usage_id,),
    )
