# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Hebrew and Arabic as they stand on a page: turned around, but not what is within."""

import re
import unittest

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.statement.visual_order import is_turned, visual

#: capital letters stand for Hebrew ones: they can be read here
HEBREW = str.maketrans(
    "ABCDEFGHIJ", "\u05d0\u05d1\u05d2\u05d3\u05d4\u05d5\u05d6\u05d7\u05d8\u05d9"
)
READ = {letter: chr(key) for key, letter in HEBREW.items()}


def drawn(text):
    """How a text is drawn, with capitals for Hebrew letters."""
    return visual(text.translate(HEBREW)).translate(str.maketrans(READ))


class TestVisualOrder(unittest.TestCase):
    def test_as_unicode_has_it(self):
        for text, shown in (
            ("plain (text) 12", "plain (text) 12"),
            ("ABC", "CBA"),
            ("ABC DEF", "FED CBA"),
            ("he said ABC DEF to me", "he said FED CBA to me"),
            ("ABC is foreign DEF", "FED is foreign CBA"),
            ("ABC 123 DEF", "FED 123 CBA"),
            ("ABC 1,234.50", "1,234.50 CBA"),
            ("ABC 12% DEF", "FED 12% CBA"),
            ("ABC +12", "12+ CBA"),
            ("ABC (DEF) 7", "7 (FED) CBA"),
            ("dan: ABC 12, DEF", "dan: FED ,12 CBA"),
            ("ABC.", ".CBA"),
            ("", ""),
        ):
            with self.subTest(text):
                self.assertEqual(drawn(text), shown)

    def test_marks_of_direction_are_not_drawn(self):
        self.assertEqual(drawn("\u200fAB\u200e 5"), "5 BA")

    def test_letters_are_joined_before(self):
        """Alef, lam, seen, lam with alef, meem: as a greeting is written."""
        self.assertEqual(
            visual("\u0627\u0644\u0633\u0644\u0627\u0645"),
            "\ufee1\ufefc\ufeb4\ufedf\ufe8d",
        )
        # Neither a mark above a letter nor a stretched line parts it from the next.
        self.assertEqual(visual("\u0628\u064e\u0628")[0], "\ufe90")
        self.assertEqual(visual("\u0628\u0640"), "\u0640\ufe91")
        self.assertEqual(visual("\u0628 \u0628"), "\ufe8f \ufe8f")

    def test_which_way_it_is_read(self):
        self.assertTrue(is_turned("12 \u05d0 b"))
        self.assertFalse(is_turned("12 b \u05d0"))
        self.assertFalse(is_turned("12"))

    @given(st.text("ABCDEFGHIJabc 0123456789.,()-%"))
    def test_no_letter_and_no_number_is_lost(self, text):
        shown = drawn(text)
        self.assertEqual(
            sorted(re.sub(r"[()]", "", shown)), sorted(re.sub(r"[()]", "", text))
        )
        self.assertEqual(len(shown), len(text))
        for number in re.findall(r"[0-9]+", text):
            self.assertIn(number, shown)
