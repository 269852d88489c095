# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a piece of work takes: wall clock, and processor time of client and server.

Wall times of a machine that is shared with others say little; processor times hold.
"""

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass

from odoo.sql_db import db_connect


@dataclass
class Effort:
    """Seconds.

    :ivar wall: of the clock
    :ivar client: of the processors, in this process, all of its threads
    :ivar server: of the processors, in all of PostgreSQL's connections to the database;
        0 where that runs on another machine
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

        :param cr: cursor of the database that is measured
        """
        effort = cls()
        before = _of_connections(cr.dbname)
        wall, client = time.perf_counter(), time.process_time()
        yield effort
        effort.wall = time.perf_counter() - wall
        effort.client = time.process_time() - client
        effort.server = sum(
            seconds - before.get(pid, 0)
            for pid, seconds in _of_connections(cr.dbname).items()
        )

    def __str__(self):
        return (
            f"{self.wall:.2f} s (processor: {self.client:.2f} client,"
            f" {self.server:.2f} server)"
        )


def _of_connections(database):
    """Seconds of the processors by connection; those that ended are missing."""
    with db_connect(database).cursor() as cr:
        # No autovacuum, which is late for what was done before.
        cr.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s"
            " AND backend_type IN ('client backend', 'parallel worker')",
            (database,),
        )
        return {pid: _of(pid) for (pid,) in cr.fetchall()}


def _of(pid):
    """Seconds of the processors that a process of this machine used; 0 if none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
