# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The client of a Kafka cluster: its settings, its errors, and where it may connect to.

librdkafka connects by itself, to whatever brokers the cluster names. The addresses of
the settings are checked before anything is asked, and those that the cluster names
before anything is read and whenever it is asked again: all addresses of a name must be
allowed, since it takes any of them. It looks the names up once more and cannot be told
an address, so ``watch`` looks where it went. Nothing else of this server goes there: no
file, no ticket, no credential but those of the source.

Facts: ``auto.offset.reset`` is ``largest`` by default and loses silently what came
before; an unreachable broker makes ``poll`` return nothing for ever, and tells
``error_cb`` alone why. Source: librdkafka's CONFIGURATION.md.
"""

import logging
import time

from ..errors import (
    SourceError,
    SourceNotFound,
    SourceRefused,
    SourceSettingsError,
    SourceUnreachable,
)
from .watch import DEBUG, Watch

PORT = 9092
#: seconds that a question about the cluster may take
ASK_SECONDS = 10
#: seconds in which a topic may be unknown that is there: a broker that has just started
#: does not know its topics yet. It is asked again after a pause
UNKNOWN_SECONDS, UNKNOWN_PAUSE = 5, 0.25
PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
#: what no source can choose
FIXED = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "allow.auto.create.topics": False,
    "check.crcs": True,
    "socket.keepalive.enable": True,
    "queued.max.messages.kbytes": 32_768,
    "queued.min.messages": 200_000,
    "fetch.wait.max.ms": 100,
    # Or nothing is fetched for a second whenever enough is waiting.
    "fetch.queue.backoff.ms": 20,
    "reconnect.backoff.max.ms": 1_000,
    "client.id": "metered-billing",
}
_logger = logging.getLogger(__name__)


def library():
    """The package confluent-kafka.

    :raise SourceSettingsError: it is not installed
    """
    try:
        import confluent_kafka
    except ImportError as error:
        raise SourceSettingsError(
            "The Python package confluent-kafka is not installed on this server.",
            remedy="Ask the server administrator to run pip install confluent-kafka "
            "in Odoo's Python environment and to restart Odoo.",
        ) from error
    return confluent_kafka


def parse_brokers(text):
    """Brokers as they are entered: ``kafka-1.example.com:9092, [2001:db8::1]``.

    :return: list of (host, port), at least one
    :raise SourceSettingsError: it is none
    """
    found = []
    for part in (text or "").replace(",", " ").split():
        host, sign, port = part.rpartition(":")
        if not sign or (part.endswith("]") and part.startswith("[")):
            host, port = part, str(PORT)
        is_number = port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65_536
        plain = host.strip("[]")
        if not plain or not is_number or set(plain) & set("/@?#%\\\"' "):
            raise SourceSettingsError(
                f"{part} is not the address of a broker.",
                remedy="Enter brokers in the format kafka-1.example.com:9092.",
            )
        if ":" in plain and not host.startswith("["):
            raise SourceSettingsError(
                f"{part} is not the address of a broker.",
                remedy="Enclose IPv6 addresses in brackets: [2001:db8::1]:9092.",
            )
        found.append((plain, int(port)))
    if not found:
        raise SourceSettingsError(
            "The source has no brokers.",
            remedy="Enter at least one broker, for example kafka-1.example.com:9092.",
        )
    return found


class Client:
    """A consumer that is a member of no group.

    :param brokers: list of (host, port)
    :param settings: dict of librdkafka's settings, credentials included
    :param policy: ``addresses.AddressPolicy``
    :param redact: ``credentials.Redaction``
    """

    def __init__(self, brokers, settings, policy, redact):
        self.kafka = library()
        self.policy = policy
        self.redact = redact
        self.where = ", ".join(f"{host}:{port}" for host, port in brokers)
        self.usable = self._usable(brokers)
        self.failures = []
        self.watch = Watch(policy)
        servers = ",".join(_address(host, port) for host, port in self.usable)
        try:
            self.consumer = self.kafka.Consumer(
                {
                    **FIXED,
                    **DEBUG,
                    **settings,
                    "bootstrap.servers": servers,
                    "error_cb": self._on_error,
                },
                # Everything of interest comes back as an error of the source.
                logger=self.watch.logger,
            )
        except self.kafka.KafkaException as error:
            raise SourceSettingsError(
                f"The settings cannot be used: {self._said(error.args[0])}.",
                self.where,
                "Check the certificates and the private key.",
            ) from None

    def close(self):
        self.consumer.close()

    def _usable(self, brokers):
        """Those that may be connected to; one of which the name is known will do.

        :raise SourceError: none of them, or one that must not be
        """
        usable, unknown = [], None
        for host, port in brokers:
            try:
                self.policy.addresses(host, port, every=True)
            except SourceUnreachable as error:
                unknown = error
            else:
                usable.append((host, port))
        if not usable:
            raise unknown
        return usable

    def _on_error(self, error):
        self.failures.append(error)

    def forget(self):
        """Forget failures that are over."""
        self.failures.clear()

    def cluster(self, topic=None, seconds=ASK_SECONDS):
        """What the cluster says of itself; its brokers are ones that may be asked.

        :param topic: name of the one topic that is asked about; None: all
        :return: confluent_kafka's ClusterMetadata
        :raise SourceError: it says nothing, or names a broker that is refused
        """
        said = self._metadata(topic, seconds)
        for broker in said.brokers.values():
            self._check_named(broker)
        return said

    def _metadata(self, topic, seconds):
        """Ask in short turns: why there is no answer is told beside."""
        self.forget()
        until = time.monotonic() + seconds
        asked = {"topic": topic} if topic else {}
        while True:
            left = max(until - time.monotonic(), 0.1)
            try:
                said = self.consumer.list_topics(timeout=min(left, 1), **asked)
                self._listen()
                return said
            except self.kafka.KafkaException as error:
                self._listen()
                if self.is_refused() or time.monotonic() > until:
                    raise self.failure(error.args[0]) from None

    def _listen(self):
        """Hear what went wrong, and where it connected to.

        No message comes: nothing is assigned, or all of it will be once more.

        :raise SourceSettingsError: it connected to an address that is refused
        """
        self.consumer.poll(0)
        self.watch.check()

    def _check_named(self, broker):
        try:
            self.policy.addresses(broker.host, broker.port, every=True)
        except SourceUnreachable:
            # librdkafka does not find it either, and says so where it is needed.
            _logger.info("Broker %s:%s is not known", broker.host, broker.port)
        except SourceError as error:
            raise SourceSettingsError(
                f"The cluster lists the broker {broker.host}:{broker.port}, which "
                f"cannot be used. {error.what}",
                self.where,
                error.remedy,
            ) from None

    def partitions(self, topic):
        """The numbers of a topic's partitions, in order.

        :raise SourceNotFound: there is no such topic, each time it is asked for
        :raise SourceError: it cannot be asked for
        """
        until = time.monotonic() + UNKNOWN_SECONDS
        while True:
            found = self.cluster(topic).topics.get(topic)
            if found is not None and found.error is None:
                return sorted(found.partitions)
            if found is not None and not self.is_unknown(found.error):
                raise self.failure(found.error)
            if time.monotonic() > until:
                raise SourceNotFound(
                    f"The cluster has no topic {topic}.",
                    self.where,
                    "Check the spelling and the permissions of the user.",
                )
            time.sleep(UNKNOWN_PAUSE)

    def is_there_after_all(self, error, topic, partition):
        """Whether an error says that there is no such partition, and there is.

        :raise SourceNotFound: not even its topic
        """
        return self.is_unknown(error) and partition in self.partitions(topic)

    def is_unknown(self, error):
        """Whether an error says that there is no such topic, or partition, now."""
        codes = self.kafka.KafkaError
        return error.code() in (
            codes.UNKNOWN_TOPIC_OR_PART,
            codes._UNKNOWN_TOPIC,
            codes._UNKNOWN_PARTITION,
        )

    def ends(self, topic, partition):
        """The first offset that a partition still has, and the one after its last.

        :raise SourceError: it cannot be asked for
        """
        place = self.kafka.TopicPartition(topic, partition)
        until = time.monotonic() + UNKNOWN_SECONDS
        while True:
            try:
                return self.consumer.get_watermark_offsets(place, timeout=ASK_SECONDS)
            except self.kafka.KafkaException as error:
                is_late = time.monotonic() > until
                if is_late or not self.is_there_after_all(
                    error.args[0], topic, partition
                ):
                    raise self.failure(error.args[0]) from None
            time.sleep(UNKNOWN_PAUSE)

    def failure(self, error):
        """An error of the client as one of a source.

        What came first tells more than that time is up: the reason of it.
        """
        codes = self.kafka.KafkaError
        seen = [*self.failures, error]
        found = {one.code(): one for one in seen}
        for code in (
            codes._AUTHENTICATION,
            codes.SASL_AUTHENTICATION_FAILED,
            codes.TOPIC_AUTHORIZATION_FAILED,
            codes.GROUP_AUTHORIZATION_FAILED,
            codes.CLUSTER_AUTHORIZATION_FAILED,
        ):
            if code in found:
                return SourceRefused(
                    f"The cluster denied access: {self._said(found[code])}.",
                    self.where,
                    "Check the user name, password and mechanism, and the user's "
                    "permission to read the topics.",
                )
        if codes._SSL in found:
            return SourceRefused(
                f"The encrypted connection failed: {self._said(found[codes._SSL])}.",
                self.where,
                "Check the certificate authority, the certificate and the brokers' "
                "names.",
            )
        for code in (codes.UNKNOWN_TOPIC_OR_PART, codes._UNKNOWN_TOPIC):
            if code in found:
                return SourceNotFound(
                    f"The cluster does not have the topic: {self._said(found[code])}.",
                    self.where,
                    "Check the names of the topics.",
                )
        return SourceUnreachable(
            f"The cluster did not answer: {self._said(seen[0])}.",
            self.where,
            "Check the brokers, their ports, and Security. The source is tried again "
            "automatically.",
        )

    def is_refused(self):
        """Whether a broker answers, and does not take us for who we are."""
        codes = self.kafka.KafkaError
        fatal = (codes._AUTHENTICATION, codes._SSL, codes.SASL_AUTHENTICATION_FAILED)
        return any(error.code() in fatal for error in self.failures)

    def is_down(self):
        """Whether nothing can be had from any broker now."""
        down = self.kafka.KafkaError._ALL_BROKERS_DOWN
        return self.is_refused() or any(e.code() == down for e in self.failures)

    def _said(self, error):
        """What the client says, without what it says of itself and of time."""
        said = str(error.str() if hasattr(error, "str") else error)
        said = said.partition(" (after ")[0].partition(": brokers:")[0]
        return self.redact(said.strip().rstrip(".:"))


def _address(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
