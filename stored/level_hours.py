# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The hours of levels: found from samples, stored, and read as ``rating`` takes them.

An hour is kept for each row of usage and series. So whatever becomes of usage, who it
is of, and what it is billed by, becomes of its hours; and a change of samples changes
the hours of one day.
"""

import numpy as np
import pandas as pd

from ..ingest.usage_calls import USAGE_SAMPLES

#: levels and areas, which may have decimals
AMOUNTS = ("lowest", "highest", "last", "area", "lapsed_area")
_INTEGERS = ("samples", "first_us", "last_us", "last_id", "lapsed_us")
_COLUMNS = (
    *("records", "samples", "first_time", "last_time", "last_id"),
    *("lowest", "highest", "last", "area", "lapsed_area", "lapsed_us"),
)


def _listed(table):
    return ", ".join(f"{table}{name}" for name in _COLUMNS)


#: A level is one of a contact and a subscription: of the first one without.
SERIES = (
    "{usage}.partner_id || ' ' || coalesce({usage}.subscription_id, %(first)s)"
    " || ' ' || {hour}.level_of"
)
_MICROSECONDS = "(extract(epoch FROM {}) * 1000000)::bigint"
# Of the same instant of a series the last record counts.
_HOURS = f"""
    SELECT usage_id, level_of, date_trunc('hour', at) AS hour,
           max(records)::int AS records, count(*)::int AS samples,
           min(at) AS first_time, max(at) AS last_time,
           max(id) FILTER (WHERE lasts IS NULL) AS last_id,
           min(level) AS lowest, max(level) AS highest,
           max(level) FILTER (WHERE lasts IS NULL) AS last,
           coalesce(sum(level * lasts), 0) AS area,
           coalesce(sum(level * greatest(lasts - %(longest)s, 0)), 0) AS lapsed_area,
           coalesce(sum(greatest(lasts - %(longest)s, 0)), 0)::bigint AS lapsed_us
      FROM (SELECT *, {_MICROSECONDS.format("lead(at) OVER of_hour - at")} AS lasts
              FROM (SELECT DISTINCT ON (cdr.usage_id, level_of, cdr.start_time)
                           cdr.usage_id,
                           coalesce(cdr.properties ->> %(property)s, '') AS level_of,
                           cdr.start_time AS at, cdr.id, cdr.quantity AS level,
                           count(*) OVER (
                               PARTITION BY cdr.usage_id,
                                    coalesce(cdr.properties ->> %(property)s, ''),
                                    date_trunc('hour', cdr.start_time)) AS records
                      FROM {USAGE_SAMPLES}
                     ORDER BY cdr.usage_id, level_of, cdr.start_time, cdr.id DESC
                   ) sample
            WINDOW of_hour AS (PARTITION BY usage_id, level_of, date_trunc('hour', at)
                               ORDER BY at)
           ) piece
     GROUP BY usage_id, level_of, date_trunc('hour', at)
"""  # noqa: S608 - ours
#: What did not change is not written.
_STORE = f"""
    WITH found AS MATERIALIZED ({_HOURS}), gone AS (
        DELETE FROM metered_level_hour hour
         WHERE hour.usage_id = ANY(%(usage)s)
           AND NOT EXISTS (SELECT 1 FROM found
                            WHERE found.usage_id = hour.usage_id
                              AND found.level_of = hour.level_of
                              AND found.hour = hour.hour)
    )
    INSERT INTO metered_level_hour AS stored
           (company_id, usage_id, level_of, hour, {_listed("")})
    SELECT usage.company_id, found.usage_id, level_of, hour, {_listed("found.")}
      FROM found JOIN metered_usage usage ON usage.id = found.usage_id
        ON CONFLICT (usage_id, level_of, hour) DO UPDATE
       SET ({_listed("")}) = ROW ({_listed("excluded.")})
     WHERE ({_listed("stored.")}) IS DISTINCT FROM ({_listed("excluded.")})
"""  # noqa: S608 - ours
_READ = f"""
    WITH known AS MATERIALIZED ({{known}}),
         places AS (SELECT coalesce(max(greatest(
                               scale(trim_scale(lowest)), scale(trim_scale(highest)),
                               scale(trim_scale(last)), scale(trim_scale(area)),
                               scale(trim_scale(lapsed_area)))), 0) AS places
                      FROM known)
    SELECT {SERIES.format(usage="usage", hour="known")}, samples,
           {_MICROSECONDS.format("first_time")}, {_MICROSECONDS.format("last_time")},
           last_id, lapsed_us::bigint, {
    ", ".join(f"trunc({name} * 10::numeric ^ places)::text" for name in AMOUNTS)
}, places
      FROM known JOIN metered_usage usage ON usage.id = known.usage_id, places
"""  # noqa: S608 - ours
#: stored hours, and those of usage that is marked as they are now
_OF_USAGE = f"""
    SELECT usage_id, level_of, {_listed("")}
      FROM metered_level_hour WHERE usage_id = ANY(%(stored)s)
     UNION ALL
    SELECT usage_id, level_of, {_listed("")} FROM ({_HOURS}) live
"""  # noqa: S608 - ours
#: of these the last hour of each series alone
_OPENING = f"""
    SELECT DISTINCT ON ({SERIES.format(usage="owner", hour="every")}) every.*
      FROM ({_OF_USAGE}) every JOIN metered_usage owner ON owner.id = every.usage_id
     ORDER BY {SERIES.format(usage="owner", hour="every")},
              every.last_time DESC, every.last_id DESC
"""  # noqa: S608 - ours
#: The names of levels of usage rows are found one by one in the index of their hours:
#: a row has many hours of few levels. Marked rows may have others, and stay.
_LAST_DAYS = """
    WITH RECURSIVE wanted AS (
        SELECT id, partner_id, subscription_id, day FROM metered_usage
         WHERE id = ANY(%(usage)s)
    ), named AS (
        SELECT wanted.id, (SELECT min(hour.level_of) FROM metered_level_hour hour
                            WHERE hour.usage_id = wanted.id) AS level_of
          FROM wanted
         UNION ALL
        SELECT named.id, (SELECT min(hour.level_of) FROM metered_level_hour hour
                           WHERE hour.usage_id = named.id
                             AND hour.level_of > named.level_of)
          FROM named WHERE named.level_of IS NOT NULL
    )
    SELECT id
      FROM (SELECT wanted.id,
                   rank() OVER (PARTITION BY wanted.partner_id,
                                             wanted.subscription_id, named.level_of
                                ORDER BY wanted.day DESC) AS place
              FROM wanted JOIN named USING (id)
             WHERE named.level_of IS NOT NULL) ranked
     WHERE place = 1
     UNION
    SELECT id FROM wanted
     WHERE EXISTS (SELECT 1 FROM metered_level_mark mark WHERE mark.usage_id = id)
        OR NOT EXISTS (SELECT 1 FROM metered_level_hour hour WHERE hour.usage_id = id)
"""


def last_days(cr, usage_ids):
    """Find the usage rows that have the last sample of each level.

    :param usage_ids: ids of ``metered.usage`` of one meter
    :return: ids of those of them that are enough
    """
    cr.execute(_LAST_DAYS, {"usage": list(usage_ids)})
    return [key for (key,) in cr.fetchall()]


def store_hours(cr, usage_ids, level_property, longest_us):
    """Find the hours of usage rows anew, and store what changed.

    :param usage_ids: ids of ``metered.usage``, all of a meter
    :param level_property: name of the property that tells levels apart, or ""
    :param longest_us: for how long a sample holds; None: until the next
    :return: number of hours that were written
    """
    values = _values(level_property, longest_us)
    cr.execute(_STORE, {**values, "usage": list(usage_ids)})
    return cr.rowcount


def read_hours(cr, usage_ids, level_property, longest_us, first_id=0, is_opening=False):
    """Read the hours of usage rows.

    Where they are not stored, or are not those of all records, they are found at once.

    :param first_id: id of the subscription that usage belongs to that names none
    :param is_opening: of each series the last hour alone
    :return: (DataFrame as ``rating.level_hours`` takes it, how many of its ints are 1)
    """
    cr.execute(
        "SELECT usage.id,"
        "       usage.records IS DISTINCT FROM (SELECT sum(hour.records)"
        "                                         FROM metered_level_hour hour"
        "                                        WHERE hour.usage_id = usage.id)"
        "    OR EXISTS (SELECT 1 FROM metered_level_mark mark"
        "                WHERE mark.usage_id = usage.id)"
        "  FROM metered_usage usage WHERE usage.id = ANY(%s)",
        (list(usage_ids),),
    )
    stored, live = [], []
    for usage_id, is_live in cr.fetchall():
        (live if is_live else stored).append(usage_id)
    cr.execute(
        _READ.format(known=_OPENING if is_opening else _OF_USAGE),
        {
            **_values(level_property, longest_us),
            "stored": stored,
            "usage": live,
            "first": first_id,
        },
    )
    return _frame(cr.fetchall())


def in_one_unit(parts):
    """Put hours together that were read in different units.

    :param parts: list of what :func:`read_hours` returned
    :return: the same of all
    """
    both = max(per_unit for _hours, per_unit in parts)
    frames = []
    for hours, per_unit in parts:
        amounts = {name: hours[name] * (both // per_unit) for name in AMOUNTS}
        frames.append(hours.assign(**amounts))
    return pd.concat(frames, ignore_index=True), both


def _values(level_property, longest_us):
    # What holds until the next sample never lapses: no hour is as long.
    longest = 2**62 if longest_us is None else longest_us
    return {"property": level_property or "", "longest": longest}


def _frame(rows):
    """Return rows of :data:`_READ` as a frame, and the unit of its ints."""
    columns = list(zip(*rows, strict=True)) or [()] * 12
    series, samples, first, last, last_id, lapsed_us, *amounts, places = columns
    frame = pd.DataFrame({"series": pd.Series(series, dtype=object)})
    integers = (samples, first, last, last_id, lapsed_us)
    for name, values in zip(_INTEGERS, integers, strict=True):
        frame[name] = np.array(values, np.int64)
    for name, texts in zip(AMOUNTS, amounts, strict=True):
        frame[name] = pd.Series(list(map(int, texts)), dtype=object)
    return frame, 10 ** (places[0] if places else 0)
