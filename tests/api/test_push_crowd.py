# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The real server: a crowd that pushes the same events, and requests that are odd."""

# The server's processes see only what is committed.
# pylint: disable=invalid-commit

import gzip
import importlib.util
import json
import socket
from pathlib import Path

from odoo import Command
from odoo.tests import tagged
from odoo.tools import config

from ..support.committed_case import CommittedCase

CLIENTS, EVENTS, BATCH = 8, 2_000, 100
MIB = 2**20
CROWD = Path(__file__).resolve().parents[2] / "benchmarks" / "crowd.py"


def _crowd():
    spec = importlib.util.spec_from_file_location("metered_crowd", CROWD)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@tagged("post_install", "-at_install")
class TestPushCrowd(CommittedCase):
    def setUp(self):
        super().setUp()
        self.source = self.make(
            "metered.source",
            name="Crowd",
            source_type="events",
            preset="events",
            timezone="UTC",
            country_id=self.real.ref("base.us").id,
        )
        key = self.make(
            "metered.api.key",
            name="Crowd",
            source_ids=[Command.set(self.source.ids)],
            requests_per_minute=0,
        )
        self.token = key._make()
        self.addCleanup(self._empty)
        self.cr.commit()

    def _empty(self):
        self.cr.rollback()
        self.cr.execute("DELETE FROM metered_api_use")
        self.cr.execute("UPDATE metered_api_key SET last_used = NULL")
        for table in ("metered_inbox", "metered_cdr"):
            self.cr.execute(
                f"DELETE FROM {table} WHERE source_id = %s", (self.source.id,)
            )
        self.cr.commit()
        self.real.invalidate_all()

    def test_each_is_stored_once_and_every_200_kept_its_promise(self):
        crowd = _crowd()
        events = [
            {"id": f"e{number}", "type": "api", "subject": "acme", "quantity": number}
            for number in range(EVENTS)
        ]
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/json",
        }
        with crowd.server(config["config"], self.cr.dbname) as (port, process):
            counts, told = crowd.crowd(port, process, events, headers, CLIENTS, BATCH)
            self.assertIsNone(process.poll(), "the server goes on without the worker")
        self.cr.rollback()
        self.cr.execute(
            "SELECT event_key FROM metered_inbox WHERE source_id = %s",
            (self.source.id,),
        )
        stored = [key for (key,) in self.cr.fetchall()]
        self.assertEqual(len(stored), EVENTS)
        self.assertEqual(set(stored), {event["id"] for event in events})
        # Each client was answered about each event, and none was accepted twice.
        self.assertEqual(counts.keys(), {"accepted", "duplicate"})
        for one in told:
            self.assertEqual(len(one), EVENTS)
        accepted = [
            key for one in told for key, status in one.items() if status == "accepted"
        ]
        self.assertEqual(len(accepted), len(set(accepted)))

    # === ODD REQUESTS === #

    def send(self, port, body, *headers, length=None, last=b""):
        """Status and document of what the server answers to a request as it is.

        :param length: what it says that its body has; None: what it has
        :param bytes last: sent after the body
        """
        lines = [
            "POST /metered/v1/events HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {self.token}",
            "Content-Type: application/json",
            f"Content-Length: {len(body) if length is None else length}",
            *headers,
        ]
        with socket.create_connection(("127.0.0.1", port), 60) as client:
            client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            if last is not None:
                client.sendall(last)
                client.shutdown(socket.SHUT_WR)
            answer = b""
            while part := client.recv(MIB):
                answer += part
        head, _blank, text = answer.partition(b"\r\n\r\n")
        if not head:
            return None, {}
        return int(head.split()[1]), json.loads(text)

    def test_odd_requests_have_one_clear_answer_and_cost_no_memory(self):
        crowd = _crowd()
        one = b'{"id": "a", "type": "api", "subject": "acme"}'
        bomb = gzip.compress(bytes(512 * MIB), 9)
        short = gzip.compress(one)[:-9]
        packed = "Content-Encoding: gzip"
        with crowd.server(config["config"], self.cr.dbname) as (port, process):
            self.assertEqual(self.send(port, one)[0], 200)
            before = crowd.peak(process.pid)
            for name, wanted, request in (
                ("bomb", 413, {"body": bomb, "headers": [packed]}),
                ("no gzip", 400, {"body": b"x" * 1000, "headers": [packed]}),
                (
                    "half of it",
                    400,
                    {"body": short, "headers": [packed]},
                ),
                ("deep", 413, {"body": b"[" * 5_000_000}),
                ("deep object", 413, {"body": b'{"a":' * 1_000_000}),
                ("no UTF-8", 200, {"body": b'{"id": "\xff\xfe"}'}),
                ("names", 200, {"body": b"{%s}" % b",".join([b'"id":"a"'] * 10_000)}),
                ("too long", 413, {"body": b"", "length": 2**40}),
                ("no length", 400, {"body": b"", "length": "many"}),
                ("below 0", 400, {"body": b"", "length": -1}),
                ("shorter", 400, {"body": one, "length": 1000}),
                ("slow", 400, {"body": one, "length": 1000, "last": None}),
                ("longer", 200, {"body": one, "length": len(one), "last": b" " * 1000}),
            ):
                with self.subTest(name=name):
                    headers = request.pop("headers", [])
                    body = request.pop("body")
                    status, told = self.send(port, body, *headers, **request)
                    self.assertEqual(status, wanted)
                    if status == 200:
                        [found] = told["events"]
                        self.assertIn(found["status"], ("rejected", "duplicate"))
                    else:
                        self.assertEqual(told["status"], status)
                        self.assertTrue(told["detail"])
            # The bomb is half a gigabyte.
            self.assertLess(crowd.peak(process.pid) - before, 256 * MIB)
            self.assertEqual(self.send(port, one)[0], 200)
