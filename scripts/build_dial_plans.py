# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Write ingest/dial_plans.csv: how the people of each country dial.

Origin of the data: Google's libphonenumber (Apache License 2.0), as the Python
package `phonenumbers` of the development dependencies carries it. Run after an
update of that package, and review the difference:

    python scripts/build_dial_plans.py

The columns are those of `ingest.dial_plans.DialPlan`; lists are separated by spaces.
Rows of country `001` are the calling codes of no country (satellites, international
freephone). Where this file departs from libphonenumber:

- International prefixes that choose a carrier are kept only where they begin with 0:
  elsewhere they look like numbers (in Chile, 1230 is a carrier's prefix, and
  12305550100 an American number without its plus).
- National lengths leave out pagers and voicemail boxes, whose extra digits would make
  +39 followed by a mobile number look like a national number.
- Numbers that begin with a dropped national prefix 0 are no national numbers.
- North America has ten digits, without Canada's 310 numbers of seven.
- What `CHANGED` says.
"""

import csv
from pathlib import Path

from number_patterns import DigitPattern
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    REGION_CODE_FOR_NON_GEO_ENTITY,
    SUPPORTED_REGIONS,
)
from phonenumbers.phonemetadata import PhoneMetadata

TARGET = Path(__file__).resolve().parent.parent / "ingest" / "dial_plans.csv"

COLUMNS = (
    "country",
    "country_code",
    "idd_prefixes",
    "national_prefix",
    "national_lengths",
    "short_code_max",
    "keep_national_prefix",
    "national_pattern",
    "other_national_prefixes",
)

KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "uan",
)

# Countries of ISO 3166 without metadata of their own dial as another one does.
DIAL_AS = {
    "AQ": "NF",
    "BV": "NO",
    "GS": "FK",
    "HM": "AU",
    "PN": "NZ",
    "TF": "RE",
    "UM": "US",
}

# Australians dial 13 12 34 without a prefix, and are charged as for +61 13 12 34.
AUSTRALIA = {"short_code_max": 5}
CHANGED = {
    "AU": AUSTRALIA,
    "CC": AUSTRALIA,
    "CX": AUSTRALIA,
    "HM": AUSTRALIA,
    # Prefixes that choose a carrier for a national call.
    "BO": {"other_national_prefixes": "010 011 012 013 014 015 016 017 018 019"},
    "BR": {
        "other_national_prefixes": "012 014 015 021 022 023 025 031 041 043 055 065 099"
    },
    "CO": {"other_national_prefixes": "03 05 07 09 0444 0414 0456"},
    "KR": {"other_national_prefixes": "081 082 083 084 086 087 088"},
    # Prefixes that were replaced, and are still dialled.
    "BY": {"other_national_prefixes": "0 80"},
    "LT": {"other_national_prefixes": "8"},
    # libphonenumber still has the numbers from before 2019, which began with 0.
    "GA": {"national_prefix": "0", "national_lengths": 8, "keep_national_prefix": 0},
}

E164_DIGITS = 15
NANP_CODE = 1
NANP_LENGTHS = [10]
SHORT_CODE_MAX = 6


def idd_prefixes(metadata):
    """Return the prefixes of international calls; the country's usual one first."""
    prefixes = DigitPattern(metadata.international_prefix).numbers()
    prefixes = [prefix for prefix in prefixes if prefix.startswith("0")] or prefixes
    usual = metadata.preferred_international_prefix
    return sorted(prefixes, key=lambda prefix: (prefix != usual, len(prefix), prefix))


def national_lengths(metadata):
    """Return the sorted lengths of the numbers of a country, without its code."""
    if metadata.country_code == NANP_CODE:
        return NANP_LENGTHS
    lengths = set()
    room = E164_DIGITS - len(str(metadata.country_code))
    no_number = "0" if metadata.national_prefix == "0" else ""
    for kind in KINDS:
        description = getattr(metadata, kind)
        if description and description.national_number_pattern:
            pattern = DigitPattern(description.national_number_pattern)
            lengths |= pattern.lengths(without_leading=no_number)
    return sorted(length for length in lengths if length <= room)


def keeps_zero(metadata):
    """Return whether national numbers are written, and dialled, with a leading 0."""
    pattern = DigitPattern(metadata.general_desc.national_number_pattern)
    return not metadata.national_prefix and bool(pattern.step(pattern.start, "0"))


def plan_row(country, metadata):
    keep = keeps_zero(metadata)
    return {
        "country": country,
        "country_code": metadata.country_code,
        "idd_prefixes": " ".join(idd_prefixes(metadata)),
        "national_prefix": "0" if keep else metadata.national_prefix or "",
        "national_lengths": " ".join(map(str, national_lengths(metadata))),
        "short_code_max": SHORT_CODE_MAX,
        "keep_national_prefix": int(keep),
        "national_pattern": metadata.general_desc.national_number_pattern,
    } | CHANGED.get(country, {})


def world_rows():
    """Return the rows of the calling codes that belong to no country."""
    for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        if regions == (REGION_CODE_FOR_NON_GEO_ENTITY,):
            metadata = PhoneMetadata.metadata_for_nongeo_region(code)
            lengths = metadata.general_desc.possible_length
            yield {
                "country": REGION_CODE_FOR_NON_GEO_ENTITY,
                "country_code": code,
                "national_lengths": " ".join(map(str, lengths)),
                "short_code_max": 0,
                "keep_national_prefix": 0,
            }


def main():
    sources = {country: country for country in SUPPORTED_REGIONS} | DIAL_AS
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(world_rows())
        for country, source in sorted(sources.items()):
            metadata = PhoneMetadata.metadata_for_region(source)
            writer.writerow(plan_row(country, metadata))


if __name__ == "__main__":
    main()
