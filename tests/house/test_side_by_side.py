# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What ./dev test has to know of the files that it runs side by side."""

import csv
from collections import Counter
from pathlib import Path
from unittest import TestCase

TESTS = Path(__file__).resolve().parents[1]


class TestSideBySide(TestCase):
    def setUp(self):
        super().setUp()
        with (TESTS / "data/seconds.csv").open(encoding="utf-8", newline="") as file:
            self.long = [row["file"] for row in csv.DictReader(file)]

    def test_what_takes_long_is_there_once(self):
        found = Counter(path.name for path in TESTS.rglob("test_*.py"))
        self.assertEqual(
            {name: 1 for name in self.long}, {name: found[name] for name in self.long}
        )
        self.assertEqual(len(self.long), len(set(self.long)))
