# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Summing the calls of days again, and learning from them what is usual.

A day is summed from what is stored, so what was imported late, taken back or was there
before anybody looked for fraud counts, and nothing counts twice.
"""

import json

import numpy as np
import pandas as pd
import pyarrow as pa

from .. import fraud
from ..ingest.frames import copy_out
from ..ingest.fraud_settings import SHORT_SECONDS
from ..ingest.fraud_store import (
    FRAUD_LOCK_CLASS,
    check_calls,
    day_codes,
    keep_days,
    read_days,
)

#: customers whose profiles are learned and stored together
MOST_CUSTOMERS = 500
#: in a unit of money
MICRO_UNITS = 1_000_000

DAY = 86_400

#: of a call that goes on after midnight a part is in the next day
_CALLS = f"""
    SELECT partner_id, (extract(epoch FROM start_time) * 1000000)::bigint,
           quantity::bigint, (coalesce(charge, 0) * {MICRO_UNITS})::bigint,
           coalesce(currency_id, 0), coalesce(destination_id, 0),
           (direction = 'inbound')::int,
           CASE direction WHEN 'inbound' THEN caller ELSE callee END
      FROM metered_cdr
     WHERE start_time >= to_timestamp(%(low)s - {DAY}) AT TIME ZONE 'UTC'
       AND start_time < to_timestamp(%(high)s) AT TIME ZONE 'UTC'
       AND company_id = %(company)s AND partner_id IS NOT NULL
       AND start_time + quantity * interval '1 second'
           >= to_timestamp(%(low)s) AT TIME ZONE 'UTC'
       AND (direction = 'outbound' AND charge > 0
            OR direction = 'inbound' AND quantity < {SHORT_SECONDS})
"""
_COLUMNS = {
    **dict.fromkeys(
        (
            *("partner_id", "start_us", "seconds", "charge", "currency"),
            *("destination", "inbound"),
        ),
        pa.int64(),
    ),
    "number": pa.string(),
}
#: A day that is marked again is summed first.
_TAKE = """
    WITH ready AS (
        SELECT id, partner_id FROM metered_fraud_wait wait
         WHERE company_id = %(company)s AND partner_id > %(after)s
           AND NOT EXISTS (
            SELECT FROM metered_fraud_mark mark
             WHERE mark.company_id = wait.company_id
               AND mark.day_from <= wait.last_call::date + 1
               AND mark.day_to >= wait.first_call::date - 1)
    ), next AS (
        SELECT DISTINCT partner_id FROM ready ORDER BY partner_id LIMIT %(limit)s
    )
    DELETE FROM metered_fraud_wait wait USING ready JOIN next USING (partner_id)
     WHERE wait.id = ready.id
 RETURNING wait.partner_id, wait.source_id, extract(epoch FROM wait.first_call)::bigint,
           extract(epoch FROM wait.last_call)::bigint
"""
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
    least, most = known.ahead_of_utc(day * DAY)
    table = copy_out(
        cr,
        _CALLS,
        {
            "company": company_id,
            "low": day * DAY - most,
            "high": (day + 1) * DAY - least,
        },
        _COLUMNS,
    )
    calls = _calls(known, table)
    quarters, ranges = fraud.tally(calls)
    quarters, ranges = (sums[sums["day"] == day] for sums in (quarters, ranges))
    cr.execute(
        """
        DELETE FROM metered_fraud_day
         WHERE company_id = %s AND day = date '1970-01-01' + %s
        """,
        (company_id, int(day)),
    )
    keys = np.unique(np.concatenate([day_codes(quarters), day_codes(ranges)]))
    keep_days(cr, company_id, keys, quarters, ranges)


def _calls(known, table):
    """The calls of :data:`_CALLS` as ``fraud.tally`` takes them."""
    inbound = table["inbound"].to_numpy() > 0
    parts = []
    for wanted in (~inbound, inbound):
        rows = table.filter(pa.array(wanted)).combine_chunks()
        column = {name: rows[name].to_numpy() for name in _COLUMNS if name != "number"}
        who = column["partner_id"], column["start_us"]
        # A column of a table is in chunks, though it be one.
        numbers = pa.concat_arrays([*rows["number"].chunks, pa.array([], pa.string())])
        if wanted is inbound:
            parts.append(known.ringing(*who, numbers))
            continue
        charge = known.in_company_currency(column["charge"], column["currency"])
        parts.append(
            known.outgoing(
                *who, column["seconds"], charge, numbers, column["destination"]
            )
        )
    return pd.concat(parts, ignore_index=True)


def check_waiting(cr, known, after=0):
    """Check calls of the next customers for whom calls wait; their days are summed.

    :param known: :class:`~..ingest.fraud_settings.FraudSettings`
    :param after: id of the customer after whom to go on
    :return: (dict source id -> list of ``ingest.fraud_store.Suspicion``, id of the last
        customer; None when there are no more)
    """
    cr.execute(
        _TAKE,
        {"company": known.company_id, "after": after, "limit": MOST_CUSTOMERS},
    )
    columns = ("partner_id", "source_id", "min", "max")
    waiting = pd.DataFrame(cr.fetchall(), columns=columns)
    if not len(waiting):
        return {}, None
    least, most = known.ahead_of_utc(int(waiting["min"].min()))
    keys = {
        (partner, day)
        for partner, _source, first, last in waiting.to_numpy(np.int64).tolist()
        # Sums of the day before tell what the first hour comes to.
        for day in range((first + least) // DAY - 1, (last + most) // DAY + 2)
    }
    begun = waiting.groupby("partner_id").agg({"min": "min", "max": "max"})
    _there, kept = read_days(cr, known.company_id, keys)
    suspicions = check_calls(cr, known, begun, *(fraud.add_up(one) for one in kept))
    source_of = dict(zip(waiting["partner_id"], waiting["source_id"], strict=True))
    found = {}
    for one in suspicions:
        found.setdefault(int(source_of[one.finding.partner_id]), []).append(one)
    return found, int(waiting["partner_id"].max())


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
        *(
            fraud.add_up(
                fraud.unpack([(*row[:2], row[position]) for row in rows], columns)
            )
            for position, columns in enumerate(
                (fraud.QUARTER_COLUMNS, fraud.RANGE_COLUMNS), 2
            )
        ),
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
