# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Names of columns that have commas and plus signs of their own."""

import unittest

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.mapping import ColumnSpec

NAMES = st.text("ab ,+()", min_size=1, max_size=6).filter(
    lambda name: name == name.strip()
)


class TestColumnSpecs(unittest.TestCase):
    def test_names(self):
        names = {"Talk", "Talk, duration", "duration", "Start (GMT+1)", "day", "clock"}
        for columns, parts in (
            ("Talk, duration", ("Talk, duration",)),
            ("duration,Talk", ("duration",)),
            ("x,Talk", ("Talk",)),
            ("x,Talk, duration", ("Talk, duration",)),
            ("Start (GMT+1)", ("Start (GMT+1)",)),
            ("day+Start (GMT+1)", ("day", "Start (GMT+1)")),
            ("day + clock", ("day", "clock")),
            ("day+x,clock", ("clock",)),
            ("day+x", ()),
        ):
            self.assertEqual(ColumnSpec("seconds", columns).resolve(names), parts)

    @given(NAMES, st.sets(NAMES))
    def test_the_whole_name_comes_first(self, name, others):
        spec = ColumnSpec("seconds", name)
        self.assertEqual(spec.resolve({name, *others}), (name,))
