# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Eight HTTP clients push the same events at once, and a worker is killed meanwhile."""

# The server's processes see only what is committed.
# pylint: disable=invalid-commit

import importlib.util
from pathlib import Path

from odoo import Command
from odoo.tests import tagged
from odoo.tools import config

from ..support.committed_case import CommittedCase

CLIENTS, EVENTS, BATCH = 8, 2_000, 100
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
