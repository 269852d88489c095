# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the forms of jobs show while they run."""

from lxml import etree

from odoo.tests import TransactionCase, tagged
from odoo.tools.safe_eval import safe_eval


@tagged("post_install", "-at_install")
class TestJobScreens(TransactionCase):
    def test_every_counter_has_a_label(self):
        """The widget takes the label from the form: the field has to be in it."""
        views = self.env["ir.ui.view"].search(
            [("type", "=", "form"), ("arch_db", "like", "metered_job_progress")]
        )
        self.assertGreaterEqual(len(views), 5)
        for view in views:
            form = etree.fromstring(view.arch)
            [widget] = form.xpath("//widget[@name='metered_job_progress']")
            for name in safe_eval(widget.get("options", "{}")).get("counts", ()):
                with self.subTest(model=view.model, counter=name):
                    self.assertTrue(form.xpath(f"//field[@name='{name}']"))
