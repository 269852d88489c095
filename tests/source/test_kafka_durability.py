# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Workers and a broker that are killed: each message is stored once.

That the index of record ids refuses a second one proves nothing of offsets. So it is
counted how many were seen twice: none.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

from unittest.mock import patch

from psycopg2.errors import SerializationFailure

from odoo.tests import tagged

from odoo.addons.metered_billing.connectors.kafka import source as kafka
from odoo.addons.metered_billing.models.source import metered_sync_job

from ..support.committed_case import CommittedCase
from ..support.kafka_broker import Broker
from .test_source_kafka import event

MESSAGES, PARTITIONS, PORTION = 6_000, 4, 200


@tagged("post_install", "-at_install")
class TestKafkaDurability(CommittedCase):
    def setUp(self):
        super().setUp()
        self.broker = self.enterContext(Broker())
        self.broker.topic("usage", PARTITIONS)
        self.customer = self.make("res.partner", name="Acme")
        self.make("metered.meter", name="API", code="api", unit="calls", kind="event")
        self.make(
            "metered.identifier",
            partner_id=self.customer.id,
            kind="key",
            value="acme",
        )
        self.source = self.make(
            "metered.source",
            name="Durable",
            source_type="kafka",
            kafka_brokers=self.broker.address,
            kafka_security="plaintext",
            kafka_topics="usage",
            kafka_format="cloudevents",
            allowed_networks="127.0.0.1",
            timezone="UTC",
            country_id=self.real.ref("base.us").id,
            max_age_days=0,
            future_hours=24 * 365 * 100,
            parallel=2,
        )
        self.cr.commit()
        for partition in range(PARTITIONS):
            self.broker.send(
                "usage", map(event, range(partition, MESSAGES, PARTITIONS)), partition
            )

    def work(self):
        return self.start("kafka_worker.py", self.source.id, PORTION, MESSAGES)

    def wait_for(self, worker, stored):
        """Until so many are stored, as the worker says."""
        for line in worker.stdout:
            if line.startswith("stored") and int(line.split()[1]) >= stored:
                return
        self.fail("the worker has ended")

    def check_all(self):
        self.refresh()
        self.made += [*self.source.batch_ids]
        self.cr.execute(
            "SELECT count(*), count(DISTINCT call_id), sum(quantity)::int"
            "  FROM metered_cdr WHERE source_id = %s",
            (self.source.id,),
        )
        self.assertEqual(self.cr.fetchone(), (MESSAGES, MESSAGES, 2 * MESSAGES))
        batches = self.source.batch_ids
        self.assertEqual(sum(batches.mapped("records")), MESSAGES)
        self.assertFalse(sum(batches.mapped("duplicates")))
        self.assertFalse(sum(batches.mapped("exceptions")))
        self.assertEqual(
            self.source.partition_ids.mapped("next_offset"),
            [MESSAGES / PARTITIONS] * PARTITIONS,
        )

    def test_workers_that_are_killed(self):
        for stored in (600, 2_000, 3_500):
            worker = self.work()
            self.wait_for(worker, stored)
            self.kill(worker)
        self.finish(self.work())
        self.check_all()

    def test_workers_side_by_side(self):
        """They share the partitions; what a killed one had, the other ones take."""
        workers = [self.work() for _worker in range(3)]
        self.wait_for(workers[0], 1_000)
        self.kill(workers[0])
        for worker in workers[1:]:
            self.finish(worker)
        self.check_all()

    def test_a_transaction_that_is_in_the_way(self):
        """What was stored and not committed is stored once more, with its offset."""
        met = []

        def commit():
            self.cr.execute(
                "SELECT count(*) FROM metered_cdr WHERE source_id = %s",
                (self.source.id,),
            )
            stored = self.cr.fetchone()[0]
            if stored > 1_000 * len(met) and len(met) < 3:
                met.append(stored)
                raise SerializationFailure("met another one")
            self.cr.commit()

        with (
            patch.object(kafka, "FIRST_MESSAGES", PORTION),
            patch.object(kafka, "MOST_MESSAGES", PORTION),
            patch.object(kafka, "TAKEN", PORTION),
        ):
            sync = self.source._start_syncs("manual")
            self.cr.commit()
            sync._process(commit=commit)
        self.assertEqual(len(met), 3)
        self.check_all()

    def test_a_connection_that_meets_another_transaction(self):
        """Where several store side by side, what is undone is stored once more."""
        original, lanes = metered_sync_job.make_lasting, []

        def make_lasting(cr):
            original(cr)
            if cr is not self.cr:
                lanes.append(cr)
                if len(lanes) % 5 == 2:
                    # With its offsets, and not committed.
                    raise SerializationFailure("met another one")

        with (
            patch.object(kafka, "FIRST_MESSAGES", PORTION),
            patch.object(kafka, "MOST_MESSAGES", PORTION),
            patch.object(kafka, "TAKEN", PORTION),
            patch.object(metered_sync_job, "make_lasting", make_lasting),
        ):
            sync = self.source._start_syncs("manual")
            self.cr.commit()
            sync._process(commit=self.cr.commit)
        self.assertGreater(len(lanes), 10)
        self.check_all()

    def test_a_broker_that_is_killed(self):
        worker = self.work()
        self.wait_for(worker, 1_000)
        self.broker.kill()
        self.broker.start()
        self.finish(worker)
        self.check_all()
