# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Prices as people write them: the right amount, a question, or a problem."""

import datetime
import re
import tempfile
import unittest
from decimal import Decimal
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.deck_files import parse_deck, read_rows
from odoo.addons.metered_billing.deck_files.amounts import Money, understand
from odoo.addons.metered_billing.deck_files.cells import WrongCell
from odoo.addons.metered_billing.notation.numbers import COMMA, POINT

from .deck_texts import asked, assumed, of_price, prices, reading, workbook

E8 = 10**8


class TestPrices(unittest.TestCase):
    def assert_prices(self, found, *expected):
        self.assertEqual([str(p.text) for p in found.problems], [])
        self.assertEqual(asked(found), [])
        self.assertEqual(prices(found), [round(amount * E8) for amount in expected])

    def assert_refused(self, text, **said):
        found = of_price(text, **said)
        self.assertEqual(prices(found), [])
        self.assertEqual([problem.line for problem in found.problems], [2])

    def test_one_reading(self):
        for text, expected in (
            ("1.234,56", 1234.56),
            ("1,234.56", 1234.56),
            ("1.234.567", 1234567),
            ("1,23,456.5", 123456.5),
            ("1'234.50", 1234.5),
            ("1’234,50", 1234.5),
            ("1 234,50", 1234.5),
            ("1\u00a0234,50", 1234.5),
            ("1\u202f234,5", 1234.5),
            ("0,05 €/Min.", 0.05),
            ("€\u00a00,05 / min", 0.05),
            ("kr. 0,25", 0.25),
            ("kr.0,25", 0.25),
            ("Rs. 5.5", 5.5),
            ("USD 0.05 per minute", 0.05),
            ("US$0.05", 0.05),
            ("0.05 usd", 0.05),
            ("0,05 EUR pro Minute", 0.05),
            ("0,05 € por minuto", 0.05),
            ("0.02/60s", 0.02),
            ("0.02 / 60 sec", 0.02),
            ("0.02 per 60 seconds", 0.02),
            ("0.02/1min", 0.02),
            ("2,5 ct", 0.025),
            ("2.5¢", 0.025),
            ("2.5 cents/min", 0.025),
            ("2.5p/min", 0.025),
            ("1.5E-3", 0.0015),
            ("1,5e-3", 0.0015),
            (".05", 0.05),
            ("+0.05", 0.05),
            ("-0", 0),
            ("0.30000000000000004", 0.3),
            ("0.7999999999999999", 0.8),
            ("0.010000000000000002", 0.01),
        ):
            with self.subTest(ascii(text)):
                self.assert_prices(of_price(text), expected)

    def test_no_reading(self):
        for text in (
            *("#DIV/0!", "#N/A", "#REF!", "#VALUE!", "TRUE", "free", "-", "n/a", "TBD"),
            *("0.02/s", "0.02/6s", "0.02/6 sec", "0.02 per call", "0.02/MB", "0.02/60"),
            *("5%", "0.05 approx", "1/60", "0.05-0.06", "0.05 + 0.01", "2 x 0.05"),
            *("0.05 (was 0.06)", "from 0.05", "0.05*", "~0.05", "<0.05", "0.05 0.06"),
            *("(0.05)", "0.05-", "-0.05", "$-0.05", "−0.05", "0..5", "0,0,5", "1,23.4"),
            *("2026-01-05", "05/01/2026", "5-Jan", "1:30", "00:00:06", "0x10", "1_000"),
            *("Rs.5", "1e", "1e5e5", "e5", "٠٫٥", "²", "0.1.2,3", "1 2345", "12 34"),
            *("0.05 €$", "€ 0.05 USD", "1,2345,678", "0,123.456,7", "0.000000001"),
            "0.1234567890123456789",
        ):
            with self.subTest(ascii(text)):
                self.assert_refused(text)

    def test_two_readings_are_asked_once(self):
        for text, proposal in (("1,234", COMMA), ("1.234", POINT)):
            found = of_price(text, text, "5")
            [question] = found.questions
            self.assertEqual(
                (question.key, question.line, question.count, question.examples),
                ("number", 2, 2, (text,)),
            )
            self.assertEqual(question.proposal, proposal)
            self.assertEqual(prices(found), [5 * E8])
        self.assert_prices(of_price("1,234", "5", number="point"), 1234, 5)
        self.assert_prices(of_price("1,234", "5", number="comma"), 1.234, 5)
        self.assert_prices(of_price("1.234", "5", number="comma"), 1234, 5)

    def test_one_cell_decides_for_the_file(self):
        self.assert_prices(of_price("1,234", "0.5"), 1234, 0.5)
        self.assert_prices(of_price("1,234", "0,5"), 1.234, 0.5)
        self.assert_prices(of_price("1.234", "0,5"), 1234, 0.5)
        found = of_price("1,234", "0,5")
        self.assertIn("decimal separator is a comma, as in 0,5", assumed(found))
        self.assertEqual(assumed(of_price("0.5", "12.25")), "")

    def test_fees_and_tiers_have_the_same_sign(self):
        found = reading("prefix;price;connection fee;tiers\n44;1,234;0,5;60: 1,2\n")
        self.assertEqual(prices(found), [123400000])
        self.assertEqual(found.rates["connection_fee_e8"].tolist(), [50000000])
        self.assertEqual(found.rates["tiers"].tolist(), ["60: 1.2/60 1"])
        found = reading("prefix;price;connection fee\n44;1,234;0.5/call\n")
        self.assertEqual(prices(found), [1234 * E8])

    def test_signs_that_contradict_each_other(self):
        found = of_price("0.5", "0,5", "0.25", "7")
        [question] = found.questions
        self.assertEqual((question.key, question.proposal), ("number", POINT))
        self.assertIn(
            "for example 0.5, and others a decimal comma, for example 0,5",
            str(question.error),
        )
        self.assertEqual(prices(found), [7 * E8])
        found = of_price("0.5", "0,5", number="point")
        self.assertEqual([problem.line for problem in found.problems], [3])
        self.assertEqual(prices(found), [E8 // 2])

    def test_numbers_of_a_workbook_need_no_sign(self):
        rows = [["Prefix", "Rate"], [44, 1.234], [33, 0.1 + 0.2], [49, "1,234"]]
        found = reading(workbook(("Rates", rows)), "deck.xlsx")
        self.assertEqual(asked(found), ["number"])
        self.assertEqual(prices(found), [123400000, 30000000])
        found = reading(workbook(("Rates", rows)), "deck.xlsx", number="comma")
        self.assertEqual(prices(found), [123400000, 30000000, 123400000])

    def test_what_a_workbook_has_beside_numbers(self):
        day = datetime.date(2001, 1, 1)
        rows = [
            ["Prefix", "Rate", "Billing"],
            [44, True, "1/1"],
            [45, day, "1/1"],
            [46, 0.5, day],
            [47, "=1/0", "1/1"],
            [day, 0.5, "1/1"],
            [48, 0.5, "1/1"],
        ]
        found = reading(workbook(("Rates", rows)), "deck.xlsx")
        self.assertEqual(found.rates["prefix"].tolist(), ["48"])
        self.assertEqual({problem.line for problem in found.problems}, {2, 3, 4, 5, 6})
        self.assertIn("is a date, not increments", found.problems[2].text)

    def test_cents_are_told(self):
        found = of_price("2,5 ct", "3 ct")
        self.assert_prices(found, 0.025, 0.03)
        self.assertIn("in cents, divided by 100: 2", assumed(found))
        found = reading("prefix;Preis (ct/Min.)\n44;2,5\n")
        self.assert_prices(found, 0.025)
        self.assertIn("Preis (ct/Min.) is in cents", assumed(found))

    def test_some_in_cents(self):
        """Whether 0.03 is cents where others say so, nobody knows."""
        found = of_price("2.5 ct", "0.03")
        self.assertEqual(asked(found), ["divisor"])
        self.assertEqual(prices(found), [2500000])
        self.assert_prices(of_price("2.5 ct", "0.03", divisor=1), 0.025, 0.03)
        self.assert_prices(of_price("2.5 ct", "3", divisor=100), 0.025, 0.03)
        self.assert_prices(of_price("2.5 ct", "$0.03"), 0.025, 0.03)

    def test_divisor_and_seconds_of_the_whole_file(self):
        found = of_price("250", divisor=10000, per_seconds=1)
        self.assert_prices(found, 0.025)
        self.assertEqual(found.rates["per_seconds"].tolist(), [1])

    def test_other_seconds(self):
        found = reading("prefix,Rate per second\n44,0.001\n")
        self.assertEqual((asked(found), prices(found)), (["per_seconds"], []))
        self.assertEqual(found.questions[0].proposal, 1)
        found = reading("prefix,price,per seconds\n44,0.5/min,6\n45,0.5/min,60\n")
        self.assertEqual([problem.line for problem in found.problems], [2])

    def test_currencies(self):
        found = of_price("$0.05", "€0.05", "0.05 USD")
        self.assertEqual([problem.line for problem in found.problems], [3])
        self.assertEqual(found.currencies, {"USD"})
        found = reading("prefix,Rate (EUR)\n44,$0.05\n45,€0.05\n")
        self.assertEqual([problem.line for problem in found.problems], [2])
        self.assertEqual(found.currencies, {"EUR"})

    def test_increments_that_became_a_date(self):
        for text in (
            *("1/1/2001", "01/06/2026", "6-Jan", "Jan-06", "2001-01-01", "1/2001"),
            *("2001-01-01 00:00:00", "1/6/26", "06.01.2026"),
        ):
            with self.subTest(text):
                found = reading(f"prefix,price,billing\n44,1,{text}\n45,1,60/1\n")
                self.assertEqual(found.rates["prefix"].tolist(), ["45"])
                self.assertEqual([p.line for p in found.problems], [2])
                self.assertIn("is a date, not increments", found.problems[0].text)


# === PROPERTIES === #

MARKS = ("", "€", "$", "EUR ", "kr. ", "£", "USD")
UNITS = ("", "/min", " per minute", "/60s", " pro Minute")
SIGNS = {POINT: (".", ","), COMMA: (",", ".")}


@st.composite
def amounts_as_written(draw):
    """(text, convention, amount)."""
    convention = draw(st.sampled_from((POINT, COMMA)))
    decimal, group = SIGNS[convention]
    whole = draw(st.integers(0, 99_999_999))
    places = draw(st.text("0123456789", max_size=8))
    group = draw(st.sampled_from(("", group, " ", "\u00a0", "'")))
    text = f"{whole:,}".replace(",", group)
    if places:
        text += decimal + places
    amount = Decimal(f"{whole}.{places or 0}")
    mark, after = draw(st.sampled_from(MARKS)), draw(st.booleans())
    text = f"{text} {mark}".rstrip() if after else mark + text
    return text + draw(st.sampled_from(UNITS)), convention, amount


class TestAmountProperties(unittest.TestCase):
    @given(amounts_as_written())
    @settings(max_examples=500, deadline=None)
    def test_what_is_written_in_a_convention_is_read_so(self, written):
        text, convention, amount = written
        self.assertEqual(understand(text).values[convention], amount)
        self.assertEqual(Money(convention).reader()(text), int(amount * E8))

    @given(st.text(max_size=20) | st.text("0123456789.,' -+eE€$/%cmintk", max_size=12))
    @settings(max_examples=2000, deadline=None)
    @example("0.02/60s0")
    @example("1,234,5")
    @example("5 -")
    @example("1.0,0")
    @example("0.E0")
    def test_no_other_text_is_a_price(self, text):
        """By another grammar: one number in a convention, one mark, a minute."""
        try:
            amount = understand(text)
        except WrongCell:
            return
        plain = re.sub(r"[\u00a0\u2000-\u200a\u202f\u205f\u3000\s]", " ", text.strip())
        plain = re.sub("[\u2019\u2018\u02bc\u00b4]", "'", plain)
        digits = re.sub(r"(/|per|pro|je|por|par|a|à)\s*[0-9]+\s*\w+\.?$", "", plain)
        numbers = re.findall(r"[0-9]+(?:[.,' ]+[0-9]+)*", digits)
        tail = re.findall(r"[0-9]\s?[eE][+-]?[0-9]+", digits)
        self.assertEqual(len(numbers) - len(tail), 1, ascii(text))
        for value in amount.values.values():
            self.assertGreaterEqual(value, 0)
        if not tail:
            kept = re.sub("[^0-9]", "", numbers[0]).strip("0")
            for value in amount.values.values():
                same = re.sub("[^0-9]", "", f"{value:f}").strip("0")
                self.assertEqual(same, kept, ascii(text))

    @given(
        st.from_regex(r"[0-9]{1,3}[.,][0-9]{1,4}", fullmatch=True),
        st.text("abdfghijloquvwyz!?#%*:;_<>[]{}|@&=~^", min_size=1, max_size=6),
        st.booleans(),
    )
    @settings(max_examples=500, deadline=None)
    def test_text_beside_a_number_is_no_price(self, number, beside, before):
        text = f"{beside} {number}" if before else f"{number} {beside}"
        try:
            amount = understand(text)
        except WrongCell:
            return
        # A currency after all.
        self.assertTrue(amount.currencies, ascii(text))

    @given(st.lists(amounts_as_written(), min_size=1, max_size=6))
    @settings(max_examples=200, deadline=None)
    def test_a_file_has_one_convention(self, written):
        """Each price is the amount that was written, or it is not there."""
        convention = written[0][1]
        written = [one for one in written if one[1] == convention]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "deck.csv"
            rows = "".join(
                f'{4400 + place};"{text}"\n'
                for place, (text, _c, _amount) in enumerate(written)
            )
            path.write_text("prefix;price\n" + rows)
            rates, _problems = parse_deck(read_rows(path))
        for prefix, price in zip(rates["prefix"], rates["price_e8"], strict=True):
            self.assertEqual(price, int(written[int(prefix) - 4400][2] * E8))
