# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A pytest plugin: a class of tests that commits leaves every table as it was.

What one leaves is found by later tests of the same worker: screens that show every
record, counts, searches without a domain. Which tests these are depends on how the
files fall on the workers, so the culprit fails itself: the last test of a class that
left rows, or took some that were there, ends with an error that names them.
"""

import sys

import pytest

#: table -> why what is in it may change
MAY_CHANGE = {
    "bus_bus": "messages to browsers, collected as garbage by age",
    "ir_cron_progress": "of each run of a scheduled action, the same",
    "ir_cron_trigger": "a call of a scheduled action, taken by the next run",
    "ir_logging": "a log",
    "res_device_log": "of each session, collected as garbage",
    "res_users_log": "of each login, the same",
}
#: most ids that are named
MOST = 10


class LeftRows:
    """Compares the tables after a class that committed with what they were before.

    :ivar tables: table -> (rows, sum of their ids, the highest), of the last look
    :ivar committed: whether anything was committed since
    """

    def __init__(self, common, sql_db):
        self.common, self.sql_db = common, sql_db
        self.tables = None
        self.committed = False
        self._query = None

    def connect(self):
        """A cursor of its own, whose end is no commit."""
        return self.sql_db.db_connect(self.common.get_db_name()).cursor()

    def query(self, cr):
        """One statement that looks at all tables."""
        if not self._query:
            cr.execute(
                "SELECT format('SELECT %%L, count(*)', t.relname)"
                " || CASE WHEN a.attname IS NULL THEN ', 0, 0' ELSE"
                " ', coalesce(sum(id), 0)::bigint, coalesce(max(id), 0)' END"
                " || format(' FROM %%I', t.relname)"
                " FROM pg_class t LEFT JOIN pg_attribute a"
                " ON a.attrelid = t.oid AND a.attname = 'id' AND NOT a.attisdropped"
                " AND a.atttypid IN ('int4'::regtype, 'int8'::regtype)"
                " WHERE t.relkind = 'r' AND t.relpersistence = 'p'"
                " AND t.relnamespace = current_schema::regnamespace"
                " AND t.relname <> ALL(%s)",
                (list(MAY_CHANGE),),
            )
            self._query = " UNION ALL ".join(row[0] for row in cr.fetchall())
        return self._query

    def look(self, cr):
        """What the tables are now."""
        cr.execute(self.query(cr))
        self.committed = False
        return {table: tuple(row) for table, *row in cr.fetchall()}

    def begin(self):
        """Look once, before anything was committed."""
        if self.tables is None:
            cr = self.connect()
            try:
                self.tables = self.look(cr)
            finally:
                cr.close()

    def end(self):
        """Say what is left.

        :return: sentences
        """
        if not self.committed:
            return []
        cr = self.connect()
        try:
            before, self.tables = self.tables, self.look(cr)
            return [
                self.describe(cr, table, before[table], now)
                for table, now in self.tables.items()
                if before.get(table, now) != now
            ]
        finally:
            cr.close()

    def describe(self, cr, table, before, now):
        """What is different in a table."""
        said = f"{table}: {before[0]} rows before, {now[0]} now"
        if now[2]:
            cr.execute(
                f'SELECT id FROM "{table}" WHERE id > %s ORDER BY id LIMIT {MOST}',
                (before[2],),
            )
            new = ", ".join(str(row[0]) for row in cr.fetchall())
            said += f" ({new and 'new: ' + new or 'no new one'})"
        return said

    def watch(self, patched):
        """Note commits until ``patched`` takes it back."""
        commit = self.sql_db.Cursor.commit

        def noted_commit(cursor):
            if cursor.dbname == self.common.get_db_name():
                self.committed = True
            return commit(cursor)

        patched.setattr(self.sql_db.Cursor, "commit", noted_commit)


@pytest.fixture(scope="session")
def rows_of_session():
    """What looks at the tables; None where there is no database."""
    common = sys.modules.get("odoo.tests.common")
    if common is None:
        yield None
        return
    with pytest.MonkeyPatch.context() as patched:
        rows = LeftRows(common, sys.modules["odoo.sql_db"])
        rows.watch(patched)
        yield rows


@pytest.fixture(scope="class", autouse=True)
def left_rows(rows_of_session, request):
    """Fail where a class has committed and left something."""
    if rows_of_session is None:
        yield
        return
    rows_of_session.begin()
    yield
    left = rows_of_session.end()
    if left:
        pytest.fail(
            f"{getattr(request.cls, '__name__', request.node.name)} committed, and the"
            " tables are not as they were:\n" + "\n".join(sorted(left)),
            pytrace=False,
        )
