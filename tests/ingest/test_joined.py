# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""References of a customer and a product as one text, without a database."""

from unittest import TestCase

import pandas as pd
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.joined import joined
from odoo.addons.metered_billing.ingest.mapping import ColumnSpec, read_target

#: what makes it difficult: the joint, the escape, and a letter
PAIR = st.tuples(*(st.text("-\\a", max_size=4) for _part in range(2)))


class TestJoined(TestCase):
    @given(PAIR, PAIR)
    @example(("A-1", "2"), ("A", "1-2"))
    @example(("A-", "B"), ("A", "-B"))
    @example(("A\\", "-B"), ("A\\-", "B"))
    def test_no_two_pairs_are_one_text(self, one, other):
        self.assertEqual(joined(*one) == joined(*other), one == other)

    @given(st.lists(PAIR, min_size=1, max_size=3))
    def test_columns_are_joined_alike(self, pairs):
        frame = pd.DataFrame(
            dict(zip("ab", zip(*pairs, strict=True), strict=True)),
            dtype=pd.ArrowDtype(pa.string()),
        )
        specs = [ColumnSpec("line_item", "a+b")]
        found, _spec = read_target(frame, specs, "line_item")
        self.assertEqual(found.to_pylist(), [joined(*pair) for pair in pairs])

    def test_what_is_plain_stays_as_it_was(self):
        self.assertEqual(joined("ACME", "GB"), "ACME-GB")
