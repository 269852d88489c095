# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The destinations that a new database starts with."""

import unittest
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from odoo.addons.metered_billing.rating.prefixes import (
    PrefixIndex,
    number_keys,
    prefix_range,
)

SOURCE = Path(__file__).parents[2] / "data" / "destinations.xml"
KINDS = {
    "fixed",
    "mobile",
    "toll_free",
    "premium",
    "shared_cost",
    "satellite",
    "emergency",
    "directory",
}
KIND_OF = {
    PhoneNumberType.FIXED_LINE: {"fixed"},
    PhoneNumberType.MOBILE: {"mobile"},
    PhoneNumberType.FIXED_LINE_OR_MOBILE: {"fixed", "mobile"},
    PhoneNumberType.TOLL_FREE: {"toll_free"},
    PhoneNumberType.PREMIUM_RATE: {"premium"},
    PhoneNumberType.SHARED_COST: {"shared_cost"},
}
ODOO_IDS = {"GB": "uk", "AC": "sh", "TA": "sh"}


class TestNumberDestinations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.records = []
        for record in ElementTree.parse(SOURCE).getroot():
            values = {field.get("name"): field for field in record}
            country = values.get("country_id")
            cls.records.append(
                {
                    "id": record.get("id"),
                    "name": values["name"].text,
                    "country": "" if country is None else country.get("ref")[5:],
                    "kind": values["kind"].text,
                    "prefixes": values["prefixes"].text.split(),
                }
            )
        rows = [
            (prefix, position)
            for position, record in enumerate(cls.records)
            for prefix in record["prefixes"]
        ]
        cls.index = PrefixIndex(
            np.zeros(len(rows), np.int64),
            [prefix for prefix, _position in rows],
            [position for _prefix, position in rows],
        )

    def destination(self, number):
        node = self.index.lookup(0, number_keys([number]))
        position = int(self.index.first_payload(node)[0])
        return self.records[position] if position >= 0 else None

    def test_records(self):
        self.assertGreater(len(self.records), 500)
        names = Counter(record["name"] for record in self.records)
        self.assertEqual(max(names.values()), 1, names.most_common(3))
        prefixes = Counter()
        for record in self.records:
            self.assertIn(record["kind"], KINDS)
            self.assertTrue(record["id"].endswith("_" + record["kind"]), record["id"])
            for prefix in record["prefixes"]:
                self.assertTrue(prefix)
                prefix_range(prefix)
            prefixes.update(record["prefixes"])
        self.assertEqual(max(prefixes.values()), 1, prefixes.most_common(3))
        self.assertLess(SOURCE.stat().st_size, 400_000)

    def test_every_calling_code_has_a_general_destination(self):
        for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
            records = [r for r in self.records if str(code) in r["prefixes"]]
            self.assertEqual(len(records), 1, code)
            if regions != ("001",):
                home = ODOO_IDS.get(regions[0], regions[0].lower())
                found = (records[0]["country"], records[0]["kind"])
                self.assertEqual(found, (home, "fixed"))

    def _misplaced(self, kind, country):
        """Return the examples of a kind that land elsewhere, and how many there are."""
        misplaced, count = [], 0
        for region in sorted(phonenumbers.SUPPORTED_REGIONS):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None:
                continue
            count += 1
            region = phonenumbers.region_code_for_number(number)
            actual = phonenumbers.number_type(number)
            record = self.destination(
                phonenumbers.format_number(number, PhoneNumberFormat.E164)
            )
            kinds = {"fixed"} if number.country_code == 1 else set()
            kinds |= KIND_OF[actual]
            home = ODOO_IDS.get(region, region.lower())
            if record["kind"] not in kinds or (country and record["country"] != home):
                misplaced.append((region, str(number), record["id"]))
        return misplaced, count

    def test_examples_of_every_country(self):
        # What is missing: Irish 1800 begins like Dublin's 1 800, and the like.
        # Toll-free and premium numbers of North America belong to no one country, and
        # its mobiles have the area codes of fixed lines.
        for kind, country, least in (
            (PhoneNumberType.FIXED_LINE, True, 0.97),
            (PhoneNumberType.MOBILE, True, 0.97),
            (PhoneNumberType.TOLL_FREE, False, 0.95),
            (PhoneNumberType.PREMIUM_RATE, False, 0.95),
        ):
            misplaced, count = self._misplaced(kind, country)
            self.assertGreaterEqual(
                1 - len(misplaced) / count, least, (kind, misplaced)
            )

    def test_well_known_numbers(self):
        for number, country, kind in (
            ("+12125550101", "us", "fixed"),
            ("+14165550160", "ca", "fixed"),
            ("+18765550100", "jm", "fixed"),
            ("+18095550100", "do", "fixed"),
            ("+17875550100", "pr", "fixed"),
            ("+18005550199", "us", "toll_free"),
            ("+18885550199", "us", "toll_free"),
            ("+19005550199", "us", "premium"),
            ("+442079460120", "uk", "fixed"),
            ("+447700900123", "uk", "mobile"),
            ("+448081570192", "uk", "toll_free"),
            ("+449098790123", "uk", "premium"),
            ("+443069990123", "uk", "fixed"),
            ("+441481960123", "gg", "fixed"),
            ("+447797123456", "je", "mobile"),
            ("+77011234567", "kz", "mobile"),
            ("+79161234567", "ru", "mobile"),
            ("+390669812345", "va", "fixed"),
            ("+390612345678", "it", "fixed"),
            ("+393331234567", "it", "mobile"),
            ("+4915112345678", "de", "mobile"),
            ("+33612345678", "fr", "mobile"),
            ("+870773111632", "", "satellite"),
            ("+881612345678", "", "satellite"),
            ("+883551988978571", "", "satellite"),
            ("+80012345678", "", "toll_free"),
            ("911", "", "emergency"),
            ("112", "", "emergency"),
            ("999", "uk", "emergency"),
            ("411", "", "directory"),
            ("118500", "uk", "directory"),
        ):
            record = self.destination(number)
            found = (record["country"], record["kind"])
            self.assertEqual(found, (country, kind), number)
        for number in ("2001", "9", "+2101234567", ""):
            self.assertIsNone(self.destination(number), number)
