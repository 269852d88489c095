# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tiers within the call in the files of decks: read, written, and explained."""

import tempfile
import unittest
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.deck_files import (
    parse_deck,
    read_rows,
    split_tiers,
    tiers_text,
    write_template,
)
from odoo.addons.metered_billing.deck_files.columns import COLUMNS
from odoo.addons.metered_billing.deck_files.template import EXAMPLES
from odoo.addons.metered_billing.deck_files.tiers import read_tiers
from odoo.addons.metered_billing.deck_files.write import COLUMN_HELP, HEADER

SECONDS = st.integers(1, 2**31 - 1)
TIERS = st.lists(
    st.tuples(SECONDS, st.integers(0, 10**17), SECONDS, SECONDS),
    unique_by=lambda tier: tier[0],
    max_size=5,
).map(sorted)


def read(content, name="deck.csv"):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return parse_deck(read_rows(path, name))


class TestTiers(unittest.TestCase):
    def test_as_people_write_them(self):
        for text, expected in (
            ("", ""),
            ("60: 0.02", "60: 0.02/60 1"),
            ("60:0.020/60 6", "60: 0.02/60 6"),
            ("60: 0.02/1; 600 : $0.01 /60 30;", "60: 0.02/1 1; 600: 0.01/60 30"),
            ("1: 0", "1: 0/60 1"),
            ("60: 0,5", "60: 0.5/60 1"),
            ("60: 20", "60: 20/60 1"),
        ):
            with self.subTest(text=text):
                self.assertEqual(read_tiers(text), expected)

    def test_what_is_wrong(self):
        for text, message in (
            ("60", "is not a tier"),
            ("60: 0.02 per minute", "is not a tier"),
            ("60: 1; 60: 2", "must start later"),
            ("60: 1; 30: 2", "must start later"),
            ("0: 1", "at least 1"),
            ("60: 1/0", "at least 1"),
            ("60: -1", "is negative"),
            ("60: 0.000000001", "decimals"),
            ("60: cheap", "is not a price"),
        ):
            with self.subTest(text=text):
                rates, problems = read(f"prefix,price,tiers\n44,1,{text}\n45,1,\n")
                self.assertEqual(rates["prefix"].tolist(), ["45"])
                [problem] = problems
                self.assertEqual(problem.line, 2)
                self.assertIn(message, problem.text)

    @given(TIERS)
    def test_text_and_back(self, tiers):
        self.assertEqual(split_tiers(tiers_text(tiers)), tiers)
        self.assertEqual(read_tiers(tiers_text(tiers)), tiers_text(tiers))


class TestTemplate(unittest.TestCase):
    def test_it_is_read_without_problems(self):
        rates, problems = read(write_template(), "template.xlsx")
        self.assertEqual(problems, [])
        self.assertEqual(rates["prefix"].tolist(), [row["prefix"] for row in EXAMPLES])
        tiers = rates.set_index("prefix")["tiers"]
        self.assertEqual(tiers["447"], "60: 0.04/60 6; 600: 0.03/60 6")

    def test_every_column_is_explained(self):
        self.assertEqual(list(COLUMN_HELP), list(HEADER))
        known = {name for names in COLUMNS.values() for name in names}
        self.assertLessEqual(set(HEADER), known)


if __name__ == "__main__":
    unittest.main()
