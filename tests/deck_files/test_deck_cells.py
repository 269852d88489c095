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
        rates, problems = self.parse_rows([cells])
        return rates[rates["line"] == 2], [p for p in problems if p.line == 2]

    def parse_rows(self, rows):
        """Read rows of the same columns, the last of them once more and wrong."""
        names = list(RIGHT | rows[0])
        header = ",".join(COLUMNS[name][0] for name in names)
        lines = [
            ",".join('"' + (RIGHT | row)[n].replace('"', '""') + '"' for n in names)
            for row in rows
        ]
        self.path.write_text("\n".join([header, *lines, lines[-1] + "x\n"]), newline="")
        return parse_deck(read_rows(self.path))

    def test_wrong(self):
        for name, values in {
            "per_seconds": ("²", "٤٤", DIGITS, "3000000000", "1e3", "-1", "1_0", "0"),
            "first_increment": ("²", DIGITS, "2147483648", "٤٤", "+1"),
            "grace_seconds": ("²", DIGITS, "99999999999999999999"),
            "included_seconds": ("²", DIGITS, "1"),
            "increments": (
                *("60/3000000000", "60/99999999999999999999", f"60/{DIGITS}", "²"),
                *("٤٤/1", "1/2/3", "60/0", "/", "-", "60 6", "6 Jan", "6-May", "60 x"),
                *("full minute", "60 sec/", "99999999 min", "1 minute 30"),
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
        self.assertIn("is before the first day", problems[0].text)

    def test_increments_as_carriers_write_them(self):
        for text, pair in {
            "60/6": (60, 6),
            "60 / 6": (60, 6),
            "60s/6s": (60, 6),
            "60 sec": (60, 60),
            "60 seconds/1 second": (60, 1),
            "1 min": (60, 60),
            "per minute": (60, 60),
            "Per Second": (1, 1),
        }.items():
            with self.subTest(text):
                rates, problems = self.parse(increments=text)
                self.assertFalse(problems)
                found = rates[["initial_increment", "increment"]].to_numpy().tolist()
                self.assertEqual(found, [list(pair)])

    def test_increments_told_by_other_names(self):
        for header, cells, pair in (
            ("Increment", "60/1", [60, 1]),
            ("Increment", "6", [6, 6]),
            ("Min,Incr", "60,6", [60, 6]),
            ("Min Time,Increment", "60,6", [60, 6]),
        ):
            with self.subTest(header, cells=cells):
                self.path.write_text(f"Prefix,Rate,{header}\n44,0.1,{cells}\n")
                rates, _problems = parse_deck(read_rows(self.path))
                found = rates[["initial_increment", "increment"]].to_numpy().tolist()
                self.assertEqual(found, [pair])

    def test_every_column_with_every_odd_text(self):
        texts = [odd.decode(errors="replace").replace("\0", "") for odd in ODD]
        for name in COLUMNS:
            self.assert_stored_or_told(name, texts)

    def assert_stored_or_told(self, name, texts):
        """Texts of a column become rates or problems; apart, where all are refused."""
        try:
            rates, problems = self.parse_rows([{name: text} for text in texts])
        except DeckFileError as error:  # no text, or no rate at all
            assert_readable(str(error))
            half = len(texts) // 2
            for some in (texts[:half], texts[half:]) if half else ():
                self.assert_stored_or_told(name, some)
            return
        with self.subTest(name, texts=ascii(texts)[:99]):
            for problem in problems:
                assert_readable(problem.text)
            for column in ("per_seconds", "initial_increment", "increment"):
                self.assertTrue((rates[column] <= INT4).all())
            for column in TERMS:
                self.assertTrue((rates[column] < 2**63).all())
            digits = rates["prefix"].str.removeprefix("=")
            self.assertTrue(digits.str.fullmatch("[0-9]{0,15}").all())
