# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Asterisk's table of call records, on a real PostgreSQL."""

import csv
import socket
import unittest
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from ...connectors.addresses import AddressPolicy, parse_networks
from ...connectors.asterisk_sql import AsteriskSql, authority_file
from ...connectors.errors import (
    SourceError,
    SourceNotFound,
    SourceRefused,
    SourceSettingsError,
    SourceUnreachable,
)
from ...connectors.records import join_frames
from ..support.certificates import Authority
from ..support.postgres_server import PASSWORD, PostgresServer

MONTH = Path(__file__).parents[2] / "demo" / "asterisk" / "cdr_pgsql.csv"
SCHEMA = "metered_asterisk_test"
START = datetime(2026, 10, 1, tzinfo=UTC)
END = datetime(2026, 11, 5, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
BACK = datetime(2026, 11, 1, 6, tzinfo=UTC)  # clocks from 02:00 to 01:00
TABLE = """
CREATE TABLE {name} (
    accountcode text, src text, dst text, dcontext text, clid text, channel text,
    dstchannel text, lastapp text, lastdata text, start {kind}, answer {kind},
    "end" {kind}, duration integer, billsec integer, disposition text, amaflags text,
    uniqueid text, userfield text, peeraccount text, linkedid text, sequence integer
)
"""


class TestAsteriskSql(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.stop)
        cls.other = cls.server.connect()
        cls.addClassCleanup(cls.other.close)
        with cls.other.cursor() as cr:
            cr.execute(f"CREATE SCHEMA {SCHEMA}")
            kinds = {"cdr": "timestamp", "zoned": "timestamptz", "night": "timestamp"}
            for name, kind in kinds.items():
                cr.execute(TABLE.format(name=f"{SCHEMA}.{name}", kind=kind))
            cr.execute("SET timezone TO 'UTC'")
            for name in ("cdr", "zoned"):
                with MONTH.open(encoding="utf-8") as file:
                    copy = f"COPY {SCHEMA}.{name} FROM STDIN (FORMAT csv, HEADER)"
                    cr.copy_expert(copy, file)
            cr.execute(f"CREATE TABLE {SCHEMA}.empty (start timestamp)")
            cr.execute(f"CREATE TABLE {SCHEMA}.odd (started text)")
        with MONTH.open(encoding="utf-8", newline="") as file:
            cls.rows = list(csv.DictReader(file))

    def connect(self, **settings):
        settings = {
            "host": "127.0.0.1",
            "port": self.server.port,
            "database": "postgres",
            "username": "owner",
            "password": PASSWORD,
            "table": f"{SCHEMA}.cdr",
            "allowed_networks": "127.0.0.0/8 ::1",
            **settings,
        }
        connector = AsteriskSql(settings)
        self.addCleanup(connector.close)
        return connector

    def frame(self, connector, start=START, end=END, account="", cursor=None):
        pages = connector.fetch(account, start, end, cursor)
        return join_frames([page.frame for page in pages])

    def keys(self, rows):
        return sorted(f"{row['uniqueid']}-{row['sequence']}" for row in rows)

    def test_every_record_of_the_month_with_every_column(self):
        frame = self.frame(self.connect(page_rows=100))
        found = frame.to_dict("records")
        self.assertEqual(self.keys(found), self.keys(self.rows))
        by_key = {(row["uniqueid"], row["sequence"]): row for row in found}
        for row in self.rows:
            self.assertEqual(by_key[row["uniqueid"], row["sequence"]], row)

    def test_a_stretch_is_half_open(self):
        middle = datetime.fromisoformat(self.rows[500]["start"]).replace(tzinfo=UTC)
        connector = self.connect()
        early = self.frame(connector, START, middle).to_dict("records")
        late = self.frame(connector, middle, END).to_dict("records")
        self.assertTrue(early and late)
        self.assertEqual(self.keys(early + late), self.keys(self.rows))
        self.assertEqual(connector.count("", START, middle), len(early))
        self.assertEqual(connector.count("", START, END), len(self.rows))

    def test_going_on_at_a_cursor_leaves_nothing_out(self):
        connector = self.connect(page_rows=300)
        pages = list(connector.fetch("", START, END))
        self.assertIsNone(pages[-1].cursor)
        for at in (1, 7, len(pages) - 1):
            done = [page.frame for page in pages[:at]]
            rest = self.frame(connector, cursor=pages[at - 1].cursor)
            found = join_frames([*done, rest]).drop_duplicates().to_dict("records")
            self.assertEqual(self.keys(found), self.keys(self.rows))

    def test_times_with_a_zone(self):
        connector = self.connect(table=f"{SCHEMA}.zoned", timezone="Asia/Kolkata")
        found = self.frame(connector).to_dict("records")
        self.assertEqual(self.keys(found), self.keys(self.rows))
        moments = {datetime.fromisoformat(row["start"]) for row in found}
        self.assertIn(
            datetime.fromisoformat(self.rows[0]["start"]).replace(tzinfo=UTC), moments
        )

    def test_the_night_the_clocks_are_set_back(self):
        begin = BACK - timedelta(hours=2)
        with self.other.cursor() as cr:
            for at in range(180):
                shown = (begin + timedelta(minutes=at)).astimezone(NEW_YORK)
                cr.execute(
                    f"INSERT INTO {SCHEMA}.night (start, uniqueid, sequence)"
                    " VALUES (%s, %s, 0)",
                    (shown.replace(tzinfo=None), f"u{at}"),
                )
        connector = self.connect(table=f"{SCHEMA}.night", timezone="America/New_York")
        found = []
        for hour in range(3):
            start = begin + timedelta(hours=hour)
            frame = self.frame(connector, start, start + timedelta(hours=1))
            hours_own = {f"u{at}" for at in range(hour * 60, hour * 60 + 60)}
            self.assertLessEqual(hours_own, set(frame["uniqueid"]))
            found.append(frame)
        # What comes twice is the same record: nothing is doubled.
        self.assertEqual(len(join_frames(found).drop_duplicates()), 180)

    def test_accounts(self):
        connector = self.connect()
        codes = {row["accountcode"] for row in self.rows} - {""}
        self.assertEqual({account.key for account in connector.accounts()}, codes)
        for code in codes:
            own = [row for row in self.rows if row["accountcode"] == code]
            self.assertEqual(len(self.frame(connector, account=code)), len(own))
        with self.assertRaises(SourceNotFound):
            connector.find("nobody")

    def test_nothing_can_be_written(self):
        connector = self.connect()
        with self.assertRaisesRegex(SourceError, "read-only transaction"):
            connector._rows(f"DELETE FROM {SCHEMA}.cdr RETURNING 1")
        checks = connector.check()
        self.assertEqual([check.ok for check in checks], [True, True, False])
        self.assertIn("right to SELECT only", checks[2].remedy)

    def test_what_is_wrong_is_said(self):
        cases = [
            ({"table": f"{SCHEMA}.nowhere"}, SourceSettingsError, "does not exist"),
            ({"table": f"{SCHEMA}.odd"}, SourceSettingsError, "no time column"),
            ({"table": 'x"; DROP TABLE y; --'}, SourceSettingsError, "does not exist"),
            ({"database": "no_such_database"}, SourceUnreachable, "no_such_database"),
            ({"host": ""}, SourceSettingsError, "missing a host"),
            ({"host": "/run/postgresql"}, SourceSettingsError, "Sockets on this"),
            ({"password": ""}, SourceSettingsError, "no password"),
            (
                {"username": ""},
                SourceSettingsError,
                "missing a host, database or user name",
            ),
            ({"password": "wrong"}, SourceRefused, "authentication failed"),
            (
                {"host": "localhost", "allowed_networks": ""},
                SourceSettingsError,
                "this server itself",
            ),
            ({"host": "127.0.0.1", "port": 1}, SourceUnreachable, "refused"),
        ]
        for settings, kind, message in cases:
            with self.assertRaisesRegex(kind, message):
                self.frame(self.connect(**settings))
        empty = self.frame(self.connect(table=f"{SCHEMA}.empty"))
        self.assertEqual(len(empty), 0)


class TestPrivateAuthority(unittest.TestCase):
    """A real server whose certificate nobody in the world has signed."""

    HOST = "switch.example.com"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority()
        cls.server = PostgresServer(cls.authority.sign(cls.HOST))
        cls.addClassCleanup(cls.server.stop)

    def failed(self, **settings):
        """What is wrong with the connection, as text; '' where nothing is."""
        settings = {
            "host": self.HOST,
            "port": self.server.port,
            "database": "postgres",
            "username": "owner",
            "password": PASSWORD,
            "sslmode": "verify-full",
            "table": "pg_catalog.pg_class",
            "allowed_networks": "127.0.0.0/8",
            **settings,
        }
        policy = AddressPolicy(
            parse_networks(settings["allowed_networks"]), resolve=self.resolve
        )
        connector = AsteriskSql(settings, policy=policy)
        self.addCleanup(connector.close)
        return "".join(check.detail for check in connector.check()[:1] if not check.ok)

    def resolve(self, _host, port, *_options):
        """Every name is this machine's."""
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    def test_only_its_authority_will_do(self):
        own = self.authority.text
        self.assertEqual(self.failed(authority=own), "")
        self.assertEqual(self.failed(authority=Authority("Other").text + own), "")
        for authority in ("", Authority("Other").text):
            self.assertIn("certificate verify failed", self.failed(authority=authority))
        wrong = self.failed(authority=own, host="other.example.com")
        self.assertIn("does not match host name", wrong)

    def test_nothing_of_it_stays_on_the_disk(self):
        with authority_file(self.authority.text) as path:
            self.assertEqual(Path(path).read_text(), self.authority.text)
            self.assertEqual(Path(path).stat().st_mode & 0o777, 0o600)
        self.assertFalse(Path(path).exists())
        with authority_file("") as path:
            self.assertIsNone(path)
