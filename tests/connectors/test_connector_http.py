# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The HTTP layer of the connectors, against servers that mean no good."""

import datetime
import gzip
import ipaddress
import json
import logging
import os
import socket
import ssl
import tempfile
import threading
import tracemalloc
import unittest
from pathlib import Path
from unittest import mock

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from odoo.addons.metered_billing.connectors.addresses import (
    AddressPolicy,
    parse_networks,
)
from odoo.addons.metered_billing.connectors.auth import HeaderAuth, QueryAuth
from odoo.addons.metered_billing.connectors.credentials import Redaction
from odoo.addons.metered_billing.connectors.errors import (
    SourceAnswerError,
    SourceError,
    SourceSettingsError,
    SourceUnreachable,
)
from odoo.addons.metered_billing.connectors.http import HttpClient, HttpLimits
from odoo.addons.metered_billing.connectors.http_json import HttpJson
from odoo.addons.metered_billing.connectors.refusals import retry_after_seconds
from odoo.addons.metered_billing.connectors.throttle import Throttle, shared_throttle
from odoo.addons.metered_billing.connectors.web_address import check_address
from odoo.addons.metered_billing.demo.servers.faulty_http import (
    Fault,
    FaultyServer,
    Reply,
)

from ..support.fake_clock import FakeClock

LOOPBACK = parse_networks("127.0.0.0/8")
MIB = 2**20


class PlannedServer(FaultyServer):
    """Answers what its ``plan`` says: path -> Reply or function of the request."""

    def __init__(self, plan, **options):
        super().__init__(**options)
        self.plan = plan

    def answer(self, request):
        planned = self.plan.get(request.path, Reply.of({"path": request.path}))
        return planned(request) if callable(planned) else planned


def redirect(target, status=302):
    return Reply(status, b"", {"Location": target})


class HttpCase(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.clock = FakeClock()

    def serve(self, **plan):
        server = PlannedServer({f"/{name}": reply for name, reply in plan.items()})
        server.__enter__()
        self.addCleanup(server.stop)
        return server

    def client(self, server, **options):
        limits = options.pop("limits", {})
        options = {
            "policy": AddressPolicy(LOOPBACK),
            "limits": HttpLimits(**{"attempts": 1, "answer_bytes": MIB} | limits),
            "sleep": self.clock.sleep,
            "clock": self.clock,
            **options,
        }
        client = HttpClient(getattr(server, "url", server), **options)
        self.addCleanup(client.close)
        return client


def stream(head, block, count):
    """A reply of ``count`` blocks; ``stream.sent`` blocks went out."""

    def reply(_request):
        def write(handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n")
            reply.sent = 0
            for _ in range(count):
                try:
                    handler.wfile.write(block)
                except OSError:
                    break
                reply.sent += 1
            reply.ended.set()

        return write

    reply.ended = threading.Event()
    return reply


class TestHostile(HttpCase):
    def check_bounded(self, reply, message, **options):
        """One clear error, and memory that does not grow with the answer."""
        client = self.client(self.serve(x=reply), **options)
        tracemalloc.start()
        try:
            with self.assertRaisesRegex(SourceError, message) as caught:
                client.get_json("x")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 6 * MIB)
        self.assertTrue(caught.exception.remedy)
        return caught.exception

    def test_an_answer_of_a_gigabyte(self):
        block = b" " * MIB
        for length in (b"Content-Length: 1073741824", b"Connection: close"):
            head = b"Content-Type: application/json\r\n" + length
            reply = stream(head, block, 1024)
            error = self.check_bounded(reply, "larger than 1 MiB")
            self.assertFalse(error.retry)
            self.assertTrue(reply.ended.wait(300))
            self.assertLess(reply.sent, 64)

    def test_a_gzip_bomb(self):
        bomb = gzip.compress(b"0" * 100 * MIB, 9)
        self.assertLess(len(bomb), MIB)
        reply = Reply.of(bomb, **{"Content-Encoding": "gzip"})
        self.check_bounded(reply, "larger than 1 MiB")

    def test_json_that_is_nested_too_deep(self):
        self.check_bounded(Reply.of(b"[" * 500_000), "not valid JSON")

    def test_a_number_of_a_million_digits(self):
        self.check_bounded(Reply.of(b"1" * 900_000), "not valid JSON")

    def test_a_server_that_sends_a_byte_now_and_then(self):
        released = threading.Event()
        self.addCleanup(released.set)

        def drip(head):
            def write(handler):
                handler.wfile.write(head)
                while not released.wait(0.02):
                    handler.wfile.write(b" ")
                    handler.wfile.flush()

            return lambda request: write

        in_body = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        for head in (in_body, b"HTTP/1.1 200 OK\r\nX-Long: "):
            client = self.client(
                self.serve(x=drip(head)), limits={"request_seconds": 0.3}
            )
            with self.assertRaisesRegex(SourceUnreachable, r"longer than 0\.3 s"):
                client.get_json("x")

    def test_a_server_that_never_answers(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}"
            client = self.client(url, limits={"read_seconds": 0.2})
            with self.assertRaisesRegex(SourceUnreachable, "timed out"):
                client.get_json("x")

    def test_redirect_loop(self):
        server = self.serve(x=redirect("/y"), y=redirect("/x"))
        with self.assertRaisesRegex(SourceAnswerError, "more than 3 times"):
            self.client(server).get_json("x")
        self.assertEqual(len(server.requests), 4)

    def test_redirects_stay_on_the_server(self):
        other = self.serve()
        server = self.serve(
            x=redirect("/y?page=2"),
            z=redirect(f"{other.url}/steal"),
            m=redirect("http://169.254.169.254/latest/meta-data"),
            f=redirect("file:///etc/passwd"),
        )
        client = self.client(server, auth=HeaderAuth.bearer("to-ken"))
        self.assertEqual(client.get_json("x", {"a": 1}), {"path": "/y"})
        self.assertEqual(server.requests[-1].query, {"page": "2"})
        self.assertEqual(server.requests[-1].headers["Authorization"], "Bearer to-ken")
        for path in ("z", "m", "f"):
            with self.assertRaisesRegex(SourceAnswerError, "redirects to another"):
                client.get_json(path)
        self.assertEqual(other.requests, [])

    def test_what_is_sent_is_not_sent_elsewhere(self):
        server = self.serve(x=redirect("/y", 307))
        with self.assertRaisesRegex(SourceAnswerError, "redirects POST requests"):
            self.client(server).post_json("x", json_body={})

    def test_links_in_answers_stay_on_the_server(self):
        server = self.serve()
        client = self.client(server)
        self.assertEqual(client.same_server("/p?page=2"), f"{server.url}/p?page=2")
        with self.assertRaisesRegex(SourceAnswerError, "evil.example"):
            client.same_server("https://evil.example/p")

    def test_wrong_kinds_of_answers(self):
        cases = {
            "web page": Reply(200, b"<html></html>", {"Content-Type": "text/html"}),
            "web page instead": Reply.of(b" <!DOCTYPE html><html>"),
            "'image/png' instead of JSON": Reply(
                200, b"x", {"Content-Type": "image/png"}
            ),
            "encoding 'br'": Reply.of(b"x", **{"Content-Encoding": "br"}),
            "not properly compressed": Reply.of(
                b"xxxx", **{"Content-Encoding": "gzip"}
            ),
            "was cut off": Reply.of(
                gzip.compress(b"[1, 2, 3]")[:-9], **{"Content-Encoding": "gzip"}
            ),
            "not valid JSON": Reply.of(b'{"a": '),
            "not valid JSON: ": Reply.of(b"\xff\xfe\xfd"),
        }
        # One server: each thread takes address space, and Odoo limits that.
        server = self.serve()
        client = self.client(server)
        for message, reply in cases.items():
            server.plan["/x"] = reply
            with self.assertRaisesRegex(SourceError, message):
                client.get_json("x")

    def test_proxies_and_passwords_of_the_machine_are_not_used(self):
        with tempfile.NamedTemporaryFile("w") as netrc:
            netrc.write("machine 127.0.0.1 login somebody password something\n")
            netrc.flush()
            surroundings = {
                "NETRC": netrc.name,
                "HTTP_PROXY": "http://127.0.0.1:9",
                "http_proxy": "http://127.0.0.1:9",
            }
            server = self.serve()
            with mock.patch.dict(os.environ, surroundings):
                self.client(server).get_json("x")
        self.assertNotIn("Authorization", server.requests[0].headers)


class TestAddresses(HttpCase):
    def test_what_is_refused(self):
        own = socket.gethostbyname(socket.gethostname())
        policy = AddressPolicy()
        for address in (
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "::1",
            "::",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fe80::1%eth0",
            "fd00:ec2::254",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            own,
        ):
            self.assertTrue(policy.refusal(address), address)
        for address in (
            "10.255.254.253",
            "100.64.3.4",
            "fd12::7",
            "2a00::7",
            "8.8.8.8",
        ):
            self.assertEqual(policy.refusal(address), "", address)

    def test_every_special_purpose_address_of_the_registries(self):
        """IANA's, RFC 6890; local networks are where telephone systems are."""
        policy = AddressPolicy()
        for network in (
            "0.0.0.0/8 127.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.0.0/29"
            " 192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/31 192.0.0.192/32"
            " 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24"
            " 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24"
            " 240.0.0.0/4 255.255.255.255/32 ::1/128 ::/128 ::ffff:127.0.0.0/104"
            " ::7f00:0/104 64:ff9b::7f00:0/104 64:ff9b:1::/48 100::/64 100:0:0:1::/64"
            " 2001::/23 2001::/32 2001:1::1/128 2001:2::/48 2001:3::/32"
            " 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32"
            " 2620:4f:8000::/48 3fff::/20 5f00::/16 fe80::/10 fec0::/10 ff00::/8"
            " 64:ff9b:1:7f00:1:: 2002:c000:204::1"
        ).split():
            ends = ipaddress.ip_network(network)
            for address in (ends[0], ends[-1], ends[ends.num_addresses // 2]):
                self.assertTrue(policy.refusal(str(address)), f"{address}: {network}")
        allowed = AddressPolicy(parse_networks("64:ff9b:1::/48, 198.18.0.0/15"))
        for address in ("64:ff9b:1::7", "198.18.0.1", "2002:c612:1::"):
            self.assertEqual(allowed.refusal(address), "", address)

    def test_what_an_administrator_allows(self):
        policy = AddressPolicy(parse_networks("127.0.0.1, 169.254.0.0/16 ::1"))
        for address in ("127.0.0.1", "169.254.7.7", "::1", "::ffff:127.0.0.1"):
            self.assertEqual(policy.refusal(address), "", address)
        self.assertTrue(policy.refusal("127.0.0.2"))
        with self.assertRaisesRegex(SourceSettingsError, "localnet is not a network"):
            parse_networks("10.0.0.0/8 localnet")

    def resolver(self, *answers):
        """A name server that answers differently each time."""
        asked = []

        def resolve(host, port, *_more):
            found = answers[min(len(asked), len(answers) - 1)]
            asked.append(host)
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
                for address in found
            ]

        resolve.asked = asked
        return resolve

    def test_what_is_connected_to_is_what_was_checked(self):
        server = self.serve()
        resolve = self.resolver(["127.0.0.1"], ["169.254.169.254"])
        client = self.client(
            f"http://pbx.example.com:{server.port}",
            policy=AddressPolicy(LOOPBACK, resolve),
        )
        self.assertEqual(client.get_json("x"), {"path": "/x"})
        self.assertEqual(resolve.asked, ["pbx.example.com"])
        self.assertIn("pbx.example.com", server.requests[0].headers["Host"])

    def test_a_name_that_leads_home(self):
        server = self.serve()
        resolve = self.resolver(["127.0.0.1", "169.254.169.254"])
        client = self.client(
            f"http://pbx.example.com:{server.port}", policy=AddressPolicy((), resolve)
        )
        with self.assertRaisesRegex(
            SourceSettingsError, "127.0.0.1 is this server itself"
        ):
            client.get_json("x")
        self.assertEqual(server.requests, [])

    def test_of_several_addresses_only_allowed_ones_are_used(self):
        server = self.serve()
        policy = AddressPolicy(
            parse_networks("127.0.0.1"), self.resolver(["127.0.0.2", "127.0.0.1"])
        )
        client = self.client(f"http://pbx.example.com:{server.port}", policy=policy)
        self.assertEqual(client.get_json("x"), {"path": "/x"})

    def test_what_is_allowed_for_a_server_is_for_no_other_one(self):
        server, beside = self.serve(), self.serve()
        for path in ("{server}/x", "{beside}/x"):
            path = path.format(
                server=f"http://127.0.0.1:{server.port}",
                beside=f"http://127.0.0.1:{beside.port}",
            )
            connector = HttpJson(
                {
                    "address": f"http://127.0.0.1:{server.port}/api",
                    "allowed_networks": "127.0.0.1",
                    "records_path": "/records",
                }
            )
            with self.subTest(path), connector:
                if str(server.port) in path:
                    connector.client.get_json(path)
                    continue
                with self.assertRaisesRegex(SourceSettingsError, "this server itself"):
                    connector.client.get_json(path)
        self.assertEqual(len(server.requests), 1)
        self.assertEqual(beside.requests, [])

    def test_names_that_do_not_exist(self):
        client = self.client("http://nowhere.invalid")
        with self.assertRaisesRegex(SourceUnreachable, "nowhere.invalid cannot be res"):
            client.get_json("x")

    def test_addresses_of_sources(self):
        self.assertEqual(check_address(" https://a.example/x/ "), "https://a.example/x")
        cases = {
            "": "not a web address",
            "pbx.example.com": "not a web address",
            "ftp://pbx.example.com": "not a web address",
            "file:///etc/passwd": "not a web address",
            "http://x:0": "not a web address",
            "http://x:nine": "not a web address",
            "https://user:secret@pbx.example.com": "contains a user name or password",
        }
        for address, message in cases.items():
            with self.assertRaisesRegex(SourceSettingsError, message) as caught:
                check_address(address)
            self.assertNotIn("secret", str(caught.exception))


class TestPatience(HttpCase):
    def test_retry_after(self):
        now = datetime.datetime(2026, 2, 23, 17, 0, tzinfo=datetime.UTC)
        cases = {
            "": None,
            "7": 7,
            "Mon, 23 Feb 2026 17:01:00 GMT": 60,
            "Mon, 23 Feb 2026 16:01:00 GMT": 0,
            "soon": None,
            "-7": None,
            "9" * 30: 999_999_999,
        }
        for text, seconds in cases.items():
            self.assertEqual(retry_after_seconds({"Retry-After": text}, now), seconds)

    def test_attempts_end(self):
        server = self.serve()
        server.faults.append(Fault("status", times=99, status=503))
        client = self.client(server, limits={"attempts": 3})
        with self.assertRaisesRegex(SourceUnreachable, "503: told to go wrong"):
            client.get_json("x")
        self.assertEqual(len(server.requests), 3)
        self.assertEqual(len(self.clock.slept), 2)

    def test_no_more_at_once_than_allowed(self):
        active, most, lock = 0, 0, threading.Lock()
        gathered = threading.Barrier(2, timeout=300)

        def reply(_request):
            nonlocal active, most
            with lock:
                active += 1
                most = max(most, active)
            gathered.wait()  # two must be here at the same time for anything to go on
            with lock:
                active -= 1
            return Reply.of({})

        throttle = Throttle(parallel=2)
        client = self.client(self.serve(x=reply), throttle=throttle)
        threads = [
            threading.Thread(target=client.get_json, args=("x",)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(most, 2)

    def test_no_more_often_than_allowed(self):
        throttle = Throttle(4, 1, self.clock, self.clock.sleep)
        for _ in range(5):
            with throttle:
                pass
        self.assertEqual(self.clock.slept, [0.25] * 4)

    def test_one_who_is_sent_away_holds_all_back(self):
        throttle = Throttle(0, 1, self.clock, self.clock.sleep)
        throttle.hold_back(7)
        for _ in range(2):
            with throttle:
                pass
        self.assertEqual(self.clock.slept, [7])

    def test_one_throttle_for_all_threads_of_a_source(self):
        first = shared_throttle(("db", 7), 5, 2)
        self.assertIs(first, shared_throttle(("db", 7), 5, 2))
        self.assertIsNot(first, shared_throttle(("db", 8), 5, 2))
        self.assertIsNot(first, shared_throttle(("db", 7), 5, 3))


class TestSecrets(HttpCase):
    def test_every_shape_is_hidden(self):
        redact = Redaction()
        redact.add("pä ss/1")
        hidden = redact(
            "pä ss/1 p%C3%A4%20ss/1 p%C3%A4%20ss%2F1 p%C3%A4+ss%2F1 cMOkIHNzLzE="
        )
        self.assertEqual(hidden, "*** *** *** *** ***")

    def test_as_errors_quote_it(self):
        for secret in ("s3cr3t\r\nX-Evil: 1", "s3cr3t\\key", "s3cr3tж", "s3cr3t'\"x"):
            with self.subTest(secret):
                redact = Redaction()
                redact.add(secret)
                for quoted in (repr, ascii, json.dumps):
                    hidden = redact(f"Invalid: {quoted(secret)}")
                    self.assertNotIn("s3cr3t", hidden)

    def test_what_no_header_holds_is_refused_without_showing_it(self):
        server = self.serve()
        for name, value in (
            ("Authorization", "Bearer s3cr3t\r\nX-Evil: 1"),
            ("Authorization", "Bearer s3cr3t\n"),
            ("Authorization", "Bearer s3cr3tж"),
            ("Authorization", "Bearer s3cr3t\0"),
            ("X-Key", " s3cr3t"),
            ("X-Key", ""),
            ("X\r\nX-Evil: 1", "s3cr3t"),
            ("X: y", "s3cr3t"),
            ("", "s3cr3t"),
        ):
            with self.subTest(name=name, value=value):
                client = self.client(server, auth=HeaderAuth(name, value))
                if not value:
                    client.get_json("x")
                    continue
                with self.assertRaisesRegex(
                    SourceError, "not allowed in headers"
                ) as told:
                    client.get_json("x")
                self.assertNotIn("s3cr3t", str(told.exception))
        self.assertEqual(len(server.requests), 1)

    def test_a_key_in_the_address_is_in_no_log(self):
        server = self.serve()
        server.faults.append(Fault("close", times=99))
        redact = Redaction()
        client = self.client(
            server,
            auth=QueryAuth("apikey", redact.add("s3cr3t/key")),
            redaction=redact,
            limits={"attempts": 2},
        )
        pool = logging.getLogger("urllib3.connectionpool")
        pool.setLevel(logging.DEBUG)
        self.addCleanup(pool.setLevel, logging.NOTSET)
        with self.assertLogs("", logging.DEBUG) as logs:
            with self.assertRaises(SourceUnreachable) as caught:
                client.get_json("x")
            server.faults.clear()
            client.get_json("x")
        self.assertEqual(server.requests[0].query, {"apikey": "s3cr3t/key"})
        text = "\n".join(logs.output)
        self.assertIn("apikey=***", text)
        self.assertNotIn("s3cr3t", text + str(caught.exception))
        self.assertIsNone(caught.exception.__cause__)
        self.assertTrue(caught.exception.__suppress_context__)


class TestEncryption(HttpCase):
    def certificate(self, folder):
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        now = datetime.datetime.now(datetime.UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName(
                    [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
                ),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        path = Path(folder) / "server.pem"
        pem = serialization.Encoding.PEM
        path.write_bytes(
            key.private_bytes(
                pem,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + built.public_bytes(pem)
        )
        return path

    def test_certificates_are_verified(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = self.certificate(folder.name)
        server = PlannedServer({})
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
        server.__enter__()
        self.addCleanup(server.stop)
        url = server.url.replace("http:", "https:")
        with self.assertRaisesRegex(SourceUnreachable, "certificate.*not trusted"):
            self.client(url).get_json("x")
        self.assertEqual(server.requests, [])
        trusting = self.client(url, ca_file=str(path))
        self.assertEqual(trusting.get_json("x"), {"path": "/x"})
        # The certificate names the address, and no other name of the same server.
        with self.assertRaisesRegex(SourceUnreachable, "certificate.*not trusted"):
            self.client(f"https://localhost:{server.port}", ca_file=str(path)).get_json(
                "x"
            )

    def test_a_handshake_that_never_ends(self):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            url = f"https://127.0.0.1:{listening.getsockname()[1]}"
            client = self.client(
                url,
                limits={"request_seconds": 0.3, "connect_seconds": 30},
            )
            with self.assertRaisesRegex(SourceUnreachable, r"longer than 0\.3 s"):
                client.get_json("x")
