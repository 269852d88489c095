# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Columns of one name: which of them has it, and which file does not tell."""

import tempfile
from pathlib import Path
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.column_names import unique_names
from odoo.addons.metered_billing.connectors.files import (
    detect_format,
    preview,
    settle_columns,
)

NAMES = st.lists(
    st.sampled_from(["a", "a_1", "a_2", "a_1_1", "b", " a ", "", "column_2", "A"]),
    min_size=1,
    max_size=9,
)


class TestColumnNames(TestCase):
    def settled(self, *lines):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "calls.csv")
            path.write_text("\n".join(lines) + "\n")
            fmt, left = settle_columns(path, detect_format(path))
            return fmt, left, preview(path, fmt).frame.columns.tolist()

    @given(NAMES)
    @settings(deadline=None)
    def test_no_name_is_empty_or_twice(self, names):
        columns, repeated = unique_names(names)
        self.assertEqual(len(columns), len(names))
        self.assertEqual(len(set(columns)), len(names))
        self.assertNotIn("", columns)
        again = [column for _name, several in repeated for column in several]
        for column, name in zip(columns, names, strict=True):
            # A name that one column alone has is that column's.
            if column not in again and name.strip():
                self.assertEqual(column, name.strip())
        self.assertFalse({name for name, _several in repeated} & set(columns))

    def test_equal_columns_have_their_name(self):
        fmt, left, columns = self.settled(
            "id,Duration,Duration", "1,60,60", "2,30, 30", "3,5,5"
        )
        self.assertEqual(columns, ["id", "Duration", "Duration_2"])
        self.assertEqual((fmt.columns, left, fmt.repeated), (tuple(columns), [], ()))

    def test_the_others_are_empty(self):
        _fmt, left, columns = self.settled("id,Rate,Rate,Rate", "1,60,,", "2,30,, ")
        self.assertEqual((columns, left), (["id", "Rate", "Rate_2", "Rate_3"], []))

    def test_different_columns_have_not(self):
        lines = ["id,Duration,Duration,x", "1,0,60,1"]
        fmt, [left], columns = self.settled(*lines, *["2,30,30,2"] * 400, "3,1,,3")
        self.assertEqual(columns, ["id", "Duration_1", "Duration_2", "x"])
        self.assertEqual(fmt.repeated, (("Duration", ("Duration_1", "Duration_2")),))
        self.assertEqual(left.records, 2)
        self.assertEqual(left.examples, ["0 | 60", "1 | "])

    def test_only_the_first_is_empty(self):
        _fmt, [left], columns = self.settled("id,Rate,Rate", "1,,60", "2,,30")
        self.assertEqual(columns, ["id", "Rate_1", "Rate_2"])
        self.assertEqual((left.name, left.records), ("Rate", 2))

    def test_the_layout_is_known_all_the_same(self):
        fmt, _left, _columns = self.settled(
            "call_id,start_time,duration,duration,caller,callee,direction,account",
            "1,2026-10-01 09:00:00,5,9,101,102,outbound,Ann",
        )
        self.assertEqual(fmt.layout, "generic")
