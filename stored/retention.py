# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Old calls: deleted, or their numbers masked, with sums and a seal of what was there.

A row of usage is dealt with as a whole: all its calls, or none. What it comes to, what
its calls took of allowances, and a digest of the calls as they were stay, so that the
invoice still adds up. The same goes for events of meters, whose price needs no more of
them than their number and their sum: that of calls is the sum of their charges, theirs
is the share of the price of their period. Whoever calls commits.
"""

from ..statement.masking import HIDDEN
from .canonical import RECORDS
from .held import HELD

_SUMS = f"""
    count(*) AS records, trim_scale(coalesce(sum(cdr.quantity), 0)) AS quantity,
    trim_scale(coalesce(sum(cdr.billed_quantity), 0)) AS billed_quantity,
    coalesce(sum(cdr.charge), 0) AS charge, {RECORDS} AS seal,
    coalesce(sum(pg_column_size(cdr.*)), 0) AS bytes
"""
_SUM_COLUMNS = """
    records, quantity, billed_quantity, charge, seal, bytes, run_id, kind, done_on
"""

_METERS = """
    meter.kind = %(meter_kind)s
    AND (%(meters)s::int[] IS NULL OR meter.id = ANY(%(meters)s::int[]))
"""
# What is closed: on a posted invoice, and of no period that is still running.
_CLOSED = f"""
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id AND {_METERS}
      JOIN res_partner partner ON partner.id = usage.partner_id
      JOIN account_move_line line ON line.id = usage.invoice_line_id
      JOIN account_move move ON move.id = line.move_id AND move.state = 'posted'
     WHERE usage.company_id = %(company)s
       AND coalesce(usage.details_gone, '') != ALL(%(gone)s)
       AND NOT EXISTS (
           SELECT 1 FROM unnest(%(owners)s::int[], %(since)s::date[])
                         AS running (owner_id, since)
            WHERE running.owner_id = partner.commercial_partner_id
              AND usage.day >= running.since)
       AND NOT {
    HELD.format(
        partner="usage.partner_id",
        day="usage.day",
        invoice="line.move_id",
        batch="ANY(SELECT batch_id FROM metered_cdr WHERE usage_id = usage.id)",
    )
}
       AND NOT usage.id = ANY(%(disputed_usage)s)
"""
_NEXT = f"""
    SELECT id FROM (
        SELECT usage.id, usage.records,
               sum(usage.records) OVER (ORDER BY usage.id) AS running {_CLOSED}
           AND usage.day = %(day)s AND usage.id > %(after)s) closed
     WHERE running - records < %(most)s
     ORDER BY id
"""
_COUNT = f"""
    SELECT coalesce(sum(usage.records), 0), count(*),
           count(DISTINCT partner.commercial_partner_id), min(usage.day),
           max(usage.day) {_CLOSED}
       AND usage.day < %(before)s
"""
_WAITING = """
    SELECT coalesce(sum(usage.records), 0)
      FROM metered_usage usage
      JOIN metered_meter meter
        ON meter.id = usage.meter_id AND meter.kind = %(meter_kind)s
     WHERE usage.company_id = %(company)s AND usage.day < %(before)s
       AND usage.records > 0
       AND coalesce(usage.details_gone, '') != ALL(%(gone)s)
"""
_FIRST_DAY = f"""
    SELECT min(usage.day)
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id AND {_METERS}
     WHERE usage.company_id = %(company)s AND usage.day < %(before)s
       AND coalesce(usage.details_gone, '') != ALL(%(gone)s)
       AND usage.invoice_line_id IS NOT NULL
"""
_LOCK = """
    SELECT usage.id
      FROM metered_usage usage
      JOIN account_move_line line ON line.id = usage.invoice_line_id
      JOIN account_move move ON move.id = line.move_id AND move.state = 'posted'
     WHERE usage.id = ANY(%(usage)s)
     ORDER BY usage.id FOR NO KEY UPDATE OF usage
"""
# A row that is not the sum of its calls is left alone: a person has to look at it.
_KEEP = f"""
    INSERT INTO metered_retention_sum (
        company_id, partner_id, meter_id, day, currency_id, usage_id, {_SUM_COLUMNS})
    SELECT usage.company_id, usage.partner_id, usage.meter_id, usage.day,
           usage.currency_id, usage.id, sums.records, sums.quantity,
           usage.billed_quantity, usage.amount, sums.seal, sums.bytes, %(run)s,
           %(kind)s, %(today)s
      FROM metered_usage usage
     CROSS JOIN LATERAL (
           SELECT {_SUMS} FROM metered_cdr cdr WHERE cdr.usage_id = usage.id OFFSET 0
           ) sums
     WHERE usage.id = ANY(%(usage)s) AND sums.records = usage.records
       AND sums.quantity = usage.quantity
       AND (%(meter_kind)s != 'call' OR (
            sums.charge = usage.amount
            AND sums.billed_quantity = usage.billed_quantity))
 RETURNING usage_id, records, bytes
"""  # noqa: S608 - ours
_KEEP_TAKEN = """
    UPDATE metered_retention_sum kept SET taken = found.taken
      FROM (SELECT usage_id, jsonb_agg(jsonb_build_array(key, identifier_id, quantity)
                                       ORDER BY key, identifier_id) AS taken
              FROM (SELECT cdr.usage_id, taken.key::int AS key,
                           coalesce(cdr.identifier_id, 0) AS identifier_id,
                           sum((taken.value->>0)::bigint)::bigint AS quantity
                      FROM metered_cdr cdr
                     CROSS JOIN jsonb_each(cdr.plan_taken) AS taken
                     WHERE cdr.usage_id = ANY(%(usage)s)
                       AND cdr.plan_taken IS NOT NULL
                     GROUP BY 1, 2, 3) each_one
             GROUP BY usage_id) found
     WHERE kept.usage_id = found.usage_id AND kept.run_id = %(run)s
"""
_DELETE = """
    WITH gone AS (
        DELETE FROM metered_cdr cdr WHERE cdr.usage_id = ANY(%(usage)s)
     RETURNING cdr.batch_id
    )
    UPDATE metered_batch batch
       SET details_deleted = coalesce(batch.details_deleted, 0) + counted.calls
      FROM (SELECT batch_id, count(*) AS calls FROM gone GROUP BY batch_id) counted
     WHERE batch.id = counted.batch_id
"""
_MARK = """
    UPDATE metered_usage SET details_gone = %(state)s, details_gone_on = %(today)s
     WHERE id = ANY(%(usage)s)
"""
# The day stays in the index of starts, so that a day of free calls is found again.
_FREE = f"""
      FROM metered_cdr cdr
      LEFT JOIN metered_meter meter ON meter.id = cdr.meter_id
     WHERE cdr.usage_id IS NULL AND cdr.company_id = %(company)s
       AND cdr.state = 'not_billable' AND cdr.register_id IS NULL
       AND coalesce(meter.kind, 'call') = %(meter_kind)s
       AND cdr.start_time < %(before)s AND NOT cdr.id = ANY(%(disputed)s)
       AND NOT {
    HELD.format(
        partner="cdr.partner_id",
        day="cdr.start_time::date",
        invoice="NULL",
        batch="cdr.batch_id",
    )
}
"""
_KEEP_FREE = f"""
    INSERT INTO metered_retention_sum (
        company_id, partner_id, meter_id, day, {_SUM_COLUMNS})
    SELECT cdr.company_id, nullif(cdr.partner_id, 0), nullif(cdr.meter_id, 0),
           cdr.start_time::date, {_SUMS}, %(run)s, %(kind)s, %(today)s
      FROM metered_cdr cdr WHERE cdr.id = ANY(%(ids)s::bigint[])
     GROUP BY 1, 2, 3, 4
 RETURNING records, bytes
"""  # noqa: S608 - ours
_DELETE_FREE = _DELETE.replace(
    "cdr.usage_id = ANY(%(usage)s)", "cdr.id = ANY(%(ids)s::bigint[])"
)


def hidden(column, count):
    """SQL of a number whose last digits are hidden: ``statement.masking.hide``.

    :param str column: an expression
    :param int count: digits, at least 1
    """
    last = f"(?=([^0-9]*[0-9]){{0,{int(count) - 1}}}[^0-9]*$)"
    return f"regexp_replace({column}, '[0-9]{last}', '{HIDDEN}', 'g')"


def count_closed(cr, values):
    """What could be dealt with now.

    :param dict values: company, before (first day that stays), gone, owners, since,
        disputed, disputed_usage, today, meter_kind, meters (ids, None for all)
    :return: dict: records, usage, customers, first and last day, ``free``: calls that
        were never charged, and ``waiting``: records as old that have to stay
    """
    cr.execute(_COUNT, values)
    names = ("records", "usage", "customers", "first_day", "last_day")
    found = dict(zip(names, cr.fetchone(), strict=True))
    cr.execute(_WAITING, values)
    found["waiting"] = cr.fetchone()[0] - found["records"]
    cr.execute(f"SELECT count(*) {_FREE}", values)  # noqa: S608 - ours
    found["free"] = cr.fetchone()[0]
    return found


def first_day(cr, values):
    """The first day with usage that may have to be dealt with, or None."""
    cr.execute(_FIRST_DAY, values)
    return cr.fetchone()[0]


def closed_usage(cr, values, day, after, most):
    """Ids of usage of a day to deal with next, by id.

    :param after: id after which to look
    :param most: records: no further row is taken when there are as many
    """
    cr.execute(_NEXT, {**values, "day": day, "after": after, "most": most})
    return [number for (number,) in cr.fetchall()]


def seal_usage(cr, usage_ids, values):
    """Keep what calls of usage come to, with a seal; locks the usage.

    :param dict values: run, kind, today, meter_kind
    :return: (ids of usage that is sealed, number of its calls, their bytes); the others
        are not on a posted invoice anymore, or are not the sum of their calls
    """
    cr.execute(_LOCK, {"usage": usage_ids})
    locked = [number for (number,) in cr.fetchall()]
    cr.execute(_KEEP, {**values, "usage": locked})
    rows = cr.fetchall()
    ids = [row[0] for row in rows]
    return ids, sum(row[1] for row in rows), sum(row[2] for row in rows)


def delete_calls(cr, usage_ids, values):
    """Delete the calls of usage that is sealed, and keep what they took of plans."""
    values = {**values, "usage": usage_ids, "state": "deleted"}
    for statement in (_KEEP_TAKEN, _DELETE, _MARK):
        cr.execute(statement, values)


def mask_calls(cr, usage_ids, values, digits):
    """Hide digits of the numbers of calls of usage that is sealed."""
    cr.execute(
        "UPDATE metered_cdr SET caller = "
        f"{hidden('caller', digits)}, callee = {hidden('callee', digits)}"  # noqa: S608
        " WHERE usage_id = ANY(%(usage)s)",
        {"usage": usage_ids},
    )
    cr.execute(_MARK, {**values, "usage": usage_ids, "state": "masked"})


def delete_free_calls(cr, values, most):
    """Delete calls that were never charged, with a sum and a seal a day.

    :param values: as of :func:`count_closed`, with run and kind
    :return: (number of calls, their bytes)
    """
    cr.execute(
        f"SELECT cdr.id {_FREE} ORDER BY cdr.partner_id, cdr.start_time LIMIT %(most)s"
        " FOR UPDATE OF cdr",
        {**values, "most": most},
    )
    values = {**values, "ids": [number for (number,) in cr.fetchall()]}
    if not values["ids"]:
        return 0, 0
    cr.execute(_KEEP_FREE, values)
    rows = cr.fetchall()
    cr.execute(_DELETE_FREE, values)
    return sum(row[0] for row in rows), sum(row[1] for row in rows)
