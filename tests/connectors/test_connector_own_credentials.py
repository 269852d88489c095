# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Of what this server has for its own connections, a source sends nothing."""

import contextlib
import getpass
import os
import shutil
import socket
import struct
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import fsspec.config

from odoo.addons.metered_billing.connectors.addresses import (
    AddressPolicy,
    parse_networks,
)
from odoo.addons.metered_billing.connectors.errors import SourceError
from odoo.addons.metered_billing.connectors.file_systems import open_file_system
from odoo.addons.metered_billing.connectors.sources import make_connector

from ..support.file_servers import Sshd

#: stands in everything that is this server's own
OURS = "ours"
OWN = "of-the-source"
LOOPBACK = "127.0.0.1"
SERVICE = """\
[ours-service]
password=ours-by-service
user=ours-user
sslcert=/ours-cert
"""


class Recorder:
    """An HTTP server that answers all in one way and keeps what it was sent."""

    def __init__(self, status=403):
        heard = self.heard = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                heard.append(f"{self.requestline}\n{self.headers}")
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_HEAD = do_PUT = do_POST = do_CONNECT = answer

            def log_message(self, *_args):
                """Say nothing."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self._server.server_port}"
        # To be stopped it is asked for each time that it looks.
        threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        ).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class FakePostgres:
    """Asks for a password in one way, and keeps every byte that it is sent."""

    def __init__(self, ask):
        self.heard = b""
        self._ask = ask
        self._server = socket.create_server((LOOPBACK, 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                line, _address = self._server.accept()
                with line:
                    line.settimeout(300)
                    asked = False
                    while data := line.recv(4096):
                        self.heard += data
                        # 80877103, 80877104: may it be encrypted, by TLS or GSS?
                        first = struct.unpack("!I", data[4:8])[0]
                        if len(data) == 8 and first in (80877103, 80877104):
                            line.sendall(b"N")
                        elif asked:
                            break  # it would answer for as long as it is asked
                        else:
                            body, asked = self._ask, True
                            line.sendall(b"R" + struct.pack("!I", len(body) + 4) + body)

    def stop(self):
        self._server.close()


class OwnCredentialsCase(unittest.TestCase):
    """Everything that a library could find is set, in the environment and at home."""

    def setUp(self):
        super().setUp()
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.home = Path(kept.name)
        self.elsewhere = self.serve(Recorder())
        for name, text in {
            ".pgpass": "*:*:*:*:ours-by-pgpass\n",
            "passfile": "*:*:*:*:ours-by-passfile\n",
            ".pg_service.conf": SERVICE,
            ".postgresql/postgresql.crt": "ours",
            ".postgresql/postgresql.key": "ours",
            ".postgresql/root.crt": "ours",
            ".netrc": "machine 127.0.0.1 login ours password ours-by-netrc\n",
            ".aws/credentials": "[default]\naws_access_key_id = ours\n"
            "aws_secret_access_key = ours\naws_session_token = ours\n",
            ".aws/config": f"[default]\nendpoint_url = {self.elsewhere.url}\n"
            "region = ours\n",
        }.items():
            path = self.home / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(0o600)
        proxies = {
            f"{kind}_proxy": self.elsewhere.url for kind in ("http", "https", "all")
        }
        environment = {
            "HOME": str(self.home),
            "PGPASSWORD": "ours-by-environment",
            "PGPASSFILE": str(self.home / "passfile"),
            "PGSERVICE": "ours-service",
            "PGSERVICEFILE": str(self.home / ".pg_service.conf"),
            "PGUSER": "ours-user",
            "PGDATABASE": "ours-database",
            "PGHOST": "/ours",
            "PGHOSTADDR": "127.9.9.9",
            "PGOPTIONS": "-c ours=1",
            "PGAPPNAME": "ours",
            "PGSSLCERT": str(self.home / ".postgresql/postgresql.crt"),
            "PGSSLKEY": str(self.home / ".postgresql/postgresql.key"),
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.home / ".postgresql/root.crt"),
            "PGGSSENCMODE": "require",
            "PGREQUIREAUTH": "password,md5,gss",
            "KRB5CCNAME": f"FILE:{self.home / 'ours'}",
            "AWS_ACCESS_KEY_ID": "ours",
            "AWS_SECRET_ACCESS_KEY": "ours",
            "AWS_SESSION_TOKEN": "ours",
            "AWS_PROFILE": "ours",
            "AWS_ENDPOINT_URL": self.elsewhere.url,
            "AWS_ENDPOINT_URL_S3": self.elsewhere.url,
            "AWS_DEFAULT_REGION": "ours",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.elsewhere.url,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.elsewhere.url,
            "NETRC": str(self.home / ".netrc"),
            **proxies,
            **{name.upper(): url for name, url in proxies.items()},
            "no_proxy": "",
            "NO_PROXY": "",
        }
        patched = mock.patch.dict(os.environ, environment)
        patched.start()
        self.addCleanup(patched.stop)
        # What FSSPEC_S3_TOKEN and files in ~/.config/fsspec become.
        found = {
            "s3": {"token": "ours", "requester_pays": True},
            "sftp": {"username": "ours", "password": "ours", "look_for_keys": True},
        }
        patched = mock.patch.dict(fsspec.config.conf, found)
        patched.start()
        self.addCleanup(patched.stop)

    def serve(self, server):
        self.addCleanup(server.stop)
        return server

    def check_unused(self, heard):
        """Nothing that is ours was sent there, and nothing at all elsewhere."""
        self.assertNotIn(OURS, heard)
        self.assertEqual(self.elsewhere.heard, [])


class TestOwnCredentials(OwnCredentialsCase):
    def sql(self, server, **settings):
        connector = make_connector(
            "asterisk_sql",
            {
                "host": LOOPBACK,
                "port": server.port,
                "database": "asterisk",
                "username": OWN,
                "allowed_networks": LOOPBACK,
                **settings,
            },
        )
        self.addCleanup(connector.close)
        return [check for check in connector.check() if not check.ok]

    def test_sql(self):
        ways = {
            "clear text": struct.pack("!I", 3),
            "md5": struct.pack("!I", 5) + b"salt",
            "gss": struct.pack("!I", 7),
            "scram": struct.pack("!I", 10) + b"SCRAM-SHA-256\0\0",
            "nothing": struct.pack("!I", 0),
        }
        for way, ask in ways.items():
            for sslmode in ("prefer", "require", "verify-full", "disable"):
                for password in ("", OWN):
                    with self.subTest(way=way, sslmode=sslmode, password=password):
                        server = self.serve(FakePostgres(ask))
                        failed = self.sql(server, sslmode=sslmode, password=password)
                        self.assertTrue(failed)
                        self.check_unused(server.heard.decode("latin-1"))
                        self.assertNotIn(b"p\0\0\0", server.heard[:1])
                        if not password:
                            self.assertEqual(server.heard, b"")
                        elif way == "clear text":
                            self.assertNotIn(f"{OWN}\0".encode() * 2, server.heard)
                            self.assertNotIn(b"p\0\0\0\x12", server.heard)

    def test_no_socket_of_this_server(self):
        server = self.serve(FakePostgres(struct.pack("!I", 0)))
        line = socket.socket(socket.AF_UNIX)
        self.addCleanup(line.close)
        line.bind(str(self.home / f".s.PGSQL.{server.port}"))
        line.listen()
        line.setblocking(False)
        for host in (str(self.home), "/tmp", "@odoo", f"127.0.0.1,{self.home}"):
            with self.subTest(host=host):
                [failed, *_more] = self.sql(server, host=host, password=OWN)
                self.assertEqual(server.heard, b"")
                self.assertIn("not the name of a single server", failed.detail)
                with self.assertRaises(BlockingIOError):
                    line.accept()

    def test_http(self):
        for kind in ("netsapiens", "http_json"):
            for name in ("api_key", "bearer", "none"):
                if (name == "api_key") != (kind == "netsapiens"):
                    continue
                server = self.serve(Recorder())
                settings = {
                    "address": server.url,
                    "api_key": OWN,
                    "authentication": name,
                    "records_path": "calls",
                    "accounts_path": "tenants",
                    "allowed_networks": LOOPBACK,
                }
                with make_connector(
                    kind, settings, sleep=lambda _seconds: None
                ) as connector:
                    self.assertTrue([c for c in connector.check() if not c.ok])
                self.assertTrue(server.heard)
                self.check_unused("".join(server.heard))

    def test_s3(self):
        server = self.serve(Recorder())
        settings = {
            "kind": "s3",
            "address": server.url,
            "username": OWN,
            "password": OWN,
            "region": "eu-central-1",
            "folder": "bucket",
            "allowed_networks": LOOPBACK,
            "hurried": True,
        }
        system, folder, _redact = open_file_system(settings)
        with self.assertRaises(PermissionError):
            system.ls(folder)
        self.assertIn(f"Credential={OWN}/", server.heard[0])
        self.check_unused("".join(server.heard))
        for missing in ("username", "password"):
            with self.assertRaises(SourceError):
                open_file_system({**settings, missing: ""})

    def test_s3_of_a_name_that_leads_home_the_second_time(self):
        server = self.serve(Recorder())
        port = server.url.rpartition(":")[2]
        real, asked = socket.getaddrinfo, []

        def resolve(host, *args, **options):
            if host not in ("rebind.test", b"rebind.test"):
                return real(host, *args, **options)
            asked.append(host)
            where = "8.8.8.8" if len(asked) == 1 else LOOPBACK
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (where, int(port)))]

        for address in (f"http://rebind.test:{port}", server.url):
            with (
                self.subTest(address=address),
                mock.patch("socket.getaddrinfo", resolve),
                self.assertRaisesRegex(Exception, "this server itself|connect"),
            ):
                system, folder, _redact = open_file_system(
                    {
                        "kind": "s3",
                        "address": address,
                        "username": OWN,
                        "password": OWN,
                        "folder": "bucket",
                        "hurried": True,
                    },
                    AddressPolicy(resolve=resolve),
                )
                system.ls(folder)
        self.assertGreater(len(asked), 1)
        self.assertEqual(server.heard, [])

    def test_sftp(self):
        server = self.serve(Sshd())
        folder = self.home / ".ssh"
        folder.mkdir()
        shutil.copy(server.folder / "user_key", folder / "id_ed25519")
        key = (server.folder / "host_key.pub").read_text()
        (folder / "known_hosts").write_text(f"[{LOOPBACK}]:{server.port} {key}")
        settings = {
            "kind": "sftp",
            "host": LOOPBACK,
            "port": server.port,
            "username": getpass.getuser(),
            "allowed_networks": LOOPBACK,
        }
        own = (server.folder / "user_key").read_text()
        for wrong in (
            {"host_key": key},
            {"host_key": key, "password": OWN},
            {"private_key": own},  # a key that only known_hosts knows
        ):
            with self.subTest(wrong=list(wrong)), self.assertRaises(SourceError):
                open_file_system({**settings, **wrong})
        given = {"private_key": own, "host_key": key}
        system, _folder, _redact = open_file_system({**settings, **given})
        self.addCleanup(system.client.close)
        self.assertTrue(system.ls("/"))


class TestNoWayUp(unittest.TestCase):
    """An account is one part of a path, whoever made its name up."""

    NAMES = (
        "..",
        ".",
        "../cdrs",
        "a/../b",
        "a/..",
        "%2e%2e",
        "%2E.",
        "%252e%252e",
        "..%2fcdrs",
        "a%2f..%2f..",
        "..\\cdrs",
        "..;x",
        " .. ",
        "",
    )

    def ask(self, key, account):
        """All that a connector asks for of an account; what arrived."""
        server = Recorder(404)
        settings = {
            "address": f"{server.url}/api",
            "api_key": OWN,
            "authentication": "api_key" if key == "netsapiens" else "bearer",
            "allowed_networks": LOOPBACK,
            "api": "v2",
            "records_path": "t/{account}/cdrs",
            "numbers_path": "t/{account}/numbers",
            "count_path": "t/{account}/count",
        }
        start, end = parse_stretch()
        try:
            with make_connector(key, settings) as connector:
                for look in (
                    lambda: list(connector.identifiers(account)),
                    lambda: list(connector.fetch(account, start, end)),
                    lambda: connector.count(account, start, end),
                    lambda: connector.check(account),
                ):
                    with contextlib.suppress(SourceError):
                        look()
        finally:
            server.stop()
        return [heard.split()[1].partition("?")[0] for heard in server.heard]

    def test_every_connector_over_http(self):
        for key in ("netsapiens", "http_json", "brightlink"):
            usual = {path.replace("acme", "*") for path in self.ask(key, "acme")}
            self.assertTrue([path for path in usual if "*" in path], usual)
            for account in self.NAMES:
                with self.subTest(key=key, account=account):
                    arrived = self.ask(key, account)
                    self.assertLessEqual(
                        set(arrived), {path for path in usual if "*" not in path}
                    )

    def test_a_connector_that_does_not_quote(self):
        from odoo.addons.metered_billing.connectors.http import HttpClient

        server = Recorder()
        self.addCleanup(server.stop)
        policy = AddressPolicy(parse_networks(LOOPBACK))
        client = HttpClient(server.url, policy=policy)
        self.addCleanup(client.close)
        for account in filter(None, self.NAMES):
            with self.subTest(account=account), self.assertRaises(SourceError):
                client.get_json(f"tenants/{account}/cdrs")
        self.assertEqual(server.heard, [])


def parse_stretch():
    """A day."""
    from datetime import UTC, datetime, timedelta

    start = datetime(2026, 10, 1, tzinfo=UTC)
    return start, start + timedelta(days=1)
