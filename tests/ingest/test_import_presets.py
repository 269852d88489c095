# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every preset's sample into the database: twice, and nothing is doubled."""

from odoo.tests import tagged

from ..support.metered_case import MeteredCase
from .test_presets import CUSTOMERS, DIRECTION, SAMPLES, preset_of


@tagged("post_install", "-at_install")
class TestImportPresets(MeteredCase):
    def test_twice(self):
        partners = {}
        for kind, value, name in CUSTOMERS:
            partner = partners.get(name) or self.make_customer(name)
            partners[name] = partner
            self.make_identifier(partner, value, kind)
        for path in sorted(SAMPLES.iterdir()):
            with self.subTest(path.stem):
                preset = preset_of(path)
                source = self.make_source(preset.key, timezone="UTC")
                content = path.read_bytes()
                waiting = DIRECTION[path.stem].split().count("-")
                records = len(DIRECTION[path.stem].split())
                first = self.import_bytes(source, content, path.name)
                self.assertEqual((first.state, first.balance), ("done", "ok"))
                self.assertEqual(first.records, records)
                stored = len(self.cdrs(first))
                self.assertEqual(stored + first.exceptions, records)
                self.assertGreaterEqual(first.exceptions, waiting)
                again = self.import_bytes(source, content, "again " + path.name)
                self.assertEqual((again.records, again.duplicates), (records, records))

    def test_zone_of_the_maker(self):
        source = self.env["metered.source"].create(
            {"name": "Twilio", "preset": "twilio", "country_id": self.usa.id}
        )
        self.assertEqual(source.timezone, "UTC")
        source.timezone = "Asia/Tokyo"
        source.action_apply_preset()
        self.assertEqual(source.timezone, "UTC")
