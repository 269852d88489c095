# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A source's form, before anything of it is saved."""

from odoo.tests import Form, tagged

from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestSourceForm(MeteredCase):
    def test_the_preset_follows_the_type(self):
        form = Form(self.env["metered.source"])
        form.source_type = "netsapiens"
        self.assertEqual(form.preset, "netsapiens")
        form.source_type = "file_store"
        self.assertEqual(form.preset, "generic")
        form.source_type = "asterisk_sql"
        self.assertEqual(form.preset, "asterisk")
        # Its files have the same columns.
        form.source_type = "file_store"
        self.assertEqual(form.preset, "asterisk")

    def test_the_address_to_post_to_is_known_once_it_is_saved(self):
        form = Form(self.env["metered.source"])
        form.name = "Switch"
        form.source_type = "freeswitch_json"
        self.assertFalse(form.push_address)
        source = form.save()
        self.assertEqual(
            source.push_address,
            f"{source.get_base_url()}/metered/freeswitch/{source.id}",
        )
