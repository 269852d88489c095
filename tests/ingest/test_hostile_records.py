# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""One odd record stops nothing: by file, post and API, in every column."""

import csv
import io
import json
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.metered_billing.demo.servers.rest import (
    SETTINGS,
    RestSwitch,
    make_tenant,
)
from odoo.addons.metered_billing.ingest import isolate

from ..source.test_source_push import call
from ..support.metered_case import GENERIC, MeteredCase, MeteredMakers, generic_csv
from ..support.source_case import DAY, LoopbackRequests

GOOD = ("2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")
#: another call
OTHER = ("2026-10-05 11:00:00", 60, "+14045550100", "+12125550199")
#: bytes of an index row, less what stands beside the text in ours
INDEX_BYTES = 2_600
#: columns that hold a record as it came: long, and in no index
WHOLE = {"raw", "original", "properties"}

HOSTILE = {
    "nul": "a\0b",
    "only nul": "\0",
    "surrogate": "a\ud800b",
    "pair": "\udc00\ud800",
    "10 kB": "".join(chr(33 + n * 7 % 90) for n in range(10_000)),
    "500 kB": "".join(chr(0x4E00 + n * 31 % 20_000) for n in range(166_000)),
    "emoji": "\U0001f4de" * 900,
    "huge int": "9" * 400,
    "int4": str(2**31),
    "int8": str(2**63),
    "negative": "-" + "9" * 30,
    "NaN": "NaN",
    "Infinity": "Infinity",
    "1e999": "1e999",
    "far": "9999-12-31 23:59:59",
    "year 0": "0000-00-00 00:00:00",
    "escape": "\\u0000 \\ud800 \\",
    "quotes": "\"'`;--\n\r\t",
    "empty": "",
    "superscript": "²³",
}


class HostileCase:
    def check_stored(self, source, good, others, records=None):
        """The good ones are calls, the others calls or exceptions; all adds up."""
        domain = [("source_id", "=", source.id)]
        cdrs = self.env["metered.cdr"].search(domain)
        exceptions = self.env["metered.exception"].search(domain)
        self.assertLessEqual(set(good), set(cdrs.mapped("call_id")))
        for batch in source.batch_ids:
            self.assertEqual(batch.balance, "ok", batch.error)
            self.assertEqual(
                batch.records,
                batch.rated + batch.not_billable + batch.duplicates + batch.exceptions,
            )
        self.assertEqual(len(cdrs) + len(exceptions), len(good) + others)
        # It was the door that made them harmless, not the halving.
        self.assertNotIn("unstorable", exceptions.mapped("reason"))

    def check_columns(self):
        """No text of a record is too long for an index, or for a screen."""
        for table in ("metered_cdr", "metered_exception", "metered_usage"):
            self.env.cr.execute(
                """
                SELECT attname, typname FROM pg_attribute JOIN pg_type ON
                       pg_type.oid = atttypid
                 WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
                   AND typname IN ('text', 'varchar', 'jsonb', 'json', '_text')
                """,
                (table,),
            )
            for name, kind in self.env.cr.fetchall():
                most = 10 * 2**20 if name in WHOLE else INDEX_BYTES
                values = f"unnest({name})" if kind == "_text" else name
                self.env.cr.execute(
                    f"SELECT max(octet_length(value)) FROM (SELECT {values}::text"
                    f" AS value FROM {table}) AS found"
                )
                self.assertLess(self.env.cr.fetchone()[0] or 0, most, (table, name))


@tagged("post_install", "-at_install")
class TestHostileFiles(HostileCase, MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def import_rows(self, rows, source=None, names=GENERIC):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([names, *rows])
        content = text.getvalue().encode("utf-8", "replace")
        batch = self.import_bytes(source or self.source, content)
        self.assertEqual(batch.state, "done", batch.error)
        return batch

    def hostile_rows(self, names, row):
        """A row for every column and every hostile value."""
        for position, name in enumerate(names):
            for what, value in HOSTILE.items():
                values = [f"{what} {name}", *row]
                values[position] = f"{name} {value}" if position == 0 else value
                yield values

    def test_calls(self):
        bad = [*self.hostile_rows(GENERIC, GOOD)]
        rows = [(f"good {n}", *GOOD) for n in range(len(bad))]
        mixed = [row for pair in zip(rows, bad, strict=True) for row in pair]
        batch = self.import_rows(mixed)
        duplicates = batch.duplicates
        self.check_stored(self.source, [row[0] for row in rows], len(bad) - duplicates)
        self.check_columns()
        # Not even known once more is anything new.
        before = self.source.batch_ids.mapped("rated")
        again = self.import_rows([*mixed, ("new", *OTHER)])
        self.assertEqual((again.rated, again.exceptions), (1, 0))
        self.assertEqual(before, (self.source.batch_ids - again).mapped("rated"))
        # Tried again, they are what they were.
        open_ones = self.env["metered.exception"].search(
            [("source_id", "=", self.source.id)]
        )
        self.assertEqual(open_ones._retry(), 0)
        self.assertFalse(open_ones.filtered(lambda e: e.reason == "unstorable"))
        self.assertEqual(batch.balance, "ok")

    def test_usage(self):
        names = ("id", "start_time", "customer", "quantity", "properties", "meter")
        self.make_identifier(self.customer, "acme", "account_code")
        self.make_meter("Texts")
        source = self.make_source("usage", record_kind="usage")
        source.column_ids.unlink()
        columns = zip(
            ("call_id", "start_time", "quantity", "properties", "meter"),
            ("id", "start_time", "quantity", "properties", "meter"),
            strict=True,
        )
        source.write(
            {
                "column_ids": [
                    (0, 0, {"target": target, "columns": name})
                    for target, name in columns
                ],
                "payer_ids": [
                    (5, 0, 0),
                    (0, 0, {"column": "customer", "kind": "account_code"}),
                ],
            }
        )
        row = ("2026-10-05 10:00:00", "acme", "1", '{"a": "b"}', "texts")
        bad = [*self.hostile_rows(names, row)]
        for what, text in {
            "escaped nul": '{"a": "\\u0000", "\\u0000": 1}',
            "escaped surrogate": '{"a": "\\ud800", "\\udfff": [1]}',
            "nan": '{"a": NaN}',
            "infinity": '{"a": -Infinity, "b": 1e999}',
            "deep": '{"a": ' + "[" * 900 + "]" * 900 + "}",
            "huge": '{"a": ' + "9" * 4000 + "}",
        }.items():
            bad.append((what, *row[:3], text, row[4]))
        rows = [(f"good {n}", *row) for n in range(len(bad))]
        mixed = [row for pair in zip(rows, bad, strict=True) for row in pair]
        batch = self.import_rows(mixed, source, names)
        self.check_stored(source, [row[0] for row in rows], len(bad) - batch.duplicates)
        self.check_columns()

    def test_a_line_whose_columns_are_wrong(self):
        rows = [("1", *GOOD), ("x" * 500_000, "y" * 500_000), ("2", *GOOD)]
        batch = self.import_rows(rows)
        self.assertEqual((batch.rated, batch.exceptions), (2, 1))

    def test_long_ids_are_found_again_and_stay_different(self):
        long = "".join(chr(33 + n * 7 % 90) for n in range(9_000))
        rows = [(long + end, *GOOD) for end in "abc"]
        self.assertEqual(self.import_rows(rows).rated, 3)
        again = self.import_rows([*rows, (long + "d", *OTHER)])
        self.assertEqual((again.rated, again.duplicates), (1, 3))


@tagged("post_install", "-at_install")
class TestRefusedByTheDatabase(MeteredCase):
    """What nobody thought of: the record is set aside, the rest is stored."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    @contextmanager
    def refusing(self, condition, table="metered_cdr"):
        self.env.cr.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT test_refused CHECK ({condition})"
            " NOT VALID"
        )
        yield
        self.env.cr.execute(f"ALTER TABLE {table} DROP CONSTRAINT test_refused")

    def calls(self, *ids):
        return [(str(call_id), *GOOD) for call_id in ids]

    def test_the_one_to_blame(self):
        with self.refusing("call_id NOT IN ('3', '77')"):
            batch = self.import_calls(self.source, *self.calls(*range(100)))
        self.assertRecordValues(
            batch,
            [{"state": "done", "rated": 98, "exceptions": 2, "balance": "ok"}],
        )
        bad = self.exceptions(batch)
        self.assertEqual(bad.mapped("call_id"), ["3", "77"])
        self.assertEqual(set(bad.mapped("reason")), {"unstorable"})
        self.assertIn("test_refused", bad[0].message)
        self.assertEqual(self.usage(self.customer).records, 98)
        # Known once more, and cured when the database takes it.
        with self.refusing("call_id NOT IN ('3')"):
            again = self.import_calls(self.source, *self.calls(*range(101)))
            self.assertEqual((again.rated, again.duplicates), (1, 100))
            self.assertEqual(bad._retry(), 1)
            self.assertEqual(bad.mapped("state"), ["open", "resolved"])
            self.assertEqual(bad[0].reason, "unstorable")
        self.assertEqual(bad[0]._retry(), 1)
        self.assertEqual(self.usage(self.customer).records, 101)
        self.assertEqual(batch.balance, "ok")

    def test_the_exception_cannot_be_stored_either(self):
        with (
            mute_logger("odoo.sql_db"),
            self.refusing("call_id != '3'"),
            self.refusing_exceptions("raw LIKE '{%%'"),
        ):
            batch = self.import_calls(self.source, *self.calls(*range(10)))
        self.assertEqual((batch.rated, batch.exceptions), (9, 1))
        [bad] = self.exceptions(batch)
        self.assertFalse(bad.readable)
        self.assertIn("+14045550100", bad.raw)

    @contextmanager
    def refusing_exceptions(self, condition):
        self.env.cr.execute(
            "ALTER TABLE metered_exception ADD CONSTRAINT test_exception"
            f" CHECK (NOT {condition}) NOT VALID".replace("%%", "%")
        )
        yield
        self.env.cr.execute(
            "ALTER TABLE metered_exception DROP CONSTRAINT test_exception"
        )

    def test_a_large_portion_is_stored_as_several(self):
        calls = self.calls(*range(isolate.MOST_RECORDS + 500))
        with self.refusing("call_id != '2100'"):
            batch_id = self.env["metered.batch"].import_file(
                self.source.id, "calls.csv", self.encoded(calls)
            )
            batch = self.env["metered.batch"].browse(batch_id)
            # For a slice of time: the first part, and the rest when it is resumed.
            self.assertFalse(batch._process(seconds=0))
            self.assertEqual(batch.records, isolate.MOST_RECORDS)
            batch._process()
        self.assertRecordValues(
            batch,
            [
                {
                    "state": "done",
                    "records": len(calls),
                    "rated": len(calls) - 1,
                    "exceptions": 1,
                    "balance": "ok",
                }
            ],
        )

    def encoded(self, calls):
        import base64

        return base64.b64encode(generic_csv(calls).encode()).decode()

    def test_all_are_to_blame(self):
        with self.refusing("FALSE"):
            batch = self.import_calls(self.source, *self.calls(*range(20)))
        self.assertEqual((batch.rated, batch.exceptions), (0, 20))
        self.assertEqual(batch.balance, "ok")
        self.assertEqual(len(set(self.exceptions(batch).mapped("cause"))), 1)


@tagged("post_install", "-at_install")
class TestHostilePosts(HostileCase, MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source("freeswitch", source_type="freeswitch_json")
        cls.token = cls.source._new_token()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def post(self, document, status=200):
        answer = self.url_open(
            f"/metered/freeswitch/{self.source.id}",
            data=document if isinstance(document, str) else json.dumps(document),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            method="POST",
        )
        self.assertEqual(answer.status_code, status, answer.text[:300])

    def sync(self):
        [sync] = self.source._start_posted()
        sync._process()
        self.assertEqual(sync.state, "done", sync.error)
        return sync

    def test_every_variable(self):
        """As many records as there are columns, each with one hostile value."""
        good, others = [], 0
        variables = [*call("x")["variables"], "X-Header", "caller_id_name"]
        for what, value in HOSTILE.items():
            good.append(f"good {what}")
            self.receive_call(self.source, self.record(call(good[-1])))
            for name in variables:
                if name == "uuid" and not value:
                    continue
                document = call(f"{what} {name}")
                document["variables"][name] = value
                outcome = self.receive_call(self.source, self.record(document))
                others += outcome != "duplicate"
        self.post(call("posted"))
        sync = self.sync()
        self.assertFalse(self.env["metered.inbox"].search_count([]))
        self.check_stored(
            self.source, [*good, "posted"], others - sync.batch_id.duplicates
        )
        self.check_columns()

    def record(self, document):
        from odoo.addons.metered_billing.connectors.freeswitch_json import (
            document_record,
            read_body,
        )

        return document_record(read_body(json.dumps(document).encode()))

    def test_posted_it_is_answered_with_200(self):
        for what, value in HOSTILE.items():
            document = call(f"posted {what}", **{f"X-{value[:50]}": value})
            self.post(document)
        self.post(call("a\ud800"))
        self.post(call("b\0"))
        self.post(call("c" * 100_000))
        self.post('{"variables": {"uuid": "big", "x": %s}}' % ("9" * 6000))
        self.post(
            '{"variables": {"uuid": "n", "x": NaN, "y": 1e999, "z": {"a": "\\ud800"}}}'
        )
        self.sync()
        self.assertFalse(self.env["metered.inbox"].search_count([]))

    def test_a_thousand_variables(self):
        for number in range(30):
            extra = {f"X-{number}-{n}": "x" for n in range(100)}
            self.receive_call(self.source, self.record(call(f"u{number}", **extra)))
        extra = {f"Y-{n}": "y" for n in range(3_000)}
        self.receive_call(self.source, self.record(call("many", **extra)))
        sync = self.sync()
        self.assertEqual(sync.batch_id.rated, 31)

    def test_large_records_come_in_several_portions(self):
        for number in range(3):
            self.receive_call(
                self.source, self.record(call(f"u{number}", x="x" * 900_000))
            )
        sizes = []
        Sync = type(self.env["metered.sync"])
        real = Sync._next_posted

        def next_posted(sync, last):
            rows = real(sync, last)
            sizes.append(len(rows))
            return rows

        target = (
            "odoo.addons.metered_billing.models.source.metered_inbox.PORTION_CHARACTERS"
        )
        with (
            patch(target, 1_000_000),
            patch.object(Sync, "_next_posted", next_posted),
        ):
            self.sync()
        self.assertEqual(sizes, [2, 1, 0])

    def test_nothing_was_posted(self):
        [sync] = self.source._start_syncs("manual")
        sync._process()
        self.assertEqual(sync.state, "done", sync.error)

    def test_after_a_failure_the_next_one_waits_longer_each_time(self):
        self.receive_call(self.source, self.record(call("u1")))
        source, waits = self.source, []
        target = (
            "odoo.addons.metered_billing.models.source.metered_source.load_settings"
        )
        with patch(target, side_effect=RuntimeError("defect")):
            for _round in range(9):
                for _again in range(3):
                    source._start_posted()
                [sync] = source.sync_ids.filtered(lambda s: s.state == "queued")
                if sync.not_before:
                    waits.append(sync.not_before - fields.Datetime.now())
                    self.assertNotIn(sync, sync.search(sync._due_domain()))
                sync._fail("defect")
        minutes = [round(wait.total_seconds() / 60) for wait in waits]
        self.assertEqual(minutes, [1, 2, 4, 8, 16, 32, 60, 60])
        # When its time has come, and when a person asks for it, it starts.
        source.sync_ids.write({"finished": fields.Datetime.now() - timedelta(hours=2)})
        [sync] = source._start_posted()
        self.assertFalse(sync.not_before)
        sync._process()
        self.assertEqual(sync.state, "done")
        self.assertFalse(source._wait_after_failures())


@tagged("post_install", "-at_install")
class TestHostileAnswers(LoopbackRequests, HostileCase, MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.tenant = make_tenant("acme", "Acme", "14045550100", DAY, 5)
        cls.server = RestSwitch([cls.tenant])
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.stop)

    def test_every_field(self):
        source = self.make_source(
            source_type="http_json",
            address=self.server.url,
            allowed_networks="127.0.0.1",
            **{name: value for name, value in SETTINGS.items()},
            api_key="rest_test_0123456789abcdef",
        )
        self.env["metered.source.account"].create(
            {"source_id": source.id, "name": "acme", "partner_id": self.customer.id}
        )
        good = [row["uid"] for row in self.tenant.calls]
        others = 0
        for what, value in HOSTILE.items():
            for name in ("uid", "seconds", "from", "to", "extra"):
                row = {**self.tenant.calls[0], "uid": f"{what} {name}"}
                row[name] = {"number": value} if name in ("from", "to") else value
                self.tenant.calls.append(row)
                others += 1
        self.tenant.calls.append(
            {
                **self.tenant.calls[0],
                "uid": "many",
                **{f"f{n}": n for n in range(3000)},
            }
        )
        self.tenant.numbers += ["\0", "\ud800", "9" * 5000]
        begin = DAY.replace(tzinfo=None)
        [sync] = source._start_syncs("manual", None, begin, begin + timedelta(2))
        sync._process()
        self.assertEqual(sync.state, "done", sync.line_ids.mapped("message"))
        self.check_stored(source, [*good, "many"], others - sync.batch_id.duplicates)
        self.check_columns()
