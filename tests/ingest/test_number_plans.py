# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The dial plans against libphonenumber, from whose data they are made."""

import unittest

import phonenumbers
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from odoo.addons.metered_billing.ingest.numbers import dial_plan, normalise_numbers

KINDS = (
    PhoneNumberType.FIXED_LINE,
    PhoneNumberType.MOBILE,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE,
)
COUNTRIES = ["US", "CA", "GB", "DE", "FR", "ES", "IT", "NL", "AU", "RU", "JP", "PL"]
EXAMPLES = {
    (country, kind): number
    for country in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in KINDS
    if (number := phonenumbers.example_number_for_type(country, kind))
}


def e164(number):
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def normalised(number, country):
    return normalise_numbers([number], dial_plan(country)).to_pylist()[0]


class TestNumberPlans(unittest.TestCase):
    def _share(self, spell):
        """Return the examples that are not understood, and their share."""
        wrong = {}
        for (country, kind), number in EXAMPLES.items():
            result = normalised(spell(country, number), country)
            if result != e164(number):
                wrong[country, kind, spell(country, number)] = result
        return wrong, len(wrong) / len(EXAMPLES)

    def test_e164_of_every_country(self):
        wrong, _share = self._share(lambda country, number: e164(number))
        self.assertFalse(wrong)

    def test_without_plus_from_abroad(self):
        for number in EXAMPLES.values():
            text = e164(number)
            for country, prefix in (("US", "011"), ("GB", "00"), ("AU", "0011")):
                self.assertEqual(normalised(prefix + text[1:], country), text)

    def test_as_dialled_at_home(self):
        wrong, share = self._share(
            lambda country, number: phonenumbers.format_number(
                number, PhoneNumberFormat.NATIONAL
            )
        )
        self.assertLess(share, 0.03, wrong)

    def test_as_dialled_abroad(self):
        """With the international prefix that each country uses itself."""
        target = e164(phonenumbers.example_number("GB"))
        for country in phonenumbers.SUPPORTED_REGIONS:
            prefix = dial_plan(country).idd_prefixes[0]
            self.assertEqual(normalised(prefix + target[1:], country), target, country)


class TestNumberAgainstLibphonenumber(unittest.TestCase):
    @settings(deadline=None, max_examples=200)
    @given(st.data())
    def test_valid_numbers(self, data):
        """A valid number of a country, in each way that it is written there."""
        country = data.draw(st.sampled_from(COUNTRIES))
        kind = data.draw(st.sampled_from(KINDS))
        example = EXAMPLES.get((country, kind))
        if example is None:
            return
        digits = str(example.national_number)
        tail = data.draw(st.integers(0, 9999))
        text = f"+{example.country_code}"
        text += "0" * bool(example.italian_leading_zero)
        text += f"{digits[:-4]}{tail:04d}"
        number = phonenumbers.parse(text)
        if not phonenumbers.is_valid_number(number):
            return
        if phonenumbers.region_code_for_number(number) != country:
            return
        for style in (
            PhoneNumberFormat.E164,
            PhoneNumberFormat.INTERNATIONAL,
            PhoneNumberFormat.NATIONAL,
            PhoneNumberFormat.RFC3966,
        ):
            written = phonenumbers.format_number(number, style)
            self.assertEqual(normalised(written, country), e164(number), written)
        self.assertEqual(normalised(e164(number)[1:], country), e164(number))


if __name__ == "__main__":
    unittest.main()
