# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Processes with Odoo in them that are there at once, to be killed by a test.

Odoo takes seconds to start. So one process loads it, closes its connections to the
database and waits: for each script it forks. A fork has a connection, a registry and
settings of its own, and is killed as any process is.

Run by scripts/odoo_env.py with the file descriptor of the socket that it is told by.
"""

import functools
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from pathlib import Path

from odoo import SUPERUSER_ID, api, sql_db
from odoo.modules.registry import Registry
from odoo.tools import config

MODULE = Path(__file__).resolve().parents[2]


# ---- in the test


@functools.cache
def _control(database):
    """The socket of the database's nursery, which ends when this process does."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # No child of this process: Odoo's tests end all of these after each class.
    subprocess.run(
        [
            *("setsid", "--fork"),
            *(sys.executable, MODULE / "scripts" / "odoo_env.py"),
            *("--config", config["config"], "--database", database),
            *("--http-port", "0"),
            *(Path(__file__), str(its.fileno())),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[its.fileno()],
        check=True,
    )
    its.close()
    return ours


class Worker:
    """A fork that runs a script, to be used as a `subprocess.Popen`.

    :param database: its name
    :param script: path
    :param arguments: of the script, as texts
    """

    def __init__(self, database, script, arguments):
        self.returncode = None
        output, its_output = os.pipe()
        news, its_news = os.pipe()
        request = json.dumps([str(script), arguments, dict(os.environ)]).encode()
        socket.send_fds(_control(database), [request], [its_output, its_news])
        os.close(its_output)
        os.close(its_news)
        self.stdout = os.fdopen(output)
        self._news = os.fdopen(news)
        self.pid = int(self._news.readline())

    def wait(self, timeout=None):
        """Wait for its end.

        :param timeout: seconds; None: as long as it takes
        :return: its exit code, the negative number of a signal that killed it
        """
        if self.returncode is None:
            if not select.select([self._news], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("worker", timeout)
            self.returncode = int(self._news.readline())
            self._news.close()
        return self.returncode

    def send_signal(self, number):
        """Send it a signal, if it has not ended."""
        try:
            self.wait(0)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout):
        """Wait for its end; it is killed when it takes longer than ``timeout`` seconds.

        :return: what it printed, and None as a Popen does
        """
        watch = threading.Timer(timeout, self.kill)
        watch.start()
        output = self.stdout.read()
        self.wait()
        watch.cancel()
        return output, None


# ---- in the process that forks


def main(env, control):
    """Fork when told to, until nobody is there to tell."""
    database = env.cr.dbname
    env.cr.close()
    sql_db.close_all()
    # Those between are waited for by nobody.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, handles, _flags, _address = socket.recv_fds(control, 2**18, 2)
        if not request:
            os._exit(0)
        if not os.fork():
            control.close()
            _keep(database, json.loads(request), *handles)
        for handle in handles:
            os.close(handle)


def _keep(database, request, output, news):
    """Fork the worker, and tell its number and how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if not pid:
        os.close(news)
        os.dup2(output, 1)
        os.close(output)
        _work(database, *request)
    os.close(output)
    os.write(news, b"%d\n" % pid)
    _pid, status = os.waitpid(pid, 0)
    os.write(news, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _work(database, script, arguments, environment):
    """Run the script as scripts/odoo_env.py does, and end."""
    code = 1
    try:
        os.environ.clear()
        os.environ.update(environment)
        # What others committed since this was loaded is noticed as a server does.
        registry = Registry(database).check_signaling()
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env = env(context=env["res.users"].context_get())
            sys.argv = [script, *arguments]
            try:
                runpy.run_path(script, {"env": env}, "__main__")
            finally:
                cr.rollback()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(env, socket.socket(fileno=int(sys.argv[1])))  # noqa: F821  (by odoo_env.py)
