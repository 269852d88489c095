# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A pytest plugin: the browser tests of a process share one Chromium.

Odoo starts a Chromium for each of its tests, which loads and compiles the web client's
scripts anew. Here each test has a page of its own in one that goes on. What it caches
by address stays: bundles, whose addresses change with their contents. Cookies, storage
and service workers do not: they are cleared when the page is closed. A browser in which
a test failed, or that could not be cleared, is not used again.
"""

import concurrent.futures
import contextlib
import itertools
import json
import logging
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time
from unittest.mock import patch

import pytest

try:
    import websocket
except ImportError:  # there are no browser tests then
    websocket = None

_logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
#: seconds that it may take for whatever it is told
LONG = 300
#: where Chromium expects the pipe that it is told by
TOLD, ANSWERS = 3, 4
#: of a page, as the DevTools protocol has it
OFFLINE = {
    "offline": True,
    "latency": 0,
    "downloadThroughput": -1,
    "uploadThroughput": -1,
}


class Chromium:
    """A browser that runs, told what is about none of its pages.

    :param command: list, as of a process
    :param folder: of its profile, which is removed at its end
    :raise TimeoutError: it does not start
    """

    def __init__(self, command, folder):
        self.folder = pathlib.Path(folder)
        self._numbers = itertools.count()
        self._start(command)
        port, path = self._address()
        self.port = int(port)
        self._line = websocket.create_connection(
            f"ws://{HOST}:{port}{path}", suppress_origin=True, timeout=LONG
        )
        # The page that it begins with stays, and is where is cleared from.
        [page] = self.pages()
        self._session = self.tell("Target.attachToTarget", targetId=page, flatten=True)[
            "sessionId"
        ]
        self.pid = int(os.readlink(self.folder / "SingletonLock").rpartition("-")[2])

    def _start(self, command):
        told, self._held = os.pipe()
        answers = os.open(os.devnull, os.O_WRONLY)

        def prepare():
            # It ends when nobody is left to tell it anything.
            os.dup2(told, TOLD)
            os.dup2(answers, ANSWERS)
            no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
            resource.setrlimit(resource.RLIMIT_AS, no_limit)

        with (self.folder / "err.log").open("wb") as log:
            # No child of this process: Odoo's tests end all of these after each class.
            subprocess.run(
                ["setsid", "--fork", *command, "--remote-debugging-pipe"],
                stderr=log,
                pass_fds=[TOLD, ANSWERS],
                preexec_fn=prepare,  # noqa: PLW1509
                check=True,
            )
        os.close(told)
        os.close(answers)

    def _address(self):
        """(port, path) that it says it listens at."""
        said = self.folder / "DevToolsActivePort"
        until = time.monotonic() + LONG
        while time.monotonic() < until:
            with contextlib.suppress(FileNotFoundError):
                lines = said.read_text(encoding="utf-8").split()
                if len(lines) == 2:
                    return lines
            time.sleep(0.05)
        log = (self.folder / "err.log").read_text(encoding="utf-8", errors="replace")
        raise TimeoutError(f"Chromium did not start:\n{log}")

    def tell(self, method, session=None, **params):
        """Send a command of the DevTools protocol; its result.

        :raise Exception: there is no browser any more, or it refuses
        """
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._line.send(json.dumps(message))
        while True:
            answer = json.loads(self._line.recv())
            if answer.get("id") == number:
                return answer["result"]

    def pages(self):
        """Ids of the pages that are open."""
        return self._targets("page")

    def _targets(self, kind):
        targets = self.tell("Target.getTargets")["targetInfos"]
        return [one["targetId"] for one in targets if one["type"] == kind]

    def is_alive(self):
        """Whether it answers."""
        with contextlib.suppress(Exception):
            return bool(self.pages())
        return False

    def clear(self, page, origin):
        """Close a page, and forget what is kept for those who come back.

        :raise Exception: that was not possible, or other pages are open
        """
        self.tell("Target.closeTarget", targetId=page)
        until = time.monotonic() + LONG
        while page in (left := self.pages()):
            if time.monotonic() > until:
                raise TimeoutError("the page is not closed")
            time.sleep(0.01)
        if len(left) > 1:
            raise RuntimeError("there are other pages")
        self.tell("Network.clearBrowserCookies", self._session)
        self._clear_storage(origin)
        # A service worker that is being installed ends after that, and stores a page.
        while self._targets("service_worker"):
            if time.monotonic() > until:
                raise TimeoutError("a service worker does not end")
            time.sleep(0.01)
        self._clear_storage(origin)

    def _clear_storage(self, origin):
        self.tell(
            "Storage.clearDataForOrigin",
            self._session,
            origin=origin,
            storageTypes="all",
        )

    def end(self):
        """End it, whatever it does."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(Exception):
            self._line.close()
        os.close(self._held)
        # Until its last process writes no more.
        until = time.monotonic() + 10
        while self.folder.exists() and time.monotonic() < until:
            shutil.rmtree(self.folder, ignore_errors=True)

    # what Odoo asks a process

    def poll(self):
        return None if self.is_alive() else 1


#: command -> the browser started by it
_running = {}


def _end_all():
    while _running:
        _running.popitem()[1].end()


class OwnPage:
    """Mixed into Odoo's ChromeBrowser: a page in a browser that goes on."""

    def _spawn_chrome(self, cmd):
        if "--headless" not in cmd:
            return super()._spawn_chrome(cmd)
        own = f"--user-data-dir={self.user_data_dir}"
        kind = tuple(part for part in cmd if part != own)
        found = _running.get(kind)
        if found and not found.is_alive():
            _running.pop(kind).end()
            found = None
        if found:
            shutil.rmtree(self.user_data_dir, ignore_errors=True)
            self.user_data_dir = str(found.folder)
        else:
            found = _running[kind] = Chromium(cmd, self.user_data_dir)
        return found, found.port

    def _open_websocket(self):
        if not isinstance(self.chrome, Chromium):
            return super()._open_websocket()
        self._page = self.chrome.tell("Target.createTarget", url="about:blank")[
            "targetId"
        ]
        line = websocket.create_connection(
            f"ws://{HOST}:{self.devtools_port}/devtools/page/{self._page}",
            enable_multithread=True,
            suppress_origin=True,
            timeout=LONG,
        )
        line.settimeout(0.01)  # as Odoo has it
        return line

    def _wait_ready(self, ready_code=None, timeout=60):
        # Asked without a pause, the page would be busy with answers, not loading.
        ask = self._websocket_request

        def ask_and_wait(*args, **options):
            answer = ask(*args, **options)
            if answer["result"].get("value") is not True:
                time.sleep(0.05)
            return answer

        with patch.object(self, "_websocket_request", ask_and_wait):
            return super()._wait_ready(ready_code, timeout=timeout)

    def stop(self):
        if not isinstance(self.chrome, Chromium):
            super().stop()
            return
        self.screencaster.stop()
        # A picture of what failed may be on its way.
        concurrent.futures.wait(list(self._responses.values()), 10)
        if not self._is_put_away():
            for kind, browser in list(_running.items()):
                if browser is self.chrome:
                    del _running[kind]
            self.chrome.end()
        self._result.cancel()
        if hasattr(self, "ws"):
            self.ws.close()
        if self.sigxcpu_handler is not None:
            signal.signal(signal.SIGXCPU, self.sigxcpu_handler)

    def _is_put_away(self):
        """Close the page and clear, where it has passed; whether that is done."""
        result = self._result
        is_over = result.done() and not result.cancelled() and not result.exception()
        if not is_over or self.had_failure or not hasattr(self, "ws"):
            return False
        try:
            # What the page does at its end tells the server nothing.
            self._websocket_request("Network.enable")
            self._websocket_request("Network.emulateNetworkConditions", params=OFFLINE)
            self.chrome.clear(self._page, self.test_case.base_url())
        except Exception:
            _logger.info("The browser is not used again", exc_info=True)
            return False
        return True


@pytest.fixture(scope="session", autouse=True)
def one_browser():
    """Have the browser tests of Odoo share one."""
    common = sys.modules.get("odoo.tests.common")
    if common is None or not sys.platform.startswith("linux"):
        yield
        return
    with pytest.MonkeyPatch.context() as patched:
        shared = type("ChromeBrowser", (OwnPage, common.ChromeBrowser), {})
        patched.setattr(common, "ChromeBrowser", shared)
        yield
        _end_all()
