# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How a source's files are read, said on the screen."""

from odoo.tests import HttpCase, tagged

from ..support.metered_case import MeteredMakers


@tagged("post_install", "-at_install")
class TestSourceFileTour(MeteredMakers, HttpCase):
    def test_files_are_read_as_set(self):
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_source",
            "metered_billing_source_files",
            login="admin",
        )
        source = self.env["metered.source"].search([("name", "=", "Tour SMDR")])
        self.assertEqual(
            source._file_override(),
            {
                "encoding": False,
                "has_header": True,
                "skip_lines": 2,
                "positions": "1, 10, 24",
            },
        )
