# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A Kafka cluster that is asked: whatever it does is an error with a remedy."""

import json
import socket
from threading import Timer
from unittest import TestCase
from unittest.mock import patch

from odoo.addons.metered_billing.connectors.addresses import (
    AddressPolicy,
    parse_networks,
)
from odoo.addons.metered_billing.connectors.errors import (
    SourceNotFound,
    SourceRefused,
    SourceSettingsError,
    SourceUnreachable,
)
from odoo.addons.metered_billing.connectors.kafka.client import (
    Client,
    parse_brokers,
)
from odoo.addons.metered_billing.connectors.kafka.source import Kafka, parse_topics
from odoo.addons.metered_billing.connectors.kafka.watch import Watch

from ..support.certificates import Authority
from ..support.kafka_broker import Broker, SecureBroker, free_port

LOOPBACK = "127.0.0.1, ::1"
UNKNOWN_SECONDS = "odoo.addons.metered_billing.connectors.kafka.client.UNKNOWN_SECONDS"


def event(number):
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(number),
            "source": "/s",
            "type": "t",
            "data": {"q": 1},
        }
    ).encode()


def source(address, **settings):
    return Kafka(
        {
            "brokers": address,
            "topics": "usage",
            "format": "cloudevents",
            "allowed_networks": LOOPBACK,
            **settings,
        }
    )


class TestKafkaSettings(TestCase):
    def test_brokers(self):
        self.assertEqual(
            parse_brokers("a.example.com, b:9093 [2001:db8::1]:94"),
            [("a.example.com", 9092), ("b", 9093), ("2001:db8::1", 94)],
        )
        for wrong in (
            "",
            " , ",
            "a:0",
            "a:65536",
            "a:b",
            "2001:db8::1",
            "http://a:1",
            "a:1?x",
            "@a:1",
            "a:²",
        ):
            with self.subTest(wrong), self.assertRaises(SourceSettingsError):
                parse_brokers(wrong)

    def test_topics(self):
        self.assertEqual(parse_topics("a, b a"), ["a", "b"])
        for wrong in ("", "^a.*", "..", "a/b", "x" * 250, "ü"):
            with self.subTest(ascii(wrong)), self.assertRaises(SourceSettingsError):
                parse_topics(wrong)

    def test_without_the_package_it_is_said_how_to_get_it(self):
        with patch.dict("sys.modules", {"confluent_kafka": None}):
            [check] = source("127.0.0.1:9").check()
        self.assertFalse(check.ok)
        self.assertIn("pip install confluent-kafka", check.remedy)

    def test_nothing_that_a_source_says_is_a_path_or_a_setting(self):
        made = source(
            "127.0.0.1:9",
            security="sasl_ssl",
            mechanism="PLAIN",
            username="u",
            password="p",
            authority="/etc/passwd",
        )._client_settings()
        self.assertEqual(made["ssl.ca.pem"], "/etc/passwd")
        self.assertFalse([name for name in made if name.endswith(".location")])
        for wrong in (
            {"security": "x"},
            {
                "security": "sasl_ssl",
                "mechanism": "GSSAPI",
                "username": "u",
                "password": "p",
            },
        ):
            with self.assertRaises(SourceSettingsError):
                source("127.0.0.1:9", **wrong)._client_settings()
        # Credentials are not in any message.
        with source(
            "127.0.0.1:9", security="sasl_plaintext", username="u", password="hush"
        ) as kafka:
            kafka._client_settings()
            self.assertNotIn("hush", kafka.redact("hush"))

    def test_addresses_are_refused(self):
        for address in ("127.0.0.1:9", "169.254.169.254:80", "localhost:9"):
            with self.subTest(address), source(address, allowed_networks="") as kafka:
                with self.assertRaises(SourceSettingsError):
                    kafka.reach()

    def test_every_address_of_a_name_is_looked_at(self):
        """The client takes any of them."""
        mixed = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 9092))
            for address in ("10.1.2.3", "169.254.169.254")
        ]
        policy = AddressPolicy(resolve=lambda *_asked: mixed)
        self.assertEqual(len(policy.addresses("kafka.example.com", 9092)), 1)
        with self.assertRaises(SourceSettingsError):
            policy.addresses("kafka.example.com", 9092, every=True)
        with self.assertRaises(SourceSettingsError):
            Client([("kafka.example.com", 9092)], {}, policy, str)

    def test_a_name_that_leads_elsewhere_afterwards(self):
        """It is looked up here first, and by the client then."""
        good = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 9))]
        policy = AddressPolicy(resolve=lambda *_asked: good)
        client = Client([("localhost", 9)], {"group.id": "x"}, policy, str)
        with self.assertRaisesRegex(SourceSettingsError, "localhost:9 led to"):
            client.cluster(seconds=2)
        client.close()

    def test_what_the_client_says_of_its_connections(self):
        """As librdkafka writes it, with and without TLS, of both families."""
        for said, is_refused in (
            ("a.example:9092/bootstrap: Connecting to ipv4#10.0.0.1:9092 (p) w", False),
            ("a.example:9092/bootstrap: Connecting to ipv4#127.0.0.1:9092 (p) w", True),
            ("ssl://a.example:9093/1: Connecting to ipv6#[::1]:9093 (ssl) with", True),
            ("sasl_ssl://a.example:9093/1: Connecting to ipv6#[::1]:9 (ssl) w", True),
            ("[::1]:9093/1: Connecting to ipv6#[::1]:9093 (plaintext) with", True),
            ("known:9093/1: Connecting to ipv4#127.0.0.1:9093 (plaintext) w", False),
            ("a.example:9092/1: Connection closed", False),
        ):
            policy = AddressPolicy(
                parse_networks("127.0.0.1"), servers={("known", 9093)}
            )
            watch = Watch(policy)
            watch.logger.debug("%s %s", "CONNECT [x] [thrd:a/b]:", said)
            with self.subTest(said):
                if is_refused:
                    with self.assertRaises(SourceSettingsError):
                        watch.check()
                else:
                    watch.check()

    def test_nobody_there(self):
        with source(f"127.0.0.1:{free_port()}") as kafka:
            with self.assertRaises(SourceUnreachable) as caught:
                kafka.client.cluster(seconds=2)
            self.assertTrue(caught.exception.retry)


class TestKafkaCluster(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.broker = cls.enterClassContext(Broker())

    def read_all(self, starts, **settings):
        with source(self.broker.address, **settings) as kafka:
            return list(kafka.read(starts, 300))

    def test_messages_of_all_partitions_in_order(self):
        self.broker.topic("ordered", 3)
        for partition in range(3):
            self.broker.send("ordered", map(event, range(50)), partition)
        portions = self.read_all(
            {("ordered", 0): 0, ("ordered", 1): 20, ("ordered", 2): 50}
        )
        found = {}
        for places in (portion.messages.places for portion in portions):
            for at, offset in zip(places.at, places.offsets.tolist(), strict=True):
                found.setdefault(places.names[at][1], []).append(offset)
        self.assertEqual(found, {0: list(range(50)), 1: list(range(20, 50))})
        self.assertEqual(
            {k: v for p in portions for k, v in p.ends.items()},
            {("ordered", partition): 50 for partition in range(3)},
        )

    def test_what_was_aborted_is_not_seen(self):
        from confluent_kafka import Producer

        self.broker.topic("tx")
        producer = Producer(
            {"bootstrap.servers": self.broker.address, "transactional.id": "t"}
        )
        producer.init_transactions(20)
        for kept in (True, False):
            producer.begin_transaction()
            producer.produce("tx", event(kept), partition=0)
            producer.flush(20)
            (producer.commit_transaction if kept else producer.abort_transaction)(20)
        portions = self.read_all({("tx", 0): 0})
        self.assertEqual(sum(p.count for p in portions), 1)
        # The end is behind the marks of the transactions.
        with source(self.broker.address) as kafka:
            end = kafka.client.ends("tx", 0)[1]
        self.assertEqual(portions[-1].ends, {("tx", 0): end})

    def test_what_is_gone_is_said(self):
        self.broker.topic("short", 2)
        for partition in (0, 1):
            self.broker.send("short", map(event, range(10)), partition)
        self.broker.forget("short", 0, 5)
        portions = self.read_all({("short", 0): 2, ("short", 1): 2})
        self.assertEqual({p for one in portions for p in one.lost}, {("short", 0)})
        self.assertEqual(sum(one.count for one in portions), 8)

    @patch(UNKNOWN_SECONDS, 0.5)
    def test_no_such_topic(self):
        with source(self.broker.address, topics="nothing") as kafka:
            with self.assertRaises(SourceNotFound):
                kafka.client.partitions("nothing")
            checks = kafka.check()
        self.assertEqual([c.ok for c in checks], [True, True, True, False])

    @patch(UNKNOWN_SECONDS, 300)
    def test_a_topic_that_is_not_known_yet(self):
        """As after a broker's start: it is asked for again, for a while."""
        later = Timer(0.5, self.broker.topic, ("late", 2))
        with source(self.broker.address, topics="late") as kafka:
            later.start()
            try:
                self.assertEqual(kafka.client.partitions("late"), [0, 1])
            finally:
                later.join()

    def test_checks(self):
        self.broker.topic("checked", 2)
        with source(self.broker.address, topics="checked") as kafka:
            self.assertTrue(all(check.ok for check in kafka.check()))
        self.broker.send("checked", [b"no JSON"], 1)
        with source(self.broker.address, topics="checked") as kafka:
            wrong = [check for check in kafka.check() if not check.ok]
        self.assertEqual([check.name for check in wrong], ["Newest message of checked"])

    def test_brokers_that_the_cluster_names_are_looked_at(self):
        with source(self.broker.address) as kafka:
            client = kafka.client
            client.policy = type(client.policy)()
            with self.assertRaisesRegex(SourceSettingsError, "lists the broker"):
                client.cluster()

    def test_a_broker_that_is_killed_while_it_is_read(self):
        with Broker() as broker:
            broker.topic("killed")
            broker.send("killed", map(event, range(30_000)))
            broker.settle()
            with source(broker.address) as kafka:
                portions = kafka.read({("killed", 0): 0}, 300)
                done = next(portions).count
                broker.kill()
                with self.assertRaises(SourceUnreachable):
                    while True:
                        portion = next(portions, None)
                        self.assertIsNotNone(portion)
                        done += portion.count
                        if done >= 30_000:
                            raise SourceUnreachable("all was here before")
            broker.start()
            with source(broker.address) as kafka:
                rest = list(kafka.read({("killed", 0): done}, 300))
            self.assertEqual(done + sum(p.count for p in rest), 30_000)


class TestKafkaSecurity(TestCase):
    def test_credentials_that_are_wrong(self):
        with SecureBroker(signs_in=True) as broker:
            with source(
                broker.address,
                security="sasl_plaintext",
                mechanism="PLAIN",
                username="somebody",
                password="hush-hush",
            ) as kafka:
                with self.assertRaises(SourceRefused) as caught:
                    kafka.client.cluster()
        self.assertIn("denied access", str(caught.exception))
        self.assertNotIn("hush-hush", str(caught.exception))

    def test_certificates(self):
        authority, other = Authority(), Authority("Other")
        with SecureBroker(certificate=authority.sign("localhost")) as broker:
            with source(
                broker.address, security="ssl", authority=authority.text
            ) as kafka:
                self.assertEqual(len(kafka.client.cluster().brokers), 1)
            for wrong in ({"authority": other.text}, {}):
                with source(broker.address, security="ssl", **wrong) as kafka:
                    with self.assertRaises(SourceRefused) as caught:
                        kafka.client.cluster()
                self.assertIn("certificate", str(caught.exception))
        with SecureBroker(certificate=authority.sign("elsewhere")) as broker:
            with source(
                broker.address, security="ssl", authority=authority.text
            ) as kafka:
                with self.assertRaises(SourceRefused):
                    kafka.client.cluster()

    def test_a_certificate_that_is_none(self):
        with source("127.0.0.1:9", security="ssl", authority="nonsense") as kafka:
            with self.assertRaises(SourceSettingsError):
                kafka.reach()
