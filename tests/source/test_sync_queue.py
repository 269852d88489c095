# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Many accounts in parallel over queue_job's workers, and without a job runner.

A database, a server with worker processes and its job runner, and the switch are real.
"""

import importlib.util
import itertools
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unittest import skipUnless

from odoo.tests import TransactionCase, tagged
from odoo.tools import config

from odoo.addons.metered_billing.demo.servers.netsapiens import NetSapiensServer
from odoo.addons.metered_billing.demo.servers.netsapiens_calls import (
    Leg,
    make_domain,
    month_of_calls,
)

from ..support import queue_server

DAY = datetime(2026, 10, 5, tzinfo=UTC)
PERIOD = ("2026-10-05 00:00:00", "2026-10-07 00:00:00")
ACCOUNTS = 12
MANY = 1000
FEW = 100
PARALLEL = 4
#: a minute, as tests/queue_script.py says it
PRICE = Decimal("0.0371")
STOPS_AT = 21  # page of calls; each account has two a day
#: seconds after which a step hangs; the runner looks for killed jobs once a minute
WITHIN = 300
MODULE = Path(__file__).resolve().parents[2]
#: queue_job's runner holds this on a database as long as it is at work there
RUNNER = """
    SELECT count(*) FROM pg_locks
     WHERE locktype = 'advisory' AND classid::bigint = 2293787760715711918 >> 32
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
CALLS = """
    SELECT cdr.call_id, cdr.start_time, cdr.quantity::text, cdr.billed_quantity::text,
           cdr.caller, cdr.callee, cdr.state, cdr.meter_id, cdr.destination_id,
           cdr.charge::text, account.name
      FROM metered_cdr cdr
      JOIN metered_source source ON source.id = cdr.source_id
      LEFT JOIN metered_source_account account
             ON account.source_id = source.id AND account.partner_id = cdr.partner_id
     WHERE source.name = %s
     ORDER BY cdr.call_id
"""
USAGE = """
    SELECT account.name, usage.meter_id, usage.day, usage.records,
           usage.quantity::text, usage.billed_quantity::text, usage.amount::text
      FROM metered_usage usage
      JOIN metered_source_account account ON account.partner_id = usage.partner_id
      JOIN metered_source source ON source.id = account.source_id
     WHERE source.name = %s
     ORDER BY 1, 2, 3
"""
HELD = """
    SELECT account.name, count(*)::int, sum(cdr.quantity)::int / 60,
           sum(cdr.charge)::text
      FROM metered_cdr cdr
      JOIN metered_source source ON source.id = cdr.source_id
      JOIN metered_source_account account
        ON account.source_id = source.id AND account.partner_id = cdr.partner_id
      JOIN metered_usage usage ON usage.id = cdr.usage_id
     WHERE source.name = %s
     GROUP BY account.name
    HAVING sum(cdr.charge) = max(usage.amount) AND count(*) = max(usage.records)
     ORDER BY account.name
"""
TOLD = """
    SELECT activity.metered_key, activity.metered_count
      FROM mail_activity activity
      JOIN metered_source source ON source.id = activity.res_id
     WHERE activity.res_model = 'metered.source' AND source.name = %s
"""
#: accounts whose time of the last sync, or whose day, is not as it has to be
NOT_COMPLETE = """
    SELECT account.name, account.synced_until, account.sync_error
      FROM metered_source_account account
      JOIN metered_source source ON source.id = account.source_id
      LEFT JOIN metered_completeness day
             ON day.account_id = account.id AND day.day = %s::date
     WHERE source.name = %s AND account.name != 'nobody.service'
       AND NOT coalesce(account.synced_until > day.day + 1
                        AND account.sync_error IS NULL AND day.state = 'ok', FALSE)
"""
DONE = """
    SELECT count(*) FILTER (WHERE sync.state = 'done'),
           count(*) FILTER (WHERE sync.state = 'failed')
      FROM metered_sync sync JOIN metered_source source ON source.id = source_id
     WHERE source.name = %s
"""


def small_domain(at, day):
    """A domain with a user, two numbers and some calls of whole minutes."""
    domain = make_domain(f"q{at:04d}.service", number_of_users=1)
    number = f"1404555{at:04d}"
    domain.numbers = [(number, "to-user", "1001")]
    domain.legs = [
        Leg(
            id=f"{at:04d}-{call}",
            call_id=f"{at:04d}-{call}@core1.example.net",
            start=day + timedelta(hours=call, seconds=at),
            direction=0,
            talk=60 * (1 + (at + call) % 7),
            orig_user="1001",
            orig_number=number,
            dialled="13125550123",
            term_number="13125550123",
        )
        for call in range(1 + at % 3)
    ]
    return domain


class GatedSwitch(NetSapiensServer):
    """A switch that sees to it that accounts are asked for side by side.

    It answers the first pages of calls when so many are asked for at the same time as
    may be, and then, from a certain page on, nothing until ``go`` is set.
    """

    def __init__(self, domains):
        super().__init__(domains)
        self.together = threading.Barrier(PARALLEL, timeout=WITHIN)
        self.stopped = threading.Event()
        self.go = threading.Event()
        self._pages = itertools.count()

    def answer(self, request):
        if request.path.endswith("/cdrs"):
            page = next(self._pages)
            if page < PARALLEL:
                self.together.wait()
            if page >= STOPS_AT and not self.go.is_set():
                self.stopped.set()
                self.go.wait(2 * WITHIN)
        return super().answer(request)


@tagged("post_install", "-at_install")
@skipUnless(importlib.util.find_spec("odoo.addons.queue_job"), "needs queue_job")
class TestSyncQueue(TransactionCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database = cls.enterClassContext(queue_server.database(cls.env.cr.dbname))

    def setUp(self):
        super().setUp()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.log = Path(folder) / "server.log"

    def make_switch(self, domains, switch=NetSapiensServer):
        """Have a switch with these domains."""
        self.names = [domain.name for domain in domains]
        self.switch = self.enterContext(switch(domains))

    def script(self, *arguments, timeout=300):
        """Run tests/queue_script.py in the other database; what it prints."""
        result = subprocess.run(
            [
                sys.executable,
                MODULE / "scripts/odoo_env.py",
                *("--config", config["config"], "--database", self.database),
                *("--http-port", str(queue_server.free_port())),
                MODULE / "tests/support/queue_script.py",
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=timeout,
        )
        self.assertEqual(result.returncode, 0, result.stdout)
        return result.stdout

    def start(self, source, *period):
        return self.script(
            "start", source, self.switch.url, str(PARALLEL), *period, *self.names
        )

    def query(self, statement, *values):
        with queue_server.cursor(self.database) as cr:
            cr.execute(statement, values)
            return cr.fetchall()

    def wait_for(self, found, what, within=WITHIN):
        """Look until ``found()`` is true."""
        until = time.monotonic() + within
        while not found():
            self.assertLess(
                time.monotonic(), until, f"{what}\n{self.log.read_text()[-5000:]}"
            )
            time.sleep(0.05)

    def wait_for_done(self, source, count, within=WITHIN):
        self.wait_for(
            lambda: self.query(DONE, source)[0][0] >= count,
            f"{count} syncs done",
            within,
        )

    def errors(self):
        """What the server's log says from the first error on."""
        _before, error, after = self.log.read_text().partition(" ERROR ")
        return error + after[:3000]

    def serve(self):
        """The server, when its job runner is at work."""
        server = queue_server.Server(self.database, PARALLEL + 3, self.log)
        self.enterContext(server)
        self.wait_for(lambda: self.query(RUNNER)[0][0], "the job runner")
        return server

    def test_side_by_side_killed_and_without_a_runner(self):
        domains = [
            month_of_calls(make_domain(f"q{at:02d}.service", position=at), DAY, 2, 150)
            for at in range(ACCOUNTS)
        ]
        ids = sorted(
            leg.id
            for domain in domains
            for leg in domain.legs
            if leg.start < DAY + timedelta(days=2)
        )
        self.make_switch(domains, GatedSwitch)
        server = self.serve()
        self.assertIn(f"{PARALLEL} accounts in parallel", self.start("Queue", *PERIOD))
        self.assertTrue(self.switch.stopped.wait(WITHIN), self.log.read_text())
        server.kill()
        [(done, failed)] = self.query(DONE, "Queue")
        self.assertTrue(0 < done < ACCOUNTS, done)
        self.assertFalse(failed)
        self.switch.go.set()
        server = self.serve()
        self.wait_for_done("Queue", ACCOUNTS)
        # Side by side, and never more than the source allows: the job runner's channel
        # has room for two more.
        self.assertFalse(self.switch.together.broken)
        self.assertEqual(self.switch.most_at_once, PARALLEL)
        self.assertEqual(self.errors(), "")
        self.assertEqual(
            self.query("SELECT count(*) FROM queue_job WHERE state = 'failed'"), [(0,)]
        )
        server.kill()

        self.assertIn("queue_job is installed, but", self.start("Cron", *PERIOD))
        self.assertIn("Scheduled action", self.script("cron"))
        self.assertEqual(self.query(DONE, "Cron"), [(ACCOUNTS, 0)])

        calls = self.query(CALLS, "Queue")
        self.assertEqual([call[0] for call in calls], ids)
        self.assertEqual(calls, self.query(CALLS, "Cron"))
        usage = self.query(USAGE, "Queue")
        self.assertEqual(usage, self.query(USAGE, "Cron"))
        self.assertEqual({row[0] for row in usage}, set(self.names))
        self.assertFalse(self.switch.problems)

    def test_a_thousand_accounts(self):
        day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        day -= timedelta(days=1)
        self.make_switch([small_domain(at, day) for at in range(MANY)])
        expected = {
            (domain.name, len(domain.legs), minutes, f"{minutes * PRICE:.6f}")
            for domain in self.switch.domains.values()
            for minutes in [sum(leg.talk for leg in domain.legs) // 60]
        }
        self.names += ["nobody.service"]
        server = self.serve()
        self.start("Thousand", f"{day:%Y-%m-%d %H:%M:%S}", "")
        self.wait_for_done("Thousand", MANY, 3 * WITHIN)
        # One that fails is in nobody's way, and a person is told once.
        self.wait_for(lambda: self.query(DONE, "Thousand")[0][1] == 1, "one failed")
        self.assertEqual(self.query(DONE, "Thousand"), [(MANY, 1)])
        self.assertEqual(self.query(TOLD, "Thousand"), [("sync", 1)])
        self.assertEqual(expected ^ {*self.query(HELD, "Thousand")}, set())
        self.assertEqual(self.query(NOT_COMPLETE, day, "Thousand"), [])
        # Never more than the source allows, and every account once.
        self.assertTrue(1 < self.switch.most_at_once <= PARALLEL)
        self.check_asked_once(self.names[:-1])
        self.assertEqual(self.errors(), "")
        server.kill()

        # What is there already is neither stored nor charged once more.
        self.switch.requests.clear()
        some = self.names[:FEW]
        self.script("again", "Thousand", f"{day:%Y-%m-%d %H:%M:%S}", "", *some)
        self.script("cron", timeout=WITHIN)
        self.assertEqual(self.query(DONE, "Thousand"), [(MANY + FEW, 1)])
        self.assertEqual(expected ^ {*self.query(HELD, "Thousand")}, set())
        self.check_asked_once(some)
        self.assertFalse(self.switch.problems)

    def check_asked_once(self, names):
        """These domains, and no others, were asked for their calls, none twice."""
        asked = Counter(
            (request.path.split("/")[-2], *sorted(request.query.items()))
            for request in self.switch.requests
            if request.path.endswith("/cdrs")
        )
        self.assertEqual({domain for domain, *_query in asked} ^ {*names}, set())
        self.assertEqual({*asked.values()}, {1})
