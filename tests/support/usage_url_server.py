# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A customer's program behind a usage URL, on loopback, with all its faults."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "shared secret"  # noqa: S105


class UsageUrlServer:
    """Answers ``answer``: a number, or bytes as they are, with ``status``.

    :ivar asked: list of dicts, what it was asked
    :ivar hangs: an event that it waits for before it answers, or None
    """

    def __init__(self):
        self.answer, self.status, self.hangs = 25, 200, None
        self.asked = []
        self.headers = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers["Content-Length"])
                question = json.loads(self.rfile.read(size))
                server.asked.append(question)
                if server.hangs:
                    server.hangs.wait()
                status, body = server.status, server.answer
                if question.get("security_token") != TOKEN:
                    status, body = 401, b'{"message": "Wrong token"}'
                if not isinstance(body, bytes):
                    body = json.dumps({"line_items": [{"usage_amount": body}]}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/usage"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        """End it, and let go of whoever waits."""
        if self.hangs:
            self.hangs.set()
        self._server.shutdown()
        self._server.server_close()
