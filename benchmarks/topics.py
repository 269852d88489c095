# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Events of a Kafka topic beside the file import of the same events.

The broker is a process of its own on loopback; what producing takes is not counted.
"""

import csv
import statistics
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from effort import Effort

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))

from kafka_broker import Broker  # noqa: E402

PARTITIONS = 4
CUSTOMERS = 100
FIRST = datetime(2026, 6, 1, tzinfo=UTC)
#: large batches: the broker keeps each as one line of JSON
BATCHES = {
    "compression.type": "zstd",
    "batch.size": 4_000_000,
    "batch.num.messages": 100_000,
    "linger.ms": 500,
}
EVENT = (
    '{{"specversion":"1.0","id":"event-{0}","source":"/bench","type":"{1}",'
    '"subject":"{2}","time":"{3}","data":{{"quantity":{4},"region":"eu"}}}}'
)
COLUMNS = ("id", "source", "meter", "identifier", "time", "quantity", "region")


@dataclass
class Found:
    """An ``Effort`` of each round."""

    records: int
    topics: list
    files: list

    @property
    def per_s(self):
        return self.records / statistics.median(one.wall for one in self.topics)

    @property
    def over_import(self):
        return self._ratio("wall")

    @property
    def over_import_processor(self):
        return self._ratio("processor")

    def _ratio(self, name):
        return statistics.median(
            getattr(topic, name) / getattr(file, name)
            for topic, file in zip(self.topics, self.files, strict=True)
        )


def measure(env, operator, records, rounds, folder):
    """Fetch events from a topic, and import them from a file, by turns.

    :return: :class:`Found`
    """
    meter = env["metered.meter"].create(
        {"name": "Topic", "code": "topic", "unit": "calls", "kind": "event"}
    )
    env["metered.identifier"].create(
        [
            {"partner_id": partner.id, "kind": "key", "value": f"topic-{number}"}
            for number, partner in enumerate(operator.partners[:CUSTOMERS])
        ]
    )
    path = Path(folder) / "events.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        # An event is known by its source and id: so that the same is stored of both.
        rows.writerows(
            (f"{origin} {name}", origin, *more)
            for name, origin, *more in map(_event, range(records))
        )
    topics, files = [], []
    with Broker() as broker:
        broker.topic("bench", PARTITIONS)
        for partition in range(PARTITIONS):
            values = (
                EVENT.format(number, "topic", *_event(number)[3:6]).encode()
                for number in range(partition, records, PARTITIONS)
            )
            broker.send("bench", values, partition, **BATCHES)
        for number in range(rounds):
            topics.append(_fetch(env, _source(env, broker, f"Topic {number}"), records))
            source = _source(env, None, f"File {number}", meter)
            files.append(_import(env, source, path, records))
    return Found(records, topics, files)


def _event(number):
    moment = FIRST + timedelta(seconds=number)
    time = moment.isoformat().replace("+00:00", "Z")
    customer = f"topic-{number % CUSTOMERS}"
    return f"event-{number}", "/bench", "topic", customer, time, 1 + number % 7, "eu"


def _source(env, broker, name, meter=None):
    values = {
        "name": name,
        "preset": "usage",
        "timezone": "UTC",
        "country_id": env.ref("base.us").id,
        "max_age_days": 0,
        "future_hours": 24 * 365 * 100,
    }
    if broker:
        values |= {
            "preset": "events",
            "source_type": "kafka",
            "kafka_brokers": broker.address,
            "kafka_security": "plaintext",
            "kafka_topics": "bench",
            "kafka_format": "cloudevents",
            "allowed_networks": "127.0.0.1",
        }
    source = env["metered.source"].create(values)
    env.cr.commit()
    return source


def _fetch(env, source, records):
    sync = source._start_syncs("manual")
    env.cr.commit()
    with Effort.measure(env.cr) as effort:
        sync._process(env.cr.commit)
    _check(env, sync.batch_id, records, sync.error)
    return effort


def _import(env, source, path, records):
    attachment = env["ir.attachment"].create(
        {"name": path.name, "raw": path.read_bytes()}
    )
    batch = env["metered.batch"]._create_for_file(source, attachment)
    env.cr.commit()
    with Effort.measure(env.cr) as effort:
        batch._process(env.cr.commit)
    _check(env, batch, records, batch.error)
    return effort


def _check(env, batch, records, error):
    if batch.rated != records:
        messages = env["metered.exception"].search([], limit=1).mapped("message")
        raise AssertionError(
            f"{batch.rated} of {records} were rated: {batch.exceptions} exceptions "
            f"{error or ''} {messages}"
        )
