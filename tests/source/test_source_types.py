# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Each type of source from its form to the ledger, against a real server of its own."""

import getpass
import os
import signal
from datetime import timedelta
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.metered_billing.connectors import asterisk_sql
from odoo.addons.metered_billing.connectors.errors import SourceUnreachable
from odoo.addons.metered_billing.demo.servers.rest import (
    API_KEY,
    SETTINGS,
    RestSwitch,
    make_tenant,
)

from ..support.file_servers import S3Server, Sshd
from ..support.metered_case import generic_csv
from ..support.postgres_server import PostgresServer
from ..support.source_case import DAY, SourceTypeCase

NUMBER = "14045550100"
ACME, BOLT = "acme.example.com", "bolt.example.com"


class RestCase(SourceTypeCase):
    """A switch with a REST API, and two tenants on it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.acme = make_tenant(ACME, "Acme", NUMBER, DAY, 120)
        cls.acme.calls[7]["seconds"] = "long"
        cls.server = RestSwitch(
            [cls.acme, make_tenant(BOLT, "Bolt", "14045550200", DAY, 3)]
        )
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.stop)

    def make_rest(self, source_type, **values):
        return self.make_by_form(
            source_type,
            preset="generic",
            address=self.server.url,
            allowed_networks="127.0.0.1",
            **SETTINGS,
            api_key=API_KEY,
            **values,
        )

    def add_account(self, source, name=ACME):
        return self.env["metered.source.account"].create(
            {
                "source_id": source.id,
                "name": name,
                "partner_id": self.customer.id,
            }
        )

    def go_silent(self):
        address = self.source.address
        self.move_source(self.source, address="http://127.0.0.1:9")
        return address

    def check_rest(self, source_type):
        """All of it: form, test, sync, again, and a server that is gone."""
        self.source = source = self.make_rest(source_type)
        self.check_connection(source)
        self.assertIn("2 accounts", str(source.test_result))
        with self.assertRaisesRegex(UserError, "no accounts"):
            source.action_sync()
        self.add_account(source)
        sync = self.sync(source)
        self.assertEqual((sync.records, sync.expected), (120, 120))
        self.assertEqual(self.stored(source), (119, 1))
        self.assertEqual((sync.batch_id.state, sync.batch_id.balance), ("done", "ok"))
        cdrs = self.env["metered.cdr"].search([("source_id", "=", source.id)])
        self.assertEqual(cdrs.partner_id, self.customer)
        usage = self.usage(self.customer)
        self.assertEqual(sum(usage.mapped("records")), 119)
        exception = self.env["metered.exception"].search(
            [("source_id", "=", source.id)]
        )
        self.assertIn("long", str(exception.raw))
        self.assertEqual(
            set(self.customer.metered_identifier_ids.mapped("value")), {NUMBER, ACME}
        )
        days = source.completeness_ids
        self.assertEqual((len(days), set(days.mapped("state"))), (2, {"ok"}))
        sums = usage.mapped(lambda u: (u.day, u.records, u.amount))
        again = self.sync(source)
        self.assertEqual(again.batch_id.duplicates, 120)
        self.assertEqual(self.stored(source), (119, 1))
        self.assertEqual(
            self.usage(self.customer).mapped(lambda u: (u.day, u.records, u.amount)),
            sums,
        )
        address = source.address

        def mend():
            self.move_source(source, address=address)

        self.check_failing(source, self.go_silent, mend, ("127.0.0.1:9", "refused"))


@tagged("post_install", "-at_install")
class TestHttpJsonSource(RestCase):
    def test_from_the_form_to_the_ledger(self):
        self.check_rest("http_json")

    def test_tried_out_in_the_form(self):
        source = self.make_rest("http_json")
        path, source.http_accounts_path = source.http_accounts_path, False
        with self.assertRaisesRegex(UserError, "an account"):
            source.action_try_out()
        # Without one of ours, the first that the switch lists.
        source.http_accounts_path = path
        self.acme.calls.append(
            {
                **self.acme.calls[0],
                "uid": "now",
                "begin": (self.now() - timedelta(hours=3)).isoformat(),
            }
        )
        self.addCleanup(self.acme.calls.pop)
        action = source.action_try_out()
        self.assertIn("1 records", action["params"]["message"])
        [row] = source.http_preview["rows"]
        self.assertEqual((row["caller"], row["seconds"]), (f"+{NUMBER}", 30))
        meanings = {c["name"]: c["meaning"] for c in source.http_preview["columns"]}
        self.assertTrue(meanings["caller"] and meanings["start_time"])
        self.assertNotIn(API_KEY, str(source.http_preview))

    def now(self):
        return self.env.cr.now().replace(tzinfo=DAY.tzinfo)

    def test_a_wrong_key(self):
        source = self.make_rest("http_json")
        source.api_key = "rest_wrong"
        self.add_account(source)
        self.check_connection(source, "Accounts can be listed")
        [sync] = self.start_sync(source)
        sync._process()
        self.assertEqual(sync.state, "failed")
        self.assertIn("401", sync.error)
        self.assertNotIn("rest_wrong", str(sync.line_ids.mapped("message")))


@tagged("post_install", "-at_install")
class TestBrightlinkSource(RestCase):
    def test_from_the_form_to_the_ledger(self):
        self.check_rest("brightlink")

    def test_its_domain_is_a_field_of_the_customer(self):
        self.assertFalse(self.customer.metered_domain_fields)
        with self.assertRaisesRegex(UserError, "Connect a source"):
            self.customer.metered_brightlink_domain = ACME
        source = self.make_rest("brightlink")
        self.env.invalidate_all()
        self.assertIn("metered_brightlink_domain", self.customer.metered_domain_fields)
        clerk = new_test_user(
            self.env,
            "clerk",
            "metered_billing.group_metered_user,base.group_partner_manager",
        )
        with Form(self.customer.with_user(clerk)) as form:
            form.metered_brightlink_domain = f"{ACME}, second.example.com"
        accounts = source.account_ids
        self.assertEqual(set(accounts.mapped("name")), {ACME, "second.example.com"})
        self.assertEqual(accounts.partner_id, self.customer)
        self.assertFalse(self.customer.metered_netsapiens_domain)
        with self.assertRaisesRegex(UserError, "is already assigned to Acme"):
            self.other.metered_brightlink_domain = ACME
        # What is taken away is archived, and comes back as it was.
        self.customer.metered_brightlink_domain = "second.example.com"
        self.assertEqual(source.account_ids.mapped("name"), ["second.example.com"])
        self.customer.metered_brightlink_domain = ACME
        self.assertEqual(source.account_ids, accounts.filtered("active"))
        self.assertEqual(source.account_ids.name, ACME)
        self.assertEqual(
            self.env["res.partner"].search([("metered_account_ids", "=", ACME)]),
            self.customer,
        )

    def test_its_checks_on_the_customer_tab(self):
        source = self.make_rest("brightlink", name="Brightlink")
        self.customer.metered_brightlink_domain = ACME

        def checks():
            self.env.invalidate_all()
            info = self.customer.metered_check_info
            [group] = [g for g in info["groups"] if g["title"] == "Brightlink"]
            return {check["name"]: check for check in group["checks"]}

        found = checks()
        self.assertEqual(
            [name for name, check in found.items() if not check["ok"]],
            [
                "Source",
                "Found on the switch",
                "Numbers synced",
                "Identified by",
                "Last record",
            ],
        )
        # Each is mended by what its link opens.
        self.assertTrue(all(c["ok"] or c["call"] for c in found.values()))
        source.first_days = 400
        model, id_, method, args = found["Found on the switch"]["call"]
        action = getattr(self.env[model].browse(id_), method)(*args)
        wizard = self.env[action["res_model"]].browse(action["res_id"])
        wizard.write({"date_from": DAY.date(), "date_to": DAY.date()})
        wizard.action_start()
        source.sync_ids._process()
        found = checks()
        self.assertTrue(found["Found on the switch"]["ok"], found)
        self.assertEqual(found["Account"]["detail"], ACME)
        self.assertIn("1 numbers", found["Numbers synced"]["detail"])
        self.assertTrue(found["Identified by"]["ok"])


ASTERISK = """
CREATE TABLE cdr (
    accountcode text, src text, dst text, dcontext text, clid text, channel text,
    dstchannel text, lastapp text, lastdata text, start timestamp, answer timestamp,
    "end" timestamp, duration integer, billsec integer, disposition text,
    amaflags text, uniqueid text, userfield text, peeraccount text, linkedid text,
    sequence integer
);
CREATE ROLE metered LOGIN PASSWORD 'reads-only';
GRANT SELECT ON cdr TO metered;
"""
CALL = """
INSERT INTO cdr (accountcode, src, dst, dcontext, channel, dstchannel, lastapp, start,
                 answer, "end", duration, billsec, disposition, uniqueid, sequence)
SELECT %(code)s, %(src)s, '1212555' || to_char(at, 'FM0000'), 'from-internal',
       'PJSIP/desk-' || at, 'PJSIP/carrier-' || at, 'Dial', moment,
       moment + interval '5 s', moment + interval '65 s', 65, 60, 'ANSWERED',
       %(code)s || at, 1
  FROM (SELECT at, %(start)s + at * interval '9 min' AS moment
          FROM generate_series(1, %(count)s) AT (at)) call
"""


@tagged("post_install", "-at_install")
class TestAsteriskSource(SourceTypeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = PostgresServer()
        cls.addClassCleanup(cls.server.stop)
        cls.owner = cls.server.connect()
        cls.addClassCleanup(cls.owner.close)
        with cls.owner.cursor() as cr:
            cr.execute(ASTERISK)
        cls.call("acme", NUMBER, 150)
        cls.call("unknown", "14045550999", 2)

    @classmethod
    def call(cls, code, src, count):
        with cls.owner.cursor() as cr:
            start = DAY.replace(tzinfo=None)
            cr.execute(CALL, {"code": code, "src": src, "count": count, "start": start})

    def make(self, **values):
        return self.make_by_form(
            "asterisk_sql",
            **{
                "host": "127.0.0.1",
                "port": self.server.port,
                "database": "postgres",
                "username": "metered",
                "password": "reads-only",
                "allowed_networks": "127.0.0.1",
                **values,
            },
        )

    def test_from_the_form_to_the_ledger(self):
        source = self.make()
        self.assertEqual(source.preset, "asterisk")
        self.check_connection(source)
        self.make_identifier(self.customer, "acme", "account_code")
        sync = self.sync(source)
        self.assertEqual((sync.records, sync.expected), (152, 152))
        self.assertEqual(self.stored(source), (150, 2))
        self.assertEqual(sync.batch_id.balance, "ok")
        self.assertEqual(sum(self.usage(self.customer).mapped("records")), 150)
        self.assertEqual(set(source.completeness_ids.mapped("state")), {"ok"})
        # It goes on after what it knows.
        self.call("later", "14045550999", 1)
        again = self.sync(source)
        self.assertEqual(again.records - again.batch_id.duplicates, 1)
        self.assertEqual(self.stored(source), (150, 3))

        def go_on():
            self.server.go_on()
            type(self).owner = self.server.connect()

        self.check_failing(source, self.server.pause, go_on, ("refused", "table cdr"))

    def test_it_goes_on_at_its_cursor(self):
        source = self.make()
        self.make_identifier(self.customer, "acme", "account_code")
        [sync] = self.start_sync(source)
        rounds = 0
        with patch.object(asterisk_sql, "PAGE_ROWS", 40):
            while not sync._process(seconds=0):
                rounds += 1
                self.assertTrue(sync.cursor)
        self.assertGreaterEqual(rounds, 3)
        self.assertEqual(self.stored(source)[0], 150)

    def test_a_user_who_may_write_is_told_of(self):
        source = self.make(username="owner", password="owner-of-the-switch")
        self.check_connection(source, "The user has read-only access")

    def test_a_database_that_falls_silent(self):
        """It answers, and then nothing comes any more: nobody waits for ever."""
        source = self.make()
        for what in ("count", "fetch"):
            with self.subTest(what), source._make_connector() as connector:
                connector.find("acme")
                process = connector._connection.info.backend_pid
                ask = getattr(connector, what)
                os.kill(process, signal.SIGSTOP)
                try:
                    with (
                        patch.object(asterisk_sql, "ANSWER_SECONDS", 0.2),
                        self.assertRaisesRegex(SourceUnreachable, "did not respond"),
                    ):
                        found = ask("acme", DAY, DAY + timedelta(days=1))
                        list(found)
                finally:
                    os.kill(process, signal.SIGCONT)
                # And goes on with a new connection.
                self.assertTrue(connector.count("acme", DAY, DAY + timedelta(days=1)))

    def test_a_wrong_password_is_no_matter_of_waiting(self):
        source = self.make(password="guessed-wrong")
        self.check_connection(source, "The database answers")
        [sync] = self.start_sync(source)
        sync._process()
        self.assertEqual(sync.state, "failed")
        self.assertIn("password authentication failed", sync.error)
        self.assertNotIn("guessed-wrong", sync.error)


class FileStoreCase(SourceTypeCase):
    """Files on a server: the rest is the same for all of them."""

    def calls(self, first, count, number=f"+{NUMBER}"):
        start = DAY.replace(tzinfo=None)
        return generic_csv(
            (f"c{at}", f"{start + timedelta(minutes=at)}", 60, number, "+12125550199")
            for at in range(first, first + count)
        ).encode()

    def check_store(self, source, put, break_it, mend_it, words):
        """All of it.

        :param put: function (name, bytes) that writes a file on the server
        """
        self.make_identifier(self.customer, f"+{NUMBER}")
        put("a.csv", self.calls(0, 40))
        put("b.csv", self.calls(40, 3, "+14045550999"))
        put("readme.txt", b"not a call record")
        self.check_connection(source)
        self.assertIn("2 of 3 files match", str(source.test_result))
        sync = self.sync(source)
        self.assertEqual((sync.records, sync.expected), (2, 2))
        self.assertEqual(self.stored(source), (40, 3))
        self.assertEqual(set(source.batch_ids.mapped("balance")), {"ok"})
        self.assertEqual(sum(self.usage(self.customer).mapped("records")), 40)
        ledger = source.file_ids.sorted("name")
        self.assertEqual(ledger.mapped("name"), ["a.csv", "b.csv"])
        self.assertTrue(all(ledger.mapped("checksum")))
        self.assertFalse(any(ledger.mapped("error")))
        self.sync(source)
        self.assertEqual((len(source.batch_ids), len(source.file_ids)), (2, 2))
        put("copy.csv", self.calls(0, 40))
        self.sync(source)
        self.assertEqual(self.stored(source), (40, 3))
        copy = source.file_ids.filtered(lambda file: file.name == "copy.csv")
        self.assertEqual(copy.same_as, "a.csv")
        self.check_failing(source, break_it, mend_it, words)


@tagged("post_install", "-at_install")
class TestS3Source(FileStoreCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = S3Server()
        cls.addClassCleanup(cls.server.stop)
        cls.files = cls.server.file_system()
        cls.files.mkdir("calls")

    def setUp(self):
        super().setUp()
        self.folder = f"calls/{self._testMethodName}"

    def put(self, name, content):
        self.files.pipe_file(f"{self.folder}/{name}", content)

    def make(self, **values):
        return self.make_by_form(
            "file_store",
            preset="generic",
            store_kind="s3",
            address=f"http://127.0.0.1:{self.server.port}",
            allowed_networks="127.0.0.1",
            store_region="eu-central-1",
            username="test",
            password="s3cret-of-the-bucket",
            store_folder=self.folder,
            store_settle_seconds=0,
            **values,
        )

    def test_from_the_form_to_the_ledger(self):
        source = self.make()
        address = source.address

        def go():
            self.move_source(source, address="http://127.0.0.1:9")

        def come():
            self.move_source(source, address=address)

        self.check_store(source, self.put, go, come, (self.folder,))

    def test_moved_afterwards(self):
        source = self.make(store_afterwards="move")
        self.put("a.csv", self.calls(0, 2))
        self.check_connection(source)
        self.sync(source)
        self.files.invalidate_cache()
        self.assertEqual(self.files.find(self.folder), [f"{self.folder}/done/a.csv"])

    def test_a_bucket_that_is_none(self):
        source = self.make()
        source.store_folder = "nowhere/cdr"
        self.check_connection(source, "The folder can be read")
        [sync] = self.start_sync(source)
        sync._process()
        self.assertIn("nowhere", sync.line_ids[-1].message)
        self.assertNotIn("s3cret", str(sync.line_ids.mapped("message")))


@tagged("post_install", "-at_install")
class TestSftpSource(FileStoreCase):
    def test_from_the_form_to_the_ledger(self):
        server = Sshd()
        self.addCleanup(server.stop)
        folder = server.folder / "cdr"
        folder.mkdir()
        source = self.make_by_form(
            "file_store",
            preset="generic",
            store_kind="sftp",
            host="127.0.0.1",
            port=server.port,
            allowed_networks="127.0.0.1",
            username=getpass.getuser(),
            private_key=(server.folder / "user_key").read_text(),
            store_host_key=(server.folder / "host_key.pub").read_text(),
            store_folder=str(folder),
            store_settle_seconds=0,
        )

        def put(name, content):
            (folder / name).write_bytes(content)

        def go():
            self.move_source(source, port=9)

        def come():
            self.move_source(source, port=server.port)

        self.check_store(source, put, go, come, ("sftp://127.0.0.1:9", "connect"))
