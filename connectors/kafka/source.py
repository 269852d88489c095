# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A Kafka cluster as a source: its topics, and their messages from an offset on.

The offsets are the caller's: it says where each partition goes on, and stores what it
is given together with where it goes on then. No group is joined, so that whoever is
killed blocks nobody.
"""

import certifi
import numpy as np

from ..addresses import AddressPolicy, parse_networks
from ..checks import Check, counted
from ..errors import SourceSettingsError
from ..interface import Connector, attempt, register
from .client import MECHANISMS, PROTOCOLS, Client, library, parse_brokers
from .messages import CLOUD_EVENTS, EVENTS, RECORDS, Decoder
from .reading import Portion, Reading

#: messages and bytes that are stored and committed together; the first are fewer, for
#: which the database has to wait, and each portion has so many times those before
MOST_MESSAGES, FIRST_MESSAGES, GROWTH = 100_000, 25_000, 4
MOST_BYTES = 64 * 2**20
#: messages that are taken from the client at a time
TAKEN = 10_000
#: seconds without a message after which a cluster that says nothing is one that failed
SILENCE = 30
#: seconds in which single messages are there
MARK_SECONDS = 20
#: seconds until the client is asked again
WAIT = 0.2


@register
class Kafka(Connector):
    """A cluster.

    Settings: ``brokers``, ``security`` (one of ``client.PROTOCOLS``), ``mechanism``,
    ``username``, ``password``, ``authority``, ``certificate`` and ``kafka_key`` (PEM),
    ``topics``, ``format`` (one of ``messages``), ``group`` (only shown to the cluster),
    ``allowed_networks``.
    """

    key = "kafka"
    name = "Kafka"
    preset = "events"
    has_offsets = True
    writes_json = True
    has_own_fields = True
    decided_by = ("kafka_security",)

    @classmethod
    def needs_account(cls, form):
        return False

    @classmethod
    def asks_for(cls, form):
        asked = super().asks_for(form)
        asked |= {"kafka", "kafka_brokers", "kafka_security", "kafka_topics"}
        security = form["kafka_security"] or ""
        if security.startswith("sasl"):
            asked |= {"kafka_mechanism", "username", "password"}
        if security.endswith("ssl"):
            asked |= {"ssl_authority", "kafka_certificate", "kafka_key"}
        return asked

    def __init__(self, settings, **surroundings):
        super().__init__(settings, **surroundings)
        self.brokers = parse_brokers(settings.get("brokers"))
        self.topics = parse_topics(settings.get("topics"))
        self.form = settings.get("format") or EVENTS
        if self.form not in (CLOUD_EVENTS, EVENTS, RECORDS):
            raise SourceSettingsError(f"There is no format {self.form}.")
        self.policy = self.surroundings.get("policy") or AddressPolicy(
            parse_networks(settings.get("allowed_networks")),
            servers=set(self.brokers),
        )
        self._client = None

    @property
    def client(self):
        """The :class:`~.client.Client`, which connects when it is asked something."""
        if self._client is None:
            self._client = Client(
                self.brokers, self._client_settings(), self.policy, self.redact
            )
        return self._client

    def close(self):
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _client_settings(self):
        given = self.settings
        security = given.get("security") or "plaintext"
        mechanism = given.get("mechanism") or MECHANISMS[0]
        if security not in PROTOCOLS or mechanism not in MECHANISMS:
            raise SourceSettingsError(
                "The source's security settings are not supported.",
                remedy="Choose Security and Mechanism on the source.",
            )
        made = {
            "security.protocol": security,
            "group.id": given.get("group") or "metered-billing",
        }
        if security.startswith("sasl"):
            made["sasl.mechanism"] = mechanism
            made["sasl.username"] = self.setting("username", "user name")
            made["sasl.password"] = self.secret("password")
        if security.endswith("ssl"):
            made |= self._certificates()
        return made

    def _certificates(self):
        given, made = self.settings, {}
        if given.get("authority"):
            made["ssl.ca.pem"] = given["authority"]
        else:
            made["ssl.ca.location"] = certifi.where()
        if given.get("certificate") or given.get("kafka_key"):
            if not given.get("certificate"):
                raise SourceSettingsError(
                    "The private key has no certificate.",
                    remedy="Enter the certificate that belongs to the private key.",
                )
            made["ssl.certificate.pem"] = given["certificate"]
            made["ssl.key.pem"] = self.secret("kafka_key", "private key")
        return made

    # ---- what the interface asks for

    def accounts(self):
        return iter(())

    def fetch(self, account, start, end, cursor=None):
        raise NotImplementedError("it is read by offsets")

    def reach(self):
        return self.client.cluster(self.topics[0]).cluster_id

    def check(self, account=None):
        checks = []
        name = "confluent-kafka is installed"
        if not attempt(checks, name, lambda: library().__version__):
            return checks
        if not attempt(checks, "The cluster answers", self._look_cluster):
            return checks
        checks.append(self._look_encryption())
        for topic in self.topics:
            if attempt(checks, f"Topic {topic}", lambda t=topic: self._look_topic(t)):
                attempt(
                    checks,
                    f"Newest message of {topic}",
                    lambda t=topic: self._look_newest(t),
                )
        return checks

    def _look_cluster(self):
        return counted(len(self.client.cluster(self.topics[0]).brokers), "broker")

    def _look_encryption(self):
        name = "The connection is encrypted"
        if (self.settings.get("security") or "").endswith("ssl"):
            return Check(name, True)
        hosts = {host for host, _port in self.brokers}
        if hosts <= {"127.0.0.1", "localhost", "::1"}:
            return Check(
                "The connection is private",
                True,
                "The connection does not leave this server.",
            )
        return Check(
            name,
            False,
            "Messages and credentials can be read in transit.",
            "Choose a security setting with TLS.",
        )

    def _look_topic(self, topic):
        return counted(len(self.client.partitions(topic)), "partition")

    def _look_newest(self, topic):
        for partition in self.client.partitions(topic):
            low, high = self.client.ends(topic, partition)
            if low == high:
                continue
            for portion in self.read({(topic, partition): high - 1}, 5):
                if not portion.count:
                    continue
                chunk = Decoder(self.form).chunk(portion.messages.last(), 0)
                if chunk.bad:
                    raise SourceSettingsError(
                        chunk.bad[0].note,
                        remedy="Choose the message format on the source.",
                    )
                return ", ".join(name for name in chunk.frame if name[0] != "(")
        return "The topic is empty."

    # ---- reading

    def read(self, starts, seconds=None, stops=None):
        """Messages from given offsets on, until there are no more or time is up.

        :param starts: dict (topic, partition) -> offset of the next message
        :param seconds: None: until there are no more
        :param stops: dict (topic, partition) -> offset from which on messages are left
            to the next time, so that it ends where more arrive all the time
        :return: iterator of :class:`Portion`, of which none is empty
        :raise SourceError: nothing more can be read
        """
        client = self.client
        # Brokers that the cluster names are looked at before librdkafka needs them.
        client.cluster(self.topics[0])
        reading = Reading(client, dict(starts), stops or {})
        reading.assign()
        try:
            yield from self._portions(client, reading, seconds)
        finally:
            if self._client is client:
                client.consumer.unassign()

    def _portions(self, client, reading, seconds):
        begun = heard = self.clock()
        most = FIRST_MESSAGES
        portion = Portion()
        while reading.left:
            now = self.clock()
            if seconds is not None and now - begun > seconds:
                break
            found = client.consumer.consume(TAKEN, WAIT)
            client.watch.check()
            if reading.sort(found, portion):
                heard = now
                client.forget()
            elif client.is_down() and now - heard > WAIT or now - heard > SILENCE:
                yield from _some(portion)
                raise self._silent(client)
            if portion.count >= most or portion.size >= MOST_BYTES:
                yield portion
                portion = Portion()
                most = min(MOST_MESSAGES, most * GROWTH)
        yield from _some(portion)

    def _silent(self, client):
        code = client.kafka.KafkaError._TIMED_OUT
        return client.failure(client.kafka.KafkaError(code, "no message arrived"))

    def marks(self, offsets):
        """What tells the messages at some offsets from others.

        A topic that was deleted and created again goes on as if it were the same once
        it has as many messages.

        :param offsets: dict (topic, partition) -> offset
        :return: dict (topic, partition) -> text, of the messages that are there
        :raise SourceError: they cannot be read
        """
        found, left = {}, dict(offsets)
        stops = {place: offset + 1 for place, offset in offsets.items()}
        for portion in self.read(dict(offsets), MARK_SECONDS, stops):
            if portion.count:
                found |= marks_of(portion.messages, offsets)
            places = portion.messages.places.names if portion.count else ()
            for place in (*places, *portion.ends, *portion.lost):
                left.pop(place, None)
        if left:
            raise self._silent(self.client)
        return found

    def tell(self, offsets):
        """Let the cluster know how far records are stored, for its own monitors.

        It may say no: nothing depends on it.

        :param offsets: dict (topic, partition) -> next offset
        """
        if not self.settings.get("group") or not offsets:
            return
        kafka = self.client.kafka
        self.client.consumer.commit(
            offsets=[kafka.TopicPartition(*p, n) for p, n in offsets.items()],
            asynchronous=True,
        )


def mark(offset, stamp, size):
    """What tells a message from another one at the same offset: a text.

    :param int offset, stamp, size: of the message; the broker's time in milliseconds,
        and bytes of its value
    """
    return f"{offset} {stamp} {size}"


def marks_of(messages, offsets):
    """The marks of messages that are at these offsets.

    :param messages: ``columns.Messages``
    :param offsets: dict (topic, partition) -> offset
    """
    places, sizes = messages.places, messages.sizes()
    wanted = np.array([offsets.get(name, -1) for name in places.names])[places.at]
    return {
        places.names[places.at[row]]: mark(
            places.offsets[row], places.stamps[row], sizes[row]
        )
        for row in np.flatnonzero(places.offsets == wanted).tolist()
    }


def _some(portion):
    if portion.count or portion.ends or portion.lost:
        yield portion


def parse_topics(text):
    """Topics as they are entered, separated by commas or spaces.

    :return: list of names, at least one
    :raise SourceSettingsError: it is none
    """
    topics = list(dict.fromkeys((text or "").replace(",", " ").split()))
    if not topics:
        raise SourceSettingsError(
            "The source has no topics.", remedy="Enter at least one topic."
        )
    for topic in topics:
        plain = topic.replace("_", "").replace("-", "").replace(".", "")
        is_name = topic.isascii() and (not plain or plain.isalnum())
        if not is_name or len(topic) > 249 or topic in (".", ".."):
            # A name that begins with ^ is an expression to librdkafka.
            raise SourceSettingsError(
                f"{topic} is not the name of a topic.",
                remedy="Enter the names of topics: letters, digits, dots, hyphens and "
                "underscores.",
            )
    return topics
