# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A threaded HTTP server on loopback whose answers can be made to go wrong."""

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass
class Fault:
    """What happens to the next requests whose address holds ``path``.

    kinds: ``status`` (with ``headers``), ``half`` (the connection breaks in the middle
    of the body), ``cut`` (a complete answer with half of the JSON), ``html``, ``close``
    (no answer at all)
    """

    kind: str
    path: str = ""
    times: int = 1
    after: int = 0  # that many such requests pass first
    status: int = 500
    headers: dict = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def form(self):
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass
class Reply:
    status: int
    body: bytes
    headers: dict = field(default_factory=lambda: {"Content-Type": "application/json"})

    @classmethod
    def of(cls, data, status=200, **headers):
        return cls(
            status,
            data if isinstance(data, bytes) else json.dumps(data).encode(),
            {"Content-Type": "application/json", **headers},
        )


class FaultyServer:
    """Serves from a thread while it is used as a context manager.

    ``requests`` is what was asked, ``faults`` what will go wrong, ``most_at_once`` how
    many were answered at the same time. Subclasses answer.
    """

    def __init__(self, port=0):
        self.requests = []
        self.faults = []
        self.most_at_once = 0
        self._at_once = 0
        self.lock = threading.RLock()
        self._http = _Threaded(("127.0.0.1", port), _Handler)
        self._http.owner = self
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = None

    def __enter__(self):
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self.stop()

    def stop(self):
        if self._thread is not None:
            self._http.shutdown()
            self._thread.join()
            self._thread = None
        self._http.server_close()

    def counted_answer(self, request):
        """:meth:`answer`, counted while it takes."""
        with self.lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return self.answer(request)
        finally:
            with self.lock:
                self._at_once -= 1

    def answer(self, request):
        """:return: :class:`Reply`, or a function that writes to the connection"""
        raise NotImplementedError

    def fault(self, request):
        """The fault that this request meets, None when there is none."""
        with self.lock:
            for fault in self.faults:
                if fault.times > 0 and fault.path in request.path:
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    fault.times -= 1
                    return fault
        return None


class _Threaded(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Clients that go away are what these servers are for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One segment for a small answer, instead of waiting for the client's go-ahead.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    do_PUT = do_PATCH = do_DELETE = do_POST

    def log_message(self, format, *args):
        """Quiet."""

    def _serve(self):
        owner = self.server.owner
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(parts.path),
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            dict(self.headers.items()),
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        with owner.lock:
            owner.requests.append(request)
        fault = owner.fault(request)
        if fault is not None and fault.kind in ("status", "html", "close"):
            return self._go_wrong(fault)
        reply = owner.counted_answer(request)
        if callable(reply):
            self.close_connection = True
            return reply(self)
        body = reply.body
        if fault is not None and fault.kind == "cut":
            body = body[: len(body) // 2]
        if fault is not None and fault.kind == "half":
            self.close_connection = True
            return self._send(
                reply.status, reply.headers, body[: len(body) // 2], len(body)
            )
        return self._send(reply.status, reply.headers, body, len(body))

    def _go_wrong(self, fault):
        if fault.kind == "close":
            self.close_connection = True
            return
        if fault.kind == "html":
            body = b"<!DOCTYPE html><html><body>Welcome</body></html>"
            self._send(200, {"Content-Type": "text/html"}, body, len(body))
            return
        body = (
            fault.body
            or json.dumps(
                {"code": fault.status, "message": "told to go wrong"}
            ).encode()
        )
        headers = {"Content-Type": "application/json", **fault.headers}
        self._send(fault.status, headers, body, len(body))

    def _send(self, status, headers, body, length):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
