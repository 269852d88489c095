# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Events that are pushed: through the real server with two workers, on loopback.

The references are Odoo's own endpoint that does nothing on the same server, a COPY of
the same rows, and the import of the same events from a file.
"""

import csv
import io
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crowd import EMPTY_PATH, ask, crowd, server
from effort import Effort

from odoo import Command
from odoo.tools import config

from odoo.addons.metered_billing.connectors.events.cloud_event import read_events

BATCH = 1_000
CLIENTS = 2
#: who push the same events at once
CROWD = 8
SINGLE = 100
#: requests of which each hundredth may be slower than what is told of them
HUNDREDS = 200
CUSTOMERS = 100
FIRST = datetime(2026, 6, 1, tzinfo=UTC)
KIND = "application/cloudevents-batch+json"


@dataclass
class Found:
    """What was measured, in seconds and events or requests a second."""

    accepted_per_s: float
    single_per_s: float
    hundred_ms: float
    hundred_over_empty: float
    accepted_over_copy: float
    rated_over_import: float
    processor_us: float
    crowd_per_s: float


def measure(env, operator, records):
    """Push events, and rate them.

    :param int records: how many
    :return: :class:`Found`
    """
    source, files, token = _set_up(env, operator)
    events = [_event(number) for number in range(records)]
    bodies = [json.dumps(list(some)).encode() for some in _batches(events, BATCH)]
    with server(config["config"], env.cr.dbname) as (port, process):
        _get(port, EMPTY_PATH)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": KIND}

        def push(body):
            _post(port, "/metered/v1/events", body, headers)

        push(json.dumps([_event(-1)]).encode())
        accepted = _together(push, bodies)
        empty, hundreds = _by_turns(port, push)
        lonely = [
            json.dumps([_event(-number)]).encode()
            for number in range(200, 200 + SINGLE)
        ]
        single = _together(push, lonely)
        begun = time.monotonic()
        same = [_event(number) for number in range(records, 2 * records)]
        answered, _told = crowd(port, process, same, headers, CROWD, BATCH)
        crowd_s = time.monotonic() - begun
    if answered.keys() != {"accepted", "duplicate"} or answered["accepted"] > records:
        raise AssertionError(f"the crowd was answered {answered}")
    processor_us = _processor(env, source)
    copy_s = _copy(env)
    [waiting] = _value(env, "SELECT count(*) FROM metered_inbox")
    if waiting != 2 * records + 1 + 100 * HUNDREDS + SINGLE:
        raise AssertionError(f"{waiting} of 2 * {records} events are in the inbox")
    begun = time.monotonic()
    source._start_posted()._process(env.cr.commit)
    rated_s = time.monotonic() - begun
    [rated] = _value(env, "SELECT count(*) FROM metered_cdr WHERE content IS NOT NULL")
    if rated != waiting:
        raise AssertionError(f"{rated} of {waiting} events were rated")
    import_s = _import(env, files, events)
    return Found(
        accepted_per_s=records / accepted,
        single_per_s=SINGLE / single,
        hundred_ms=_slowest(hundreds) * 1000,
        hundred_over_empty=_slowest(hundreds) / statistics.median(empty),
        accepted_over_copy=accepted / copy_s,
        rated_over_import=(rated_s / waiting) / (import_s / records),
        processor_us=processor_us,
        crowd_per_s=CROWD * records / crowd_s,
    )


def _set_up(env, operator):
    meter = env["metered.meter"].create(
        {"name": "API calls", "code": "api", "unit": "calls", "kind": "event"}
    )
    usual = {
        "timezone": "UTC",
        "country_id": env.ref("base.us").id,
        "max_age_days": 0,
        "future_hours": 24 * 365 * 100,
    }
    source, files = env["metered.source"].create(
        [
            {"name": "Events", "source_type": "events", "preset": "events", **usual},
            {"name": "Files", "preset": "usage", "meter_id": meter.id, **usual},
        ]
    )
    env["metered.identifier"].create(
        [
            {"partner_id": partner.id, "kind": "key", "value": f"key-{number}"}
            for number, partner in enumerate(operator.partners[:CUSTOMERS])
        ]
    )
    key = env["metered.api.key"].create(
        {
            "name": "Bench",
            "source_ids": [Command.set(source.ids)],
            "requests_per_minute": 0,
        }
    )
    token = key._make()
    env.cr.commit()
    return source, files, token


def _event(number):
    moment = FIRST + timedelta(seconds=abs(number))
    return {
        "specversion": "1.0",
        "id": f"event-{number}",
        "source": "/bench",
        "type": "api",
        "subject": f"key-{number % CUSTOMERS}",
        "time": moment.isoformat().replace("+00:00", "Z"),
        "data": {"quantity": 1 + number % 7, "region": "eu", "path": "/v1/things"},
    }


def _batches(events, size):
    return (events[at : at + size] for at in range(0, len(events), size))


def _get(port, path):
    ask(port, "GET", path)


def _post(port, path, body, headers):
    ask(port, "POST", path, body, headers)


def _by_turns(port, push):
    """Seconds of each request that does nothing, and of each with 100 new events."""
    empty, hundreds = [], []
    for at in range(HUNDREDS):
        first = 1_000 + 100 * at
        body = json.dumps([_event(-first - number) for number in range(100)]).encode()
        begun = time.monotonic()
        _get(port, EMPTY_PATH)
        between = time.monotonic()
        push(body)
        empty.append(between - begun)
        hundreds.append(time.monotonic() - between)
    return empty, hundreds


def _slowest(seconds):
    """What 99 of 100 requests take at most."""
    return statistics.quantiles(seconds, n=100)[98]


def _together(work, items):
    begun = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, items))
    return time.monotonic() - begun


def _processor(env, source):
    """Microseconds of client and server for an event, without HTTP; taken back."""
    bodies = [
        json.dumps([_event(-at * BATCH - number) for number in range(BATCH)]).encode()
        for at in range(100, 110)
    ]
    env.cr.commit()
    with Effort.measure(env.cr) as effort:
        for body in bodies:
            events = read_events(body, KIND)
            outcomes = source._receive_events(events)
            json.dumps(outcomes)
    env.cr.rollback()
    return effort.processor / (len(bodies) * BATCH) * 1e6


def _copy(env):
    """Seconds of a COPY of the inbox into a table like it."""
    cr = env.cr
    text = io.BytesIO()
    cr.copy_expert("COPY metered_inbox TO STDOUT", text)
    cr.execute("CREATE TABLE bench_inbox (LIKE metered_inbox INCLUDING ALL)")
    cr.commit()
    text.seek(0)
    begun = time.monotonic()
    cr.copy_expert("COPY bench_inbox FROM STDIN", text)
    cr.commit()
    seconds = time.monotonic() - begun
    cr.execute("DROP TABLE bench_inbox")
    cr.commit()
    return seconds


def _import(env, source, events):
    """Seconds of the import of the same events from a file."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("id", "time", "identifier", "quantity", "meter"))
    rows.writerows(
        (e["id"], e["time"], e["subject"], e["data"]["quantity"], "api") for e in events
    )
    attachment = env["ir.attachment"].create(
        {"name": "events.csv", "raw": text.getvalue().encode()}
    )
    batch = env["metered.batch"]._create_for_file(source, attachment)
    env.cr.commit()
    begun = time.monotonic()
    batch._process(env.cr.commit)
    seconds = time.monotonic() - begun
    if batch.rated != len(events):
        raise AssertionError(
            f"{batch.rated} of {len(events)} were rated: {batch.state}, "
            f"{batch.exceptions} exceptions {batch.error or ''}"
            f"{env['metered.exception'].search([], limit=1).mapped('message')}"
        )
    return seconds


def _value(env, query):
    env.cr.execute(query)
    return env.cr.fetchone()
