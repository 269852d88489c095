# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Each change of a stored charge leaves a row: when, why, before, after, by whom.

That a calling plan takes of a call for the first time is no change: what the call would
have cost without it stays on the record.
"""

from ..ingest.usage_store import as_array

_NOTE = """
    INSERT INTO metered_charge_change (
        company_id, cdr_id, moment, reason, charge_before, currency_before_id,
        rate_before_id, charge_after, currency_after_id, rate_after_id, user_id)
    SELECT cdr.company_id, cdr.id, now() AT TIME ZONE 'UTC', %s, cdr.charge,
           cdr.currency_id, cdr.rate_id, new.charge_micro * 0.000001,
           coalesce(new.currency_id, cdr.currency_id),
           coalesce(new.rate_id, cdr.rate_id), %s
      FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[])
           AS new (id, charge_micro, currency_id, rate_id)
      JOIN metered_cdr cdr ON cdr.id = new.id
     WHERE cdr.charge IS DISTINCT FROM new.charge_micro * 0.000001
        OR coalesce(new.currency_id, cdr.currency_id) != cdr.currency_id
"""


def note_charge_changes(
    cr, reason, ids, charge_micro, currency_ids=None, rate_ids=None, user_id=None
):
    """Note what is about to be written. What stays the same is left out.

    :param reason: one of ``metered.charge.change``'s
    :param ids: of CDRs, int64
    :param charge_micro: their charges after it, int64
    :param currency_ids, rate_ids: of each after it, int64; None: they stay
    :param user_id: who asked for it; None: nobody
    """
    nothing = [None] * len(ids)
    cr.execute(
        _NOTE,
        (
            reason,
            user_id,
            as_array(ids),
            as_array(charge_micro),
            nothing if currency_ids is None else as_array(currency_ids),
            nothing if rate_ids is None else as_array(rate_ids),
        ),
    )
