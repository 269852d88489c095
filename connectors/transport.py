# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Connections of ``requests`` that go to checked addresses and end at a deadline.

The name is resolved once, and what is connected to is the address that was checked: a
second look-up could answer differently. TLS still proves the name.
"""

import os
import socket
import threading

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError


class Deadline:
    """Ends the connection that is in use in this thread when the time is up.

    A server that sends a byte now and then never runs into a read time-out.
    """

    _current = threading.local()

    def __init__(self, seconds):
        """:param seconds: for one request, from connecting to the last byte"""
        self.passed = False
        self._handle = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self):
        self._current.deadline = self
        self._timer.start()
        return self

    def __exit__(self, *_error):
        self._timer.cancel()
        self._current.deadline = None
        self._hold(None)

    @classmethod
    def watch(cls, sock):
        """Called by a connection as soon as it is used.

        What is held is a second handle: TLS takes the socket over, and a connection
        that ends with its answer forgets it while the answer is still being read.
        """
        deadline = getattr(cls._current, "deadline", None)
        if deadline is not None:
            deadline._hold(socket.socket(fileno=os.dup(sock.fileno())))

    def _hold(self, handle):
        with self._lock:
            if self._handle is not None:
                self._handle.close()
            self._handle = handle
            if self.passed:
                self._end()

    def _pass(self):
        with self._lock:
            self.passed = True
            self._end()

    def _end(self):
        if self._handle is not None:
            try:
                self._handle.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # the other side was faster


class _Checked:
    """Mixed into urllib3's connections; ``policy`` is set by :func:`_pools`."""

    policy = None

    def _new_conn(self):
        try:
            sock = self.policy.connect(self.host, self.port, self.timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no answer to connecting") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error
        Deadline.watch(sock)
        return sock

    def request(self, *args, **kwargs):
        if self.sock is not None:
            Deadline.watch(self.sock)
        return super().request(*args, **kwargs)


def _pools(policy):
    """Pool classes whose connections obey a policy."""
    plain = type("CheckedConnection", (_Checked, HTTPConnection), {"policy": policy})
    secure = type("CheckedTLS", (_Checked, HTTPSConnection), {"policy": policy})
    return {
        "http": type("CheckedPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type(
            "CheckedTLSPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}
        ),
    }


class CheckedAdapter(HTTPAdapter):
    """The adapter of ``requests`` with such connections, and no retries of its own."""

    def __init__(self, policy, connections):
        """:param connections: kept open for reuse"""
        self._policy = policy
        super().__init__(pool_connections=2, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args, **kwargs):
        manager = super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._policy)
        return manager
