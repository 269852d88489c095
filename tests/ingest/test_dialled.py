# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which numbers there can be, and what they say of the country they were dialled in."""

import random
from unittest import TestCase

import phonenumbers

from odoo.addons.metered_billing.ingest.dial_plans import dial_plan
from odoo.addons.metered_billing.ingest.dialled import judge
from odoo.addons.metered_billing.ingest.numbers import (
    exist,
    normalise_numbers,
    without_doubtful,
)

US, GB, DE = map(dial_plan, ("US", "GB", "DE"))


def american(count, seed=1):
    """Numbers as Americans dial them at home."""
    rng = random.Random(seed)
    return [
        f"{rng.randint(2, 9)}{rng.randint(0, 99):02}{rng.randint(2, 9)}"
        f"{rng.randint(0, 999_999):06}"
        for _number in range(count)
    ]


class TestDialled(TestCase):
    def test_which_numbers_exist(self):
        cases = {
            "+14045550100": True,
            "+442079460120": True,
            "+4930123456": True,
            "+4045550123": False,
            "+1404555010": False,
            "+11045550100": False,
            "+99999999999": False,
            "+012345678": False,
            "+": False,
            "911": False,
            "14045550100": False,
            None: False,
        }
        self.assertEqual(exist(list(cases)).tolist(), list(cases.values()))
        self.assertEqual(exist([]).tolist(), [])

    def test_example_numbers_of_all_countries_exist(self):
        """Those of phonenumbers: fixed, mobile, freephone and premium."""
        types = phonenumbers.PhoneNumberType
        kinds = (types.MOBILE, types.TOLL_FREE, types.PREMIUM_RATE)
        numbers = []
        for region in sorted(phonenumbers.SUPPORTED_REGIONS):
            numbers.append(phonenumbers.example_number(region))
            numbers += [phonenumbers.example_number_for_type(region, k) for k in kinds]
        texts = [
            phonenumbers.format_number(n, phonenumbers.PhoneNumberFormat.E164)
            for n in numbers
            if n
        ]
        self.assertGreater(len(texts), 400)
        missing = [
            text for text, there in zip(texts, exist(texts), strict=True) if not there
        ]
        self.assertEqual(missing, [])

    def test_doubtful_numbers_are_not_guessed(self):
        dialled = ["4045550123", "14045550123", "02079460120", "2079460120", "999"]
        as_british = normalise_numbers(dialled, GB)
        read = without_doubtful(as_british, normalise_numbers(dialled, US))
        self.assertEqual(
            read.to_pylist(),
            [None, "+14045550123", "+442079460120", "+442079460120", "999"],
        )

    def test_numbers_that_do_not_exist_are_suspect(self):
        # 46 of 300 are read as numbers of calling codes 2x to 9x, where none are such.
        read = normalise_numbers(american(300), GB).to_pylist()
        found = judge(read, GB, [DE, US])
        self.assertTrue(found.is_wrong)
        self.assertEqual(found.suspect, found.missing)
        self.assertEqual(found.country, "US")
        right = judge(normalise_numbers(american(300), US).to_pylist(), US, [DE, GB])
        self.assertFalse(right.is_wrong)
        self.assertFalse(right.missing)

    def test_numbers_of_a_stricter_country_are_suspect_where_nothing_tells(self):
        """In Germany a number has nearly any length: all of America's exist there."""
        read = normalise_numbers(american(300), DE).to_pylist()
        self.assertFalse(judge(read, DE, [US]).is_wrong)
        found = judge(read, DE, [GB, US], is_told=False)
        self.assertEqual((found.is_wrong, found.country), (True, "US"))
        # also where they call abroad: of 011 the first digit was taken for Germany's 0
        abroad = [f"0113314460{n:04}" for n in range(60)]
        read = normalise_numbers(american(300) + abroad, DE).to_pylist()
        found = judge(read, DE, [GB, US], is_told=False)
        self.assertEqual((found.is_wrong, found.country), (True, "US"))
        # and a German's own numbers are none of America's
        german = [f"0{n}" for n in ("301234567", "8912345678", "15112345678")]
        german += [f"0{area}{n}" for area in (30, 40, 221) for n in range(1230, 1250)]
        read = normalise_numbers(german, DE).to_pylist()
        self.assertFalse(judge(read, DE, [GB, US], is_told=False).is_wrong)
        # Whatever was dialled fits Germany; that says nothing of Americans.
        read = normalise_numbers(american(300), US).to_pylist()
        self.assertFalse(judge(read, US, [DE, GB], is_told=False).is_wrong)

    def test_few_numbers_say_nothing(self):
        read = normalise_numbers(american(19), GB).to_pylist()
        self.assertFalse(judge(read * 100, GB, [US]).is_wrong)
