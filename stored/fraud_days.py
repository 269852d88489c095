# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Summing the calls of days again, and learning from them what is usual.

A day is summed from what is stored, so what was imported late, taken back or was there
before anybody looked for fraud counts, and nothing counts twice.
"""

import io
import json

import numpy as np
import pyarrow as pa
from pyarrow import csv

from .. import fraud
from ..ingest.fraud_store import FRAUD_LOCK_CLASS, keep_days

#: customers whose profiles are learned and stored together
MOST_CUSTOMERS = 500
#: in a unit of money
MICRO_UNITS = 1_000_000

#: a customer's day begins within so many days of that of UTC
_CALLS = """
    COPY (
        SELECT partner_id, (extract(epoch FROM start_time) * 1000000)::bigint AS start,
               quantity::bigint AS seconds, (charge * {micro})::bigint AS charge,
               coalesce(currency_id, 0) AS currency, callee,
               coalesce(destination_id, 0) AS destination
          FROM metered_cdr
         WHERE start_time >= date '1970-01-01' + {day} - 1
           AND start_time < date '1970-01-01' + {day} + 2
           AND company_id = {company} AND partner_id IS NOT NULL
           AND direction = 'outbound' AND charge > 0
    ) TO STDOUT (FORMAT csv, HEADER)
"""
_TYPES = {
    **dict.fromkeys(
        ("partner_id", "start", "seconds", "charge", "currency", "destination"),
        pa.int64(),
    ),
    "callee": pa.string(),
}
_STORE = """
    INSERT INTO metered_fraud_profile (company_id, partner_id, learned)
    SELECT %s, new.partner_id, new.learned
      FROM unnest(%s::int[], %s::jsonb[]) AS new (partner_id, learned)
    ON CONFLICT (company_id, partner_id) DO UPDATE SET learned = excluded.learned
"""


def sum_day(cr, known, day):
    """Sum the calls of one day again, of all customers of a company.

    Imports of the company wait until the transaction ends.

    :param known: :class:`~..ingest.fraud_settings.FraudSettings`
    :param day: day number
    """
    company_id = known.company_id
    cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", (FRAUD_LOCK_CLASS, company_id))
    buffer = io.BytesIO()
    query = _CALLS.format(day=int(day), company=int(company_id), micro=MICRO_UNITS)
    cr.copy_expert(query, buffer)
    buffer.seek(0)
    table = csv.read_csv(
        buffer,
        convert_options=csv.ConvertOptions(
            column_types=_TYPES, strings_can_be_null=True
        ),
    )
    column = {name: table[name].to_numpy() for name in _TYPES if name != "callee"}
    calls = known.outgoing(
        column["partner_id"],
        column["start"],
        column["seconds"],
        known.in_company_currency(column["charge"], column["currency"]),
        table["callee"].combine_chunks(),
        column["destination"],
    )
    quarters, ranges = fraud.tally(calls)
    quarters, ranges = (sums[sums["day"] == day] for sums in (quarters, ranges))
    cr.execute(
        """
        DELETE FROM metered_fraud_day
         WHERE company_id = %s AND day = date '1970-01-01' + %s
        """,
        (company_id, int(day)),
    )
    partners = np.unique(quarters["partner_id"].to_numpy()).tolist()
    cr.execute(
        """
        INSERT INTO metered_fraud_day (company_id, partner_id, day)
        SELECT %s, partner_id, date '1970-01-01' + %s
          FROM unnest(%s::int[]) AS new (partner_id)
        """,
        (company_id, int(day), partners),
    )
    packed = [
        {part[:2]: part[2] for part in fraud.pack(sums, columns)}
        for sums, columns in (
            (quarters, fraud.QUARTER_COLUMNS),
            (ranges, fraud.RANGE_COLUMNS),
        )
    ]
    keep_days(cr, company_id, [(partner, day) for partner in partners], *packed)


def learn_profiles(cr, company_id, today, after=0):
    """Learn what is usual for the next customers of a company.

    Days on which something is suspicious that nobody took for honest are left out.

    :param today: day number
    :param after: id of the customer after whom to go on
    :return: id of the last customer; None when there are no more
    """
    cr.execute(
        """
        SELECT DISTINCT partner_id FROM metered_fraud_day
         WHERE company_id = %s AND partner_id > %s ORDER BY 1 LIMIT %s
        """,
        (company_id, after, MOST_CUSTOMERS),
    )
    partners = [row[0] for row in cr.fetchall()]
    if not partners:
        return None
    cr.execute(
        """
        SELECT partner_id, day - date '1970-01-01', quarters, ranges
          FROM metered_fraud_day
         WHERE company_id = %s AND partner_id = ANY(%s)
         ORDER BY partner_id, day
        """,
        (company_id, partners),
    )
    rows = cr.fetchall()
    profiles = fraud.learn(
        fraud.unpack([(*row[:2], row[2]) for row in rows], fraud.QUARTER_COLUMNS),
        fraud.unpack([(*row[:2], row[3]) for row in rows], fraud.RANGE_COLUMNS),
        today,
        _suspicious_days(cr, company_id, partners),
    )
    learned = [
        json.dumps(_as_json(profiles, partner))
        for partner in profiles.levels.index.tolist()
    ]
    cr.execute(_STORE, (company_id, profiles.levels.index.tolist(), learned))
    return partners[-1]


def _suspicious_days(cr, company_id, partners):
    cr.execute(
        """
        SELECT alarm.partner_id, each.day::date - date '1970-01-01'
          FROM metered_fraud_alarm alarm,
               generate_series(alarm.first_call::date - 1, alarm.last_call::date + 1,
                               interval '1 day') AS each (day)
         WHERE alarm.company_id = %s AND alarm.partner_id = ANY(%s)
           AND alarm.state IN ('open', 'confirmed')
        """,
        (company_id, partners),
    )
    return set(cr.fetchall())


def _as_json(profiles, partner):
    levels = profiles.levels.loc[partner]
    return {
        "levels": {name: int(levels[name]) for name in levels.index},
        "zones": sorted(int(zone) for zone in profiles.zones.get(partner, ())),
        "leaks": {
            str(key): [int(each) for each in value]
            for key, value in profiles.leaks.get(partner, {}).items()
        },
    }


def forget_days(cr, company_id, today):
    """Delete the sums of days that nothing is learned from any more."""
    cr.execute(
        """
        DELETE FROM metered_fraud_day
         WHERE company_id = %s AND day <= date '1970-01-01' + %s
        """,
        (company_id, today - fraud.MOST_DAYS),
    )
