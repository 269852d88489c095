# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files of rates that say something else than they seem: asked about or refused."""

import tempfile
import unittest
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.deck_files import Choices, parse_deck, read_rows
from odoo.addons.metered_billing.deck_files.columns import understand_name
from odoo.addons.metered_billing.deck_files.money_headings import divisor_of

from .deck_texts import asked, assumed, codes, prices, reading, workbook

HALF = 50_000_000


def lines(found):
    return [problem.line for problem in found.problems]


class TestRowsThatAreTooLong(unittest.TestCase):
    def test_a_decimal_comma_that_is_not_quoted(self):
        for text in (
            "Prefix,Destination,Rate\n44,UK,0,015\n4477,UK mob,0,025\n",
            "Prefix,Destination,Rate,,\n44,UK,0,015\n4477,UK mob,0,025\n",
        ):
            found = reading(text)
            self.assertEqual((lines(found), codes(found)), ([2, 3], []))
            self.assertIn("values, but only 3 columns", found.problems[0].text)
        text = "Prefix,Destination,Rate,Increment\n44,UK,0.015,60/1\n4,X,0,015,60/1\n"
        found = reading(text)
        self.assertEqual((lines(found), codes(found)), ([3], ["44"]))

    def test_what_is_empty_is_no_value(self):
        self.assertEqual(lines(reading("Prefix,Rate\n44,1,,\n33,2\n49,1\n34,1\n")), [])

    def test_remarks_beside_a_table_of_a_workbook(self):
        rows = [["Prefix", "Rate"], [44, 1, "see note"]]
        found = reading(workbook(("Rates", rows)), "deck.xlsx")
        self.assertEqual((lines(found), codes(found)), ([], ["44"]))

    @given(st.lists(st.integers(2, 6), min_size=1, max_size=8))
    @settings(deadline=None)
    def test_no_row_with_more_values_is_a_rate(self, widths):
        regular = "".join(f"33{n},1,x\n" for n in range(20))
        text = f"Prefix,Rate,Name\n{regular}" + "".join(
            ",".join([str(440 + rank), "1", "x", "y", "z", "w"][:width]) + "\n"
            for rank, width in enumerate(widths)
        )
        found = reading(text)
        expected = [str(440 + n) for n, width in enumerate(widths) if width <= 3]
        self.assertEqual(codes(found)[20:], expected)


class TestColumnsThatAreMissing(unittest.TestCase):
    def test_the_question_stays_until_it_is_answered(self):
        text = "Code,Destination,PPM\n44,UK,1.5\n"
        for columns in (None, {"prefix": 0, "name": 1}, {"name": 1}, {"price": 2}):
            said = {} if columns is None else {"columns": columns}
            found = reading_lenient(text, **said)
            self.assertEqual((asked(found), codes(found)), (["columns"], []))
        found = reading_lenient(text, columns={"prefix": 0, "price": 2})
        self.assertEqual((asked(found), prices(found)), ([], [3 * HALF]))

    def test_digits_of_other_scripts_are_no_names(self):
        for digits in ("٩٧١,UAE,٠٫٠٢٥", "４４,UK,１"):
            found = reading(f"Prefix,Destination,Rate\n{digits}\n966,KSA,0.03\n")
            self.assertEqual(found.rows.header, ["Prefix", "Destination", "Rate"])
            self.assertIn("966", codes(found))
            self.assertNotIn("UAE", found.rows.header)

    def test_what_stands_in_parentheses(self):
        text = "Prefix,Rate,{}\n44,1,2026-07-01 00:00:00 GMT\n"
        for name in (
            *(
                "Effective Date (GMT)",
                "Effective Date (yyyy-mm-dd)",
                "Start Date [UTC]",
            ),
            *("Valid from (DD.MM.YYYY)", "Gültig ab (TT.MM.JJJJ)"),
        ):
            with self.subTest(name):
                found = reading(text.format(name))
                self.assertEqual(str(found.rates["valid_from"][0]), "2026-07-01")
        self.assertIsNone(understand_name("Last day (exclusive)"))


class TestUnitsOfHeadings(unittest.TestCase):
    def test_seconds(self):
        for name, seconds in (
            *(("Price per hour", 3600), ("Price (10 min)", 600), ("Rate/30 sec", 30)),
            *(("Preis je Stunde", 3600), ("Rate / h", 3600)),
        ):
            with self.subTest(name):
                text = f"Prefix,Destination,{name}\n44,UK,3\n"
                columns = {"prefix": 0, "price": 2}
                found = reading_lenient(text, columns=columns)
                [question] = found.questions
                self.assertEqual(
                    (question.key, question.proposal, codes(found)),
                    ("per_seconds", seconds, []),
                )
                found = reading_lenient(text, columns=columns, per_seconds=seconds)
                self.assertEqual(found.rates["per_seconds"].tolist(), [seconds])

    def test_divisors(self):
        for name, divisor in (
            *(("Rate (mills)", 1000), ("Rate x10000", 10_000), ("Rate (1/1000)", 1000)),
            *(("Rate (1/100 cent)", 10_000), ("Price * 100", 100)),
        ):
            with self.subTest(name):
                self.assertEqual(divisor_of(name), divisor)
                text = f"Prefix,{name}\n44,150\n"
                columns = {"prefix": 0, "price": 1}
                found = reading_lenient(text, columns=columns)
                [question] = found.questions
                self.assertEqual(
                    (question.key, question.proposal, codes(found)),
                    ("divisor", divisor, []),
                )
                found = reading_lenient(text, columns=columns, divisor=divisor)
                self.assertEqual(prices(found), [300 * HALF // divisor])
        for name in ("Rate", "Rate 1", "Rate (ct)", "Max rate", "Price 60/60"):
            self.assertEqual(divisor_of(name), 0)


class TestColumnsThatAreNotRead(unittest.TestCase):
    def test_they_are_asked_about(self):
        for header, cells in (
            ("Start", ("2026-12-15", "2026-12-16")),
            ("Rate begins", ("15.12.2026", "1.1.2027")),
            ("To", ("31 Dec 2026", "")),
            ("Unit", ("min", "sec")),
            ("Type", ("per minute", "per call")),
            ("Sell", ("0.02", "0.03")),
            ("Avg Rate", ("0.02", "0.03")),
            ("Precio venta", ("0.02", "$0.03")),
            ("Flagfall", ("0.10", "0")),
            ("Mobile surcharge", ("10%", "")),
            ("Excluded codes", ("447", "")),
        ):
            with self.subTest(header):
                text = f"Prefix,Rate,{header}\n44,1,{cells[0]}\n33,2,{cells[1]}\n"
                found = reading(text)
                self.assertEqual((asked(found), codes(found)), (["columns"], []))
                self.assertIn(header, str(found.questions[0].error))
                columns = {"prefix": 0, "price": 1}
                # Nobody has said what it means: agreeing is no answer.
                self.assertEqual(asked(reading(text, columns=columns)), ["columns"])
                found = reading(text, columns=columns, left_out=(2,))
                self.assertEqual((asked(found), codes(found)), ([], ["44", "33"]))

    def test_a_dash_beside_an_empty_column_of_prices(self):
        """The code may have been taken away, and the other price be the former one."""
        text = "Vorwahl;Preis;Status;Rate\n44;;-;0.0004\n"
        self.assertEqual(asked(reading(text)), ["words"])
        half = text.replace("Preis", "Preis half minute")
        self.assertIn("words", asked(reading(half)))
        self.assertEqual(codes(reading(text.replace(";;", ";0.0004;"))), ["44"])

    def test_what_changes_nothing_is_not_asked_about(self):
        for header, cells in (
            ("Unit", ("min", "min")),
            ("Type", ("Mobile", "Fixed")),
            ("Current Rate", ("1", "2")),
            ("Rate ID", ("1", "2")),
            ("Rate change %", ("1", "2")),
            ("Remarks", ("2026", "new")),
            ("Start", ("", "")),
            ("Flagfall", ("0.00", "0")),
            ("Previous surcharge", ("0.10", "0")),
            ("Charge code", ("10", "20")),
        ):
            with self.subTest(header):
                text = f"Prefix,Rate,{header}\n44,1,{cells[0]}\n33,2,{cells[1]}\n"
                self.assertEqual(asked(reading(text)), [])

    def test_days_by_other_names(self):
        for name in (
            "Effective On",
            "Eff.",
            "As of",
            "Implementation Date",
            "Vigencia",
        ):
            found = reading(f"Prefix,Rate,{name}\n44,1,2026-12-15\n")
            self.assertEqual(str(found.rates["valid_from"][0]), "2026-12-15")
        for name in ("Expiry", "Until", "Stop Date", "Valid thru"):
            found = reading(f"Prefix,Rate,{name}\n44,1,2026-12-15\n")
            self.assertEqual(str(found.rates["valid_until"][0]), "2026-12-16")

    def test_whether_a_rate_is_active(self):
        for name, cells in (("Active", ("1", "0")), ("Enabled", ("TRUE", "FALSE"))):
            found = reading(f"Prefix,Rate,{name}\n44,1,{cells[0]}\n33,2,{cells[1]}\n")
            self.assertEqual((set(asked(found)), codes(found)), ({"words"}, []))

    def test_numbers_of_columns(self):
        found = reading("Prefix,Destination,Rate\n1,2,3\n44,UK,0.01\n")
        self.assertEqual(codes(found), ["44"])


class TestDoubts(unittest.TestCase):
    def test_a_grouped_code(self):
        for text in ("1,246", "1/340", "20,212", "1,204"):
            with self.subTest(text):
                found = reading(f"Prefix;Rate\n{text};1\n33;2\n")
                self.assertEqual((asked(found), codes(found)), (["lists"], ["33"]))

    def test_area_code_and_exchange(self):
        for cells in (
            ("201-200", "212-555"),
            ("201 200", "212 555"),
            ("212.555",),
            ("201/200", "212/555"),
        ):
            with self.subTest(cells):
                text = "Prefix,Rate\n" + "".join(f"{cell},1\n" for cell in cells)
                found = reading(text)
                self.assertEqual((asked(found), codes(found)), (["country_code"], []))
                found = reading(text, country_code="1")
                self.assertEqual(
                    codes(found),
                    ["1" + "".join(c for c in cell if c.isdigit()) for cell in cells],
                )
        found = reading("Prefix,Rate\n201-209,1\n212-215,1\n")
        self.assertNotIn("201209", codes(found))

    def test_a_status_of_0_and_1(self):
        text = "Prefix,Rate,Status\n44,1,0\n33,1,1\n"
        found = reading(text)
        self.assertEqual((asked(found), codes(found)), (["words"], []))
        found = reading(text, words={"0": "sells", "1": "ends"})
        self.assertEqual(found.rates["closed"].tolist(), [False, True])
        self.assertEqual(asked(reading("Prefix,Rate,Change\n44,1,0\n33,1,2.5\n")), [])

    def test_two_prices_on_some_days(self):
        text = "Prefix,Rate,Start Date,End Date\n"
        found = reading(
            text + "44,1,2026-01-01,2026-06-30\n44,2,2026-07-01,\n"
            "44,3,2026-06-30,2026-07-31\n33,1,2026-01-01,\n33,2,2026-07-01,\n"
        )
        self.assertEqual((lines(found), codes(found)), ([3], ["44", "44", "33", "33"]))
        # One that ends when the next begins, as carriers write it.
        found = reading(text + "44,1,2026-01-01,2026-07-01\n44,2,2026-07-01,\n")
        self.assertEqual(lines(found), [])

    def test_texts_that_say_what_no_column_does(self):
        table = "Prefix,Destination,Rate{}\n44,UK,0.01{}\n"
        for text in (
            *("Effective Date: 03/04/2026", "Billing: 60/60", "Valid from: 15/12/2026"),
            *(
                "All prices in US cents per minute",
                "Taktung: 60/1",
                "Gültig ab 1.1.2026",
            ),
        ):
            with self.subTest(text):
                found = reading(f"Rate sheet\n{text}\n\n" + table.format("", ""))
                self.assertEqual((asked(found), codes(found)), (["remarks"], []))
                self.assertEqual(found.questions[0].examples, (text,))
                found = reading(f"{text}\n" + table.format("", ""), remarks="read")
                self.assertEqual((asked(found), codes(found)), ([], ["44"]))
        for text in ("Rate sheet", "Currency: EUR", "Prices may change without notice"):
            self.assertEqual(asked(reading(f"{text}\n" + table.format("", ""))), [])
        found = reading(
            "Effective Date: 03/04/2026\nBilling: 60/60\n"
            + table.format(",Effective Date,Increments", ",2026-04-03,60/60")
        )
        self.assertEqual(asked(found), [])

    def test_a_title_above_codes_that_end(self):
        text = "Prefix,Destination,Rate\nNEW CODES,,\n44,UK,1\n{},,\n33,FR,2\n"
        for title in ("DELETED CODES", "Closed", "Gelöschte Ziele: entfernt"):
            found = reading(text.format(title))
            self.assertEqual((asked(found), codes(found)), (["remarks"], []))
        self.assertEqual(asked(reading(text.format("Europe"))), [])
        self.assertIn("Skipped", assumed(reading(text.format("Europe"))))


def reading_lenient(content, **said):
    """As `reading`, of a dialog, where a person is asked for the columns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "deck.csv")
        path.write_text(content)
        return parse_deck(read_rows(path, "", Choices(**said), lenient=True))
