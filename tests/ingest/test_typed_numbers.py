# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A number is found however a person writes it."""

import unittest

import phonenumbers
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from odoo.addons.metered_billing.ingest.dial_plans import dial_plan
from odoo.addons.metered_billing.ingest.typed_numbers import number_starts

COUNTRIES = ("US", "GB", "DE", "FR", "IT", "AU")
FORMATS = (
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.RFC3966,
    PhoneNumberFormat.E164,
)
EXAMPLES = [
    (country, number)
    for country in COUNTRIES
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    if (number := phonenumbers.example_number_for_type(country, kind))
]


def starts(text, *countries):
    return number_starts(text, [dial_plan(country) for country in countries])


def finds(text, number, *countries):
    return any(number.startswith(start) for start in starts(text, *countries))


class TestTypedNumbers(unittest.TestCase):
    @given(st.sampled_from(EXAMPLES), st.sampled_from(FORMATS))
    def test_as_each_country_writes_it(self, example, form):
        country, number = example
        text = phonenumbers.format_number(number, form)
        stored = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        self.assertTrue(finds(text, stored, country), (text, starts(text, country)))

    @given(st.sampled_from(EXAMPLES), st.integers(3, 9))
    def test_first_digits(self, example, length):
        _country, number = example
        stored = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        for text in (stored[: length + 1], stored[1 : length + 1]):
            self.assertTrue(finds(text, stored, "US", "GB"), text)

    def test_as_people_write_it(self):
        stored = "+12125550142"
        for text in (
            *("(212) 555-0142", "212.555.0142", "1 212 555 0142", "+1-212-555-0142"),
            *("2125550142", "tel:+1-212-555-0142", "(212) 555", "212-555\u20110142"),
            *("011 1 212 555 0142", "00 1 212 555"),
        ):
            with self.subTest(ascii(text)):
                self.assertTrue(finds(text, stored, "US"), starts(text, "US"))
                self.assertFalse(finds(text, "+12125560142", "US") and "0142" in text)
        self.assertTrue(finds("911", "911", "US"))
        self.assertTrue(finds("+44", "+442079460120", "US"))
        self.assertFalse(finds("+44 20", "+1442055", "US"))

    def test_what_is_no_number(self):
        for text in ("Acme", "3M", "trunk-7", "1001@pbx", "12", "", "=911a", "-- --"):
            self.assertEqual(starts(text, "US"), [], text)
