# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a piece of work takes: wall clock, and processor time of client and server.

Wall times of a machine that is shared with others say little; processor times hold.
"""

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Effort:
    """Seconds.

    :ivar wall: of the clock
    :ivar client: of the processors, in this process, all of its threads
    :ivar server: of the processors, in the cursor's PostgreSQL backend; 0 where that
        runs on another machine
    """

    wall: float = 0
    client: float = 0
    server: float = 0

    @property
    def processor(self):
        """Of client and server together."""
        return self.client + self.server

    @classmethod
    @contextmanager
    def measure(cls, cr):
        """Yields an :class:`Effort` that is filled in at the end of the block.

        :param cr: cursor of the backend that is measured
        """
        effort = cls()
        pid = cr.connection.info.backend_pid
        wall, client, server = time.perf_counter(), time.process_time(), _of(pid)
        yield effort
        effort.wall = time.perf_counter() - wall
        effort.client = time.process_time() - client
        effort.server = _of(pid) - server

    def __str__(self):
        return (
            f"{self.wall:.2f} s (processor: {self.client:.2f} client,"
            f" {self.server:.2f} server)"
        )


def _of(pid):
    """Seconds of the processors that a process of this machine used; 0 if none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
