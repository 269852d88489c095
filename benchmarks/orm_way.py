# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The ORM way: create the records, then read each and write what it costs.

What an Odoo module would do that knows nothing of frames and COPY: one job brings the
records in, another rates them, both in sensible batches. It gets the table without
foreign keys that the import has. What each call costs it is given: finding that out,
a query or two a record, is not even counted, nor is the usage.
"""

import statistics
import time

FACTS = (
    "company_id",
    "source_id",
    "batch_id",
    "line",
    "call_id",
    "start_time",
    "duration",
    "quantity",
    "direction",
    "caller",
    "callee",
    "state",
    "meter_id",
    "destination_id",
    "partner_id",
    "identifier_id",
    "currency_id",
)
CHARGES = ("billed_quantity", "rate_id", "band_id", "usage_id", "charge")
#: what rating has to know of a record
READ = ("callee", "start_time", "quantity", "meter_id", "partner_id")
BATCH = 1_000
PORTIONS = 5


def read_records(env, count):
    """Values of some rated CDRs, as lists of dicts: facts, and what rating found."""
    names = FACTS + CHARGES
    env.cr.execute(
        f"SELECT {', '.join(names)} FROM metered_cdr WHERE state = 'rated'"
        " ORDER BY id LIMIT %s",
        (count,),
    )
    rows = [dict(zip(names, row, strict=True)) for row in env.cr.fetchall()]
    return (
        [{name: row[name] for name in FACTS} for row in rows],
        [{name: row[name] for name in CHARGES} for row in rows],
    )


def measure(env, facts, charges):
    """Seconds per record, the median of some portions.

    The table must not hold these records.

    :param facts: what is created, dicts
    :param charges: what is written then, dicts
    """
    size = -(-len(facts) // PORTIONS)
    return statistics.median(
        _measure_portion(
            env, facts[start : start + size], charges[start : start + size]
        )
        for start in range(0, len(facts), size)
    )


def _measure_portion(env, facts, charges):
    Cdr = env["metered.cdr"]
    begun = time.perf_counter()
    ids = []
    for start in range(0, len(facts), BATCH):
        ids += Cdr.create(facts[start : start + BATCH]).ids
        env.cr.commit()
        env.invalidate_all()
    for start in range(0, len(ids), BATCH):
        records = Cdr.browse(ids[start : start + BATCH])
        for record, charge in zip(records, charges[start : start + BATCH], strict=True):
            for name in READ:
                record[name]  # pylint: disable=pointless-statement
            record.write(charge)
        env.cr.commit()
        env.invalidate_all()
    return (time.perf_counter() - begun) / len(facts)
