# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The whole import of a file, beside a bare COPY of its rows and beside the ORM way.

They are measured in turns: what keeps the machine busy for a while slows them all.
"""

import statistics
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import orm_way
from effort import Effort

from odoo.addons.metered_billing.ingest import store
from odoo.addons.metered_billing.ingest.conflicts import make_lasting
from odoo.addons.metered_billing.models.record import metered_batch_job

ORM_RECORDS = 20_000
COPY_TABLE = "bench_copy"


@dataclass
class ImportFigures:
    """What each round took; a ratio is the median of the rounds' own ratios.

    ``copies`` and ``imports`` hold :class:`effort.Effort`. ``orm`` holds seconds per
    record, and is empty when that way was not measured.
    """

    records: int
    copies: list
    imports: list
    checks: list
    orm: list

    @property
    def copy_s(self):
        return statistics.median(_walls(self.copies))

    @property
    def import_s(self):
        return statistics.median(_walls(self.imports))

    @property
    def import_processor_s(self):
        """Of client and server, on all cores."""
        return statistics.median(_processors(self.imports))

    @property
    def check_s(self):
        return statistics.median(self.checks)

    @property
    def import_over_copy(self):
        return _median_ratio(_walls(self.imports), _walls(self.copies))

    @property
    def import_over_copy_processor(self):
        """The ratio of processor time: of client and server, on all cores."""
        return _median_ratio(_processors(self.imports), _processors(self.copies))

    @property
    def orm_over_import_per_record(self):
        return _median_ratio(self.orm, _walls(self.imports)) * self.records


def _walls(efforts):
    return [effort.wall for effort in efforts]


def _processors(efforts):
    return [effort.processor for effort in efforts]


def _median_ratio(these, others):
    return statistics.median(a / b for a, b in zip(these, others, strict=True))


class Disagreement(Exception):
    """Sums that must be equal are not: the figures mean nothing."""


def measure(env, source, path, totals, rounds=3, orm=True):
    """Measure COPY, the ORM way and import by turns.

    :param path: CSV file of calls
    :param totals: :class:`synthetic.Totals` of the file
    :param orm: False: without the ORM way
    :return: :class:`ImportFigures`; the last import's records stay in the database
    """
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.csv"
        with _recorded(rows):
            run_import(env, source, path, totals)
        facts, charges = orm_way.read_records(env, ORM_RECORDS)
        figures = ImportFigures(totals.records, [], [], [], [])
        for _round in range(rounds):
            clear(env)
            figures.copies.append(_copy(env, rows, totals.records))
            if orm:
                figures.orm.append(orm_way.measure(env, facts, charges))
                clear(env)
            effort, check_seconds = run_import(env, source, path, totals)
            figures.imports.append(effort)
            figures.checks.append(check_seconds)
    return figures


def run_import(env, source, path, totals):
    """Import a file as the job does.

    :return: (:class:`effort.Effort` of the job, seconds of taking and checking the
        file before it)
    :raises Disagreement: when the tables do not hold what the file does
    """
    checkpoint(env)
    begun = time.perf_counter()
    batch = take_file(env, source, path)
    env.cr.commit()
    taken = time.perf_counter()
    with Effort.measure(env.cr) as effort:
        batch._process(commit=env.cr.commit)
    check(env, batch, totals)
    return effort, taken - begun


def take_file(env, source, path):
    """Queue the import of a file that was uploaded; ``metered.batch`` record."""
    attachment = env["ir.attachment"].create(
        {
            "name": path.name,
            "raw": path.read_bytes(),
            # Of text/csv Odoo stores all words once more, as a search index.
            "mimetype": "application/csv",
        }
    )
    return env["metered.batch"]._create_for_file(source, attachment)


def check(env, batch, totals):
    """Compare what the file holds with the CDRs, and these with the usage.

    :raises Disagreement: naming what differs
    """
    env.cr.execute(
        """
        SELECT count(*) FILTER (WHERE state = 'rated'),
               count(*) FILTER (WHERE state = 'not_billable'),
               coalesce(sum(quantity), 0)::bigint, sum(charge)::text
          FROM metered_cdr WHERE batch_id = %s
        """,
        (batch.id,),
    )
    rated, not_billable, seconds, charge = env.cr.fetchone()
    env.cr.execute(
        "SELECT sum(records), sum(quantity)::bigint, sum(amount)::text"
        " FROM metered_usage"
    )
    in_usage, usage_seconds, amount = env.cr.fetchone()
    compare(
        [
            ("records rated", rated, totals.answered),
            ("records not billable", not_billable, totals.records - totals.answered),
            ("seconds", seconds, totals.seconds),
            ("the batch's balance", batch.balance, "ok"),
            ("records in the usage", in_usage, rated),
            ("seconds in the usage", usage_seconds, seconds),
            ("amount of the usage", Decimal(amount), Decimal(charge)),
        ]
    )


def compare(pairs):
    """:raises Disagreement: when of one (what, found, expected) the two differ"""
    wrong = [
        f"{what}: {found}, expected {expected}"
        for what, found, expected in pairs
        if found != expected
    ]
    if wrong:
        raise Disagreement("; ".join(wrong))


def clear(env):
    """Take back all that imports stored, and their traces in the rates."""
    env.cr.execute("TRUNCATE metered_cdr, metered_exception")
    env.cr.execute("DELETE FROM metered_usage")
    env.cr.execute("UPDATE metered_rate SET used = NULL WHERE used")
    env.cr.execute("DELETE FROM metered_batch")
    env.invalidate_all()
    env.cr.commit()
    outside_transaction(env, "VACUUM metered_usage, metered_rate")


def checkpoint(env):
    """Write out what is pending, so that it is no burden to what is measured next.

    Where the database's user may not, it is a burden to all figures alike.
    """
    env.cr.execute(
        "SELECT rolsuper OR EXISTS (SELECT FROM pg_roles may"
        "   WHERE may.rolname = 'pg_checkpoint' AND pg_has_role(may.oid, 'USAGE'))"
        " FROM pg_roles WHERE rolname = current_user"
    )
    if env.cr.fetchone()[0]:
        outside_transaction(env, "CHECKPOINT")
    env.cr.commit()


def outside_transaction(env, statement):
    """Execute what PostgreSQL refuses inside of a transaction; commits before."""
    connection = env.cr.connection
    env.cr.commit()
    connection.autocommit = True
    try:
        env.cr.execute(statement)
    finally:
        connection.autocommit = False


def _copy(env, rows, count):
    """Copy the rows into an empty table of the same columns and indexes, to the disk.

    :return: :class:`effort.Effort`
    """
    env.cr.execute(f"DROP TABLE IF EXISTS {COPY_TABLE}")
    env.cr.execute(f"CREATE TABLE {COPY_TABLE} (LIKE metered_cdr INCLUDING ALL)")
    checkpoint(env)
    columns = ", ".join(store.CDR_COLUMNS)
    with rows.open("rb") as lines, Effort.measure(env.cr) as effort:
        env.cr.copy_expert(
            f"COPY {COPY_TABLE} ({columns}) FROM STDIN (FORMAT csv)",
            lines,
            size=store.COPY_BUFFER,
        )
        # As the import at its end, whatever the server's setting.
        make_lasting(env.cr)
        env.cr.commit()
    env.cr.execute(f"SELECT count(*) FROM {COPY_TABLE}")
    compare([("rows copied", env.cr.fetchone()[0], count)])
    env.cr.execute(f"DROP TABLE {COPY_TABLE}")
    env.cr.commit()
    return effort


@contextmanager
def _recorded(path):
    """Keep the very text that the import sends to COPY, in the order of the file."""
    copy_text = store.copy_text

    def recording(cr, text):
        with path.open("ab") as rows:
            rows.write(text.read())
        text.seek(0)
        return copy_text(cr, text)

    with (
        patch.object(store, "copy_text", recording),
        patch.object(metered_batch_job, "LANES", 0),
    ):
        yield
