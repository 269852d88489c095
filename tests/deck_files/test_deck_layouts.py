# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tables of decks as carriers lay them out: columns, sheets, headers, words, dates."""

import datetime
import tempfile
import unittest
from pathlib import Path

import openpyxl
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.deck_files import (
    Choices,
    DeckFileError,
    parse_deck,
    read_rows,
    write_xlsx,
)
from odoo.addons.metered_billing.deck_files.choices import OPTIONS
from odoo.addons.metered_billing.deck_files.columns import COLUMNS
from odoo.addons.metered_billing.deck_files.words import word_of
from odoo.addons.metered_billing.deck_files.write import HEADER

from .deck_texts import asked, assumed, codes, prices, reading, workbook

HALF = 50_000_000


class TestColumns(unittest.TestCase):
    def test_two_columns_for_one_meaning(self):
        for header, row, better in (
            ("Prefix,Price,Date,Effective Date", "44,1,2026-01-01,2026-12-01", 3),
            ("Prefix,Rate,New Rate", "44,1,2", 2),
            ("Prefix,Price,New Price", "44,1,2", 2),
            ("Prefix,Rate,Change,Status", "44,1,New,Inactive", 3),
            ("Code,Prefix,Rate", "1,44,1", 1),
        ):
            with self.subTest(header):
                found = reading(f"{header}\n{row}\n")
                self.assertEqual((asked(found), codes(found)), (["columns"], []))
                self.assertEqual(found.questions[0].proposal, header.split(",")[better])
                self.assertIn(better, found.rows.columns.values())
                found = reading(f"{header}\n{row}\n", columns=found.rows.columns)
                self.assertEqual((asked(found), len(found.rates)), ([], 1))

    def test_two_columns_of_which_none_is_better(self):
        """Nothing is proposed; the question stays until one is chosen."""
        for header, row, meaning in (
            ("Prefix,Rate,Rate", "44,1,2", "price"),
            ("Prefix,Cost,Rate", "44,1,2", "price"),
            (
                "Prefix,Price,Valid from,Effective date",
                "44,1,2026-01-01,2026-01-02",
                "valid_from",
            ),
        ):
            with self.subTest(header):
                text = f"{header}\n{row}\n"
                found = reading(text)
                places = found.rows.doubtful
                self.assertEqual((len(places), found.questions[0].proposal), (2, ""))
                known = {
                    name: place
                    for name, place in found.rows.columns.items()
                    if place not in places
                }
                found = reading(text, columns=known)
                self.assertEqual((set(asked(found)), codes(found)), ({"columns"}, []))
                for place in places:
                    found = reading(text, columns={**known, meaning: place})
                    self.assertEqual((asked(found), codes(found)), ([], ["44"]))
        found = reading(text, columns=known, left_out=tuple(places))
        self.assertEqual((asked(found), codes(found)), ([], ["44"]))

    def test_a_second_column_that_says_the_same(self):
        for text in (
            "Prefix,Rate,New Rate\n44,1,1\n33,2,2\n",
            "Prefix,Rate,New Rate\n44,1,\n33,1,\n",
            "Prefix,Destination,Description,Rate\n44,UK,United Kingdom,1\n",
            "Prefix,Current Rate,New Rate\n44,2,1\n",
        ):
            with self.subTest(text):
                found = reading(text)
                self.assertEqual(asked(found), [])
                self.assertEqual(prices(found)[0], 2 * HALF)

    def test_a_complete_code_beside_its_parts(self):
        text = "Country Code,Area Code,Complete Code,Rate\n44,20,4420,1\n{}\n"
        found = reading(text.format("33,6,336,1"))
        self.assertEqual((asked(found), codes(found)), ([], ["4420", "336"]))
        self.assertEqual(asked(reading(text.format("33,6,337,1"))), ["columns"])

    def test_area_codes_in_two_columns(self):
        found = reading("NPA,NXX,Rate\n201,200,1\n201,555,2\n")
        self.assertEqual(codes(found), ["1201200", "1201555"])
        found = reading("NPA,NXX,Rate\n201,2x,1\n")
        self.assertEqual(([p.line for p in found.problems], codes(found)), ([2], []))

    def test_currencies_of_columns_and_notes(self):
        found = reading("prefix,price,currency\n44,1,EUR\n33,1,USD\n49,1,money\n")
        self.assertEqual([problem.line for problem in found.problems], [3, 4])
        self.assertEqual(found.currencies, {"EUR"})
        found = reading("Currency: EUR per minute\nprefix,price\n44,1\n33,$1\n")
        self.assertEqual([problem.line for problem in found.problems], [4])
        for text, line in (
            ("Currency: EUR\nprefix,price USD\n44,1\n33,2\n", 2),
            ("Currency: EUR\nCurrency: USD\nprefix,price\n44,1\n", 2),
            ("prefix,price USD,connection fee EUR\n44,1,2\n", 1),
        ):
            with self.subTest(text):
                found = reading(text)
                self.assertEqual([problem.line for problem in found.problems], [line])
                self.assertIn("a different currency", str(found.problems[0].error))
                self.assertEqual(codes(found), [])

    def test_a_text_as_spreadsheets_keep_it(self):
        found = reading('prefix;price\n="44";0,5\n=911;0\n')
        self.assertEqual(codes(found), ["44", "=911"])

    def test_two_rows_of_names(self):
        for text in (
            "Prefix,Name,Rate,\n,,Peak,Off-Peak\n44,UK,1,2\n",
            ",,Rate,\nPrefix,Name,Peak,Off-Peak\n44,UK,1,2\n",
            "Rates of ACME,,,\nPrefix,Name,Prices,\n,,Peak,Off-Peak\n44,UK,1,2\n",
        ):
            with self.subTest(text):
                found = reading(text)
                self.assertEqual((asked(found), codes(found)), (["bands"], []))
                self.assertIn("Off-Peak", str(found.questions[0].error))
        found = reading("Prefix,Name,Rate\n,,USD\n44,UK,1\n")
        self.assertEqual((asked(found), prices(found)), ([], [2 * HALF]))

    def test_spanish_and_german(self):
        found = reading(
            "Vorwahl;Ziel;Preis (€/Min.);Gültig ab;Taktung\n"
            "44;England;0,5;15.02.26;60/1\n"
        )
        self.assertEqual((asked(found), prices(found)), ([], [HALF]))
        found = reading(
            "Código de país;Prefijo;Destino;Tarifa por minuto;Válido desde;Estado\n"
            "34;91;Madrid;0,5;15/02/26;Activo\n34;93;Barcelona;;;Eliminado\n"
        )
        self.assertEqual((asked(found), codes(found)), ([], ["3491", "3493"]))
        self.assertEqual(found.rates["valid_from"][0], datetime.date(2026, 2, 15))
        self.assertEqual(found.rates["closed"].tolist(), [False, True])
        for names in COLUMNS.values():
            self.assertEqual(len(names), len(set(names)))

    def test_chosen_columns(self):
        text = "a;b;c\n44;UK;0,5\n33;FR;0,25\n"
        with self.assertRaisesRegex(DeckFileError, "contains the column names"):
            reading(text)
        found = reading(
            text, header_line=1, columns={"prefix": 0, "name": 1, "price": 2}
        )
        self.assertEqual(prices(found), [HALF, HALF // 2])

    def test_units_of_a_name_that_is_not_known(self):
        said = {"header_line": 1, "columns": {"prefix": 0, "price": 1}}
        for name, price in (
            ("Einkauf (ct/Min.)", HALF // 100),
            ("Our cents", HALF // 100),
            ("Plan C", HALF),
            ("Option p", HALF),
        ):
            found = reading(f"Nummern;{name}\n44;0,5\n", **said)
            self.assertEqual((asked(found), prices(found)), ([], [price]))
        found = reading("Nummern;Einkauf pro Sekunde\n44;0,5\n", **said)
        self.assertEqual((asked(found), prices(found)), (["per_seconds"], []))
        found = reading("Nummern;Einkauf (USD)\n44;€0,5\n", **said)
        self.assertEqual([problem.line for problem in found.problems], [2])

    def test_no_line_of_names(self):
        found = reading(
            "44;UK;0,5\n33;FR;0,25\n",
            header_line=0,
            columns={"prefix": 0, "name": 1, "price": 2},
        )
        self.assertEqual(codes(found), ["44", "33"])
        self.assertEqual(found.rows.header, ["1", "2", "3"])

    def test_lenient(self):
        """Where nothing is known a person is asked, and known again the next time."""
        for text, line in (("a;b\n44;1\n", 1), ("ACME\n\na;b\n44;1\n", 3)):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "deck.csv"
                path.write_text(text)
                rows = read_rows(path, lenient=True)
                self.assertEqual((rows.line, rows.header), (line, ["a", "b"]))
                self.assertEqual(asked(parse_deck(rows)), ["columns"])
                path.write_text("New notice, of December\n\n\n" + text)
                again = read_rows(path, lenient=True, known=[rows.key])
                self.assertEqual(again.header, ["a", "b"])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "deck.csv"
            path.write_text("44;0,5\n33;0,25\n")
            rows = read_rows(path, lenient=True)
            self.assertEqual((rows.line, len(rows.rows)), (0, 2))

    def test_what_stands_around_rates_is_counted(self):
        found = reading(
            "Carrier X\nPrefix,Name,Rate\n44,UK,1\nPREFIX,Name,Rate\nEurope,,\n"
            "33,FR,2\nTotal,two rates,\nPage 1 of 2,,\nSubject to change.,,\n"
        )
        self.assertEqual((found.problems, codes(found)), ([], ["44", "33"]))
        self.assertIn("repeat the column names: 1", assumed(found))
        self.assertIn("that are not rates: 4", assumed(found))
        found = reading(
            "Prefix,Name,Rate\n44,UK,1\nAverage,,1.5\n,Total,3\nTotal: 2,x,3\n,Tot,1\n"
        )
        self.assertEqual(
            ([p.line for p in found.problems], codes(found)), ([6], ["44"])
        )
        found = reading("Prefix,Rate\n44,1\n33,\nUnited Kingdom,\n")
        self.assertEqual([problem.line for problem in found.problems], [3])
        found = reading("Prefix,Name,Rate\n44,UK,1\n33,FR,\n")
        self.assertEqual([p.text for p in found.problems], ["The price is missing."])

    def test_words(self):
        for word, ends in (
            *((word, True) for word in ("Inactive", "BLOCKED", "Closed ", "deleted.")),
            *((word, True) for word in ("Discontinued", "Code Removal", "gesperrt")),
            *(
                (word, False)
                for word in ("Active", "New", "Increase", "", "+5%", "0.1")
            ),
            *((word, False) for word in ("No change", "Sin cambios", "unverändert")),
        ):
            with self.subTest(word):
                found = reading(f"prefix;price;status\n44;1;{word}\n")
                self.assertEqual(asked(found), [])
                self.assertEqual(found.rates["closed"].tolist(), [ends])

    def test_words_that_are_not_known(self):
        text = (
            "prefix,price,status\n44,1,Pausado\n33,1,PAUSADO\n45,1,Baja\n46,1,Active\n"
        )
        found = reading(text)
        self.assertEqual((asked(found), codes(found)), (["words"], ["46"]))
        self.assertEqual(found.words, {"pausado": ("Pausado", 2), "baja": ("Baja", 1)})
        found = reading(text, words={"pausado": "ends", "baja": "sells"})
        self.assertEqual(found.rates["closed"].tolist(), [True, True, False, False])
        found = reading("prefix,price,discontinued\n44,1,maybe\n33,1,yes\n")
        self.assertEqual((asked(found), codes(found)), (["words"], ["33"]))

    def test_a_comment_is_no_status(self):
        found = reading(
            "prefix,price,comment\n44,1,Removed 4479 from this destination\n"
        )
        self.assertEqual(found.rates["closed"].tolist(), [False])
        self.assertEqual(found.rows.unread, ["comment"])
        found = reading(
            "prefix,price,status\n44,1,Removed 4479 from this destination\n"
        )
        self.assertEqual((asked(found), codes(found)), (["words"], []))

    def test_deletions_without_a_price(self):
        found = reading("prefix,price,status\n44,,Deleted\n45,,Active\n46,x,Deleted\n")
        self.assertEqual(codes(found), ["44"])
        self.assertEqual([problem.line for problem in found.problems], [3, 4])
        found = reading("prefix,name,price,status\n44,UK,1,\n,Mars,,Deleted\n")
        self.assertEqual([problem.line for problem in found.problems], [3])

    def test_dates(self):
        for text, day in (
            ("15/02/26", (2026, 2, 15)),
            ("15-Feb-26", (2026, 2, 15)),
            ("15 February 2026", (2026, 2, 15)),
            ("Feb 15, 2026", (2026, 2, 15)),
            ("15. Februar 2026", (2026, 2, 15)),
            ("15 de febrero de 2026", (2026, 2, 15)),
            ("15.02.26", (2026, 2, 15)),
            ("02/15/26", (2026, 2, 15)),
            ("20260301", (2026, 3, 1)),
            ("2026-03-01T00:00:00Z", (2026, 3, 1)),
            ("2026/3/1", (2026, 3, 1)),
            ("1-мар-2026", (2026, 3, 1)),
            ("1er mars 2026", (2026, 3, 1)),
            ("1 août 2026", (2026, 8, 1)),
            ("01-avr-26", (2026, 4, 1)),
            ("1-mrt-2026", (2026, 3, 1)),
            ("2026年3月1日", (2026, 3, 1)),
            ("46082", (2026, 3, 1)),
            ("15032026", (2026, 3, 15)),
            ("03152026", (2026, 3, 15)),
        ):
            with self.subTest(ascii(text)):
                found = reading(f'prefix;price;effective\n44;1;"{text}"\n')
                self.assertEqual([p.text for p in found.problems], [])
                self.assertEqual(
                    found.rates["valid_from"].tolist(), [datetime.date(*day)]
                )
        for text in ("03/04/26", "03/04/2026", "26-02-27", "03-04-2026", "01032026"):
            found = reading(f"prefix;price;effective\n44;1;{text}\n")
            self.assertEqual((asked(found), codes(found)), (["date_order"], []))
        for text in (
            *("00002026", "99082", "2026", "15/02", "15/02-26", "32/01/26", "15/02/99"),
            *("2026-02-30", "March", "15 Foo 2026", "15/02/26 maybe", "1/2/9", "TRUE"),
        ):
            found = reading(f"prefix;price;effective\n44;1;{text}\n")
            self.assertEqual(
                ([p.line for p in found.problems], codes(found)), ([2], [])
            )
        found = reading("prefix;price;effective\n44;1;03/04/26\n33;1;25/12/26\n")
        self.assertIn("day comes before the month, as in 25/12/26", assumed(found))
        self.assertEqual(found.rates["valid_from"][0], datetime.date(2026, 4, 3))


class TestSheets(unittest.TestCase):
    RATES = [["Prefix", "Rate"], [44, 0.5]]
    OTHER = [["Prefix", "Rate"], [33, 1]]
    COVER = [["ACME Telecom"], ["Dear customer, these are our rates."]]

    def read_sheets(self, *sheets, **said):
        return reading(workbook(*sheets), "deck.xlsx", **said)

    def test_a_cover_is_passed_over(self):
        found = self.read_sheets(("Cover", self.COVER), ("Rates", self.RATES))
        self.assertEqual((asked(found), codes(found)), ([], ["44"]))
        self.assertIn("worksheet Rates was read. Not read: Cover", assumed(found))

    def test_a_hidden_sheet_is_not_read(self):
        found = self.read_sheets(("Old", self.OTHER, True), ("Rates", self.RATES))
        self.assertEqual((asked(found), codes(found)), ([], ["44"]))
        self.assertIn("Not read: Old", assumed(found))
        self.assertEqual(found.rows.sheets, (("Old", True), ("Rates", False)))
        found = self.read_sheets(("Cover", self.COVER), ("Rates", self.RATES, True))
        self.assertEqual((asked(found), codes(found)), (["sheet"], []))
        found = self.read_sheets(
            ("Cover", self.COVER), ("Rates", self.RATES, True), sheet="Rates"
        )
        self.assertEqual((asked(found), codes(found)), ([], ["44"]))

    def test_several_tables(self):
        sheets = ("A-Z", self.RATES), ("Premium", self.OTHER)
        found = self.read_sheets(*sheets)
        self.assertEqual((asked(found), codes(found)), (["sheet"], []))
        self.assertEqual(found.questions[0].proposal, "")
        self.assertEqual(codes(self.read_sheets(*sheets, sheet="Premium")), ["33"])

    def test_our_own_workbook_asks_nothing(self):
        row = dict.fromkeys(HEADER, "") | {"prefix": "44", "price": "1.234"}
        found = reading(write_xlsx([tuple(row.values())], "Deck"), "deck.xlsx")
        self.assertEqual((asked(found), assumed(found)), ([], ""))


class TestChoices(unittest.TestCase):
    @given(
        st.fixed_dictionaries(
            {},
            optional={
                "sheet": st.text(max_size=5),
                "header_line": st.none() | st.integers(0, 9),
                "columns": st.dictionaries(
                    st.sampled_from(sorted(COLUMNS)), st.integers(0, 9)
                ),
                "divisor": st.integers(0, 1000),
                "words": st.dictionaries(st.text(), st.sampled_from(("sells", "ends"))),
                **{name: st.sampled_from(OPTIONS[name]) for name in OPTIONS},
            },
        )
    )
    def test_what_is_kept_is_read_again(self, said):
        choices = Choices(**said)
        self.assertEqual(Choices.from_json(choices.as_json()), choices)

    @given(
        st.dictionaries(
            st.sampled_from(
                [*OPTIONS, "sheet", "columns", "words", "header_line", "x"]
            ),
            st.none()
            | st.text()
            | st.integers()
            | st.dictionaries(st.text(), st.text()),
        )
    )
    def test_what_is_no_choice_is_left_out(self, said):
        choices = Choices.from_json(said)
        for name, options in OPTIONS.items():
            self.assertIn(getattr(choices, name), ("", *options))
        self.assertEqual(Choices.from_json(None), Choices())

    def test_words_are_compared_alike(self):
        self.assertEqual(word_of("  Rate\u00a0 CLOSED. "), "rate closed")


class TestNoFormulas(unittest.TestCase):
    def test_a_cell_that_is_edited_stays_a_text(self):
        row = dict.fromkeys(HEADER, "") | {
            "prefix": "=911",
            "name": "=1+1",
            "price": "0",
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "deck.xlsx"
            path.write_bytes(write_xlsx([tuple(row.values())], "Deck"))
            sheet = openpyxl.load_workbook(path)["Deck"]
            for cell in (sheet["A2"], sheet["B2"]):
                self.assertEqual(cell.data_type, "s")
                self.assertTrue(cell.quotePrefix)
            self.assertEqual(codes(parse_deck(read_rows(path))), ["=911"])
