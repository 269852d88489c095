# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The same calls rated in memory by what a data engineer would write in DuckDB's SQL.

Both read the same file and end with the same columns: number, customer, destination,
call type, rate, band, billed seconds and charge of every call, and the sums of every
customer, call type, currency and day. They are compared record by record.

DuckDB's SQL does what these records need and nothing else. It refuses no record: it has
no checks of times, durations, numbers and repeated ids, no reasons, no exceptions. It
knows one deck in force, without dates, tiers, fees and limits, and one dial plan.
"""

import os
import statistics

import duckdb
import numpy as np
import pyarrow as pa
import workload
from effort import Effort
from imports import Disagreement, compare

from odoo.addons.metered_billing.connectors import files
from odoo.addons.metered_billing.ingest.classify import CLASS_AT_HOME
from odoo.addons.metered_billing.ingest.load_classes import load_classes
from odoo.addons.metered_billing.ingest.prepare import prepare
from odoo.addons.metered_billing.ingest.run import CHUNK_RECORDS, FIRST_RECORDS

#: the columns that are compared, as DuckDB's table has them
COLUMNS = (
    "partner_id meter_id destination_id rate_id band_id billed_seconds charge_micro"
).split()
USAGE = (
    "partner_id meter_id day records quantity billed_quantity charge_micro"
).split()
FILE_COLUMNS = {
    "call_id": "VARCHAR",
    "start_time": "TIMESTAMP",
    "duration": "BIGINT",
    "caller": "VARCHAR",
    "callee": "VARCHAR",
    "direction": "VARCHAR",
    "disposition": "VARCHAR",
}
_MACRO = """
    CREATE MACRO e164(number) AS CASE
        WHEN number[1] = '+' THEN number[2:]
        WHEN number[1:3] = '011' THEN number[4:]
        WHEN length(number) = 10 THEN '1' || number
        ELSE number END
"""
# Of every prefix a rate for every band: its own, or the one of any time.
_RATES = f"""
    CREATE TABLE rates AS
    SELECT prefix, base.id AS key, band.id AS band,
           coalesce(own.id, base.id) AS rate_id, coalesce(own.band_id, 0) AS band_id,
           coalesce(own.price, base.price) AS price,
           coalesce(own.initial, base.initial) AS initial,
           coalesce(own.step, base.step) AS step
      FROM (SELECT * FROM all_rates WHERE band_id IS NULL) base
     CROSS JOIN (SELECT unnest(range({len(workload.BANDS)})) AS id) band
      LEFT JOIN (SELECT all_rates.*, bands.number FROM all_rates
                   JOIN bands ON bands.id = all_rates.band_id) own
           USING (prefix)
     WHERE coalesce(own.number, band.id) = band.id
"""
# Longest first; the number of a prefix that is not there is null.
_CALLS = """
    CREATE TABLE rated AS
    WITH read AS (
        SELECT call_id, start_time, duration, direction,
               disposition = 'ANSWERED' AS billable,
               e164(caller) AS caller, e164(callee) AS callee,
               timezone('{zone}', timezone('UTC', start_time)) AS here
          FROM read_csv(?, header = true, auto_detect = false, delim = ',',
                        quote = '"', columns = {columns})
    ), banded AS (
        SELECT *, here::date AS day,
               CASE WHEN hour(here) < 8 OR hour(here) >= 22 THEN 2
                    WHEN hour(here) < 18 AND isodow(here) < 6 THEN 0
                    ELSE 1 END AS band
          FROM read
    ), headed AS (
        SELECT head, {rate} AS rate, {destination} AS destined
          FROM (SELECT DISTINCT callee[:{digits}] AS head FROM banded) heads
          {joins}
    )
    SELECT call_id, start_time, duration, direction, caller, callee, day, billable,
           customer.id AS partner_id,
           CASE WHEN destination.domestic
                 AND caller[:{local}] = callee[:{local}]
                THEN {local_meter} ELSE destination.meter_id END AS meter_id,
           destination.id AS destination_id,
           CASE WHEN billable THEN rates.rate_id ELSE 0 END AS rate_id,
           CASE WHEN billable THEN rates.band_id ELSE 0 END AS band_id,
           CASE WHEN NOT billable OR duration = 0 THEN 0
                ELSE initial + greatest(duration - initial + step - 1, 0) // step * step
           END AS billed_seconds,
           -- cents of a hundredth, half up, of a price by the minute
           (2 * price * billed_seconds + 600000) // 1200000 * 100 AS charge_micro
      FROM banded
      JOIN customer ON customer.number = caller
      JOIN headed ON head = callee[:{digits}]
      JOIN destination ON destination.key = destined
      JOIN rates ON rates.key = rate AND rates.band = banded.band
"""
_USAGE = """
    CREATE TABLE usage AS
    SELECT partner_id, meter_id, day - DATE '1970-01-01' AS day, count(*) AS records,
           sum(duration)::BIGINT AS quantity,
           sum(billed_seconds)::BIGINT AS billed_quantity,
           sum(charge_micro)::BIGINT AS charge_micro
      FROM rated WHERE billable GROUP BY ALL
"""


def measure(env, source, path, rounds):
    """Rate the file's calls both ways by turns.

    :param path: CSV file of calls that an import stored
    :return: (list of the :class:`effort.Effort` of each ``prepare`` of all chunks,
        reading the file included; the same of DuckDB)
    :raises imports.Disagreement: when any charge or sum differs
    """
    settings, ours, theirs = source._load_settings(), [], []
    batch = env["metered.batch"].search([], limit=1)
    file_format = files.FileFormat.from_dict(batch.file_format)
    env.cr.commit()
    for round_ in range(rounds):
        with Effort.measure(env.cr) as effort:
            chunks = [
                prepare(chunk.frame, chunk.line, chunk.bad, settings)
                for chunk in files.read_chunks(
                    path,
                    file_format,
                    chunk_records=CHUNK_RECORDS,
                    first_records=FIRST_RECORDS,
                )
            ]
        ours.append(effort)
        with _connection(env, source) as connection:
            statement = _statement(connection, source)
            with Effort.measure(env.cr) as effort:
                connection.execute(statement, [str(path)])
                connection.execute(_USAGE)
            theirs.append(effort)
            if not round_:
                _compare(connection, chunks)
        del chunks
    return ours, theirs


def processor_s(efforts):
    """Median of the seconds of the processors."""
    return statistics.median(effort.processor for effort in efforts)


def ratio(ours, theirs):
    """Median of the rounds' ratios of processor time."""
    return statistics.median(
        a.processor / b.processor for a, b in zip(ours, theirs, strict=True)
    )


def _connection(env, source):
    """DuckDB in memory, on as many threads as processors, with the operator's data."""
    connection = duckdb.connect(config={"threads": os.cpu_count()})
    cr = env.cr
    cr.execute(
        "SELECT id, prefix, band_id, (price * 100000000)::bigint AS price,"
        " initial_increment AS initial, increment AS step FROM metered_rate"
        " WHERE deck_id = %s",
        (env.company.metered_deck_id.id,),
    )
    _create(connection, "all_rates", cr)
    cr.execute(
        "SELECT id, row_number() OVER (ORDER BY sequence) - 1 AS number"
        " FROM metered_time_band"
    )
    _create(connection, "bands", cr)
    cr.execute(
        "SELECT partner_id AS id, ltrim(normalised, '+') AS number"
        " FROM metered_identifier"
    )
    _create(connection, "customer", cr)
    rows, home = [], source.country_id.id
    destinations, meter_of_class = load_classes(env, source.company_id)
    for destination in destinations:
        abroad = destination.country_id not in (home, 0)
        kind = "international" if abroad else CLASS_AT_HOME[destination.kind]
        meter_id = destination.meter_id or meter_of_class[kind]
        domestic = kind == "national" and not destination.meter_id
        rows += [
            (prefix, destination.id, meter_id, domestic)
            for prefix in destination.prefixes
        ]
    names = ("prefix", "id", "meter_id", "domestic")
    columns = map(list, zip(*rows, strict=True))
    table = pa.table(dict(zip(names, columns, strict=True)))
    connection.register("destinations", table)
    connection.execute(
        "CREATE TABLE destination AS SELECT *, row_number() OVER () AS key"
        " FROM destinations"
    )
    connection.execute(_MACRO)
    connection.execute(_RATES)
    return connection


def _create(connection, name, cr):
    """A table of what a cursor found."""
    names = [column.name for column in cr.description]
    columns = zip(*cr.fetchall(), strict=True)
    connection.register(
        "found", pa.table(dict(zip(names, map(list, columns), strict=True)))
    )
    connection.execute(f"CREATE TABLE {name} AS SELECT * FROM found")
    connection.unregister("found")


def _statement(connection, source):
    """The statement that rates the calls, for the lengths of the prefixes."""
    joins, found, digits = [], {"rates": [], "destination": []}, 0
    for table, names in found.items():
        lengths = connection.execute(
            f"SELECT DISTINCT length(prefix) FROM {table} ORDER BY 1 DESC"  # noqa: S608
        ).fetchall()
        for (length,) in lengths:
            digits = max(digits, length)
            name = f"{table}_{length}"
            names.append(f"{name}.key")
            joins.append(
                f"LEFT JOIN (SELECT DISTINCT prefix, key FROM {table}"
                f" WHERE length(prefix) = {length}) {name}"
                f" ON {name}.prefix = head[:{length}]"
            )
    _destinations, meter_of_class = load_classes(source.env, source.company_id)
    return _CALLS.format(
        zone=workload.ZONE,
        columns=FILE_COLUMNS,
        rate=f"coalesce({', '.join(found['rates'])})",
        destination=f"coalesce({', '.join(found['destination'])})",
        digits=digits,
        joins=" ".join(joins),
        local=source.local_digits,
        local_meter=meter_of_class["local"],
    )


def _compare(connection, chunks):
    """:raises imports.Disagreement: naming the first column that differs"""
    ours = {
        name: np.concatenate([chunk.cdrs[name] for chunk in chunks]) for name in COLUMNS
    }
    ids = pa.concat_arrays([chunk.cdrs["call_id"] for chunk in chunks])
    theirs = connection.execute("SELECT * FROM rated").to_arrow_table()
    compare([("records rated by DuckDB", len(theirs), len(ids))])
    order = np.argsort(ids.to_numpy(zero_copy_only=False))
    their_ids = theirs["call_id"].to_numpy()
    their_order = np.argsort(their_ids)
    if (ids.to_numpy(zero_copy_only=False)[order] != their_ids[their_order]).any():
        raise Disagreement("DuckDB has other ids")
    for name in COLUMNS:
        differ = ours[name][order] != theirs[name].to_numpy()[their_order]
        compare([(f"records with another {name}", int(differ.sum()), 0)])
    sums = np.concatenate(
        [
            np.column_stack([chunk.usage[name].to_numpy() for name in USAGE])
            for chunk in chunks
        ]
    )
    keys, inverse = np.unique(sums[:, :3], axis=0, return_inverse=True)
    totals = np.zeros((len(keys), 4), np.int64)
    np.add.at(totals, inverse, sums[:, 3:])
    usage = connection.execute("SELECT * FROM usage ORDER BY ALL").fetchnumpy()
    theirs = np.column_stack([usage[name] for name in USAGE])
    compare(
        [
            ("sums of usage", len(theirs), len(keys)),
            (
                "sums that differ",
                int((theirs != np.column_stack([keys, totals])).sum()),
                0,
            ),
        ]
    )
