# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Take pictures of the screens in `screens` with a headless Chromium.

    screenshots.py URL DATABASE FOLDER [NAME ...]

Chromium is driven over its DevTools protocol, which needs no driver program. A screen
that does not appear within TIMEOUT seconds is reported, with a picture of what is there
instead, and the exit code is 1.
"""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import websocket
from screens import SCREENS, SIZES, Screen

TIMEOUT = 120
# True when the selector matches, nothing is loading and the fonts are there.
READY = """
    Boolean(document.querySelector(%s))
    && !document.querySelector('.o_loading_indicator, .o_blockUI')
    && document.readyState === 'complete'
    && document.fonts.status === 'loaded'
"""


class Odoo:
    """A session of a user on an Odoo server; the password is the login."""

    def __init__(self, url: str, database: str, user: str):
        self.url = url
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.cookies)
        )
        self.call(
            "/web/session/authenticate",
            {"db": database, "login": user, "password": user},
        )

    def call(self, path: str, params: dict):
        """POST a JSON-RPC request and return its result."""
        request = urllib.request.Request(
            self.url + path,
            json.dumps({"jsonrpc": "2.0", "params": params}).encode(),
            {"Content-Type": "application/json"},
        )
        with self.opener.open(request, timeout=TIMEOUT) as response:
            answer = json.load(response)
        if "error" in answer:
            raise RuntimeError(answer["error"]["data"]["message"])
        return answer["result"]

    def first_id(self, model: str, domain: list) -> int:
        """The id of the first record of `model` that matches `domain`."""
        ids = self.call(
            "/web/dataset/call_kw",
            {
                "model": model,
                "method": "search",
                "args": [domain],
                "kwargs": {"limit": 1},
            },
        )
        if not ids:
            raise RuntimeError(f"no {model} matches {domain}")
        return ids[0]


class Browser:
    """A headless Chromium with one page."""

    def __init__(self):
        program = next(
            filter(
                None,
                map(
                    shutil.which,
                    ("chromium", "google-chrome", "chromium-browser", "chrome"),
                ),
            ),
            None,
        )
        if not program:
            raise SystemExit(
                "screenshots: Chromium is missing: apt-get install chromium"
            )
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            [
                program,
                "--headless=new",
                "--no-sandbox",  # it opens our own server only, and runs as root in CI
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--no-first-run",
                "--remote-debugging-port=0",
                "--remote-allow-origins=*",
                f"--user-data-dir={self.profile.name}",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = self.wait_for_port()
        pages = f"http://127.0.0.1:{port}/json"
        with urllib.request.urlopen(pages, timeout=TIMEOUT) as response:
            page = next(p for p in json.load(response) if p["type"] == "page")
        self.socket = websocket.create_connection(
            page["webSocketDebuggerUrl"], timeout=TIMEOUT
        )
        self.last_id = 0
        self.send("Page.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.socket.close()
        self.process.terminate()
        self.process.wait(TIMEOUT)
        self.profile.cleanup()

    def wait_for_port(self) -> int:
        """The port that Chromium chose, from the file it writes it to."""
        file = Path(self.profile.name) / "DevToolsActivePort"
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            if file.exists() and (text := file.read_text()):
                return int(text.split()[0])
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise SystemExit("screenshots: Chromium does not start")

    def send(self, method: str, **params):
        """Send one DevTools command and return its result; events are skipped."""
        self.last_id += 1
        self.socket.send(
            json.dumps({"id": self.last_id, "method": method, "params": params})
        )
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.last_id:
                break
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def evaluate(self, expression: str):
        """The value of a JavaScript expression; raises what it throws."""
        answer = self.send(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        if details := answer.get("exceptionDetails"):
            thrown = details.get("exception", {}).get("description", details["text"])
            raise RuntimeError(f"{expression}: {thrown}")
        return answer["result"].get("value")

    def wait(self, selector: str) -> None:
        """Wait until `selector` matches and the page has been calm for a moment."""
        deadline = time.monotonic() + TIMEOUT
        calm = 0
        while calm < 3:
            calm = calm + 1 if self.evaluate(READY % json.dumps(selector)) else 0
            if time.monotonic() > deadline:
                raise RuntimeError(f"{selector} did not appear in {TIMEOUT} s")
            time.sleep(0.15)

    def picture(self, full: bool) -> bytes:
        answer = self.send(
            "Page.captureScreenshot", format="png", captureBeyondViewport=full
        )
        return base64.b64decode(answer["data"])


def show(browser: Browser, odoo: Odoo, screen: Screen, size: tuple[int, int]) -> None:
    """Bring the browser to `screen`."""
    width, height = size
    browser.send(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=height,
        deviceScaleFactor=1,
        mobile=False,
    )
    browser.send("Network.clearBrowserCookies")
    if screen.login:
        for cookie in odoo.cookies:
            browser.send(
                "Network.setCookie", name=cookie.name, value=cookie.value, url=odoo.url
            )
    path = screen.url
    if screen.record:
        path = f"{path}/{odoo.first_id(*screen.record)}"
    browser.send("Page.navigate", url=urllib.parse.urljoin(odoo.url, path))
    browser.wait(screen.wait)
    for step in screen.steps:
        browser.evaluate(step)
        browser.wait(screen.wait)


def main() -> int:
    url, database, folder, *names = sys.argv[1:]
    output = Path(folder)
    output.mkdir(parents=True, exist_ok=True)
    screens = [screen for screen in SCREENS if not names or screen.name in names]
    failures = 0
    sessions = {
        user: Odoo(url, database, user) for user in {screen.user for screen in screens}
    }
    with Browser() as browser:
        for screen in screens:
            for size in SIZES:
                file = output / f"{screen.name}-{size[0]}x{size[1]}.png"
                try:
                    show(browser, sessions[screen.user], screen, size)
                    result = "ok"
                except RuntimeError as error:
                    result = f"FAILED: {error}"
                    failures += 1
                file.write_bytes(browser.picture(screen.full))
                print(f"{file}  {result}", flush=True)
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
