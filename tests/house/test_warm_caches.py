# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a test left in the registry's caches is right for the next one, or gone."""

import sys

from odoo.tests import TransactionCase, tagged

PARAMETER, GROUP = "metered_billing.a_test", "base.group_user"


@tagged("post_install", "-at_install")
class TestWarmCaches(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.parameters = cls.env["ir.config_parameter"]
        cls.parameters.set_param(PARAMETER, "of the class")

    def change(self, value):
        """Every test begins with what the class set, and leaves something else."""
        self.assertEqual(self.parameters.get_param(PARAMETER), "of the class")
        self.parameters.set_param(PARAMETER, value)
        self.assertEqual(self.parameters.get_param(PARAMETER), value)

    def test_1_the_first_changes(self):
        self.change("of the first")

    def test_2_the_second_sees_what_was_before(self):
        self.change("of the second")

    def test_3_a_commit_empties(self):
        """Nothing is known of what others have done meanwhile."""
        plugin = sys.modules.get("warm_caches")
        if plugin is None:
            self.skipTest("Odoo runs the tests itself")
        cache = self.registry._Registry__caches["default"]
        self.env.ref(GROUP)
        cache.begin()
        cache.clear()
        self.assertFalse(len(cache))
        cache.end(is_valid=True)
        self.assertTrue(len(cache), "What was known before it was cleared")
        cache.begin()
        cache.end(is_valid=False)
        self.assertFalse(len(cache))
