# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files of usage where Odoo keeps attachments in its database."""

import hashlib
import tempfile
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.metered_billing.models.job import ir_attachment

from ..support.metered_case import MeteredCase, generic_csv

PORTION = 1000


@tagged("post_install", "-at_install")
class TestAttachmentDatabase(MeteredCase):
    def setUp(self):
        super().setUp()
        self.env["ir.config_parameter"].set_param("ir_attachment.location", "db")
        self.source = self.make_source()
        self.make_customer("Acme", "+14045550100")
        calls = [
            (str(n), "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")
            for n in range(300)
        ]
        self.content = generic_csv(calls).encode()
        self.sizes = []

    def portions(self):
        """Have small portions, and note how large each was that was in memory."""
        execute = type(self.env.cr).execute

        def noting(cr, query, params=None, **options):
            if "lo_put" in str(query):
                self.sizes.append(len(params[2]))
            elif "substring(db_datas" in str(query):
                self.sizes.append(params[1])
            return execute(cr, query, params, **options)

        self.enterContext(patch.object(ir_attachment, "PORTION_BYTES", PORTION))
        self.enterContext(patch.object(type(self.env.cr), "execute", noting))

    def test_a_fetched_file_goes_in_and_out_in_portions(self):
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            file.write(self.content)
            file.flush()
            self.portions()
            batch = self.env["metered.batch"]._create_for_path(
                self.source, file.name, "calls.csv"
            )
        batch._process()
        self.assertEqual((batch.state, batch.rated), ("done", 300))
        self.assertGreater(len(self.sizes), 2 * len(self.content) // PORTION)
        self.assertEqual(max(self.sizes), PORTION)
        attachment = batch.attachment_id
        self.assertFalse(attachment.store_fname)
        self.assertEqual(attachment.raw, self.content)
        self.assertEqual(attachment.file_size, len(self.content))
        checksum = hashlib.sha1(self.content, usedforsecurity=False).hexdigest()
        self.assertEqual(attachment.checksum, checksum)
        # Nothing else is left of how it got there.
        self.env.cr.execute("SELECT count(*) FROM pg_largeobject_metadata")
        self.assertEqual(self.env.cr.fetchone(), (0,))

    def test_an_uploaded_file(self):
        attachment = self.env["ir.attachment"].create(
            {"name": "calls.csv", "raw": self.content}
        )
        self.assertTrue(attachment.db_datas)
        self.portions()
        batch = self.env["metered.batch"]._create_for_file(self.source, attachment)
        batch._process()
        self.assertEqual((batch.state, batch.rated), ("done", 300))
        self.assertEqual(max(self.sizes), PORTION)
