# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The database is killed, with and without the process that works on it.

At moments that are drawn, counted in steps. What comes out is what comes out of a run
that nobody disturbs: the same records, sums and invoices, each once.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

import http.client
import json
import os
import random
import shutil
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import psycopg2

from odoo import Command
from odoo.tests import tagged
from odoo.tools import config

from odoo.addons.metered_billing.demo.servers.netsapiens import (
    API_KEY,
    NetSapiensServer,
)
from odoo.addons.metered_billing.demo.servers.netsapiens_calls import (
    make_domain,
    month_of_calls,
)
from odoo.addons.metered_billing.models.exception.metered_cure import NO_CURE

from ..source.test_source_push import call
from ..support.committed_case import CommittedCase
from ..support.database_cluster import DatabaseCluster
from ..support.metered_case import generic_csv

SEED = 12
PHONE = 12_125_570_000
CUSTOMERS, CALLS, STRANGERS = 6, 30, 60
#: times that the database is killed in each run
KILLS = 6
POSTED = 24
#: records of an import that is undone, and of each file in a store
TAKEN_BACK = 90
STORED = ("a.csv", "b.csv")
#: a connection that was lost answers with an error once, for each that is in the pool
ATTEMPTS = 20
DAY = datetime(2026, 10, 5, tzinfo=UTC)

#: what is left at the end, without what counts attempts or says when it was
OUTCOME = (
    "SELECT source_id, (SELECT count(*) FROM metered_batch batch"
    " WHERE batch.id <= metered_cdr.batch_id), call_id, line, start_time,"
    " quantity::text,"
    " billed_quantity::text, state, partner_id, rate_id, charge::text,"
    " plan_taken::text FROM metered_cdr ORDER BY 1, 3",
    "SELECT partner_id, meter_id, day, currency_id, invoice_line_id IS NULL,"
    " sum(records), sum(quantity)::text, sum(billed_quantity)::text, sum(amount)::text"
    " FROM metered_usage GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5",
    "SELECT source_id, call_id, reason, state FROM metered_exception ORDER BY 1, 2",
    # A number that a killed process took is not taken again.
    "SELECT row_number() OVER (ORDER BY id), state, records, rated, not_billable,"
    " duplicates, exceptions, undone_rated, undo_error, error"
    " FROM metered_batch ORDER BY 1",
    "SELECT source_id, name, size::text, checksum, afterwards, same_as, error"
    " FROM metered_source_file ORDER BY 1, 2",
    "SELECT id, state, records, is_fetched, error FROM metered_sync ORDER BY 1",
    "SELECT id, state, records, changed, unrated, error FROM metered_rerate ORDER BY 1",
    "SELECT rerate_id, partner_id, before::text, after::text FROM metered_rerate_line"
    " ORDER BY 1, 2",
    "SELECT id, state, records, cured, error FROM metered_exception_job ORDER BY 1",
    "SELECT id, state, records, invoices, failures, error FROM metered_renewal"
    " ORDER BY 1",
    "SELECT simulation_id, partner_id, meter_id, calls, before::text, after::text"
    " FROM metered_simulation_line ORDER BY 1, 2, 3, 4",
    "SELECT id, state, records, error FROM metered_simulation ORDER BY 1",
    "SELECT partner_id, name, state, amount_untaxed::text, count(*) OVER () FROM"
    " account_move WHERE move_type = 'out_invoice' ORDER BY 1, 2",
    "SELECT subscription_id, date_from, date_to, invoice_id IS NULL"
    " FROM metered_period ORDER BY 1, 2",
    "SELECT subscription_id, date_from, granted::text, used::text"
    " FROM metered_allowance_balance ORDER BY 1, 2",
    "SELECT count(*) FROM metered_plan_mark",
    "SELECT count(*) FROM metered_inbox",
    "SELECT res_model, res_id, summary FROM mail_activity"
    " WHERE res_model LIKE 'metered.%' ORDER BY 1, 2, 3",
)
#: usage that is not the sum of its calls
_WRONG = """
    SELECT usage.id FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id AND meter.kind = 'call'
      LEFT JOIN metered_cdr cdr ON cdr.usage_id = usage.id
     GROUP BY usage.id
    HAVING usage.records != count(cdr.id) OR usage.amount != sum(cdr.charge)
"""


@tagged("post_install", "-at_install")
class TestDatabaseKilled(CommittedCase):
    def setUp(self):
        super().setUp()
        self.enterContext(NO_CURE.said())
        self.old = self.make_deck("Killed old", price=0.06)
        self.new = self.make_deck("Killed new", price=0.12, initial_increment=60)
        self.partners = self.make_customers(CUSTOMERS, PHONE, self.old)
        self.sell_plan(self.partners, minutes=4)
        self.source = self.make_source("Killed switch")
        self.pushed = self.make_source("Killed FreeSWITCH")
        self.pushed.write(
            {
                "source_type": "freeswitch_json",
                **self.pushed._prepare_preset_values("freeswitch"),
            }
        )
        self.token = self.pushed._new_token()
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.enterContext(patch.dict(os.environ, {"METERED_FOLDERS": str(self.folder)}))
        self.patch(type(self.real["metered.batch"]), "_undo_at_once", lambda self: 0)
        self.real.flush_all()
        self.cr.commit()

    def make_jobs(self):
        """Jobs of all kinds that wait, as the worker takes them."""
        known = self.make_calls("first", [PHONE + 800] * STRANGERS)
        known._process(commit=self.cr.commit)
        self.assertEqual(known.exceptions, STRANGERS)
        self.make(
            "metered.identifier",
            partner_id=self.partners[0].id,
            value=f"+{PHONE + 800}",
        )
        [cure] = cures = self.real["metered.exception.job"]._create_jobs(
            "retry",
            {"reasons": ["unknown_customer"], "source_id": self.source.id},
            companies=self.source.company_id,
        )
        self.made.append(cures)
        callers = [PHONE + n % CUSTOMERS for n in range(CUSTOMERS * CALLS)]
        content = self.content("wrong", callers[:TAKEN_BACK])
        wrong = self.make_batch(self.make_source("Killed wrong"), content)
        wrong._process(commit=self.cr.commit)
        self.assertEqual(wrong.rated, TAKEN_BACK)
        wrong._undo()
        self.assertEqual(wrong.state, "undoing")
        batch = self.make_calls("second", callers)
        company = self.real.company
        rerate = self.make(
            "metered.rerate",
            company_id=company.id,
            partner_ids=[Command.set(self.partners.ids)],
            date_from="2026-10-01",
            date_to="2026-10-31",
            phase="apply",
        )
        self.partners.metered_deck_id = self.new
        renewal = self.make("metered.renewal", company_id=company.id, date="2026-11-01")
        what_if = self.make(
            "metered.simulation",
            company_id=company.id,
            deck_id=self.old.id,
            replaces_id=self.new.id,
            date_from="2026-10-01",
            date_to="2026-10-31",
            position="2026-10-01",
        )
        jobs = [cure, batch, self.make_store_sync(callers), self.make_sync()]
        jobs += [rerate, renewal, what_if]
        self.cr.commit()
        return [f"undo:{wrong.id}", *(f"{job._name}:{job.id}" for job in jobs)]

    def make_calls(self, name, callers):
        """A file of calls, one for each caller, that waits to be imported."""
        return self.make_batch(self.source, self.content(name, callers))

    def make_store_sync(self, callers):
        """A sync of a folder with two files that waits: they are moved when stored."""
        source = self.make_source("Killed store")
        source.write(
            {
                "source_type": "file_store",
                "store_kind": "local",
                "store_folder": str(self.folder / "killed"),
                "store_settle_seconds": 0,
                "store_afterwards": "move",
            }
        )
        for folder in ("killed", "calm"):
            (self.folder / folder).mkdir()
            for name in STORED:
                content = self.content(name, callers[:TAKEN_BACK])
                (self.folder / folder / name).write_bytes(content)
        return self.make(
            "metered.sync",
            source_id=source.id,
            kind="manual",
            date_from="2026-10-01 00:00:00",
            date_to="2026-10-31 00:00:00",
        )

    def stored_in(self, folder):
        """Names and contents of what is in a folder of the store."""
        root = self.folder / folder
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }

    def content(self, name, callers):
        """A file of calls, one for each caller."""
        calls = [
            (
                f"{name}-{number}",
                f"2026-10-{number % 28 + 1:02d} 10:00:{number % 60:02d}",
                30 + 7 * (number % 40),
                f"+{caller}",
                f"+1212555{number:04d}",
            )
            for number, caller in enumerate(callers)
        ]
        return generic_csv(calls).encode()

    def make_sync(self):
        """A sync of two days that waits."""
        domain = month_of_calls(make_domain("killed.service"), DAY, 2, 150)
        server = NetSapiensServer([domain])
        server.__enter__()
        self.addCleanup(server.__exit__, None, None, None)
        source = self.make_source("Killed NetSapiens")
        source.write(
            {
                "source_type": "netsapiens",
                "address": server.url,
                "api_key": API_KEY,
                "allowed_networks": "127.0.0.1",
                **source._prepare_preset_values("netsapiens"),
            }
        )
        account = self.make(
            "metered.source.account",
            source_id=source.id,
            partner_id=self.partners[1].id,
            name=domain.name,
        )
        return self.make(
            "metered.sync",
            source_id=source.id,
            account_id=account.id,
            kind="manual",
            date_from="2026-10-05 00:00:00",
            date_to="2026-10-07 00:00:00",
        )

    # === THE SERVER === #

    def make_cluster(self):
        """A server with a copy of the test's database, and one more of that."""
        cluster = DatabaseCluster(self)
        name = self.cr.dbname
        cluster.take_over(name)
        cluster.clone(f"{name}_calm", name)
        # The same files, in a folder of its own.
        query = "UPDATE metered_source SET store_folder = %s WHERE store_folder != ''"
        with closing(self.connect(cluster, f"{name}_calm")) as connection:
            connection.cursor().execute(query, (str(self.folder / "calm"),))
            connection.commit()
        files = Path(config.filestore(name))
        calm = files.with_name(f"{files.name}_calm")
        calm.symlink_to(files)
        self.addCleanup(calm.unlink)
        return cluster

    def work(self, cluster, database, numbers, jobs):
        """Start a process that works on jobs in a database of the own server."""
        steps = ",".join(map(str, numbers)) or "-"
        return self.start_server(
            "database_worker.py",
            steps,
            *jobs,
            database=database,
            environment=cluster.environment,
            log=self.log,
        )

    def connect(self, cluster, database):
        return psycopg2.connect(
            host=str(cluster.folder), port=5432, user="odoo", dbname=database
        )

    def rows_of(self, cluster, database, query):
        """Rows of a database of the own server."""
        with closing(self.connect(cluster, database)) as connection:
            cursor = connection.cursor()
            cursor.execute(query)
            return cursor.fetchall()

    # === THE TEST === #

    def test_as_if_nothing_had_happened(self):
        jobs = self.make_jobs()
        cluster, name = self.make_cluster(), self.cr.dbname
        self.log = (cluster.folder / "worker.log").open("w+")
        self.addCleanup(self.log.close)
        calm = self.work(cluster, f"{name}_calm", [], jobs)
        lengths = {}
        for line in calm.stdout:
            _word, steps, job, state = line.split()
            lengths[job], ended = int(steps), state
            self.assertEqual(ended, "done", line)
        self.assertEqual(list(lengths), jobs, self.said())

        killed = self.kill_all_along(cluster, jobs, lengths)
        self.assertGreaterEqual(killed, KILLS)

        for query in OUTCOME:
            with self.subTest(query=query):
                self.assertEqual(
                    self.rows_of(cluster, name, query),
                    self.rows_of(cluster, f"{name}_calm", query),
                )
        self.assertEqual(self.rows_of(cluster, name, _WRONG), [])
        self.assertEqual({*self.stored_in("killed")}, {f"done/{n}" for n in STORED})
        self.assertEqual(self.stored_in("killed"), self.stored_in("calm"))
        # Nobody is told of what has passed: of no job, and of no conflict.
        self.assertNotIn("odoo.addons.metered_billing", self.said())
        self.assertNotIn("could not serialize", self.said())

        posted = self.post_all(cluster)
        query = " UNION ALL ".join(
            f"SELECT call_id FROM {table} WHERE source_id = {self.pushed.id}"
            for table in ("metered_cdr", "metered_exception")
        )
        found = [call_id for (call_id,) in self.rows_of(cluster, name, query)]
        self.assertEqual(sorted(found), sorted(posted))

    def kill_all_along(self, cluster, jobs, lengths):
        """Have the jobs done while the database is killed, in each of them.

        Half way the process that works on them is killed as well.

        :param lengths: dict job -> number of its steps
        :return: number of times that the database was killed
        """
        chance = random.Random(SEED)
        points, before = [], 0
        for job in jobs:
            points.append(before + chance.randrange(1, lengths[job]))
            before += lengths[job]
        again = chance.sample(range(1, before // 2), KILLS)
        worker, killed = self.work(cluster, self.cr.dbname, points, jobs), 0
        while line := worker.stdout.readline():
            word, *rest = line.split()
            if word == "steps":
                self.assertEqual(rest[-1], "done", line)
            if word != "at":
                continue
            cluster.crash()
            killed += 1
            if killed == len(points) // 2:
                worker.kill()
                worker.wait()
                worker = self.work(cluster, self.cr.dbname, again, jobs)
                continue
            worker.stdin.write("go\n")
            worker.stdin.flush()
        self.assertEqual(worker.wait(), 0, self.said())
        return killed

    def post_all(self, cluster):
        """Post calls as a switch does: until the answer is 200; then it forgets them.

        The database is killed right after some of these answers.

        :return: ids of the calls
        """
        chance = random.Random(SEED)
        moments = set(chance.sample(range(POSTED), KILLS // 2))
        worker = self.work(cluster, self.cr.dbname, [], [f"posted:{self.pushed.id}"])
        self.assertEqual(worker.stdout.readline(), "listening\n", self.said())
        posted = [f"posted-{number}" for number in range(POSTED)]
        for number, call_id in enumerate(posted):
            for _attempt in range(ATTEMPTS):
                if self.post(worker.port, call_id) == 200:
                    break
            else:
                self.fail(f"{call_id} was never answered: {self.said()}")
            if number in moments:
                cluster.crash()
        inbox = self.rows_of(
            cluster, self.cr.dbname, "SELECT record FROM metered_inbox"
        )
        text = "".join(record for (record,) in inbox)
        lost = [call_id for call_id in posted if f'"{call_id}"' not in text]
        self.assertFalse(lost)
        output, _error = worker.communicate("go\n", timeout=300)
        self.assertIn(" done", output, self.said())
        return posted

    def post(self, port, call_id):
        """The status of the answer; None without one."""
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            try:
                connection.request(
                    "POST",
                    f"/metered/freeswitch/{self.pushed.id}",
                    json.dumps(call(call_id, caller_id_number=f"+{PHONE}")),
                    {
                        "Authorization": f"Bearer {self.token}",
                        "Content-Type": "application/json",
                    },
                )
                return connection.getresponse().status
            except (OSError, http.client.HTTPException):
                return None

    def said(self):
        """What the processes wrote to their log."""
        self.log.seek(0)
        return self.log.read()
