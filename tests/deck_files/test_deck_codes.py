# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Codes as people write them: the right codes, a question, or a problem."""

import re
import unittest

from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.deck_files.cells import WrongCell
from odoo.addons.metered_billing.deck_files.codes import CodeStyle, prefixes
from odoo.addons.metered_billing.deck_files.country_list import NEVER_DOUBLED
from odoo.addons.metered_billing.deck_files.named_countries import is_in_north_america
from odoo.addons.metered_billing.ingest.dial_plans import national_patterns

from .deck_texts import asked, assumed, codes, of_code, prices, reading, workbook


class TestCodes(unittest.TestCase):
    def test_one_reading(self):
        for text, expected in (
            ("1204\n1226", ["1204", "1226"]),
            ("1204\r\n1226", ["1204", "1226"]),
            ("1204, 1226", ["1204", "1226"]),
            ("1204;1226", ["1204", "1226"]),
            ("7495/7499", ["7495", "7499"]),
            ("1204|1226", ["1204", "1226"]),
            ("61 38,39", ["6138", "6139"]),
            ("61 38, 39, 41", ["6138", "6139", "6141"]),
            ("61 38,6139", ["6138", "6139"]),
            ("44 20, 44 161", ["4420", "44161"]),
            ("336 07, 336 08", ["33607", "33608"]),
            ("330-336", [str(n) for n in range(330, 337)]),
            ("330 - 332", ["330", "331", "332"]),
            ("330–332", ["330", "331", "332"]),
            ("44 to 46", ["44", "45", "46"]),
            ("1-242", ["1242"]),
            ("44-7400", ["447400"]),
            ("+33-6", ["336"]),
            ("+44 20", ["4420"]),
            ("44 2859", ["442859"]),
            ("447500, 44 7400", ["447500", "447400"]),
            ("7400-02", ["7400", "7401", "7402"]),
            ("0044", ["44"]),
            ("00447400", ["447400"]),
            ("+44", ["44"]),
            ("44.0", ["44"]),
            ("1,33,44", ["1", "33", "44"]),
            ("44, 4420", ["44", "4420"]),
            ("44\n7400", ["44", "7400"]),
            ("336,337", ["336", "337"]),
            ("=911", ["=911"]),
            ("'44", ["44"]),
            ("44*", ["44"]),
            ("336x; 337%", ["336", "337"]),
            ("^43", ["43"]),
            ("_44.", ["44"]),
            ("1XXX", ["1"]),
            ("34[1-3]", ["341", "342", "343"]),
            ("447[45]", ["4474", "4475"]),
            ("34[1,3]", ["341", "343"]),
            ("1(268)", ["1268"]),
            ("79(06,07)", ["7906", "7907"]),
            ("79(06-08)", ["7906", "7907", "7908"]),
            ("3310..3312", ["3310", "3311", "3312"]),
            ("44 20 - 44 22", ["4420", "4421", "4422"]),
            ("+44 (0)20", ["4420"]),
            ("41: 20, 21, 23-24", ["4120", "4121", "4123", "4124"]),
            ("011 44", ["44"]),
            ("39 10,11", ["3910", "3911"]),
            ("44-020", ["4420"]),
            ("*", [""]),
        ):
            with self.subTest(ascii(text)):
                found = of_code(text)
                self.assertEqual([p.text for p in found.problems], [])
                self.assertEqual((asked(found), codes(found)), ([], expected))

    def test_two_readings(self):
        for text, key, readings in (
            ("33-6", "dashes", {"join": ["336"], "range": ["33", "34", "35", "36"]}),
            ("93-70", "dashes", {"join": ["9370"]}),
            ("44-45", "dashes", {"join": ["4445"], "range": ["44", "45"]}),
            (
                "1204 1226",
                "blanks",
                {"group": ["12041226"], "separate": ["1204", "1226"]},
            ),
            ("33 49", "country_blanks", {"group": ["3349"], "separate": ["33", "49"]}),
            (
                "44 7400",
                "country_blanks",
                {"group": ["447400"], "separate": ["44", "7400"]},
            ),
            ("6138,39", "lists", {"full": ["6138", "39"], "ending": ["6138", "6139"]}),
            ("4420,21", "lists", {"full": ["4420", "21"], "ending": ["4420", "4421"]}),
            ("61 38;39", "lists", {"full": ["6138", "39"], "ending": ["6138", "6139"]}),
            ("447,400", "lists", {"full": ["447", "400"]}),
            ("1,204", "lists", {"full": ["1", "204"]}),
            ("33,6120", "lists", {"full": ["33", "6120"], "country": ["336120"]}),
            ("49/30", "lists", {"full": ["49", "30"], "country": ["4930"]}),
            ("44 | 20", "lists", {"full": ["44", "20"], "country": ["4420"]}),
            ("33;1", "lists", {"full": ["33", "1"], "country": ["331"]}),
            (
                "7/495, 499",
                "lists",
                {"full": ["7", "495", "499"], "country": ["7495", "7499"]},
            ),
        ):
            with self.subTest(text):
                found = of_code(text)
                self.assertEqual((asked(found), codes(found)), ([key], []))
                self.assertEqual(found.questions[0].line, 2)
                for answer, expected in readings.items():
                    found = of_code(text, **{key: answer})
                    self.assertEqual((asked(found), codes(found)), ([], expected))

    def test_blanks_behind_country_codes(self):
        """No code has two prices: other rows show that a blank is part of the code."""
        for cells, proven, proposal in (
            (("44 7400", "44 7500"), True, None),
            (("44 7400", "44"), True, None),
            (("+44", "44 7400"), True, None),
            (("44 7400", "33 6120"), False, ""),
            (("44 7400", "33 6120", "49 0"), False, "group"),
            (("44 7400", "447400"), False, "separate"),
            (("44 447400",), False, "separate"),
            (("44 7400", "44 7500", "44 447600"), False, "separate"),
            # The same code at two prices of two times says nothing.
            (("44 7400", "44 7400"), False, ""),
        ):
            with self.subTest(cells):
                text = "prefix,band,price\n" + "".join(
                    f"{cell},{rank},1\n" for rank, cell in enumerate(cells)
                )
                found = reading(text)
                if proven:
                    self.assertEqual(asked(found), [])
                    self.assertIn("447400", codes(found))
                    self.assertNotIn("7400", codes(found))
                    self.assertIn("44 7400", assumed(found))
                    continue
                [question] = found.questions
                self.assertEqual(
                    (question.key, question.proposal), ("country_blanks", proposal)
                )
                self.assertFalse(
                    {"44447400", "447400", "7400"}
                    & {code for code in codes(found) if cells.count(code) == 0}
                )
                answered = codes(reading(text, country_blanks="separate"))
                self.assertIn("44", answered)

    def test_no_reading(self):
        for text in (
            *("", "abc", "44a", "07911", "011441", "0011441", "44.5", "4.47E+11"),
            *("36-33-1", "1-2-3", "9-1", "4 4 a", "TRUE", "34[1", "34[3-1]", "44*5"),
            *("44(UK)", "39 (0)6", "+39 (0)6", "44: 4420, 4421", "35[10-12]", "x44"),
            *("44-", "-44", "44--45", "٤٤", "44'20", "(44)", "44:45", "#N/A"),
        ):
            with self.subTest(ascii(text)):
                found = of_code(text)
                self.assertEqual((asked(found), codes(found)), ([], []))
                self.assertEqual([problem.line for problem in found.problems], [2])

    def test_what_is_left_out_is_told(self):
        self.assertIn("leading 00 was removed: 1", assumed(of_code("0044")))

    # === COUNTRY CODES === #

    def test_country_code_of_merged_cells(self):
        text = (
            "country code,code,name,rate\n44,20,UK London,0.01\n,7400,UK Mobile,0.02\n"
        )
        found = reading(text)
        self.assertEqual((asked(found), codes(found)), ([], ["4420", "447400"]))
        self.assertIn("filled in from the row above: 1", assumed(found))
        rows = [["Country Code", "Code", "Rate"], [44, 20, 0.01], [None, 7400, 0.02]]
        found = reading(workbook(("Rates", rows)), "deck.xlsx")
        self.assertEqual(codes(found), ["4420", "447400"])

    def test_country_code_that_may_hold_no_longer(self):
        for text in (
            "country code,code,name,rate\n44,20,UK,1\n,7400,Russia Mobile,2\n",
            "country code,code,country,rate\n44,20,UK,1\n,7400,Russia,2\n",
            "country code,code,rate\n,7400,2\n44,20,1\n",
            "country code,code,rate\n44,4420,1\n,7400,2\n",
        ):
            with self.subTest(text):
                found = reading(text)
                self.assertEqual(asked(found), ["country_fill"])
                self.assertNotIn("7400", codes(found))
        found = reading(
            "country code,code,rate\n44,20,1\n,7400,2\n", country_fill="none"
        )
        self.assertEqual(codes(found), ["4420", "7400"])

    def test_country_code_without_an_area_code(self):
        found = reading("country code,area code,rate\n44,,1\n44,20,2\n44,*,3\n")
        self.assertEqual(codes(found), ["44", "4420"])
        self.assertIn("already in line 2", found.problems[0].text)
        found = reading("country code,area code,rate\n44,,1\n33,6,2\n")
        self.assertEqual(codes(found), ["44", "336"])

    def test_codes_that_may_be_complete(self):
        text = "country code,code,rate\n7,7,1\n7,701,2\n"
        found = reading(text)
        self.assertEqual((asked(found), codes(found)), (["codes"], []))
        self.assertEqual(found.questions[0].proposal, "")
        self.assertEqual(codes(reading(text, codes="complete")), ["7", "701"])
        self.assertEqual(codes(reading(text, codes="national")), ["77", "7701"])
        # No number of the United Kingdom or of +1 begins with its country code.
        for rows, expected in (
            ("44,447400,1\n44,161,2\n33,6,1\n", ["447400", "44161", "336"]),
            ("1,1,1\n1,201,2\n1,1242,2\n", ["1", "1201", "1242"]),
        ):
            found = reading("country code,code,rate\n" + rows)
            self.assertEqual((asked(found), codes(found)), ([], expected))
        found = reading("country code,code,rate\n7,7,1\n7,727,2\n7,495,3\n")
        self.assertEqual((asked(found), codes(found)), (["codes"], ["7495"]))
        found = reading("country code,code,rate\n36,36,1\n")
        self.assertEqual((asked(found), codes(found)), (["codes"], []))
        # One of many is an area code of its country: Norden in Germany, 04931.
        areas = "".join(f"49,{area},1\n" for area in ("4931", *range(201, 230)))
        found = reading("country code,code,rate\n" + areas)
        self.assertEqual((asked(found), codes(found)[0]), ([], "494931"))
        self.assertIn("for example 4931: 1", assumed(found))
        found = reading("country code,code,rate\n44,,1\n44,4420,2\n33,336,3\n")
        self.assertEqual(codes(found), ["44", "4420", "336"])

    def test_area_codes_with_their_zero(self):
        text = "country code,area code,rate\n44,020,1\n39,06,2\n44,161,1\n229,01,1\n"
        found = reading(text)
        self.assertEqual(codes(found), ["4420", "3906", "44161"])
        self.assertEqual([problem.line for problem in found.problems], [5])
        self.assertIn("leading 0 was removed: 1", assumed(found))

    def test_country_code_of_the_whole_file(self):
        found = reading("prefix,price\n20,1\n7400,2\n", country_code="44")
        self.assertEqual(codes(found), ["4420", "447400"])

    def test_north_america_without_its_1(self):
        for text, proposal in (
            ("prefix,price\n201200,0.1\n201201,0.1\n212555,0.1\n", ""),
            ("prefix,price\n201200,0.1\n305201,0.1\n416555,0.1\n", ""),
            ("prefix,price\n337,0.1\n216,0.1\n361,0.1\n", ""),
            ("prefix,price\n201200,0.1\n", ""),
            ("prefix,price\n2012005,0.1\n2012006,0.1\n", ""),
            ("prefix,price\n201,0.1\n305,0.1\n416,0.1\n212,0.1\n", ""),
            ("prefix,price\n201,0.1\n305,0.1\n416,0.1\n1,0.1\n", ""),
            ("prefix,price\n212555,0.1\n+1201200,0.1\n", ""),
            ("prefix,price\n305,0.1\n1201,0.1\n416,0.1\n212,0.1\n", ""),
            (
                "prefix,price\n"
                + "".join(f"{area},0.1\n" for area in (*range(201, 211), 305, 416)),
                "1",
            ),
            # The Maghreb and Libya, or Morocco's neighbors in Ohio.
            ("prefix,price\n212,0.1\n213,0.1\n216,0.1\n218,0.1\n", ""),
        ):
            with self.subTest(text):
                found = reading(text)
                [question] = found.questions
                self.assertEqual(
                    (question.key, question.proposal), ("country_code", proposal)
                )
                self.assertEqual(prices(found), [])
                found = reading(text, country_code="1")
                self.assertTrue(all(code.startswith("1") for code in codes(found)))
                found = reading(text, codes="complete")
                self.assertIn(text.split("\n")[1].split(",")[0], codes(found))
        found = reading("NPA-NXX,price\n201200,0.1\n201201,0.1\n")
        self.assertEqual((asked(found), codes(found)), ([], ["1201200", "1201201"]))
        self.assertIn("1 is added in front of each", assumed(found))
        for text in (
            "44\n1",
            "447400\n33",
            "336\n337",
            "1201200\n1201201",
            "212661\n1201\n44",
        ):
            rows = "".join(f"{code},1\n" for code in text.split())
            self.assertEqual(asked(reading("prefix,price\n" + rows)), [])

    def test_area_codes_named_as_north_american(self):
        """305 is in Greece, unless the name of the destination is in Florida."""
        text = "name,code,rate\nGreece,30,1\nUSA - Miami,305,2\nGermany,49,3\n"
        found = reading(text)
        self.assertEqual((asked(found), codes(found)), (["area_codes"], ["30", "49"]))
        self.assertEqual(found.questions[0].proposal, "add")
        found = reading(text, area_codes="add")
        self.assertEqual(codes(found), ["30", "1305", "49"])
        self.assertIn("in North America: 1", assumed(found))
        found = reading(text, area_codes="complete")
        self.assertEqual(codes(found), ["30", "305", "49"])
        # What was American Samoa's own code is no country's any more.
        found = reading("name,code,rate\nGreece,30,1\nAmerican Samoa (old),684,2\n")
        self.assertEqual((asked(found), codes(found)), ([], ["30", "684"]))
        # No area code begins so: adding 1 is no help that could be proposed.
        found = reading(text.replace("305", "300"))
        self.assertEqual(found.questions[0].proposal, "")
        # Columns of countries name them, too.
        found = reading("country,name,code,rate\nGreece,,30,1\nCanada,Ontario,416,2\n")
        self.assertEqual(asked(found), ["area_codes"])

    def test_names_in_north_america(self):
        for name in (
            "USA",
            "us mobile",
            "United States-Alaska",
            "Vereinigte Staaten",
            "Kanada",
            "Antigua and Barbuda",
            "Saint Lucia Mobile",
            "St. Kitts & Nevis",
            "DOMINICAN REPUBLIC, Proper",
        ):
            self.assertTrue(is_in_north_america(name), name)
        for name in (
            "",
            "Usambara",
            "Mexico",
            "Dominic",
            "Georgia",
            "Cuba",
            "Russia US",
        ):
            self.assertFalse(is_in_north_america(name), name)


class TestNeverDoubled(unittest.TestCase):
    @given(
        st.sampled_from(sorted(NEVER_DOUBLED)),
        st.text("0123456789", min_size=11, max_size=11),
    )
    @settings(max_examples=1000, deadline=None)
    def test_no_number_begins_with_its_country_code(self, country, digits):
        pattern = national_patterns()[country]
        self.assertTrue(pattern)
        for length in range(4, 12):
            number = (country + digits)[:length]
            self.assertIsNone(re.fullmatch(pattern, number), number)


# === PROPERTIES === #

CELLS = st.text("0123456789 ,;/-|\n+", min_size=1, max_size=24)
STYLES = st.builds(
    CodeStyle,
    st.sampled_from(("", "separate")),
    st.sampled_from(("", "separate", "group")),
    st.sampled_from(("", "range")),
    st.sampled_from(("", "full")),
    st.booleans(),
)


class TestCodeProperties(unittest.TestCase):
    def codes_of(self, text, style):
        try:
            return prefixes(text, style)
        except WrongCell:
            return None

    @given(CELLS, STYLES)
    @settings(max_examples=2000, deadline=None)
    @example("20;0-100", CodeStyle())
    def test_no_code_joins_what_is_apart(self, text, style):
        """A code has digits of one part, or of parts with a blank or a dash between."""
        found = self.codes_of(text, style)
        if found is None:
            return
        for code in found:
            self.assertRegex(code, r"^[1-9][0-9]*$|^0[0-9]*$")
            self.assertLessEqual(len(code), 15)
        parts = re.split(r"[,;/|\n&]", text)
        longest = max(len(re.sub("[^0-9]", "", part)) for part in parts)
        self.assertLessEqual(max(map(len, found)), longest)

    @given(st.lists(st.from_regex(r"[1-9][0-9]{2,9}", fullmatch=True), min_size=1))
    @settings(max_examples=500, deadline=None)
    def test_lists_are_their_parts(self, parts):
        for separator in ("\n", "; ", "/", ", "):
            found = self.codes_of(separator.join(parts), CodeStyle(lists="full"))
            self.assertEqual(found, parts)

    @given(CELLS)
    @settings(max_examples=2000, deadline=None)
    def test_an_answer_changes_no_clear_code(self, text):
        clear = self.codes_of(text, CodeStyle())
        if clear is None:
            return
        for lists in ("full", "ending"):
            style = CodeStyle("group", "group", "range", lists)
            self.assertEqual(self.codes_of(text, style), clear, ascii(text))
