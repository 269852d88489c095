# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A connector as another module adds one: the example of the documentation, run."""

import re
import unittest
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

from odoo.addons.metered_billing.connectors import interface
from odoo.addons.metered_billing.connectors.errors import (
    SourceNotFound,
    SourceSettingsError,
)
from odoo.addons.metered_billing.connectors.interface import Connector
from odoo.addons.metered_billing.connectors.netsapiens import NetSapiens
from odoo.addons.metered_billing.connectors.records import join_frames, text, text_frame
from odoo.addons.metered_billing.connectors.sources import make_connector
from odoo.addons.metered_billing.demo.servers.faulty_http import FaultyServer, Reply

README = Path(__file__).resolve().parents[2] / "connectors" / "README.md"
MOST_LINES = 40
START, END = datetime(2026, 2, 23, tzinfo=UTC), datetime(2026, 2, 24, tzinfo=UTC)


class AcmeServer(FaultyServer):
    """The API that the example speaks."""

    def answer(self, request):
        if request.path == "/tenants":
            return Reply.of([{"id": "t1", "title": "First"}, {"id": "t2", "title": ""}])
        if request.path == "/tenants/t1/numbers":
            return Reply.of(["12025550101"])
        page = int(request.query["page"])
        calls = [
            {
                "call_id": f"{page}-{at}",
                "start_time": f"2026-10-05T1{page}:0{at}:00Z",
                "duration": at,
                "caller": "+12025550101",
                "callee": "+12125550100",
            }
            for at in range(3)
        ]
        return Reply.of({"pages": 3, "calls": calls})


def use_example(case):
    """Make the connector of the page known until the test ends.

    :param case: the test
    """
    example = re.search(r"```python\n(.*?)```", README.read_text(), re.S)[1]
    case.assertLessEqual(len(example.splitlines()), MOST_LINES)
    registered = mock.patch.dict(interface.CONNECTORS)
    registered.start()
    case.addCleanup(registered.stop)
    exec(compile(example, str(README), "exec"), {})  # pylint: disable=exec-used


class TestExample(unittest.TestCase):
    def setUp(self):
        super().setUp()
        use_example(self)
        self.server = AcmeServer()
        self.server.__enter__()
        self.addCleanup(self.server.stop)
        self.connector = self.connect()

    def connect(self):
        settings = {
            "address": self.server.url,
            "api_key": "acme-key",
            "allowed_networks": "127.0.0.1",
        }
        connector = make_connector("acme", settings)
        self.addCleanup(connector.close)
        return connector

    def test_it_does_all_that_a_connector_does(self):
        connector = self.connector
        self.assertEqual([a.key for a in connector.accounts()], ["t1", "t2"])
        self.assertEqual(
            [i.value for i in connector.identifiers("t1")], ["12025550101"]
        )
        pages = list(connector.fetch("t1", START, END))
        self.assertEqual([page.cursor for page in pages], ["2", "3", None])
        frame = join_frames([page.frame for page in pages])
        self.assertEqual(len(set(frame["call_id"])), 9)
        self.assertEqual(list(frame["duration"])[:3], ["0", "1", "2"])
        rest = list(connector.fetch("t1", START, END, pages[0].cursor))
        self.assertEqual(
            list(join_frames([page.frame for page in rest])["call_id"]),
            list(frame["call_id"])[3:],
        )
        self.assertIsNone(connector.count("t1", START, END))
        asked = self.server.requests[-1]
        self.assertEqual(asked.query["from"], "2026-02-23T00:00:00Z")
        self.assertEqual(asked.headers["Authorization"], "Bearer acme-key")

    def test_what_it_can_do_needs_no_word(self):
        kind = interface.kind_of("acme")
        self.assertTrue(kind.needs_account({}) and kind.lists_accounts({}))
        self.assertTrue(kind.is_connected and kind.is_fetched())
        self.assertFalse(kind.is_posted_to or kind.brings_files)
        self.assertLessEqual({"address", "api_key"}, kind.asks_for({}))

    def test_its_checks_come_by_themselves(self):
        checks = self.connector.check("t1")
        self.assertEqual([check.ok for check in checks], [True, True])
        self.assertEqual(checks[0].detail, "2 accounts")
        self.assertEqual(checks[1].detail, "First")
        (_listed, unknown) = self.connector.check("t9")
        self.assertFalse(unknown.ok)
        self.assertIn("no account t9", unknown.detail)
        self.server.stop()
        (gone,) = self.connect().check("t1")
        self.assertFalse(gone.ok)
        self.assertIn("address", gone.remedy)


class TestInterface(unittest.TestCase):
    def test_unknown_and_nameless_connectors(self):
        self.assertIs(interface.CONNECTORS["netsapiens"], NetSapiens)
        with self.assertRaisesRegex(SourceSettingsError, "no connector nothing"):
            make_connector("nothing", {})
        with self.assertRaisesRegex(ValueError, "needs a key and a name"):
            interface.register(type("Nameless", (Connector,), {}))

    def test_accounts_that_are_not_there(self):
        class Two(Connector):
            def accounts(self):
                return iter([interface.Account("a", "A"), interface.Account("b")])

            def fetch(self, account, start, end, cursor=None):
                return iter(())

        with Two({}) as connector:
            self.assertEqual(connector.find("a"), "A")
            self.assertEqual(connector.find("b"), "b")
            with self.assertRaisesRegex(SourceNotFound, "no account c"):
                connector.find("c")

    def test_moments_say_their_zone(self):
        with self.assertRaisesRegex(ValueError, "naive"):
            interface.iso_utc(datetime(2026, 2, 23))
        self.assertEqual(interface.from_iso(interface.iso_utc(START)), START)


class TestRecords(unittest.TestCase):
    def test_values_as_text(self):
        cases = [
            (None, ""),
            (0, "0"),
            (False, "false"),
            (12025550101.0, "12025550101"),
            (2**80, str(2**80)),
            (" x ", "x"),
            (["ä"], '["ä"]'),
            (START, "2026-02-23 00:00:00+00:00"),
        ]
        for value, expected in cases:
            self.assertEqual(text(value), expected)

    def test_frames_join_whatever_columns_they_have(self):
        frame = join_frames(
            [text_frame([{"a": 1}]), text_frame([]), text_frame([{"b": 2}, {"a": 3}])]
        )
        self.assertEqual(
            frame.to_dict("list"), {"a": ["1", "", "3"], "b": ["", "2", ""]}
        )
        self.assertEqual({str(kind) for kind in frame.dtypes}, {"string[pyarrow]"})
        self.assertEqual(len(join_frames([])), 0)
