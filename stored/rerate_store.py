# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Writing what rating again made of CDRs and their usage."""

import numpy as np

from ..ingest.usage_store import as_array
from .charge_changes import note_charge_changes

_WRITE_CDRS = """
    UPDATE metered_cdr cdr
       SET usage_id = new.usage_id, rate_id = new.rate_id,
           band_id = nullif(new.band_id, 0), billed_quantity = new.billed_quantity,
           charge = new.charge_micro * 0.000001, currency_id = new.currency_id,
           deck_charge = CASE WHEN cdr.plan_taken IS NOT NULL
                              THEN new.deck_micro * 0.000001 END
      FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::bigint[],
                  %s::bigint[], %s::int[], %s::bigint[])
           AS new (id, usage_id, rate_id, band_id, billed_quantity, charge_micro,
                   currency_id, deck_micro)
     WHERE cdr.id = new.id
"""
_ADD_TO_USAGE = """
    UPDATE metered_usage usage
       SET records = usage.records + new.records,
           quantity = usage.quantity + new.quantity,
           billed_quantity = usage.billed_quantity + new.billed_quantity,
           amount = usage.amount + new.charge_micro * 0.000001
      FROM unnest(%s::int[], %s::int[], %s::bigint[], %s::bigint[], %s::bigint[])
           AS new (id, records, quantity, billed_quantity, charge_micro)
     WHERE usage.id = new.id
"""
_MOVE_USAGE = """
    INSERT INTO metered_usage (id, company_id, partner_id, subscription_id, meter_id,
                               day, currency_id, records, quantity, billed_quantity,
                               amount, collecting, billed_in_time)
    SELECT new.id, usage.company_id, usage.partner_id, usage.subscription_id,
           usage.meter_id, usage.day, new.currency_id, new.records, new.quantity,
           new.billed_quantity, new.charge_micro * 0.000001, FALSE,
           usage.billed_in_time
      FROM unnest(%s::int[], %s::int[], %s::int[], %s::int[], %s::bigint[],
                  %s::bigint[], %s::bigint[])
           AS new (id, from_id, currency_id, records, quantity, billed_quantity,
                   charge_micro)
      JOIN metered_usage usage ON usage.id = new.from_id
"""


def write_cdrs(cr, ids, usage_ids, values, user_id=None):
    """Write CDRs that changed.

    :param ids, usage_ids: of each, int64
    :param values: columns of each: rate and band id, billed quantity, charge in
        micro-units, currency id, the deck's charge in micro-units
    :param user_id: who asked for it
    """
    rate_id, _band_id, _billed, charge, currency_id, _deck = values
    note_charge_changes(
        cr, "rerated", ids, charge, currency_id, rate_id, user_id=user_id
    )
    cr.execute(
        _WRITE_CDRS,
        (as_array(ids), as_array(usage_ids), *map(as_array, values)),
    )


def store_usage(cr, ids, change, moved):
    """Write what became of usage; rows that are empty now are deleted.

    :param ids: of the usage, int64
    :param change: of its records, quantity, billed quantity and charge in micro-units:
        a row of int64 for each
    :param moved: dict (position in ``ids``, currency id) -> (id of new usage, its sums)
    """
    if moved:
        new_ids, sums = zip(*moved.values(), strict=True)
        rows, currencies = zip(*moved, strict=True)
        cr.execute(
            _MOVE_USAGE,
            (
                list(new_ids),
                ids[list(rows)].tolist(),
                list(currencies),
                *np.stack(sums, axis=1).tolist(),
            ),
        )
    touched = np.flatnonzero(change.any(axis=1))
    if len(touched):
        cr.execute(
            _ADD_TO_USAGE,
            (as_array(ids[touched]), *map(as_array, change[touched].T)),
        )
        cr.execute(
            "DELETE FROM metered_usage WHERE id = ANY(%s) AND records = 0",
            (ids[touched].tolist(),),
        )
