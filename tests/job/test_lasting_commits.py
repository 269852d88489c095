# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What others rely on is on disk first, whatever the server's setting.

How it holds when the server is killed is in ``test_database_killed``.
"""

import ast
import json
import re
import tempfile
from datetime import datetime
from pathlib import Path
from unittest.mock import patch

from odoo import sql_db
from odoo.tests import HttpCase, tagged

from odoo.addons.metered_billing.connectors.file_store import FileStore
from odoo.addons.metered_billing.connectors.freeswitch_json import document_record
from odoo.addons.metered_billing.ingest.conflicts import make_lasting

from ..source.test_source_push import call
from ..support.metered_case import MeteredCase, MeteredMakers, generic_csv

MODULE = Path(__file__).resolve().parents[2]
LASTING = "pg_logical_emit_message"
#: what moves a cursor on, or takes over what somebody else forgets then
PROMISES = re.compile(
    r'INSERT INTO "?metered_inbox|DELETE FROM "?metered_inbox'
    r'|UPDATE "metered_sync".*"(cursor|is_fetched)"'
    r'|UPDATE "metered_source(_account)?".*"synced_until"',
    re.DOTALL,
)


class Recorder:
    """Statements since the last commit; what was committed without being lasting."""

    def __init__(self, case):
        self.case, self.open, self.broken = case, [], []
        self.commits, self.is_lasting = 0, False
        execute = sql_db.Cursor.execute
        recorder = self

        def recorded(cr, query, *arguments, **options):
            recorder.open.append(str(getattr(query, "code", query)))
            return execute(cr, query, *arguments, **options)

        case.enterContext(patch.object(sql_db.Cursor, "execute", recorded))

    def commit(self):
        """Stands for a commit, inside of the test's transaction."""
        self.case.env.flush_all()
        self.is_lasting = any(LASTING in statement for statement in self.open)
        promised = [text for text in self.open if PROMISES.search(text)]
        if promised and not self.is_lasting:
            self.broken += promised
        self.commits += bool(promised)
        self.open = []


@tagged("post_install", "-at_install")
class TestLastingCommits(MeteredCase):
    def test_a_weaker_setting_is_lifted_and_a_stronger_one_kept(self):
        for setting, expected in (
            ("off", "on"),
            ("local", "on"),
            ("remote_write", "on"),
            ("on", "on"),
            ("remote_apply", "remote_apply"),
        ):
            with self.subTest(setting=setting), self.env.cr.savepoint():
                self.env.cr.execute(f"SET LOCAL synchronous_commit = {setting}")
                make_lasting(self.env.cr)
                self.env.cr.execute("SHOW synchronous_commit")
                self.assertEqual(self.env.cr.fetchone(), (expected,))

    def test_posted_records_leave_the_inbox(self):
        source = self.make_source("freeswitch", source_type="freeswitch_json")
        self.make_customer("Acme", "+14045550100")
        self.receive_call(source, document_record(call("u1")))
        self.env.flush_all()
        recorder = Recorder(self)
        [sync] = source._start_posted().filtered(lambda s: s.source_id == source)
        sync._process(commit=recorder.commit)
        self.assertEqual(sync.state, "done", sync.error)
        self.assertFalse(recorder.broken)
        self.assertGreaterEqual(recorder.commits, 1)

    def test_a_file_is_put_away(self):
        """Only what is on disk here is moved there."""
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(patch.dict("os.environ", {"METERED_FOLDERS": str(folder)}))
        calls = [("c1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")]
        (folder / "calls.csv").write_text(generic_csv(calls))
        source = self.make_source(
            "generic",
            source_type="file_store",
            store_kind="local",
            store_folder=str(folder),
            store_settle_seconds=0,
            store_afterwards="move",
        )
        recorder, seen = Recorder(self), []
        finish = FileStore.finish

        def watched(store, *arguments):
            # Nothing of the import waits for a commit, and the last one was lasting.
            left = [text for text in recorder.open if text.startswith("UPDATE")]
            seen.append((recorder.is_lasting, left))
            return finish(store, *arguments)

        self.enterContext(patch.object(FileStore, "finish", watched))
        begin, end = datetime(2026, 10, 1), datetime(2026, 10, 31)
        [sync] = source._start_syncs("manual", None, begin, end)
        sync._process(commit=recorder.commit)
        self.assertEqual(sync.state, "done", sync.error)
        self.assertEqual(seen, [(True, [])])
        self.assertFalse((folder / "calls.csv").exists())
        self.assertFalse(recorder.broken)

    def test_every_place_says_so(self):
        """Who answers a post, or puts a file away, has called it before.

        Read from the code, so that it holds for what will be written, too.
        """
        found = []
        for path in [*MODULE.glob("controllers/*.py"), *MODULE.glob("models/**/*.py")]:
            for function in ast.walk(ast.parse(path.read_text())):
                if isinstance(function, ast.FunctionDef):
                    lines = _promises(function, path.parent.name == "controllers")
                    called = _calls(function, "make_lasting")
                    found += lines
                    for line in lines:
                        self.assertTrue(
                            called and min(called) < line,
                            f"{path.name}:{line}: make_lasting() before that",
                        )
        self.assertGreaterEqual(len(found), 2)


def _calls(node, name):
    """Lines of the calls of a function or method of that name."""
    return [
        call.lineno
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and name in (getattr(call.func, "attr", ""), getattr(call.func, "id", ""))
    ]


def _promises(function, is_answer):
    """Lines of a function at which something was promised to others."""
    taken = _calls(function, "_receive_events") if is_answer else []
    lines = [
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "finish"
        and getattr(node.func.value, "id", "") == "store"
    ]
    if taken:
        lines += [
            node.lineno
            for node in ast.walk(function)
            if isinstance(node, ast.Return) and node.lineno > max(taken)
        ]
    return lines


@tagged("post_install", "-at_install")
class TestLastingAnswer(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source("freeswitch", source_type="freeswitch_json")
        cls.token = cls.source._new_token()

    def test_a_record_is_answered(self):
        recorder = Recorder(self)
        answer = self.url_open(
            f"/metered/freeswitch/{self.source.id}",
            data=json.dumps(call("u1")),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
            method="POST",
        )
        self.assertEqual(answer.status_code, 200, answer.text)
        stored = [n for n, text in enumerate(recorder.open) if PROMISES.search(text)]
        lasting = [n for n, text in enumerate(recorder.open) if LASTING in text]
        self.assertTrue(stored and lasting)
