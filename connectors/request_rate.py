# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How many requests a key makes in a minute, counted by several processes together.

Each process counts by itself and tells the others at most once a second, so that a
request costs no row that all of them would wait for.
"""

import threading
import time
from dataclasses import dataclass, field

MINUTE = 60
#: seconds after which what was counted is told, and what others counted is heard
TOLD_AFTER = 1
#: keys that are kept in mind at most
MOST_KEYS = 10_000


@dataclass
class _Count:
    minute: int = -1
    known: int = 0
    new: int = 0
    told: float = float("-inf")
    lock: threading.Lock = field(default_factory=threading.Lock)


class RequestRate:
    """Counts requests by key and minute.

    :param now: function, seconds since the epoch
    """

    def __init__(self, now=time.time):
        self._now = now
        self._counts = {}

    def admit(self, key, most, share):
        """Count a request.

        :param key: hashable
        :param int most: requests a minute; 0: any number
        :param share: function (minute, number of new ones) that adds these to what all
            processes counted, and returns the sum
        :return: seconds after which to try again; 0: it is within the limit
        """
        if not most:
            return 0
        if len(self._counts) > MOST_KEYS:
            self._counts.clear()
        count = self._counts.setdefault(key, _Count())
        now = self._now()
        with count.lock:
            minute = int(now // MINUTE)
            if minute != count.minute:
                count.minute, count.known, count.new = minute, 0, 0
                count.told = float("-inf")
            wait = max(1, int(MINUTE - now % MINUTE))
            if count.known + count.new >= most:
                return wait
            count.new += 1
            if now - count.told >= TOLD_AFTER:
                count.known = share(minute, count.new)
                count.new, count.told = 0, now
            return wait if count.known + count.new > most else 0
