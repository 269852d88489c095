# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Odd cells of decks: a rate that can be stored, or a sentence on what is wrong."""

import datetime
import tempfile
from pathlib import Path
from unittest import TestCase

from odoo.addons.metered_billing.deck_files import (
    DeckFileError,
    parse_deck,
    read_rows,
)
from odoo.addons.metered_billing.deck_files.columns import COLUMNS
from odoo.addons.metered_billing.deck_files.parse import TERMS

from ..support.fuzzing import ODD
from ..support.reading_cost import assert_readable

INT4 = 2**31 - 1
DIGITS = "9" * 5000
RIGHT = {"prefix": "44", "price": "0.1"}
MEANING_OF_NAME = {names[0]: meaning for meaning, names in COLUMNS.items()}


class TestDeckCells(TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "deck.csv")

    def parse(self, **cells):
        names = list(RIGHT | cells)
        values = [(RIGHT | cells)[name] for name in names]
        header = ",".join(COLUMNS[name][0] for name in names)
        line = ",".join('"' + value.replace('"', '""') + '"' for value in values)
        self.path.write_text(f"{header}\n{line}\n{line}x\n", newline="")
        rates, problems = parse_deck(read_rows(self.path))
        return rates[rates["line"] == 2], [p for p in problems if p.line == 2]

    def test_wrong(self):
        for name, values in {
            "per_seconds": ("²", "٤٤", DIGITS, "3000000000", "1e3", "-1", "1_0", "0"),
            "first_increment": ("²", DIGITS, "2147483648", "٤٤", "+1"),
            "grace_seconds": ("²", DIGITS, "99999999999999999999"),
            "included_seconds": ("²", DIGITS, "1"),
            "increments": (
                *("60/3000000000", "60/99999999999999999999", f"60/{DIGITS}", "²"),
                *("٤٤/1", "1/2/3", "60/0", "/", "-"),
            ),
            "tiers": (
                *(
                    f"{DIGITS}: 1",
                    "²: 1",
                    "60: 1/3000000000",
                    "60: 1e999999999",
                    "٤٤: 1",
                ),
                *("60: 1/60 9999999999", "60: ²", "0: 1", "60: 1; 60: 2", "60"),
            ),
            "price": (
                "²",
                "٤٤",
                "1e999999999",
                DIGITS,
                "1e-999999999",
                "NaN",
                "-1",
                "0.1" + "0" * 40 + "1",
            ),
            "connection_fee": ("1e999999999", "Infinity", "x", DIGITS),
            "prefix": ("²", "٤٤", DIGITS, "1-2-3", f"1-{DIGITS}", "9-1", "0-99999999"),
            "country_code": ("²", "٤٤", "9" * 300, DIGITS, "x", "123456789012345"),
            "valid_from": (
                "²",
                "٢٠٢٦-١٠-٠١",
                DIGITS,
                "2026-02-30",
                "0000-00-00",
                "1/2/9",
            ),
            "last_day": ("32/12/2026", "0000-00-00", "10000-01-01x", "x" * 99_999),
        }.items():
            for value in values:
                with self.subTest(name, value=value[:30]):
                    rates, problems = self.parse(**{name: value})
                    self.assertTrue(problems)
                    self.assertFalse(len(rates))
                    for problem in problems:
                        assert_readable(problem.text)

    def test_right(self):
        for name, value, column, expected in (
            ("per_seconds", "2147483647", "per_seconds", INT4),
            ("per_seconds", "60.0", "per_seconds", 60),
            ("increments", "060/0006", "initial_increment", 60),
            ("price", "0e999999999", "price_e8", 0),
            ("price", "0.1" + "0" * 100_000, "price_e8", 10**7),
            ("price", "0.00000001", "price_e8", 1),
            ("price", "1000000000", "price_e8", 10**17),
            ("price", "0e-999999999", "price_e8", 0),
            ("price", "1e3", "price_e8", 10**11),
            ("country_code", "49", "prefix", "4944"),
            ("last_day", "9999-12-31", "valid_until", None),
            ("last_day", "9999-12-30", "valid_until", datetime.date.max),
            ("valid_before", "9999-12-31", "valid_until", datetime.date.max),
            ("valid_from", "0001-01-01", "valid_from", datetime.date.min),
        ):
            with self.subTest(name, value=value):
                rates, problems = self.parse(**{name: value})
                self.assertFalse(problems)
                self.assertEqual(rates[column].tolist(), [expected])

    def test_ends_before_it_begins(self):
        days = {"valid_from": "0001-01-01", "valid_before": "0001-01-01"}
        _rates, problems = self.parse(**days)
        self.assertIn("before it begins", problems[0].text)

    def test_every_column_with_every_odd_text(self):
        for name in COLUMNS:
            for odd in ODD:
                text = odd.decode(errors="replace").replace("\0", "")
                with self.subTest(name, text=text[:30]):
                    try:
                        rates, problems = self.parse(**{name: text})
                    except DeckFileError as error:  # no text, or no rate at all
                        assert_readable(str(error))
                        continue
                    for problem in problems:
                        assert_readable(problem.text)
                    for column in ("per_seconds", "initial_increment", "increment"):
                        self.assertTrue((rates[column] <= INT4).all())
                    for column in TERMS:
                        self.assertTrue((rates[column] < 2**63).all())
                    digits = rates["prefix"].str.removeprefix("=")
                    self.assertTrue(digits.str.fullmatch("[0-9]{0,15}").all())
