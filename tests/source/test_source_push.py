# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""FreeSWITCH posts its calls to us, and files come by themselves."""

import base64
import json
import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..support.file_servers import Sshd
from ..support.metered_case import MeteredCase, MeteredMakers, generic_csv


def call(uuid, **variables):
    return {
        "variables": {
            "uuid": uuid,
            "direction": "inbound",
            "start_stamp": "2026-10-05 10:00:00",
            "answer_stamp": "2026-10-05 10:00:02",
            "end_stamp": "2026-10-05 10:01:02",
            "start_epoch": "1790935200",
            "duration": "62",
            "billsec": "60",
            "hangup_cause": "NORMAL_CLEARING",
            "accountcode": "acme",
            **variables,
        },
        "callflow": [
            {
                "caller_profile": {
                    "caller_id_number": "+14045550100",
                    "destination_number": "+12125550199",
                    "context": "default",
                }
            }
        ],
    }


@tagged("post_install", "-at_install")
class TestPush(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source("freeswitch", source_type="freeswitch_json")
        cls.token = cls.source._new_token()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def test_what_was_stored_outlives_no_source(self):
        """The switch was told that it may forget the record."""
        self.assertEqual(self.post(call("kept")).status_code, 200)
        for change in ({"active": False}, {"source_type": "file"}):
            with (
                self.subTest(change),
                self.assertRaisesRegex(UserError, "Click Sync"),
                self.env.cr.savepoint(),
            ):
                self.source.write(change)
        with (
            self.assertRaisesRegex(UserError, "Click Sync"),
            self.env.cr.savepoint(),
        ):
            self.source.unlink()
        waiting = self.env["metered.inbox"].search([("source_id", "=", self.source.id)])
        self.assertEqual(len(waiting), 1)
        waiting.unlink()
        self.source.active = False
        self.source.unlink()

    def test_nothing_but_a_post_stores(self):
        for method in ("OPTIONS", "PUT", "HEAD", "GET", "DELETE", "PATCH"):
            with self.subTest(method):
                answer = self.post(call(method), method=method)
                self.assertEqual(answer.status_code, 405)
        self.assertFalse(
            self.env["metered.inbox"].search([("source_id", "=", self.source.id)])
        )

    def post(self, data, source=None, method="POST", **headers):
        headers.setdefault("Authorization", f"Bearer {self.token}")
        headers.setdefault("Content-Type", "application/json")
        return self.url_open(
            f"/metered/freeswitch/{(source or self.source).id}",
            data=data if isinstance(data, bytes | str) else json.dumps(data),
            headers={n: v for n, v in headers.items() if v},
            method=method,
        )

    def inbox(self):
        return self.env["metered.inbox"].search_count([])

    def test_a_call_is_stored_and_then_rated(self):
        answer = self.post(call("u1"))
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(self.inbox(), 1)
        self.assertEqual(answer.json()["counts"], {"accepted": 1})
        # The switch did not get the answer, and posts it again.
        self.assertEqual(self.told(self.post(call("u1"))), "duplicate")
        self.source._start_posted()
        [sync] = self.source.sync_ids
        sync._process()
        self.assertEqual(sync.state, "done", sync.error)
        self.assertFalse(self.inbox())
        cdr = self.env["metered.cdr"].search([("source_id", "=", self.source.id)])
        self.assertEqual((cdr.call_id, cdr.partner_id), ("u1", self.customer))
        self.assertEqual(sync.batch_id.balance, "ok")
        # Nor later; another call under its uuid is an exception, not lost.
        self.assertEqual(self.told(self.post(call("u1", X="other"))), "duplicate")
        answer = self.post(call("u1", billsec="61"))
        self.assertEqual(self.told(answer), "conflict")
        self.source._start_posted()._process()
        conflict = self.env["metered.exception"].search(
            [("source_id", "=", self.source.id)]
        )
        self.assertEqual(conflict.mapped("reason"), ["same_id"])

    def told(self, answer):
        """What became of the one record of a request."""
        self.assertEqual(answer.status_code, 200, answer.text)
        [one] = answer.json()["events"]
        return one["status"]

    def test_a_call_of_before_is_still_known(self):
        """Its content was not kept then: the facts of the two are compared."""
        self.post(call("u1"))
        self.source._start_posted()._process()
        cdr = self.env["metered.cdr"].search([("source_id", "=", self.source.id)])
        self.env.cr.execute(
            "UPDATE metered_cdr SET content = NULL WHERE id = %s", (cdr.id,)
        )
        self.env.invalidate_all()
        self.assertEqual(self.told(self.post(call("u1"))), "accepted")
        self.source._start_posted()._process()
        self.assertEqual(sum(self.source.batch_ids.mapped("duplicates")), 1)
        self.assertFalse(
            self.env["metered.exception"].search([("source_id", "=", self.source.id)])
        )

    def test_the_same_way_in_with_a_key(self):
        """By the address of the API or its own, priced at once, and canceled."""
        key = self.env["metered.api.key"].create(
            {
                "name": "Switch",
                "may_read": True,
                "source_ids": [fields.Command.set(self.source.ids)],
            }
        )
        bearer = {"Authorization": f"Bearer {key._make()}"}
        self.source.token_ids.action_remove()
        found = {check.name: check.ok for check in self.source._look_posts()}
        self.assertTrue(found["Token exists"])
        self.assertEqual(self.told(self.post(call("u1"), **bearer)), "accepted")

        def ask(query, method="POST", data=None):
            return self.url_open(
                f"/metered/v1/events{query}",
                data=data and json.dumps(data),
                headers={"Content-Type": "application/json", **bearer},
                method=method,
            )

        [tried] = ask("?validate=true", data=call("u2")).json()["events"]
        self.assertEqual((tried["status"], tried["customer"]), ("rated", "Acme"))
        [sent] = ask("?rated=true", data=call("u2")).json()["events"]
        self.assertEqual(sent["status"], "accepted")
        charge = sent["result"]["charge"]
        self.assertEqual((charge["amount"], charge["currency"]), ("0.06", "USD"))
        self.assertEqual(charge["period"]["amount"], "0.12")
        self.assertEqual(ask("?event=u2", "GET").json()["charge"], charge)
        self.assertEqual(ask("?event=u2", "DELETE").json()["status"], "canceled")
        self.assertEqual(ask("?rated=true", data=[1]).status_code, 400)
        key.action_revoke()
        self.assertEqual(self.post(call("u3"), **bearer).status_code, 401)
        other = self.make_source("freeswitch", source_type="freeswitch_json")
        self.assertEqual(self.post(call("u3"), other, **bearer).status_code, 401)

    def test_the_shapes_that_mod_json_cdr_posts(self):
        text = json.dumps(call("u2"))
        form = "application/x-www-form-urlencoded"
        basic = base64.b64encode(f"freeswitch:{self.token}".encode()).decode()
        from urllib.parse import quote

        answer = self.post(
            f"cdr={quote(text)}",
            **{"Content-Type": form, "Authorization": f"Basic {basic}"},
        )
        self.assertEqual(answer.status_code, 200, answer.text)
        text = json.dumps(call("u3"))
        coded = quote(base64.b64encode(text.encode()).decode())
        answer = self.post(
            f"cdr={coded}",
            **{"Content-Type": "application/x-www-form-base64-encoded"},
        )
        self.assertEqual(answer.status_code, 200, answer.text)
        self.assertEqual(self.inbox(), 2)

    def test_refused_with_a_reason(self):
        for status, data, headers in (
            (401, call("x"), {"Authorization": "Bearer wrong"}),
            (401, call("x"), {"Authorization": ""}),
            (401, call("x"), {"Authorization": "Basic !!!"}),
            (400, "no json", {}),
            (400, {"variables": {}}, {}),
            (400, "[]", {}),
            (413, b"x" * (2**20 + 1), {}),
        ):
            with self.subTest(status=status, data=str(data)[:20]):
                answer = self.post(data, **headers)
                self.assertEqual(answer.status_code, status, answer.text[:200])
                self.assertTrue(answer.json()["detail"])
                self.assertNotIn("Traceback", answer.text)
        self.assertFalse(self.inbox())

    def test_another_sources_token_does_not_open_this_one(self):
        other = self.make_source("freeswitch", source_type="freeswitch_json")
        other._new_token()
        self.assertEqual(self.post(call("u3"), source=other).status_code, 401)
        self.source.active = False
        self.assertEqual(self.post(call("u3")).status_code, 401)

    def test_the_check_of_what_is_posted_is_of_now(self):
        def check():
            self.env.invalidate_all()
            [found] = [c for c in self.source._checks() if c.name == "Calls are posted"]
            return found.ok, found.detail

        self.source._test_connection()
        self.assertFalse(check()[0])
        self.receive_call(self.source, {"uuid": "u9"})
        self.assertEqual(check(), (True, "1 waiting to be rated."))
        self.source._start_posted()._process()
        self.assertEqual(check(), (True, "No records are waiting to be rated."))

    def test_a_token_of_another_kind_of_source(self):
        """One that is pushed to with keys alone, and checks lines."""
        self.assertEqual(self.post(call("u3")).status_code, 200)
        self.env["metered.inbox"].search([]).unlink()
        self.env.cr.execute(
            "UPDATE metered_source SET source_type = 'chargeover' WHERE id = %s",
            (self.source.id,),
        )
        self.env.invalidate_all()
        self.assertEqual(self.post(call("u4")).status_code, 401)

    def test_without_a_token_nobody_may_post(self):
        self.source.token_ids.action_remove()
        answer = self.post(call("u4"), Authorization="Bearer ")
        self.assertEqual(answer.status_code, 401)


@tagged("post_install", "-at_install")
class TestFileStore(MeteredCase):
    def setUp(self):
        super().setUp()
        self.customer = self.make_customer("Acme", "+14045550100")
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        patcher = patch.dict(os.environ, {"METERED_FOLDERS": str(self.folder)})
        patcher.start()
        self.addCleanup(patcher.stop)
        (self.folder / "cdr").mkdir()
        self.source = self.make_source(
            source_type="file_store",
            store_kind="local",
            store_folder=str(self.folder / "cdr"),
            store_settle_seconds=0,
        )

    def put(self, name, *calls):
        path = self.folder / "cdr" / name
        path.write_text(generic_csv(calls))
        return path

    def sync(self):
        [sync] = self.source._start_syncs("manual")
        sync._process()
        self.assertEqual(sync.state, "done", sync.error)
        return sync

    def one(self, at):
        return (f"c{at}", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")

    def test_each_file_is_imported_once(self):
        self.put("a.csv", self.one(1), self.one(2))
        self.put("b.csv", self.one(3))
        self.put("notes.txt", self.one(4))
        self.sync()
        self.assertEqual(
            sorted(self.source.file_ids.mapped("name")), ["a.csv", "b.csv"]
        )
        self.assertEqual(sum(self.source.batch_ids.mapped("rated")), 3)
        self.sync()
        self.assertEqual(len(self.source.batch_ids), 2)
        # The content of a file that is known, under another name.
        self.put("copy.csv", self.one(3))
        self.sync()
        self.assertEqual(len(self.source.batch_ids), 2)
        copy = self.source.file_ids.filtered(lambda f: f.name == "copy.csv")
        self.assertEqual(copy.same_as, "b.csv")

    def test_moved_and_deleted_afterwards(self):
        path = self.put("a.csv", self.one(1))
        self.source.store_afterwards = "move"
        self.sync()
        self.assertFalse(path.exists())
        self.assertTrue((self.folder / "cdr" / "done" / "a.csv").exists())
        self.source.store_afterwards = "delete"
        path = self.put("b.csv", self.one(2))
        self.sync()
        self.assertFalse(path.exists())
        deleted = self.source.file_ids.filtered(lambda f: f.name == "b.csv")
        self.assertEqual(deleted.afterwards, "deleted")

    def test_put_away_when_the_import_has_ended(self):
        """The import of a large file goes on after the sync: until then it stays."""
        path = self.put("a.csv", *(self.one(at) for at in range(1, 5)))
        self.source.store_afterwards = "move"
        Batch = type(self.env["metered.batch"])
        with patch.object(Batch, "_process", lambda *args: False):
            self.sync()
        self.env["metered.source"]._put_away_imported(None)
        self.assertTrue(path.exists())
        self.source.batch_ids._process()
        cron = self.env.ref("metered_billing.ir_cron_sync")
        self.assertTrue(
            self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        )
        with patch.object(type(self.env["metered.sync"]), "_cron_process_syncs"):
            self.env["metered.source"]._cron_sync()
        self.assertFalse(path.exists())
        moved = self.folder / "cdr" / "done" / "a.csv"
        self.assertTrue(moved.exists())
        row = self.source.file_ids
        self.assertIn("moved", row.afterwards)
        # Killed after it was moved, and before that was noted.
        row.afterwards = False
        self.env["metered.source"]._put_away_imported(None)
        self.assertEqual(row.afterwards, "moved to done/a.csv")
        self.assertTrue(moved.exists())

    def test_a_file_that_is_none_is_told_and_kept(self):
        (self.folder / "cdr" / "bad.csv").write_bytes(b"\x00\x01binary")
        self.put("good.csv", self.one(1))
        self.sync()
        bad = self.source.file_ids.filtered("error")
        self.assertEqual(bad.name, "bad.csv")
        self.assertIn("bad.csv", self.source.activity_ids.note)
        self.assertEqual(self.source.batch_ids.rated, 1)
        self.sync()
        self.assertEqual(self.source.activity_ids.metered_count, 1)

    def test_a_folder_that_is_not_open_to_sources(self):
        for folder in ("/etc", f"{self.folder}/../..", "cdr", str(self.folder) + "x"):
            self.source.store_folder = folder
            [check] = self.source._test_connection()
            self.assertFalse(check.ok)
            self.assertIn("METERED_FOLDERS", check.remedy)

    def test_sftp_takes_the_key_that_was_entered_and_no_other(self):
        server = Sshd()
        self.addCleanup(server.stop)
        self.put("a.csv", self.one(1))
        import getpass

        self.source.write(
            {
                "store_kind": "sftp",
                "host": "127.0.0.1",
                "port": server.port,
                "username": getpass.getuser(),
                "private_key": (server.folder / "user_key").read_text(),
            }
        )
        [check] = self.source._test_connection()
        self.assertIn("this server itself", check.detail)
        self.source.allowed_networks = "127.0.0.1"
        with mute_logger("paramiko.transport"):
            [check] = self.source._test_connection()
            self.assertIn("key is unknown", check.detail)
            kind, data = (server.folder / "host_key.pub").read_text().split()[:2]
            self.assertIn(data, check.detail)
            self.move_source(self.source, store_host_key=f"{kind} {data[:-8]}AAAAAAAA")
            [check] = self.source._test_connection()
            self.assertIn("a different key", check.detail)
        self.move_source(self.source, store_host_key=f"{kind} {data}")
        self.assertTrue(all(c.ok for c in self.source._test_connection()))
        self.sync()
        self.assertEqual(self.source.batch_ids.rated, 1)

    def test_the_schedule_looks_into_the_folder(self):
        self.put("a.csv", self.one(1))
        Sync = type(self.env["metered.sync"])
        with patch.object(Sync, "_cron_process_syncs"):
            self.env["metered.source"]._cron_sync()
        self.assertEqual(len(self.source.sync_ids), 1)
        self.assertGreater(
            self.source.next_sync, fields.Datetime.now() + timedelta(hours=23)
        )
