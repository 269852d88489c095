# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Odoo's real server with workers, and clients that push the same events at once.

A client behaves as the API tells programs to: whoever gets no answer sends the same
request again.
"""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

WORKERS = 2
STARTED_WITHIN = 120
EMPTY_PATH = "/web/health"
PUSH_PATH = "/metered/v1/events"
SERVER = str(Path(__file__).with_name("server.py"))
#: times that a request is sent again at most
MOST_AGAIN = 50


@contextmanager
def server(config_file, database, workers=WORKERS):
    """Odoo's server with workers on loopback; its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        other = probe.getsockname()[1]
    process = subprocess.Popen(
        [
            *(sys.executable, SERVER, "--config", config_file),
            *("--database", database, "--db-filter", f"^{database}$"),
            *("--workers", str(workers), "--max-cron-threads", "0"),
            *("--http-port", str(port), "--gevent-port", str(other)),
            *("--log-level", "warn"),
        ],
        start_new_session=True,
    )
    try:
        until = time.monotonic() + STARTED_WITHIN
        while True:
            with suppress(OSError, http.client.HTTPException):
                ask(port, "GET", EMPTY_PATH)
                break
            if time.monotonic() > until or process.poll() is not None:
                raise AssertionError("the server did not start")
            time.sleep(0.2)
        yield port, process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def ask(port, method, path, body=None, headers=None):
    """The body of an answer with 200.

    :raise OSError, http.client.HTTPException: there is no answer
    :raise AssertionError: it is another one
    """
    status, text = answer_of(port, method, path, body, headers)
    if status != 200:
        raise AssertionError(f"{status}: {text[:300]!r}")
    return text


def answer_of(port, method, path, body=None, headers=None):
    """Status and body of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def crowd(port, process, events, headers, clients, batch):
    """Push the same events by several clients at once, while a worker is killed.

    Each client has an order of its own. Halfway through the first one's requests a
    worker that answers requests is killed.

    :param process: the server's, whose children are the workers
    :param events: list of dicts with different ids
    :return: (Counter of what was answered; list of dicts key -> statuses, one for each
        client)
    """
    bodies = max(len(events) // batch, 1)

    def client(number):
        own = list(events)
        random.Random(number).shuffle(own)
        told = {}
        for place, at in enumerate(range(0, len(own), batch)):
            body = json.dumps(own[at : at + batch]).encode()
            if not number and place == bodies // 2:
                kill_worker(process.pid)
            for _again in range(MOST_AGAIN):
                try:
                    status, text = answer_of(port, "POST", PUSH_PATH, body, headers)
                except (OSError, http.client.HTTPException):
                    time.sleep(0.1)
                    continue
                if status == 503:
                    time.sleep(0.1)
                    continue
                if status != 200:
                    raise AssertionError(f"{status}: {text[:300]!r}")
                for one in json.loads(text)["events"]:
                    told.setdefault(one["event"], one["status"])
                break
            else:
                raise AssertionError("no request was answered")
        return told

    with ThreadPoolExecutor(clients) as pool:
        told = list(pool.map(client, range(clients)))
    return Counter(status for one in told for status in one.values()), told


def kill_worker(master):
    """Kill a worker of a server that answers requests: the one that worked most."""
    workers = [
        pid
        for pid in map(int, _children(master))
        if b"gevent" not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    ]
    os.kill(max(workers, key=_processor), signal.SIGKILL)


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _processor(pid):
    """Ticks of the processor that a process took."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def peak(master):
    """Bytes of memory that one worker of a server had at most until now."""
    found = 0
    for pid in _children(master):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                found = max(found, int(line.split()[1]) * 1024)
    return found
