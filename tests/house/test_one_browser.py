# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Browser tests share a browser, and nothing else."""

import os
import signal
import sys

from odoo.tests import HttpCase, tagged

DONE = 'console.log("test successful")'
LEAVE = """
    document.cookie = "left=1";
    localStorage.setItem("left", 1);
    sessionStorage.setItem("left", 1);
    await new Promise((done, failed) => {
        const request = indexedDB.open("left");
        request.onsuccess = done;
        request.onerror = failed;
    });
    await caches.open("left");
    await navigator.serviceWorker.register("/web/service-worker.js", {scope: "/odoo"});
"""
FIND = """
    const workers = await navigator.serviceWorker.getRegistrations();
    const left = [
        ...document.cookie.split("; ").filter((one) => one.startsWith("left")),
        ...Object.keys(localStorage),
        ...Object.keys(sessionStorage),
        ...(await indexedDB.databases()).map((one) => one.name),
        ...(await caches.keys()),
        ...workers.map((one) => one.scope),
    ];
"""


@tagged("post_install", "-at_install")
class TestOneBrowser(HttpCase):
    def in_a_page(self, code):
        # A page without scripts of its own.
        self.browser_js("/web/health", f"(async () => {{{code}{DONE}}})()")

    def test_a_test_sees_nothing_of_another(self):
        check = "if (left.length %s) { console.error(left.join()); return; }"
        self.in_a_page(LEAVE + FIND + check % "< 6")
        self.in_a_page(FIND + check % "> 0")

    def test_one_that_died_is_replaced(self):
        plugin = sys.modules.get("one_browser")
        if plugin is None:
            self.skipTest("Odoo runs the tests itself")
        self.in_a_page("")
        [browser] = plugin._running.values()
        self.in_a_page("")
        self.assertEqual(list(plugin._running.values()), [browser])
        os.kill(browser.pid, signal.SIGKILL)
        self.in_a_page("")
        [other] = plugin._running.values()
        self.assertNotEqual(other.pid, browser.pid)
        self.assertFalse(browser.folder.exists())
