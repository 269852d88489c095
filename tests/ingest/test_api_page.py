# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The example of docs/api.md, run against the server."""

import io
import re
from datetime import timedelta
from pathlib import Path

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


@tagged("post_install", "-at_install")
class TestApiPage(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()

    def test_the_example(self):
        source = self.make_source(name="Switch")
        user = new_test_user(
            self.env, "caller", groups="metered_billing.group_metered_user"
        )
        until = fields.Datetime.now() + timedelta(days=1)
        key = (
            self.env["res.users.apikeys"]
            .with_user(user)
            ._generate("rpc", "example", until)
        )
        [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
        for said, meant in (
            ("https://odoo.example.com", self.base_url()),
            ("the API key", key),
            ("source_id=1", f"source_id={source.id}"),
        ):
            self.assertEqual(example.count(said), 1)
            example = example.replace(said, meant)
        calls = (
            b"call_id,start_time,duration,caller,callee\n"
            b"a,2026-10-05 10:00:00,60,+14045550100,+12125550199\n"
        )
        names = {"open": lambda _path, _mode: io.BytesIO(calls)}
        with self.allow_requests(all_requests=True):
            exec(example, names)  # pylint: disable=exec-used
        batch = self.env["metered.batch"].browse(names["batch"])
        self.assertEqual((batch.source_id, batch.create_uid), (source, user))
        self.assertEqual(names["totals"]["state"], batch.state)
        self.assertLessEqual(set(names["fields"]), set(names["totals"]))
