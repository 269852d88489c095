# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""*Push usage in five minutes* of the README, followed step by step."""

import json
import os
import re
import subprocess
from pathlib import Path

from odoo import fields
from odoo.tests import Form, HttpCase, tagged

from ..support.metered_case import MeteredMakers

README = Path(__file__).resolve().parents[2] / "README.md"
HEADING = "## Push usage in five minutes"


@tagged("post_install", "-at_install")
class TestFiveMinutes(MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        section = README.read_text("utf-8").partition(HEADING)[2].partition("\n## ")[0]
        cls.curl, cls.shown = re.findall(r"^```\n(.*?)^```", section, re.S | re.M)
        [cls.example] = re.findall(r"^```python\n(.*?)^```", section, re.S | re.M)
        # The steps before it.
        cls.env["metered.usage.setup"].create_preset("api_calls")
        cls.source = cls.env["metered.source"].search([("takes_events", "=", True)])
        cls.company.metered_bills = "usage"
        acme = cls.make_customer("Acme")
        cls.make_identifier(acme, "acme", kind="key")
        form = Form(cls.env["metered.subscription.setup"])
        form.partner_id = acme
        form.save().action_create()
        cls.key = cls.env["metered.api.key"].create(
            {
                "name": "Shop",
                "source_ids": [fields.Command.set(cls.source.ids)],
                "may_read": True,
            }
        )
        cls.token = cls.key._make()

    def at_home(self, text):
        self.assertEqual(text.count("https://odoo.example.com"), 1)
        return text.replace("https://odoo.example.com", self.base_url())

    def test_with_curl(self):
        """What it sends, and the answer that is shown, which leaves something out."""
        with self.allow_requests(all_requests=True):
            sent = subprocess.run(
                ["bash", "-c", self.at_home(self.curl)],
                env={"PATH": os.environ["PATH"], "KEY": self.token},
                capture_output=True,
                check=True,
                timeout=60,
            )
        [told] = json.loads(sent.stdout)["events"]
        self.assert_shown(json.loads(self.shown), told)

    def assert_shown(self, shown, told):
        for name, value in shown.items():
            if isinstance(value, dict):
                self.assert_shown(value, told[name])
            else:
                self.assertEqual(told[name], value, name)

    def test_in_python(self):
        example = self.at_home(self.example).replace("the API key", self.token)
        names = {}
        with self.allow_requests(all_requests=True):
            exec(example, names)  # pylint: disable=exec-used
        self.assertEqual(names["counts"], {"accepted": 3})
        self.source._start_posted()._process()
        cdrs = self.env["metered.cdr"].search([("source_id", "=", self.source.id)])
        self.assertEqual(sum(cdrs.mapped("quantity")), 6)
