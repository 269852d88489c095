# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The example of docs/chargeover.md, run against the server as it stands there."""

import re
from pathlib import Path

from odoo.tests import tagged

from .test_chargeover_api import ChargeOverCase

PAGE = Path(__file__).resolve().parents[2] / "docs" / "chargeover.md"


@tagged("post_install", "-at_install")
class TestChargeOverPage(ChargeOverCase):
    def test_in_python(self):
        [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
        for said, meant in (
            ("https://odoo.example.com", self.base_url()),
            ("mk_0123456789", self.public),
            ("the private key", self.private),
            ("713", str(self.subscription.id)),
        ):
            self.assertEqual(example.count(said), 1)
            example = example.replace(said, meant)
        names = {}
        with self.allow_requests(all_requests=True):
            exec(example, names)  # pylint: disable=exec-used
        self.assertTrue(names["number"])
        self.rate()
        self.assertEqual(self.subscription._metered_renew().amount_untaxed, 28.05)
