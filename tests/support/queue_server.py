# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A database and a server of its own with queue_job, for tests of the job runner.

The database is made from one that ``./dev`` names, or from nothing. The server
has worker processes, as in production, and the runner in one of them. It is started by
this very file: one of its processes starts a further one by the name of the script.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg2

from odoo.cli.command import main
from odoo.sql_db import close_db, connection_info_for, db_connect
from odoo.tools import config

STARTED_WITHIN = 300
MODULE = "metered_billing"
SERVER_WIDE = "base,rpc,web,queue_job"


def _sql(statement):
    """Run a statement that no transaction can hold."""
    _name, info = connection_info_for("postgres")
    connection = psycopg2.connect(**info)
    connection.autocommit = True
    with connection.cursor() as cr:
        cr.execute(statement)
    connection.close()


def _filestore(name):
    return Path(config.filestore(name))


def _create(name):
    """Make the database.

    :return: (what it was made from, whether this module is installed there)
    """
    installed = os.environ.get("METERED_INSTALLED")
    if installed:
        # Another run of this checkout drops it when a file has changed since.
        with suppress(psycopg2.errors.InvalidCatalogName):
            _sql(f'CREATE DATABASE "{name}" TEMPLATE "{installed}"')
            return installed, True
    template = os.environ.get("METERED_TEMPLATE") or "template0"
    _sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}" ENCODING \'UTF8\'')
    return template, False


@contextmanager
def database(beside, module="queue_job"):
    """A database with this module and another one; dropped at the end.

    :param str beside: name of the test database; ``./dev`` drops both when left behind
    :param str module: the other one
    """
    head, _line, tail = beside.rpartition("_")
    name = f"{head}_queue_{tail}"
    _sql(f'DROP DATABASE IF EXISTS "{name}"')
    template, is_installed = _create(name)
    try:
        if _filestore(template).is_dir():
            shutil.copytree(
                _filestore(template),
                _filestore(name),
                copy_function=os.link,
                dirs_exist_ok=True,
            )
        modules = module if is_installed else f"{MODULE},{module}"
        odoo(name, "--init", modules, "--stop-after-init")
        yield name
    finally:
        close_db(name)
        _sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        shutil.rmtree(_filestore(name), ignore_errors=True)


def _command(name, *arguments):
    return [
        sys.executable,
        __file__,
        "--config",
        config["config"],
        "--database",
        name,
        *arguments,
    ]


def odoo(name, *arguments):
    """Run Odoo to its end, which has to be a good one."""
    result = subprocess.run(
        _command(name, "--log-level", "warn", "--no-http", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    if result.returncode:
        raise AssertionError(result.stdout)


class Server:
    """Odoo with worker processes and a job runner; a context manager.

    :param str name: of the database
    :param int workers: processes that answer requests, and so run jobs
    :param str log: path of a file
    """

    def __init__(self, name, workers, log):
        self.name = name
        self.workers = workers
        self.log = log
        self.process = None

    def __enter__(self):
        port = free_port()
        environment = {
            **os.environ,
            # One worker is left for everything that is no job.
            "ODOO_QUEUE_JOB_CHANNELS": f"root:{self.workers - 1}",
            "ODOO_QUEUE_JOB_HOST": "127.0.0.1",
            "ODOO_QUEUE_JOB_PORT": str(port),
        }
        self.process = subprocess.Popen(
            _command(
                self.name,
                *("--load", SERVER_WIDE),
                *("--workers", str(self.workers)),
                *("--max-cron-threads", "0"),
                *("--http-port", str(port), "--gevent-port", str(free_port())),
                *("--log-level", "info", "--logfile", str(self.log)),
            ),
            env=environment,
            # A group of its own: all its processes can be killed at once.
            start_new_session=True,
        )
        try:
            self._wait(f"http://127.0.0.1:{port}/web/health")
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_error):
        self.kill()

    def _wait(self, url):
        until = time.monotonic() + STARTED_WITHIN
        while time.monotonic() < until:
            with suppress(urllib.error.URLError, OSError):
                urllib.request.urlopen(url, timeout=5).close()
                return
            with suppress(subprocess.TimeoutExpired):
                # Ended already: it did not start.
                self.process.wait(0.1)
                break
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def kill(self):
        """SIGKILL to the server with all its workers: no chance to clean up."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cursor(name):
    """A cursor on another database than the test's own."""
    return db_connect(name).cursor()


if __name__ == "__main__":
    from odoo.addons.queue_job.jobrunner import runner

    # Jobs of killed workers are looked for when there is news, else once a minute.
    runner.SELECT_TIMEOUT = 5
    main()
