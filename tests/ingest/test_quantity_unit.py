# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Units that the name of a column of quantities says."""

import unittest

import pandas as pd

from odoo.addons.metered_billing.ingest.mapping import ColumnSpec
from odoo.addons.metered_billing.ingest.quantity_unit import other_unit


class TestQuantityUnit(unittest.TestCase):
    def test_units(self):
        for heading, unit, said in (
            ("quantity (MWh)", "kWh", "MWh"),
            ("Stand [Wh]", "kWh", "Wh"),
            ("Volume (MB)", "gigabyte", "MB"),
            ("volume_mb", "GB", "mb"),
            ("Volume in liters", "m³", "liters"),
            ("Volume (GB)", "gigabytes", None),
            ("Volume (m3)", "m³", None),
            ("Verbrauch kWh", "kWh", None),
            ("quantity", "kWh", None),
            ("quantity (total)", "kWh", None),
            ("quantity (MWh)", "", None),
        ):
            frame = pd.DataFrame({heading: ["1"]})
            found = other_unit(frame, [ColumnSpec("quantity", heading)], unit)
            self.assertEqual(found, said and (heading, said), heading)
