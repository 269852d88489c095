# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The examples of docs/events.md, run against the server."""

import json
import re
from pathlib import Path

from odoo.tests import tagged

from .test_push_events import PushCase

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"


@tagged("post_install", "-at_install")
class TestEventsPage(PushCase):
    def test_in_python(self):
        [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
        for said, meant in (
            ("https://odoo.example.com", self.base_url()),
            ("the API key", self.token),
        ):
            self.assertEqual(example.count(said), 1)
            example = example.replace(said, meant)
        names = {}
        with self.allow_requests(all_requests=True):
            exec(example, names)  # pylint: disable=exec-used
        self.assertEqual(names["counts"], {"accepted": 3})
        self.rate()
        self.assertEqual(sum(self.cdrs().mapped("quantity")), 6)

    def test_with_curl(self):
        """What it sends, and the answer that is shown."""
        page = PAGE.read_text("utf-8")
        [sent] = re.findall(r"-d '(.*?)'\n", page, re.S)
        [shown] = re.findall(r'^\{"counts".*$', page, re.M)
        answer = self.push(sent, **{"Content-Type": "application/json"})
        self.assertEqual(answer.json(), json.loads(shown))
        self.rate()
        self.assertEqual(self.cdrs().partner_id, self.customer)
