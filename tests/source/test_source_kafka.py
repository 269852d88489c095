# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A Kafka cluster as a source: its messages are records, each once, or exceptions."""

import base64
import json
from unittest.mock import patch

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from odoo.addons.metered_billing.connectors.kafka import source as module

from ..support.kafka_broker import Broker
from ..support.metered_case import MeteredCase


def event(number, **more):
    document = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/meter",
        "type": "api",
        "subject": "acme",
        "time": f"2026-10-05T10:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "data": {"quantity": 2},
        **more,
    }
    return json.dumps(document).encode()


@tagged("post_install", "-at_install")
class TestSourceKafka(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broker = cls.enterClassContext(Broker())
        cls.meter = cls.make_meter("API calls", code="api")
        cls.customer = cls.make_customer("Acme")
        cls.make_identifier(cls.customer, "acme", "key")
        cls.topics = 0

    def setUp(self):
        super().setUp()
        type(self).topics += 1
        self.topic = f"usage-{self.topics}"

    def make_kafka(self, partitions=1, **values):
        if partitions:
            self.broker.topic(self.topic, partitions)
        return self.make_source(
            values.pop("preset", "events"),
            source_type="kafka",
            kafka_brokers=self.broker.address,
            kafka_security="plaintext",
            kafka_topics=self.topic,
            allowed_networks="127.0.0.1",
            **{"kafka_format": "cloudevents", **values},
        )

    def sync(self, source):
        sync = source._start_syncs("manual")
        sync._process()
        self.assertEqual(sync.state, "done", sync.line_ids.mapped("message"))
        return sync

    def send(self, *values, partition=0, **given):
        self.broker.send(self.topic, values, partition, **given)

    def count(self, source):
        return self.env["metered.cdr"].search_count([("source_id", "=", source.id)])

    # === MESSAGES === #

    def test_messages_become_usage(self):
        source = self.make_kafka(2)
        self.send(*map(event, range(50)))
        self.send(*map(event, range(50, 70)), partition=1)
        sync = self.sync(source)
        self.assertEqual(sync.records, 70)
        self.assertEqual(self.count(source), 70)
        self.assertEqual(sum(self.usage(self.customer).mapped("quantity")), 140)
        first, second = source.partition_ids
        self.assertEqual((first.next_offset, second.next_offset), (50, 20))
        self.assertEqual(source.partition_ids.mapped("lag"), [0, 0])
        self.assertTrue(first.last_record)
        self.assertEqual(first.age, "0 min")
        self.assertTrue(source.synced_until)
        self.assertEqual(str(source.last_record), "2026-10-05 10:01:09")

        # A program with a key can ask for each.
        cdr = self.env["metered.cdr"].search([("source_id", "=", source.id)], limit=1)
        key = self.env["metered.api.key"].create({"name": "Reader", "may_read": True})
        told = self.env["metered.api"]._event(key, cdr.call_id)
        self.assertEqual((told["status"], told["quantity"]), ("rated", "2"))

        # Nothing comes twice, and what comes next goes on from there.
        self.send(event(70))
        self.assertEqual(self.sync(source).records, 1)
        self.assertEqual(self.count(source), 71)
        self.assertFalse(sum(source.batch_ids.mapped("duplicates")))

    def test_what_cannot_be_read_is_kept(self):
        source = self.make_kafka()
        value = b"\xffno JSON \0" + b"x" * 50_000
        self.send(event(1), value, event(2), key=b"k")
        sync = self.sync(source)
        self.assertEqual((sync.records, sync.exceptions), (3, 1))
        self.assertEqual(self.count(source), 2)
        [wrong] = self.exceptions(sync.batch_id)
        raw = json.loads(wrong.raw)
        self.assertEqual(base64.b64decode(raw["(value in base64)"]), value)
        self.assertEqual(
            (raw["(topic)"], raw["(partition)"], raw["(offset)"]),
            (self.topic, "0", "1"),
        )
        self.assertIn(f"Topic {self.topic}, partition 0, offset 1", wrong.message)
        self.assertEqual(source.partition_ids.next_offset, 3)

    def test_calls_by_columns(self):
        source = self.make_kafka(
            kafka_format="records", preset="generic", record_kind="call"
        )
        source.column_ids.unlink()
        source.column_ids = [
            (0, 0, {"target": target, "columns": column})
            for target, column in (
                ("call_id", "(message)"),
                ("start_time", "call.start"),
                ("seconds", "call.seconds"),
                ("caller", "from"),
                ("callee", "to"),
            )
        ]
        source.payer_ids.unlink()
        source.payer_ids = [(0, 0, {"column": "(key)", "kind": "key"})]
        call = {
            "from": "+14045550100",
            "to": "+12125550199",
            "call": {"start": "2026-10-05T10:00:00Z", "seconds": 60},
        }
        # The same call twice is two: each message is one.
        self.send(*[json.dumps(call).encode()] * 2, key=b"acme")
        self.sync(source)
        cdrs = self.env["metered.cdr"].search([("source_id", "=", source.id)])
        self.assertEqual(
            sorted(cdrs.mapped("call_id")), [f"{self.topic}/0/0", f"{self.topic}/0/1"]
        )
        self.assertEqual(cdrs.mapped("quantity"), [60, 60])

    def test_only_what_arrives_later(self):
        source = self.make_kafka(kafka_start="latest")
        self.send(event(1))
        self.assertFalse(self.sync(source).records)
        self.send(event(2))
        self.assertEqual(self.sync(source).records, 1)

    def test_in_small_portions(self):
        source = self.make_kafka(2)
        self.send(*map(event, range(500)))
        self.send(*map(event, range(500, 900)), partition=1)
        with (
            patch.object(module, "FIRST_MESSAGES", 64),
            patch.object(module, "MOST_MESSAGES", 64),
            patch.object(module, "TAKEN", 10),
        ):
            self.sync(source)
        self.assertEqual(self.count(source), 900)
        self.assertEqual(source.partition_ids.mapped("next_offset"), [500, 400])

    def test_a_portion_that_cannot_be_stored_at_once(self):
        """It is stored part after part, and the offsets with each part."""
        source = self.make_kafka()
        self.send(*map(event, range(10)), event(10, data={"quantity": 10**40}))
        sync = self.sync(source)
        self.assertEqual((sync.records, self.count(source)), (11, 10))
        self.assertEqual(source.partition_ids.next_offset, 11)

    # === WHAT BECOMES OF TOPICS === #

    def test_a_topic_that_grows(self):
        source = self.make_kafka(1, kafka_start="latest")
        self.sync(source)
        self.broker.enlarge(self.topic, 3)
        self.send(event(1), partition=2)
        self.assertEqual(self.sync(source).records, 1)
        self.assertEqual(source.partition_ids.mapped("number"), [0, 1, 2])

    def test_a_topic_that_is_not_there(self):
        source = self.make_kafka()
        other = f"{self.topic}-other"
        source.kafka_topics = f"{self.topic}, {other}"
        self.send(event(1))
        sync = self.sync(source)
        # The others are fetched all the same.
        self.assertEqual(sync.records, 1)
        [problem] = sync.line_ids.filtered(lambda line: line.level == "error")
        self.assertIn(other, problem.message)
        self.assertTrue(source._metered_open_activities("partitions"))
        self.assertFalse(source.synced_until)

        self.broker.topic(other)
        self.sync(source)
        self.assertFalse(source._metered_open_activities("partitions"))
        self.assertTrue(source.synced_until)

    def test_a_topic_that_vanishes_and_comes_again(self):
        source = self.make_kafka()
        self.send(*map(event, range(5)))
        self.sync(source)
        self.broker.remove(self.topic)
        self.sync(source)
        partition = source.partition_ids
        self.assertEqual(partition.state, "gone")

        self.broker.topic(self.topic)
        self.send(event(7))
        self.sync(source)
        self.assertEqual(partition.state, "gap")
        self.assertIn("deleted and created again", partition.note)
        partition.action_from_earliest()
        self.sync(source)
        self.assertEqual(self.count(source), 6)

    def test_a_topic_that_comes_again_and_grows(self):
        """It has as many messages as before, and they are others."""
        source = self.make_kafka(2)
        self.send(*map(event, range(5)))
        self.send(event(50), partition=1)
        self.sync(source)
        self.sync(source)
        self.broker.remove(self.topic)
        self.broker.topic(self.topic, 2)
        self.send(*map(event, range(100, 110)))
        self.sync(source)
        partition, other = source.partition_ids
        self.assertEqual((partition.state, partition.next_offset), ("gap", 5))
        self.assertIn("not the one that was fetched", partition.note)
        self.assertEqual(other.state, "gap")
        self.assertEqual(self.count(source), 6)
        self.assertTrue(source._metered_open_activities("partitions"))
        partition.action_from_earliest()
        self.sync(source)
        self.assertEqual(self.count(source), 16)
        # From there on it is the same one.
        self.send(event(200))
        self.sync(source)
        self.assertEqual((partition.state, self.count(source)), ("reading", 17))

    def test_what_was_fetched_is_compared_only_where_it_is(self):
        """Messages that were deleted after they were fetched are no gap."""
        source = self.make_kafka()
        self.send(*map(event, range(5)))
        self.sync(source)
        self.broker.forget(self.topic, 0, 5)
        self.send(event(6))
        self.sync(source)
        self.assertEqual(source.partition_ids.state, "reading")
        self.assertEqual(self.count(source), 6)

    # === GAPS === #

    def make_gap(self):
        source = self.make_kafka(2)
        self.send(*map(event, range(10)))
        self.sync(source)
        self.send(*map(event, range(10, 30)))
        self.send(event(99), partition=1)
        self.broker.forget(self.topic, 0, 15)
        sync = self.sync(source)
        return source, source.partition_ids[0], sync

    def test_a_gap_waits_for_a_person(self):
        source, partition, sync = self.make_gap()
        self.assertEqual(partition.state, "gap")
        self.assertEqual(partition.next_offset, 10)
        self.assertIn("from offset 10 to 14", partition.note)
        # The other partition is fetched, and the exception says what is missing.
        self.assertEqual((sync.records, self.count(source)), (2, 11))
        gap = self.exceptions(sync.batch_id)
        self.assertEqual(gap.message and gap.state, "open")
        self.assertIn("from offset 10 to 14", gap.message)
        self.assertIn("10 to 14", source._metered_open_activities("partitions").note)
        self.assertIn(False, [check.ok for check in source._check_partitions()])

        # It stands still until then, and is said once.
        again = self.sync(source)
        self.assertFalse(again.records)
        self.assertFalse(again.is_open)

    def test_to_go_on_with_the_earliest(self):
        source, partition, sync = self.make_gap()
        partition.action_from_earliest()
        gap = self.exceptions(sync.batch_id)
        self.assertEqual(gap.state, "dismissed")
        self.assertIn("from 10 to 14 are not billed", gap.dismiss_reason)
        self.assertIn("5 deleted by the cluster, 0 skipped", gap.dismiss_reason)
        self.assertFalse(source._metered_open_activities("partitions"))
        self.assertEqual(self.sync(source).records, 15)
        self.assertEqual(self.count(source), 26)

    def test_to_go_on_with_the_latest(self):
        source, partition, sync = self.make_gap()
        partition.action_from_latest()
        reason = self.exceptions(sync.batch_id).dismiss_reason
        self.assertIn("from 10 to 29 are not billed", reason)
        self.assertIn("5 deleted by the cluster, 15 skipped", reason)
        self.assertFalse(self.sync(source).records)

    def test_who_may_decide(self):
        _source, partition, _sync = self.make_gap()
        user = self.env["res.users"].create(
            {
                "name": "Looks on",
                "login": "kafka-user",
                "group_ids": [
                    (6, 0, [self.env.ref("metered_billing.group_metered_user").id])
                ],
            }
        )
        with self.assertRaises(UserError):
            partition.with_user(user).action_from_latest()
        self.assertEqual(partition.state, "gap")

    def test_somebody_else_was_faster(self):
        source = self.make_kafka()
        self.send(event(1))
        self.sync(source)
        partition = source.partition_ids.sudo()
        partition._advance(1, 2)
        with self.assertRaisesRegex(Exception, partition.display_name):
            partition._advance(1, 2)

    # === SETTINGS === #

    def test_settings_are_checked(self):
        source = self.make_kafka(0)
        for wrong in ({"kafka_brokers": "a:0"}, {"kafka_topics": "^all"}):
            with self.subTest(next(iter(wrong))), self.assertRaises(ValidationError):
                source.write(wrong)

    def test_secrets_stay_with_the_brokers(self):
        source = self.make_kafka(0)
        source.write(
            {"kafka_security": "sasl_ssl", "username": "u", "password": "hush"}
        )
        source.kafka_key = "-----BEGIN PRIVATE KEY-----"
        self.assertEqual(source.password, source.kafka_key)
        self.assertEqual(sorted(source._get_secrets()), ["kafka_key", "password"])
        source.kafka_brokers = "elsewhere.example.com:9092"
        self.assertFalse(source._get_secrets())
        self.assertIn("Client Key", source.secrets_note)

    def test_without_the_package(self):
        source = self.make_kafka(0)
        with patch.dict("sys.modules", {"confluent_kafka": None}):
            source.action_test_connection()
            sync = source._start_syncs("manual")
            sync._process()
        self.assertIn("pip install confluent-kafka", source.test_result[0]["remedy"])
        self.assertEqual(sync.state, "failed")
        self.assertIn("pip install confluent-kafka", sync.error)

    def test_the_connection_is_tested(self):
        source = self.make_kafka()
        self.send(event(1))
        source.action_test_connection()
        self.assertTrue(all(one["ok"] for one in source.test_result))
        self.assertIn("data.quantity", source.test_result[-1]["detail"])

    def test_nobody_pushes_to_it(self):
        source = self.make_kafka(0)
        self.assertFalse(source.takes_events or source.is_posted_to)
        self.assertFalse(source.is_fetched)

    # === SCHEDULE === #

    def test_it_is_read_continuously(self):
        source = self.make_kafka()
        sources = self.env["metered.source"]
        sync = sources._start_offsets()
        self.assertEqual(sync.source_id, source)
        # One is under way.
        self.assertFalse(sources._start_offsets())
        sync._process()
        self.send(event(1))
        # The records of a day are of one import: it goes on.
        self.assertEqual(sources._start_offsets(), sync)
        sync._process()
        self.assertEqual(sync.batch_id.records, 1)
        self.send(event(2))
        self.assertEqual(sources._start_offsets(), sync)
        sync._process()
        self.assertEqual(sync.batch_id.records, 2)
        self.assertEqual(sync.state, "done")
        source.kafka_continuous = False
        self.assertFalse(sources._start_offsets())
