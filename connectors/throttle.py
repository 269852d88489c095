# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How often, and how often at the same time, a source is asked."""

import threading
import time


class Throttle:
    """Lets requests through at most so often and so many at once.

    :param per_second: requests a second, 0 for no limit
    :param parallel: requests at the same time

    A context manager around each request; threads may share it.
    """

    def __init__(
        self, per_second=0.0, parallel=1, clock=time.monotonic, sleep=time.sleep
    ):
        self.interval = 1 / per_second if per_second else 0
        self._slots = threading.BoundedSemaphore(max(1, parallel))
        self._lock = threading.Lock()
        self._free_at = 0.0
        self._clock = clock
        self._sleep = sleep

    def __enter__(self):
        self._slots.acquire()
        with self._lock:
            now = self._clock()
            wait = max(0.0, self._free_at - now)
            self._free_at = max(now, self._free_at) + self.interval
        if wait:
            self._sleep(wait)
        return self

    def __exit__(self, *_error):
        self._slots.release()

    def hold_back(self, seconds):
        """Let nobody through for a while: the source said so to one of us."""
        with self._lock:
            self._free_at = max(self._free_at, self._clock() + seconds)


_shared = {}
_shared_lock = threading.Lock()


def shared_throttle(key, per_second, parallel):
    """The throttle of a source, the same for all threads of this process.

    :param key: what tells sources apart, such as (database name, source id)
    """
    with _shared_lock:
        throttle = _shared.get(key)
        if throttle is None or throttle[0] != (per_second, parallel):
            throttle = ((per_second, parallel), Throttle(per_second, parallel))
            _shared[key] = throttle
        return throttle[1]
