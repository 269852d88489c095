# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Workbooks whose cells show something else than they hold, or share a value."""

import io
import unittest

import openpyxl

from odoo.addons.metered_billing.connectors.workbook_formats import shown_by

from .deck_texts import asked, assumed, codes, prices, reading

HEADER = ("Prefix", "Destination", "Rate", "Increment")


def of_cells(*rows, hidden=(), merged=(), header=HEADER):
    """What a workbook says; a cell is a value, or a pair with its number format."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(header)
    for line, row in enumerate(rows, 2):
        for place, value in enumerate(row, 1):
            value, code = value if isinstance(value, tuple) else (value, None)
            cell = sheet.cell(line, place, value)
            cell.number_format = code or "General"
    for line in hidden:
        sheet.row_dimensions[line].hidden = True
    for cells in merged:
        sheet.merge_cells(cells)
    content = io.BytesIO()
    book.save(content)
    return reading(content.getvalue(), "deck.xlsx")


class TestNumberFormats(unittest.TestCase):
    def test_what_a_format_adds(self):
        for code, number, expected in (
            ('0.00"¢"', "1.5", "1.5¢"),
            ('0.00" ct"', "2", "2ct"),
            ("[$€-407] 0.000", "0.015", "€0.015"),
            ('_-* #,##0.00\\ "€"_-;-* 0', "0.015", "0.015€"),
            ("0%", "0.05", "5%"),
            ('"1"000', "201", "1201"),
            ("0000", "44", "0044"),
            ('"+"0', "44", "+44"),
            ("0.000,", "15", "15 ÷ 1000"),
            ('0"-1"0', "201", "201-1"),
        ):
            with self.subTest(ascii(code)):
                self.assertEqual(shown_by(code).text(number), expected)
        for code in (
            *("General", "0", "0.00", "#,##0.00", "0.00E+00", "# ?/?", "@"),
            *("[Red]0.0;0", "[$-409]0.00", "_(0.00_);(0.00)", "[<1]0.000;0.00"),
        ):
            with self.subTest(code):
                self.assertIsNone(shown_by(code))

    def test_a_price_is_what_is_shown(self):
        found = of_cells(
            (44, "UK", (1.5, '0.00"¢"')),
            (45, "DK", (2, '0.00" ct"')),
            (46, "SE", (0.02, '"$"0.000')),
        )
        self.assertEqual(found.problems, [])
        self.assertEqual(prices(found), [1_500_000, 2_000_000, 2_000_000])
        found = of_cells((44, "UK", (0.015, "[$€-407] 0.000")))
        self.assertEqual(found.currencies, {"EUR"})
        for code in ("0%", "0.000,", '0" pieces"'):
            found = of_cells((44, "UK", (15, code)), (33, "France", 0.5))
            self.assertEqual([problem.line for problem in found.problems], [2])
            self.assertEqual(codes(found), ["33"])

    def test_a_code_is_what_is_shown(self):
        found = of_cells(((201, '"1"000'), "NY", 1), ((44, '"+"0'), "UK", 2))
        self.assertEqual((found.problems, codes(found)), ([], ["1201", "44"]))

    def test_seconds_with_a_unit(self):
        found = of_cells((44, "UK", 1, (60, '0" s"')), (33, "FR", 1, (1, '0" min"')))
        self.assertEqual(found.problems, [])
        self.assertEqual(found.rates["increment"].tolist(), [60, 60])


class TestRowsOfWorkbooks(unittest.TestCase):
    def test_hidden_rows_are_told(self):
        rows = (44, "UK", 1), (4477, "UK Mobile", 2), (33, "France", 3)
        self.assertEqual(assumed(of_cells(*rows)), "")
        found = of_cells(*rows, hidden=[3])
        self.assertEqual(codes(found), ["44", "4477", "33"])
        self.assertIn("hidden in the worksheet but were read: 1", assumed(found))

    def test_merged_cells(self):
        rows = (44, "UK", 1), (4420, None, None), (4421, None, None), (33, "FR", 2)
        found = of_cells(*rows, merged=["B2:B4", "C2:C4"])
        self.assertEqual((found.problems, len(found.rates)), ([], 4))
        self.assertEqual(found.rates["name"].tolist(), ["UK", "UK", "UK", "FR"])
        # Beside each other, they are one cell.
        found = of_cells((44, "UK", 1), (33, "FR", None), merged=["B3:C3"])
        self.assertEqual([problem.line for problem in found.problems], [3])

    def test_country_code_of_merged_cells(self):
        header = ("Country Code", "Code", "Rate")
        rows = (44, 20, 1), (None, 33, 2), (49, 30, 3)
        found = of_cells(*rows, header=header)
        self.assertEqual(asked(found), ["country_fill"])
        found = of_cells(*rows, header=header, merged=["A2:A3"])
        self.assertEqual((asked(found), codes(found)), ([], ["4420", "4433", "4930"]))

    def test_a_formula_without_its_result(self):
        found = of_cells((44, "UK", "=1+1"), ('="33"', "FR", 1), (49, "DE", 1))
        self.assertEqual([problem.line for problem in found.problems], [2, 3])
        self.assertIn("no saved result", found.problems[0].text)
        self.assertIn("Rate", found.problems[0].text)
