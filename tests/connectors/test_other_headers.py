# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records below other column names are not read under those of the file."""

import tempfile
from pathlib import Path
from unittest import TestCase

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.files import (
    check_file,
    detect_format,
    read_chunks,
)

NAMES = ["call_id", "start_time", "duration", "caller", "callee", "ring"]


class TestOtherHeaders(TestCase):
    def read_lines(self, lines, chunk_records=100_000, done=0):
        """(lines of good records, lines of bad ones, durations, records)"""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "calls.csv")
            path.write_text("\n".join(",".join(line) for line in lines) + "\n")
            fmt = detect_format(path)
            self.assertTrue(fmt.has_header)
            records = check_file(path, fmt).records
            chunks = list(read_chunks(path, fmt, chunk_records, done))
        good = [n for chunk in chunks for n in chunk.line.tolist()]
        bad = [one.line for chunk in chunks for one in chunk.bad]
        durations = [text for chunk in chunks for text in chunk.frame["duration"]]
        return good, bad, durations, records

    def row(self, number, names=tuple(NAMES)):
        values = {
            **{"call_id": f"a{number}", "start_time": "2026-10-05 14:00:00"},
            **{"duration": "60", "caller": "+4930111222", "callee": "+41441234567"},
            "ring": "5",
        }
        return [values[name] for name in names]

    @settings(deadline=None, max_examples=25)
    @given(
        st.lists(st.tuples(st.permutations(NAMES), st.integers(0, 4)), max_size=3),
        st.integers(1, 7),
    )
    def test_no_duration_is_another_column(self, exports, chunk_records):
        lines = [NAMES, *map(self.row, range(4))]
        for names, count in exports:
            lines += [names, *(self.row(len(lines) + n, names) for n in range(count))]
        good, bad, durations, records = self.read_lines(lines, chunk_records)
        self.assertLessEqual({*durations}, {"60", "duration"})
        self.assertEqual(sorted([*good, *bad]), list(range(2, len(lines) + 1)))
        self.assertEqual(records, len(lines) - 1)
        for done in (1, len(lines) - 2):
            left = self.read_lines(lines, chunk_records, done)
            both = sorted([*good, *bad])[done:]
            self.assertEqual(sorted([*left[0], *left[1]]), both)
            self.assertEqual(left[1], [line for line in bad if line in both])

    def test_the_first_order_comes_again(self):
        other = [*NAMES[:2], "ring", *NAMES[3:5], "duration"]
        lines = [NAMES, self.row(1), other, self.row(2, other), NAMES, self.row(3)]
        good, bad, durations, _records = self.read_lines(lines)
        self.assertEqual((good, bad), ([2, 5, 6], [3, 4]))
        self.assertEqual(durations, ["60", "duration", "60"])
