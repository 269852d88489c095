# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import unittest

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.identify import IdentifierIndex

IDENTIFIERS = st.lists(
    st.tuples(
        st.sampled_from(["number", "extension", "account_code"]),
        st.sampled_from(["+1", "+12", "100", "acme", ""]),
        st.integers(0, 9),
        st.integers(1, 5),
    ),
    max_size=12,
)


def index_of(rows):
    return IdentifierIndex(*columns(rows))


def columns(rows):
    """Kinds, values, starts and ends."""
    return (
        [row[0] for row in rows],
        [row[1] for row in rows],
        [row[2] for row in rows],
        [row[2] + row[3] for row in rows],
    )


class TestIdentifierIndex(unittest.TestCase):
    @given(IDENTIFIERS, st.lists(IDENTIFIERS, max_size=3))
    def test_extended_is_the_same_as_built_at_once(self, first, further):
        index = index_of(first)
        before = index
        for rows in further:
            index = index.extended(*columns(rows))
        whole = index_of([*first, *(row for rows in further for row in rows)])
        times = np.repeat(np.arange(16), 5)
        values = pa.array(["+1", "+12", "100", "acme", "nobody"] * 16)
        for kind in ("number", "extension", "account_code", "device"):
            self.assertEqual(
                list(index.find(kind, values, times)),
                list(whole.find(kind, values, times)),
            )
            self.assertEqual(
                list(before.find(kind, values, times)),
                list(index_of(first).find(kind, values, times)),
            )
