# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which digits a customer sees."""

import unittest

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.statement.masking import HIDDEN, Masking, hide

NUMBERS = st.text("0123456789+ -()", max_size=20)


class TestMasking(unittest.TestCase):
    def test_last_digits(self):
        for text, count, expected in (
            ("+49301234567", 3, "+49301234xxx"),
            ("(030) 12-34", 3, "(030) 1x-xx"),
            ("12", 3, "xx"),
            ("anonymous", 3, "anonymous"),
            ("", 3, ""),
            ("+49301234567", 0, "+49301234567"),
        ):
            self.assertEqual(hide(text, count), expected)

    @given(NUMBERS, st.integers(0, 25))
    def test_nothing_else_changes(self, text, count):
        shown = hide(text, count)
        self.assertEqual(len(shown), len(text))
        digits = sum(map(str.isdigit, text))
        self.assertEqual(shown.count(HIDDEN), min(count, digits))
        for one, other in zip(text, shown, strict=True):
            self.assertIn(other, (one, HIDDEN) if one.isdigit() else (one,))

    @given(NUMBERS | st.text(), st.integers(0, 25))
    def test_the_last_digits_and_no_others(self, text, count):
        """One after the other from the end, whatever stands between them."""
        expected, left = [], count
        for one in reversed(text):
            is_hidden = one.isdecimal() and left > 0
            left -= is_hidden
            expected.append(HIDDEN if is_hidden else one)
        self.assertEqual(hide(text, count), "".join(reversed(expected)))

    @given(NUMBERS, st.integers(1, 9))
    def test_numbers_that_differ_in_what_is_hidden_look_alike(self, text, count):
        other = text.translate(str.maketrans("0123456789", "1234567890"))
        self.assertEqual(hide(text, 30), hide(other, 30))
        self.assertEqual(
            hide(hide(text, count), count).count(HIDDEN),
            min(2 * count, sum(map(str.isdigit, text))),
        )

    def test_what_is_shown_in_full(self):
        masking = Masking(digits=3, full_prefixes=("43900",))
        self.assertEqual(masking.called("133"), "133")
        self.assertEqual(masking.called("+43900123456"), "+43900123456")
        self.assertEqual(masking.called("+43123456789"), "+43123456xxx")
        masking = Masking(digits=3, short_in_full=False)
        self.assertEqual(masking.called("133"), "xxx")
        # Who called stays hidden whatever the customer chose for called numbers.
        masking = Masking(digits=0, caller_digits=3)
        self.assertEqual(masking.caller("+43123456789"), "+43123456xxx")
        self.assertEqual(masking.called("+43123456789"), "+43123456789")

    def test_what_is_listed(self):
        masking = Masking(items="charged", never_shown=("49800111", "=116111"))
        for number, is_charged, expected in (
            ("+49301234567", True, True),
            ("+49301234567", False, False),
            ("+498001110111", True, False),
            ("116111", True, False),
            ("1161112", True, True),
        ):
            self.assertEqual(masking.lists(number, is_charged), expected, number)
        self.assertFalse(Masking(items="none").lists("+49301234567", True))

    def test_kept_as_json(self):
        masking = Masking("charged", 3, 4, False, ("1", "2"), ("=3",))
        self.assertEqual(Masking.from_json(masking.as_json()), masking)
        with self.assertRaisesRegex(ValueError, "none of all, charged, none"):
            Masking(items="some")
        with self.assertRaisesRegex(ValueError, "fewer than no digits"):
            Masking(digits=-1)
