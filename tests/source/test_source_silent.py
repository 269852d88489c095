# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Servers that take connections and never say a word: somebody waits for the answer."""

import socket
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.metered_billing.connectors import asterisk_sql, file_systems

from ..support.source_case import SourceTypeCase


@tagged("post_install", "-at_install")
class TestSilentServers(SourceTypeCase):
    """A test ends within seconds; those of HTTP are tested with their connector."""

    def setUp(self):
        super().setUp()
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.port = listener.getsockname()[1]

    def check(self, module, names, kind, failing, **values):
        source = self.make_by_form(kind, allowed_networks="127.0.0.1", **values)
        for name in names:
            # libpq takes whole seconds, and two of them at least.
            patcher = patch.object(module, name, 2 if kind == "asterisk_sql" else 0.2)
            patcher.start()
            self.addCleanup(patcher.stop)
        self.check_connection(source, failing)
        [check] = [check for check in source.test_result if not check["ok"]]
        self.assertTrue(check["remedy"])
        self.assertNotRegex(check["detail"], r"object at|Traceback")

    def test_a_database(self):
        self.check(
            asterisk_sql,
            ["CONNECT_SECONDS"],
            "asterisk_sql",
            "The database answers",
            host="127.0.0.1",
            port=self.port,
            database="asterisk",
            username="metered",
            password="reads-only",
        )

    def test_sftp(self):
        self.check(
            file_systems,
            ["CONNECT_SECONDS"],
            "file_store",
            "File storage accessible",
            preset="generic",
            store_kind="sftp",
            host="127.0.0.1",
            port=self.port,
            username="metered",
            password="reads-only",
            store_folder="/cdr",
        )

    def test_s3(self):
        self.check(
            file_systems,
            ["HURRIED_SECONDS"],
            "file_store",
            "The folder can be read",
            preset="generic",
            store_kind="s3",
            address=f"http://127.0.0.1:{self.port}",
            store_region="eu-central-1",
            username="test",
            password="s3cret-of-the-bucket",
            store_folder="calls",
        )

    def test_s3_of_this_server_is_refused_unless_allowed(self):
        source = self.make_by_form(
            "file_store",
            preset="generic",
            store_kind="s3",
            address=f"http://127.0.0.1:{self.port}",
            username="test",
            password="s3cret-of-the-bucket",
            store_folder="calls",
        )
        for address in (source.address, "http://169.254.169.254"):
            self.move_source(source, address=address)
            self.check_connection(source, "File storage accessible")
            self.assertIn("allowed networks", source.test_result[0]["remedy"])
