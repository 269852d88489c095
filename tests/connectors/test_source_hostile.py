# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Servers that mean no good, through a source: a process of its own syncs from them.

One clear line each, bounded memory, nothing half stored, and no credentials anywhere.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.metered_billing.demo.servers.faulty_http import FaultyServer, Reply
from odoo.addons.metered_billing.models.source import metered_sync_job

from ..support.committed_case import CommittedCase
from ..support.metered_case import generic_csv
from ..support.source_case import DAY, SourceTypeCase
from .test_file_spreadsheet import HEADER, changed, workbook

MIB = 2**20
SECRET = "s3cret-of-the-hostile+/=source"
#: what a sync may take, whatever it is sent
MOST_MIB = 64


class HostileServer(FaultyServer):
    """Does what the first part of the path says."""

    def answer(self, request):
        kind = request.path.strip("/").partition("/")[0]
        return getattr(self, kind)(request)

    def endless(self, _request):
        """One answer that does not end."""
        return self.stream(b"Connection: close", b'[{"id": "', b"a" * MIB)

    def gigabyte(self, _request):
        """One answer of a gigabyte, which says so."""
        return self.stream(b"Content-Length: 1073741824", b"[", b" " * MIB, 1024)

    def stream(self, header, first, block, count=100_000):
        def write(handler):
            handler.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                + header
                + b"\r\n\r\n"
                + first
            )
            for _ in range(count):
                try:
                    handler.wfile.write(block)
                except OSError:
                    return

        return write

    def loop(self, request):
        """Redirects to where it redirects from."""
        return Reply(302, b"", {"Location": f"{self.url}{request.path}?again"})

    def elsewhere(self, _request):
        """Redirects to another server, with all that was sent."""
        return Reply(302, b"", {"Location": "http://evil.example/take"})

    def page(self, _request):
        """A web page."""
        body = b"<!DOCTYPE html><html><body>" + b"x" * MIB + b"</body></html>"
        return Reply(200, body, {"Content-Type": "text/html"})

    def program(self, _request):
        """Neither JSON nor a web page."""
        return Reply(200, b"\x7fELF", {"Content-Type": "application/octet-stream"})

    def deep(self, _request):
        """JSON of a depth that a parser in recursion dies of."""
        return Reply.of(b"[" * MIB)

    def echo(self, request):
        """A refusal that says back what it was sent."""
        return Reply.of({"message": f"No: {request.headers}"}, 400)


ERROR = ("failed", "error")
#: kind -> what the line in the log says
HOSTILE = {
    "endless": "larger than 16 MiB",
    "gigabyte": "larger than 16 MiB",
    "loop": "redirects more than",
    "elsewhere": "redirects to another server, evil.example",
    "page": "a web page instead of data",
    "program": "'application/octet-stream' instead of JSON",
    "deep": "not valid JSON",
    "echo": "No: {",
}


@tagged("post_install", "-at_install")
class TestHostile(CommittedCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def make_sync(self, name, **values):
        source = self.make_source(name)
        source.write({"allowed_networks": "127.0.0.1", **values})
        sync = self.make(
            "metered.sync",
            source_id=source.id,
            kind="manual",
            date_from="2026-10-05 00:00:00",
            date_to="2026-10-06 00:00:00",
        )
        self.cr.commit()
        return sync

    def work(self, syncs):
        """Process syncs in another process.

        :return: (dict sync id -> MiB that it took, all that the process logged)
        """
        with open(self.folder / "log", "w+", encoding="utf-8") as log:
            worker = self.start_server(
                "hostile_worker.py",
                *(sync.id for sync in syncs),
                log=log,
                log_level="debug",
            )
            output, _error = worker.communicate(timeout=300)
            log.seek(0)
            logged = log.read()
        self.assertEqual(worker.returncode, 0, logged[-3000:])
        self.refresh()
        for sync in syncs:
            self.made += [*sync.source_id.batch_ids]
        return dict(map(int, line.split()) for line in output.splitlines()), logged

    def stored(self, sync):
        self.cr.execute(
            "SELECT (SELECT count(*) FROM metered_cdr WHERE source_id = %(id)s),"
            " (SELECT count(*) FROM metered_exception WHERE source_id = %(id)s)",
            {"id": sync.source_id.id},
        )
        return self.cr.fetchone()

    def test_web_servers(self):
        server = HostileServer()
        server.__enter__()
        self.addCleanup(server.stop)
        syncs = {
            kind: self.make_sync(
                f"Hostile {kind}",
                source_type="http_json",
                address=server.url,
                http_authentication="bearer",
                http_records_path=f"{kind}/calls",
                api_key=SECRET,
            )
            for kind in HOSTILE
        }
        taken, logged = self.work(syncs.values())
        for kind, sync in syncs.items():
            with self.subTest(kind=kind):
                [line] = sync.line_ids
                # Broken JSON may be whole the next time.
                expected = ("queued", "warning") if kind == "deep" else ERROR
                self.assertEqual((sync.state, line.level), expected)
                self.assertIn(HOSTILE[kind], line.message)
                self.assertLess(len(line.message), 1000)
                self.assertLess(taken[sync.id], MOST_MIB)
                self.assertEqual(self.stored(sync), (0, 0))
                self.assertFalse(sync.source_id.batch_ids)
                source = sync.source_id
                notes = source.activity_ids.mapped("note")
                self.assertEqual(len(notes), sync.state == "failed")
                told = f"{line.message} {sync.error} {notes} {source.sync_error}"
                self.assertNotIn("s3cret", told)
        self.assertNotIn("s3cret", logged)
        # It was sent, and what is grepped is a log that would show it.
        self.assertIn(SECRET, str(server.requests[0].headers))
        self.assertGreater(len(logged), 1000)

    def test_files(self):
        laughs = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        book = workbook([HEADER, ["1", "2026-10-05 10:00:00", 60]])
        files = {
            "a.xlsx": changed(
                book,
                "xl/worksheets/sheet1.xml",
                lambda data: data.replace(b"<worksheet", laughs + b"<worksheet", 1),
            ),
            "b.xlsx": changed(
                book,
                "xl/worksheets/sheet1.xml",
                lambda data: data.replace(
                    b"</sheetData>", b"<row/>" * 12_000_000 + b"</sheetData>", 1
                ),
            ),
            "d.csv": generic_csv(
                [("c1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")]
            ).encode(),
        }
        store = self.folder / "cdr"
        store.mkdir()
        for name, content in files.items():
            (store / name).write_bytes(content)
        with open(store / "c.csv", "wb") as large:
            large.truncate(512 * MIB)
        with patch.dict(os.environ, {"METERED_FOLDERS": str(store)}):
            sync = self.make_sync(
                "Hostile files",
                source_type="file_store",
                store_kind="local",
                store_folder=str(store),
                store_pattern="*.csv, *.xlsx",
                store_settle_seconds=0,
            )
            taken, _logged = self.work([sync])
        self.made += [*sync.source_id.file_ids]
        self.assertEqual(sync.state, "done", sync.error)
        errors = sync.line_ids.filtered(lambda line: line.level == "error")
        self.assertEqual(
            [line.message.partition(":")[0] for line in errors],
            ["a.xlsx", "b.xlsx", "c.csv"],
        )
        for line, words in zip(
            errors,
            ("document type declaration", "times its size", "is binary, not text"),
            strict=True,
        ):
            self.assertIn(words, line.message)
        self.assertLess(taken[sync.id], MOST_MIB)
        # Nothing of these, and all of the good one.
        self.assertEqual(self.stored(sync), (0, 1))
        self.assertEqual(
            sync.source_id.file_ids.filtered("batch_id").mapped("name"), ["d.csv"]
        )


class EndlessPages(FaultyServer):
    """Another page after every page."""

    def answer(self, request):
        at = int(request.query.get("after", 0))
        begin = (DAY + timedelta(seconds=at)).isoformat()
        row = {
            "call_id": f"e{at}",
            "start_time": begin,
            "duration": 60,
            "caller": "14045550100",
            "callee": "12125550199",
        }
        return Reply.of({"rows": [row], "next": at + 1})


@tagged("post_install", "-at_install")
class TestEndlessPages(SourceTypeCase):
    def test_over_all_slices(self):
        server = EndlessPages()
        server.__enter__()
        self.addCleanup(server.stop)
        source = self.make_source(
            source_type="http_json",
            address=server.url,
            allowed_networks="127.0.0.1",
            api_key=SECRET,
            http_records_path="calls",
            http_records_items="rows",
            http_paging="cursor",
            http_page_parameter="after",
            http_cursor_field="next",
        )
        self.make_identifier(self.customer, "+14045550100")
        [sync] = self.start_sync(source, 1)
        slices = 0
        with patch.object(metered_sync_job, "MOST_PAGES", 7):
            while not sync._process(seconds=0):
                slices += 1
        self.assertEqual((sync.state, slices), ("failed", 7))
        self.assertIn("7 pages without reaching the end", sync.error)
        # What came is all there, counted, and will not be stored again.
        self.assertEqual(self.stored(source), (7, 0))
        self.assertEqual((sync.batch_id.records, sync.batch_id.balance), (7, "ok"))
