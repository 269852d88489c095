# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Thinning: many records of samples become one row a day, source and level.

Nothing that a sample is billed by goes, so no figure changes, whether it is on an
invoice or not. Whoever calls holds the source's lock, and commits.
"""

from datetime import date

from ..ingest.kept_samples import DIGEST
from ..ingest.marks import note_change
from .held import HELD

#: samples that are packed, and committed, together
PORTION_SAMPLES = 50_000
#: samples whose sources are looked for together
STRETCH_SAMPLES = 2_000_000

# Usage that was thinned has as many packed samples as records. What is on hold stays.
_OLD = f"""
      FROM metered_usage usage
      LEFT JOIN (SELECT usage_id, sum(samples) AS samples
                   FROM metered_level_kept GROUP BY usage_id) kept
        ON kept.usage_id = usage.id
      LEFT JOIN account_move_line line ON line.id = usage.invoice_line_id
     WHERE usage.company_id = %(company)s AND usage.meter_id = ANY(%(meters)s)
       AND usage.day < %(before)s AND usage.records > coalesce(kept.samples, 0)
       AND NOT {
    HELD.format(
        partner="usage.partner_id",
        day="usage.day",
        invoice="line.move_id",
        batch="ANY(SELECT batch_id FROM metered_cdr WHERE usage_id = usage.id)",
    )
}
"""
_STRETCH = f"""
    SELECT id, day FROM (
        SELECT usage.id, usage.day, usage.records - coalesce(kept.samples, 0) AS raw,
               sum(usage.records - coalesce(kept.samples, 0))
                   OVER (ORDER BY usage.day, usage.id) AS running
        {_OLD} AND (usage.day, usage.id) > (%(day)s, %(id)s)) old
     WHERE running - raw < %(most)s
     ORDER BY day, id
"""  # noqa: S608 - ours
_COUNT = f"""
    SELECT coalesce(sum(usage.records - coalesce(kept.samples, 0)), 0), count(*),
           count(DISTINCT usage.partner_id), min(usage.day), max(usage.day) {_OLD}
"""  # noqa: S608 - ours
_SOURCES = """
    SELECT cdr.source_id, usage.meter_id, usage.id, cdr.records
      FROM metered_usage usage
     CROSS JOIN LATERAL (
           SELECT source_id, count(*) AS records FROM metered_cdr
            WHERE usage_id = usage.id AND source_id IS NOT NULL
            GROUP BY source_id) cdr
     WHERE usage.id = ANY(%s)
     ORDER BY cdr.source_id, usage.meter_id, usage.id
"""
_LOCK_BATCHES = """
    SELECT count(*) FROM (
        SELECT 1 FROM metered_batch
         WHERE source_id = %(source)s AND state = 'done'
           AND id IN (SELECT batch_id FROM metered_cdr
                       WHERE usage_id = ANY(%(usage)s) AND source_id = %(source)s)
         ORDER BY id FOR NO KEY UPDATE) AS locked
"""
_LOCK_USAGE = """
    SELECT count(*) FROM (SELECT 1 FROM metered_usage WHERE id = ANY(%(usage)s)
                           ORDER BY id FOR NO KEY UPDATE) AS locked
"""
_THIN = f"""
    WITH gone AS (
        DELETE FROM metered_cdr cdr
         WHERE cdr.usage_id = ANY(%(usage)s) AND cdr.source_id = %(source)s
           AND (cdr.batch_id IS NULL
                OR EXISTS (SELECT 1 FROM metered_batch batch
                            WHERE batch.id = cdr.batch_id AND batch.state = 'done'))
     RETURNING cdr.*
    ), packed AS (
        INSERT INTO metered_level_kept
               (company_id, usage_id, source_id, meter_id, level_property, level_of,
                samples, first_time, last_time, kept_id, kept_time, kept_quantity,
                kept_key, kept_print, kept_content)
        SELECT company_id, usage_id, source_id, meter_id, %(property)s,
               coalesce(properties ->> %(property)s, ''), count(*), min(start_time),
               max(start_time), array_agg(id ORDER BY start_time, id),
               array_agg(start_time ORDER BY start_time, id),
               array_agg(quantity ORDER BY start_time, id),
               array_agg({DIGEST.format("call_id")} ORDER BY start_time, id),
               array_agg({DIGEST.format("fingerprint")} ORDER BY start_time, id)
                   FILTER (WHERE fingerprint IS NOT NULL),
               array_agg({DIGEST.format("content")} ORDER BY start_time, id)
          FROM gone
         GROUP BY company_id, usage_id, source_id, meter_id,
                  coalesce(properties ->> %(property)s, '')
    ), noted AS (
        UPDATE metered_batch batch
           SET thinned = coalesce(batch.thinned, 0) + counted.samples
          FROM (SELECT batch_id, count(*) AS samples FROM gone GROUP BY batch_id
               ) counted
         WHERE batch.id = counted.batch_id
    )
    SELECT count(*) FROM gone
"""  # noqa: S608 - ours


def count_thinnable(cr, company_id, meter_ids, before, today):
    """What could be thinned now.

    :return: dict: records, usage, customers, first and last day
    """
    values = {"company": company_id, "meters": list(meter_ids)}
    cr.execute(_COUNT, {**values, "before": before, "today": today})
    names = ("records", "usage", "customers", "first_day", "last_day")
    return dict(zip(names, cr.fetchone(), strict=True))


def thinnable(cr, company_id, meter_ids, before, today, after=None):
    """Usage with samples that may be thinned, in portions.

    :param before: first day that stays as it is
    :param today: date, on which holds apply
    :param after: where the stretch before this one ended; None: there was none
    :return: (list of (source id, meter id, list of ids of ``metered.usage``), where
        this stretch ends, None where there is no more)
    """
    day, usage_id = after or (date.min, 0)
    values = {
        "company": company_id,
        "meters": list(meter_ids),
        "before": before,
        "today": today,
        "day": day,
        "id": usage_id,
        "most": STRETCH_SAMPLES,
    }
    cr.execute(_STRETCH, values)
    stretch = cr.fetchall()
    if not stretch:
        return [], None
    cr.execute(_SOURCES, ([key for key, _day in stretch],))
    portions, room = [], 0
    for source_id, meter_id, key, records in cr.fetchall():
        if room < records or portions[-1][:2] != (source_id, meter_id):
            portions.append((source_id, meter_id, []))
            room = PORTION_SAMPLES
        portions[-1][2].append(key)
        room -= records
    last_id, last_day = stretch[-1]
    return portions, (last_day, last_id)


def thin(cr, source_id, usage_ids, level_property):
    """Pack the samples that a source sent for usage rows.

    Those of an import that is not done, or that is being undone, stay as they are.
    What a switch was asked for belongs to no import, and is packed as well.

    :param usage_ids: ids of ``metered.usage``, all of a meter
    :param level_property: name of the property that tells levels apart, or ""
    :return: number of samples that were packed
    """
    values = {
        "source": source_id,
        "usage": list(usage_ids),
        "property": level_property or "",
    }
    note_change(cr, usage_ids, "thinned")
    for statement in (_LOCK_BATCHES, _LOCK_USAGE, _THIN):
        cr.execute(statement, values)
    return cr.fetchone()[0]
