# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The ORM way: create the records, then write what each of them costs.

What an Odoo module would do that knows nothing of frames and COPY. It is given what
each call costs: finding that out, a query or two a record, is not even counted.
"""

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
BATCH = 1_000


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
    """Seconds per record; the tables must be empty of these records.

    :param facts: what is created, dicts
    :param charges: what is written then, dicts
    """
    Cdr = env["metered.cdr"]
    begun = time.perf_counter()
    for start in range(0, len(facts), BATCH):
        records = Cdr.create(facts[start : start + BATCH])
        for record, charge in zip(records, charges[start : start + BATCH], strict=True):
            record.write(charge)
        env.cr.commit()
        env.invalidate_all()
    return (time.perf_counter() - begun) / len(facts)
