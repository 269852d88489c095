# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Samples of levels that a switch was asked for: one record each, with its usage.

A sample is known by the slot of time that it is for: told again, it changes nothing. It
is stored as an imported record is, and belongs to no import.
"""

from dataclasses import dataclass

from ..ingest.marks import mark_alerts_of_usage, mark_levels, note_change

# In the order of the index that makes them unique: of two that store the same none
# waits for the other.
_USAGE = """
    INSERT INTO metered_usage AS usage
                (company_id, partner_id, subscription_id, meter_id, day, currency_id,
                 records, quantity, billed_quantity, amount, collecting)
         VALUES (%(company_id)s, %(partner_id)s, %(subscription_id)s, %(meter_id)s,
                 %(day)s, %(currency_id)s, 0, 0, 0, 0, TRUE)
    ON CONFLICT (partner_id, day, meter_id, currency_id, company_id,
                 coalesce(subscription_id, 0),
                 (CASE WHEN collecting THEN 0 ELSE id END))
      DO UPDATE SET records = usage.records
      RETURNING id
"""
_RECORD = """
    INSERT INTO metered_cdr (company_id, source_id, call_id, start_time, duration,
                             quantity, state, meter_id, partner_id, identifier_id,
                             usage_id, currency_id, properties)
         VALUES (%(company_id)s, %(source_id)s, %(key)s, %(moment)s, 0, %(level)s,
                 'rated', %(meter_id)s, %(partner_id)s, %(identifier_id)s, %(usage)s,
                 %(currency_id)s, jsonb_build_object('account', %(account)s))
    ON CONFLICT (source_id, call_id) DO NOTHING
      RETURNING id
"""
_ADD = """
    UPDATE metered_usage SET records = records + 1, quantity = quantity + %s
     WHERE id = %s
"""
_KNOWN = """
    SELECT call_id FROM metered_cdr
     WHERE source_id = %s AND call_id = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """How much an account has of something.

    - `key`: what it is known by on its source
    - `day`: of the customer; `moment`: naive datetime in UTC
    - `level`: int, 0 or more
    """

    company_id: int
    source_id: int
    partner_id: int
    subscription_id: int | None
    identifier_id: int | None
    meter_id: int
    currency_id: int
    account: str
    key: str
    day: object
    moment: object
    level: int


def known_samples(cr, source_id, keys):
    """Which samples are stored already.

    :param keys: list of texts
    :return: set of those that are
    """
    cr.execute(_KNOWN, (source_id, list(keys)))
    return {key for (key,) in cr.fetchall()}


def store_samples(cr, samples):
    """Store samples, each once.

    :param cr: cursor; the caller commits
    :param samples: list of :class:`Sample`
    :return: how many were not stored yet
    """
    stored, changed = 0, set()
    for sample in sorted(samples, key=lambda one: (one.partner_id, one.day, one.key)):
        values = {name: getattr(sample, name) for name in Sample.__slots__}
        cr.execute(_USAGE, values)
        [usage] = cr.fetchone()
        cr.execute(_RECORD, {**values, "usage": usage})
        if cr.fetchone():
            cr.execute(_ADD, (sample.level, usage))
            stored += 1
            changed.add(usage)
    if changed:
        mark_levels(cr, sorted(changed))
        mark_alerts_of_usage(cr, sorted(changed))
        note_change(cr, sorted(changed), "sampled")
    return stored
