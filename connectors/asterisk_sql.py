# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Asterisk's table of call records in PostgreSQL (cdr_pgsql, cdr_adaptive_odbc).

The connection is read-only, and the switch's database gets one statement at a time,
with a time-out. Records are read in the order of their start. Times in the table are
local and without offset as a rule; they stay as they are, and the source's time zone
and ``uniqueid`` tell what they mean. Where clocks are set back more is read than was
asked for: records that come twice are known by their id.
"""

import json
import os
import socket
import tempfile
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import certifi
import psycopg2
from psycopg2 import errors as pg
from psycopg2 import sql
from psycopg2.extensions import libpq_version

from .addresses import AddressPolicy, parse_networks
from .checks import Check
from .errors import (
    SourceError,
    SourceRefused,
    SourceSettingsError,
    SourceUnreachable,
)
from .interface import Account, Connector, Page, attempt, in_utc, register
from .records import text_frame
from .windows import local_text, zone

PAGE_ROWS = 5_000
STATEMENT_SECONDS = 60
CONNECT_SECONDS = 10
#: the server ends a statement itself, if it still can
ANSWER_SECONDS = STATEMENT_SECONDS + 10
START_COLUMNS = ("start", "calldate")
WITH_ZONE = 1184  # the oid of timestamp with time zone
WITHOUT_ZONE = 1114
#: a path that nothing is at
NOWHERE = "/dev/null/none"
LAYOUT = "%Y-%m-%d %H:%M:%S"
DAY = timedelta(days=1)


def nothing_of_this_server(sslmode, authority=None):
    """Parameters that keep libpq from what this server has for its own connections.

    It would otherwise send the password, the certificate or the Kerberos ticket that
    the environment or the home folder of whoever runs Odoo holds: to any server that a
    source names. Only a password is given, and none in clear text.

    :param sslmode: libpq's
    :param authority: path of certificates that the server's has to come from; None:
        those that are known all over the world
    :return: dict of parameters
    """
    parameters = {
        "sslmode": sslmode,
        # Empty would mean: those in the home folder.
        "sslrootcert": (authority or certifi.where())
        if sslmode.startswith("verify")
        else NOWHERE,
        **dict.fromkeys(("passfile", "sslcert", "sslkey", "sslcrl"), NOWHERE),
        "gssencmode": "disable",
        "krbsrvname": "none",
        "target_session_attrs": "any",
        "channel_binding": "prefer" if sslmode != "disable" else "disable",
        "client_encoding": "UTF8",
    }
    if libpq_version() >= 160000:
        parameters |= {"require_auth": "scram-sha-256,md5", "sslcertmode": "disable"}
    return parameters


@contextmanager
def authority_file(text):
    """The path of a file with certificates while it is asked for; None without text.

    :param text: certificates in PEM's form
    """
    if not text:
        yield None
        return
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(text)
        file.flush()
        yield file.name


@register
class AsteriskSql(Connector):
    """A table of call records.

    Settings: ``host``, ``port`` (5432), ``database``, ``username``, ``password``,
    ``sslmode`` (prefer), ``authority`` (PEM; where the server's certificate is verified
    it comes from these; empty: those that are known all over the world), ``table``
    (cdr; may have a schema before it), ``timezone`` of its times (UTC),
    ``account_column`` (accountcode), ``allowed_networks``. The account '' is the whole
    table.
    """

    key = "asterisk_sql"
    name = "Asterisk (SQL table)"
    preset = "asterisk"

    @classmethod
    def needs_account(cls, form):
        return False

    @classmethod
    def asks_for(cls, form):
        asked = {"host", "port", "database", "table_name", "sslmode"}
        return super().asks_for(form) | asked | {"username", "password"}

    def __init__(self, settings, **surroundings):
        super().__init__(settings, **surroundings)
        self.policy = self.surroundings.get("policy") or AddressPolicy(
            parse_networks(settings.get("allowed_networks"))
        )
        self.local = zone(settings.get("timezone") or "UTC")
        self.page_rows = int(settings.get("page_rows") or PAGE_ROWS)
        parts = (settings.get("table") or "cdr").split(".")
        self.table = sql.Identifier(*parts)
        self.where = f"table {'.'.join(parts)} on {settings.get('host')}"
        self._account_column = settings.get("account_column") or "accountcode"
        self._connection = None
        self._columns = {}

    def close(self):
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    # ---- the connection

    def _connect(self):
        host, port = self.settings.get("host"), self.settings.get("port") or 5432
        user = self.setting("username", "user name")
        if not host or not self.settings.get("database") or not user:
            raise SourceSettingsError(
                "The source is missing a host, database or user name.",
                remedy="Enter the location of Asterisk's database and the user name.",
            )
        with authority_file(self.settings.get("authority")) as authority:
            return psycopg2.connect(
                host=host,
                port=port,
                # The address to connect to: the name is not looked up again.
                hostaddr=self._addresses(host, int(port))[0][4][0],
                dbname=self.settings["database"],
                user=user,
                password=self.secret("password"),
                connect_timeout=CONNECT_SECONDS,
                application_name="metered-billing",
                options=f"-c statement_timeout={STATEMENT_SECONDS * 1000}"
                " -c default_transaction_read_only=on",
                **nothing_of_this_server(
                    self.settings.get("sslmode") or "prefer", authority
                ),
            )

    def _addresses(self, host, port):
        # libpq takes a path, or a name that begins with @, for a socket.
        if host.startswith(("/", "@")) or "," in host:
            raise SourceSettingsError(
                f"Connections to {host} are not allowed: it is not the name of a "
                "single server.",
                remedy="Enter the name or address of Asterisk's database server. "
                "Sockets on this server cannot be used.",
            )
        return self.policy.addresses(host, port)

    @contextmanager
    def _asking(self):
        """A connection; errors of the database as those of a source."""
        connection = None
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
                self._connection.set_session(readonly=True)
            connection = self._connection
            yield connection
        except SourceError:
            raise
        except psycopg2.Error as error:
            if connection is not None and self._connection is not connection:
                return  # closed by us, while pages of it were left unread
            self.close()
            if isinstance(error.__context__, SourceError):
                # Nothing can be rolled back on a connection that was given up.
                raise error.__context__ from None
            raise self._failure(error) from None

    def _failure(self, error):
        said = self.redact(str(error).strip().partition("\n")[0]).rstrip(".")
        if isinstance(error, pg.QueryCanceled):
            return SourceUnreachable(
                f"The database took longer than {STATEMENT_SECONDS} s.",
                self.where,
                "Create an index on the start column.",
            )
        if isinstance(error, pg.UndefinedTable | pg.UndefinedColumn):
            return SourceSettingsError(
                f"The database says: {said}.",
                self.where,
                "Correct the table and columns in the source settings.",
            )
        denied = isinstance(error, pg.InsufficientPrivilege)
        if denied or "authentication failed" in said or "no pg_hba.conf entry" in said:
            return SourceRefused(
                f"The database denied access: {said}.",
                self.where,
                "Check user name and password, and give the user the right to SELECT.",
            )
        return SourceUnreachable(
            f"The database failed: {said}.",
            self.where,
            "Try again later, and check the address.",
        )

    def _rows(self, query, values=()):
        with (
            self._asking() as connection,
            answering(connection, self.where),
            connection,
            connection.cursor() as cr,
        ):
            cr.execute(query, values)
            return cr.fetchall()

    def _known_columns(self):
        """Column -> oid of its type."""
        if not self._columns:
            query = sql.SQL("SELECT * FROM {} LIMIT 0").format(self.table)
            with (
                self._asking() as connection,
                answering(connection, self.where),
                connection,
                connection.cursor() as cr,
            ):
                # The name is quoted by psycopg2.
                cr.execute(query)  # pylint: disable=sql-injection
                self._columns = {
                    column.name: column.type_code for column in cr.description
                }
        return self._columns

    def _start_column(self):
        columns = self._known_columns()
        for name in START_COLUMNS:
            if columns.get(name) in (WITH_ZONE, WITHOUT_ZONE):
                return name
        raise SourceSettingsError(
            f"The table has no time column named {' or '.join(START_COLUMNS)}.",
            self.where,
            "Choose the table that Asterisk writes its call records to.",
        )

    # ---- what the interface asks for

    def check(self, account=None):
        checks = []
        if not attempt(checks, "The database answers", self._look_version):
            return checks
        if not attempt(checks, "The table has call records", self._look_table):
            return checks
        checks.append(self._look_rights())
        if account:
            attempt(checks, f"Account {account}", lambda: self.find(account))
        return checks

    def _look_version(self):
        ((version,),) = self._rows("SHOW server_version")
        return f"PostgreSQL {version}"

    def _look_table(self):
        column = self._start_column()
        query = "SELECT max({}) FROM {}"
        ((last,),) = self._rows(
            sql.SQL(query).format(sql.Identifier(column), self.table)
        )
        return (
            f"The last call record started at {last}."
            if last
            else "The table is empty."
        )

    def _look_rights(self):
        query = "SELECT has_table_privilege(%s, 'INSERT, UPDATE, DELETE')"
        with self._asking() as connection:
            name = self.table.as_string(connection)
        ((writes,),) = self._rows(query, (name,))
        return Check(
            "The user has read-only access",
            not writes,
            "The user can also change call records." if writes else "",
            "Give the source a user of its own with the right to SELECT only."
            if writes
            else "",
        )

    def accounts(self):
        """The account codes that occur; none where the table has no such column."""
        if self._account_column not in self._known_columns():
            return
        column = sql.Identifier(self._account_column)
        query = sql.SQL("SELECT DISTINCT {} FROM {} ORDER BY 1")
        for (code,) in self._rows(query.format(column, self.table)):
            if code:
                yield Account(code, code)

    def fetch(self, account, start, end, cursor=None):
        first, last = self._between(in_utc(start), in_utc(end))
        if cursor:
            first = datetime.fromisoformat(json.loads(cursor)["from"])
        page = Page(text_frame([], self._known_columns()), None)
        while first < last:
            stop = min(last, first + DAY)
            for rows, newest in self._pages(account, first, stop):
                if len(page.frame):
                    yield page
                # From the same second on: others may share it.
                page = Page(text_frame(rows, self._columns), _cursor(newest))
            # The last page of a day goes on with the next day, whoever shares its
            # second: what goes on at a cursor must get on.
            page.cursor = _cursor(stop)
            first = stop
        page.cursor = None
        yield page

    def count(self, account, start, end):
        first, last = self._between(in_utc(start), in_utc(end))
        query, values = self._query("count(*)", account, first, last)
        ((number,),) = self._rows(query, values)
        return number

    def _pages(self, account, first, last):
        """Pages of rows and the start of the newest of each."""
        column = self._start_column()
        query, values = self._query("*", account, first, last)
        query += sql.SQL(" ORDER BY {}").format(sql.Identifier(column))
        with self._asking() as connection:
            # Read in portions on the other side: a day may have millions.
            with connection, connection.cursor("metered_cdr") as cr:
                with answering(connection, self.where):
                    cr.execute(query, values)
                while rows := self._fetch_page(connection, cr):
                    names = [described.name for described in cr.description]
                    records = [dict(zip(names, row, strict=True)) for row in rows]
                    yield records, records[-1][column]

    def _fetch_page(self, connection, cr):
        """The next rows; after the last ones the transaction is over."""
        with answering(connection, self.where):
            rows = cr.fetchmany(self.page_rows)
            if not rows:
                cr.close()
                connection.commit()
        return rows

    def _query(self, what, account, first, last):
        column = sql.Identifier(self._start_column())
        query = sql.SQL(f"SELECT {what} FROM {{}} WHERE {{}} >= %s AND {{}} < %s")
        query = query.format(self.table, column, column)
        values = [first, last]
        if account:
            query += sql.SQL(" AND {} = %s").format(
                sql.Identifier(self._account_column)
            )
            values.append(account)
        return query, values

    def _between(self, start, end):
        """The stretch in the times of the table."""
        if self._known_columns()[self._start_column()] == WITH_ZONE:
            return start, end
        if self.local.key == "UTC":
            return tuple(t.astimezone(UTC).replace(tzinfo=None) for t in (start, end))
        return (
            datetime.fromisoformat(local_text(start, self.local, LAYOUT)),
            datetime.fromisoformat(local_text(end, self.local, LAYOUT, late=True)),
        )


@contextmanager
def answering(connection, where):
    """Give up on a database that says nothing for too long: libpq waits for ever.

    Another thread breaks the connection then, which ends the wait.

    :raise SourceUnreachable: it was broken
    """
    given_up = threading.Event()
    # A line of our own: the connection's may be closed, and its number given away.
    with socket.socket(fileno=os.dup(connection.fileno())) as line:

        def give_up():
            given_up.set()
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(ANSWER_SECONDS, give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except psycopg2.Error:
            if not given_up.is_set():
                raise
            raise SourceUnreachable(
                f"The database did not respond within {ANSWER_SECONDS} s.",
                where,
                "Try again later, and check that the server is working.",
            ) from None
        finally:
            timer.cancel()
            timer.join()


def _cursor(moment):
    return json.dumps({"from": moment.isoformat()})
