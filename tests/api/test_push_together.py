# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Clients that push the same events at the same moment."""

# Other transactions see only what is committed.
# pylint: disable=invalid-commit

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread

from odoo.tests import tagged

from odoo.addons.metered_billing.connectors.events.cloud_event import event_of
from odoo.addons.metered_billing.ingest.event_inbox import store_events

from ..support.committed_case import CommittedCase

CLIENTS, EVENTS = 8, 200


def event(number, **more):
    return event_of({"id": f"e{number}", "type": "api", "subject": "acme", **more})


@tagged("post_install", "-at_install")
class TestPushTogether(CommittedCase):
    def setUp(self):
        super().setUp()
        self.source = self.make(
            "metered.source",
            name="Together",
            source_type="events",
            preset="events",
            timezone="UTC",
            country_id=self.real.ref("base.us").id,
        )
        self.addCleanup(self._empty)
        self.cr.commit()

    def _empty(self):
        self.cr.rollback()
        for table in ("metered_inbox", "metered_cdr"):
            self.cr.execute(
                f"DELETE FROM {table} WHERE source_id = %s", (self.source.id,)
            )
        self.cr.commit()

    def store(self, events):
        with self.registry.cursor() as cr:
            cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            return store_events(cr, self.source.id, events)

    def waiting(self):
        self.cr.rollback()
        self.cr.execute(
            "SELECT event_key FROM metered_inbox WHERE source_id = %s ORDER BY 1",
            (self.source.id,),
        )
        return [key for (key,) in self.cr.fetchall()]

    def test_eight_clients_with_the_same_events(self):
        """In an order of its own each; one of them says something else."""
        begin = Barrier(CLIENTS)

        def client(number):
            events = [event(at) for at in range(EVENTS)]
            if not number:
                events[7] = event(7, subject="other")
            random.Random(number).shuffle(events)
            begin.wait()
            return Counter(
                outcome
                for at in range(0, EVENTS, 50)
                for outcome in self.store(events[at : at + 50])
            )

        with ThreadPoolExecutor(CLIENTS) as pool:
            found = sum(pool.map(client, range(CLIENTS)), Counter())

        self.assertEqual(found["accepted"], EVENTS)
        self.assertEqual(found.total(), EVENTS * CLIENTS)
        # Whoever came first decides who is in conflict.
        self.assertIn(found["conflict"], (1, CLIENTS - 1))
        keys = self.waiting()
        self.assertEqual(len(keys), EVENTS + 1)
        self.assertEqual(len({key.partition("#")[0] for key in keys}), EVENTS)

    def test_while_the_job_takes_it_out(self):
        """It waits for the job, and finds what the job made of it."""
        [first] = [event(1)]
        self.store([first])
        self.cr.execute(
            "DELETE FROM metered_inbox WHERE source_id = %s", (self.source.id,)
        )
        self.cr.execute(
            "INSERT INTO metered_cdr (source_id, call_id, content, start_time)"
            " VALUES (%s, %s, %s, now())",
            (self.source.id, first.key, first.content),
        )
        found = []

        def push():
            found.extend(self.store([event(1), event(1, subject="other"), event(2)]))

        thread = Thread(target=push)
        thread.start()
        self.wait_until_blocked(thread, "metered_inbox")
        self.cr.commit()
        thread.join()

        self.assertEqual(found, ["duplicate", "conflict", "accepted"])
        self.assertEqual(len(self.waiting()), 2)

    def test_while_another_one_gives_up(self):
        """What was stored by nobody in the end is stored."""
        self.cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        store_events(self.cr, self.source.id, [event(1)])
        found = []
        thread = Thread(target=lambda: found.extend(self.store([event(1)])))
        thread.start()
        self.wait_until_blocked(thread, "metered_inbox")
        self.cr.rollback()
        thread.join()

        self.assertEqual(found, ["accepted"])
        self.assertEqual(self.waiting(), ["e1"])
