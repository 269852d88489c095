# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Write data/destinations.xml: the countries of the world and their kinds of numbers.

Origin of the data: Google's libphonenumber (Apache License 2.0), as the Python
package `phonenumbers` of the development dependencies carries it. Run after an
update of that package, and review the difference:

    python scripts/build_destinations.py

libphonenumber has a regular expression for each kind of number of a country. They
are walked digit by digit below each calling code, until all numbers below a prefix
are of one country and kind. Prefixes of which this is true with a common shorter one
are written as that one, also where some numbers between them are not assigned. What
is left is the longest-prefix table of the destinations:

- The general destination of a country (kind *fixed*) has the calling code and so
  everything that no longer prefix claims; where countries share a code, this is the
  first one, and the others have their own prefixes.
- After `MOST_DIGITS` digits the larger part decides, and before them when nearly all
  is fixed or nearly all is mobile. Countries that share a calling code are told apart
  more exactly.
- Where fixed and mobile numbers cannot be told apart (North America), all are general.
- Personal numbers are *shared cost* as to their price, internet telephony and company
  numbers are general, pagers are *mobile*.
- Short codes are no prefixes: `=911` is exactly this number as dialled. A code that
  means the same in several countries is in one destination without country.
"""

from collections import Counter
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from number_patterns import DEAD, DIGITS, DigitPattern
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, REGION_CODE_FOR_NON_GEO_ENTITY
from phonenumbers.geodata.locale import LOCALE_DATA
from phonenumbers.phonemetadata import PhoneMetadata

TARGET = Path(__file__).resolve().parent.parent / "data" / "destinations.xml"

MOST_DIGITS = 4
"""A prefix has no more digits after the calling code."""

MOST_DIGITS_BETWEEN_COUNTRIES = 6

CLEAR_MAJORITY = 0.97
"""Share of fixed or of mobile numbers below a prefix that decides for both."""

GENERAL = "fixed"
COMMON = {GENERAL, "mobile"}

# In the order in which libphonenumber tries them.
KIND_OF = {
    "premium_rate": "premium",
    "toll_free": "toll_free",
    "shared_cost": "shared_cost",
    "voip": GENERAL,
    "personal_number": "shared_cost",
    "pager": "mobile",
    "uan": GENERAL,
    "fixed_line": GENERAL,
    "mobile": "mobile",
}
# Toll-free and the like are common to the countries that share a calling code.
OF_EVERY_REGION = {"voip", "personal_number", "fixed_line", "mobile"}
NANP_CODE = 1
NANP_AREA_DIGITS = 3
# North America's mobiles and personal numbers are called at the price of all others.
KIND_OF_NANP = KIND_OF | {"mobile": GENERAL, "personal_number": GENERAL}

TITLES = {
    "fixed": "{}",
    "mobile": "{} - Mobile",
    "toll_free": "{} - Toll-free",
    "premium": "{} - Premium",
    "shared_cost": "{} - Shared cost",
    "emergency": "{} - Emergency",
    "directory": "{} - Directory assistance",
}

# Odoo's external ids are ISO codes, but for these.
ODOO_IDS = {"GB": "uk", "AC": "sh", "TA": "sh"}
NAMES = {
    "AC": "Ascension Island",
    "CD": "Congo (DRC)",
    "CG": "Congo (Republic)",
    "HK": "Hong Kong",
    "MK": "North Macedonia",
    "MM": "Myanmar",
    "MO": "Macau",
    "PS": "State of Palestine",
    "RE": "Réunion",
    "ST": "São Tomé and Príncipe",
    "SZ": "Eswatini",
    "TA": "Tristan da Cunha",
    "TR": "Türkiye",
    "VI": "Virgin Islands (USA)",
    "XK": "Kosovo",
}

# Calling codes of no country: name, kind.
WORLD = {
    800: ("International freephone", "toll_free"),
    808: ("International shared cost", "shared_cost"),
    870: ("Inmarsat satellites", "satellite"),
    878: ("Universal personal numbers", "shared_cost"),
    881: ("Global mobile satellites", "satellite"),
    882: ("International networks 882", "satellite"),
    883: ("International networks 883", "satellite"),
    888: ("Disaster relief", "satellite"),
    979: ("International premium rate", "premium"),
}

# What is dialled for help and for directory assistance. Emergency codes are taken from
# libphonenumber, the others are public knowledge of each country.
SHORT_CODE_COUNTRIES = ("US", "CA", "GB", "DE", "FR", "ES", "IT", "NL", "AU")
FREE_CODES = {
    "US": "211 311 511 711 811 988",
    "CA": "211 311 511 711 811 988",
    "GB": "101 105 111 116000 116006 116111 116117 116123",
    "DE": "115 116000 116006 116111 116117 116123",
    "FR": "114 115 119 191 196 197 116000 116006 116111 116117",
    "ES": "016 024 061 062 080 091 092 116000 116111",
    "IT": "114 116000 116111 116117 117 1500 1522 1530",
    "NL": "113 116000 116006 116111 116123",
    "AU": "106",
}
DIRECTORY_CODES = {
    "US": "411",
    "CA": "411",
    "GB": "118000 118004 118118 118180 118247 118402 118500 118811 118888",
    "DE": "11833 11834 11837 11880",
    "FR": "118000 118008 118218 118612 118700 118712",
    "ES": "11811 11818 11822 11824 11850 11888",
    "IT": "1240 1254",
    "NL": "1888 1850",
    "AU": "1223 1225 1234 12455 12456",
}


class NumberingPlan:
    """All kinds of numbers below one calling code, walked together.

    A *state* is a tuple of (position of the kind, state of its pattern, state of its
    country's leading digits), of all kinds that some number can still be of.
    """

    def __init__(self, code, regions):
        self.code = code
        self.labels, self._patterns, self._leading = [], [], []
        for region in regions:
            metadata = PhoneMetadata.metadata_for_region(region)
            kinds = KIND_OF_NANP if code == NANP_CODE else KIND_OF
            leading = None
            if metadata.leading_digits:
                leading = DigitPattern(rf"(?:{metadata.leading_digits})\d{{0,14}}")
            for name, kind in kinds.items():
                if region != regions[0] and name not in OF_EVERY_REGION:
                    continue
                numbers = getattr(metadata, name)
                if numbers and numbers.national_number_pattern:
                    self.labels.append((region, kind))
                    self._patterns.append(DigitPattern(numbers.national_number_pattern))
                    self._leading.append(leading)
        self.general = (regions[0], GENERAL)
        # A national prefix 0 is no part of a number, whatever the patterns say.
        main = PhoneMetadata.metadata_for_region(regions[0])
        self._first_digits = DIGITS[1:] if main.national_prefix == "0" else DIGITS
        self.start = tuple(
            (position, pattern.start, leading and leading.start)
            for position, (pattern, leading) in enumerate(
                zip(self._patterns, self._leading, strict=True)
            )
        )
        self.step = cache(self._step)
        self.shares = cache(self._shares)

    def _step(self, state, digit):
        following = []
        for position, pattern, leading in state:
            pattern = self._patterns[position].step(pattern, digit)
            if leading is not None:
                leading = self._leading[position].step(leading, digit)
            if pattern != DEAD and leading != DEAD:
                following.append((position, pattern, leading))
        return tuple(following)

    def _shares(self, state):
        """Return {label: share of all further digits that make such a number}.

        Numbers of each length count alike: one of many digits is not more than one
        of few.
        """
        shares = Counter()
        for position, pattern, leading in state:
            whole = leading is None or self._leading[position].accepts(leading)
            if whole and self._patterns[position].accepts(pattern):
                shares[self.labels[position]] += 1
                break  # the first kind that fits is the number's kind
        for digit in DIGITS:
            following = self.step(state, digit)
            if following:
                for label, share in self.shares(following).items():
                    shares[label] += share / 10
        return shares

    def table(self):
        """Return {prefix: label} of all prefixes but the calling code itself."""
        table = {}
        for digit in self._first_digits:
            state = self.step(self.start, digit)
            if state:
                self._walk(digit, state, table)
        if set(table.values()) == {self.general}:
            return {}
        return {
            f"{self.code}{prefix}": label
            for prefix, label in table.items()
            if label != self.general
        }

    def _walk(self, prefix, state, table):
        """Write a national prefix, or the longer ones that it must be split into."""
        shares = self.shares(state)
        label, share = shares.most_common(1)[0]
        following = {digit: self.step(state, digit) for digit in DIGITS}
        following = {digit: after for digit, after in following.items() if after}
        one_country = len({region for region, _kind in shares}) == 1
        most = MOST_DIGITS if one_country else MOST_DIGITS_BETWEEN_COUNTRIES
        clear = one_country and (
            len(shares) == 1
            or (
                {kind for _region, kind in shares} == COMMON
                and share >= CLEAR_MAJORITY * sum(shares.values())
            )
        )
        # A lone 1800 is not written as 18, but new mobile ranges are expected.
        branches = len(following) > 1 or label[1] in COMMON
        clear = clear and branches and self._may_merge(prefix, label, {"": label})
        if len(prefix) >= most or clear:
            table[prefix] = label
            return
        below = {}
        for digit, after in following.items():
            self._walk(prefix + digit, after, below)
        if branches and self._may_merge(prefix, label, below):
            # what other countries have below it are longer prefixes, which win
            below = {p: one for p, one in below.items() if one != label}
            below[prefix] = label
        table.update(below)

    def _may_merge(self, prefix, label, below):
        if self.code == NANP_CODE and len(prefix) < NANP_AREA_DIGITS:
            return False  # area codes come one by one
        labels = set(below.values())
        if label[0] == self.general[0]:
            labels = {one for one in labels if one[0] == label[0]}
        return labels == {label}


def country_destinations():
    """Return {(region, kind): prefixes} of all countries."""
    destinations = {}
    for code, regions in sorted(COUNTRY_CODE_TO_REGION_CODE.items()):
        if regions == (REGION_CODE_FOR_NON_GEO_ENTITY,):
            continue
        plan = NumberingPlan(code, regions)
        destinations.setdefault(plan.general, []).append(str(code))
        for prefix, label in plan.table().items():
            destinations.setdefault(label, []).append(prefix)
    for label, codes in short_codes().items():
        destinations.setdefault(label, []).extend("=" + code for code in codes)
    return destinations


def short_codes():
    """Return {(region, kind): short codes}; region 001 where several share one."""
    regions_of = {}
    for region in SHORT_CODE_COUNTRIES:
        metadata = PhoneMetadata.short_metadata_for_region(region)
        emergency = DigitPattern(metadata.emergency.national_number_pattern).numbers()
        for kind, codes in (
            ("emergency", emergency),
            ("toll_free", FREE_CODES[region].split()),
            ("directory", DIRECTORY_CODES[region].split()),
        ):
            for code in codes:
                regions_of.setdefault(code, {}).setdefault(kind, []).append(region)
    labels = {}
    for code, kinds in regions_of.items():
        # Where countries differ, what must not be charged comes first.
        kind = min(kinds, key=("emergency", "toll_free", "directory").index)
        region = kinds[kind][0]
        if len(kinds[kind]) > 1:
            region = REGION_CODE_FOR_NON_GEO_ENTITY
        labels.setdefault((region, kind), []).append(code)
    return labels


def country_name(region):
    """Return the English name of a country."""
    if region in NAMES:
        return NAMES[region]
    names = LOCALE_DATA[region]
    name = names["en"]
    if name.startswith("*"):  # `*xx`: as in language xx
        name = names[name[1:]]
    for word in (" And ", " Of ", " The "):
        name = name.replace(word, word.lower())
    return name


def record(identifier, name, country, kind, prefixes):
    fields = [f'        <field name="name">{escape(name)}</field>']
    if country:
        fields.append(f'        <field name="country_id" ref="base.{country}" />')
    fields += [
        f'        <field name="kind">{kind}</field>',
        f'        <field name="prefixes">{" ".join(sorted(prefixes))}</field>',
    ]
    return [
        f'    <record id="destination_{identifier}" model="metered.destination">',
        *fields,
        "    </record>",
    ]


def records():
    """Yield the lines of all records."""
    kinds = list(TITLES)
    destinations = country_destinations()
    for region, kind in sorted(destinations, key=lambda d: (d[0], kinds.index(d[1]))):
        prefixes = destinations[region, kind]
        if region == REGION_CODE_FOR_NON_GEO_ENTITY:
            name = TITLES[kind].format("Several countries")
            yield record(f"world_{kind}", name, "", kind, prefixes)
            continue
        name = TITLES[kind].format(country_name(region))
        country = ODOO_IDS.get(region, region.lower())
        yield record(f"{region.lower()}_{kind}", name, country, kind, prefixes)
    for code, (name, kind) in sorted(WORLD.items()):
        yield record(f"world_{code}_{kind}", name, "", kind, [str(code)])


def main():
    lines = ['<?xml version="1.0" encoding="utf-8" ?>']
    lines += [
        "<!-- Written by scripts/build_destinations.py, which tells where it is from.",
        "     Copyright of the data: the libphonenumber authors, Apache-2.0. -->",
        '<odoo noupdate="1">',
    ]
    for one in records():
        lines += one
    lines += ["</odoo>"]
    TARGET.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
