# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How the people of a country dial: `dial_plans.csv`, one row a country."""

import csv
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("dial_plans.csv")

NO_COUNTRY = "001"
"""Marks rows of calling codes of no country (UN M49: the world)."""

FOREIGN_IDD_PREFIXES = ("00", "011")

TRUNK_ZERO = "0"
"""The national prefix of most countries, without which nobody dials a national number.
"""

BARE_FORMS = ("international", "national")
"""What a number without any prefix may be, where it can be both."""


@dataclass(frozen=True)
class DialPlan:
    """What `normalise_numbers` must know of the country of a switch.

    :param country: ISO 3166 code, `US`
    :param country_code: calling code, `1`
    :param idd_prefixes: what is dialled before an international number, `("011",)`
    :param national_prefix: what is dialled before a national number, `1`, `0` or ``
    :param national_lengths: digits of a number without country code and prefix
    :param short_code_max: most digits of a short code or an extension
    :param keep_national_prefix: the prefix is part of the number, as in Italy
    :param national_pattern: regular expression (RE2) of national numbers; decides
        where the lengths leave two readings, empty = every number
    :param other_national_prefixes: dialled instead of `national_prefix`, to choose
        a carrier or by old habit; only before what `national_pattern` matches
    :param bare: one of BARE_FORMS: what numbers without any prefix are that can be
        both; empty where nobody says it
    :param foreign_idd_prefixes: accepted like `idd_prefixes`, where a number cannot
        be read as a national one: customers' exchanges dial as their makers do
    """

    country: str
    country_code: str
    idd_prefixes: tuple[str, ...]
    national_prefix: str
    national_lengths: frozenset[int]
    short_code_max: int
    keep_national_prefix: bool = False
    national_pattern: str = ""
    other_national_prefixes: tuple[str, ...] = ()
    foreign_idd_prefixes: tuple[str, ...] = FOREIGN_IDD_PREFIXES
    bare: str = ""

    @property
    def has_trunk_zero(self):
        """Whether national numbers are dialled with a 0 that is no part of them."""
        return self.national_prefix == TRUNK_ZERO and not self.keep_national_prefix


def dial_plan(iso2, **overrides):
    """Return the dial plan of a country.

    :param iso2: ISO 3166 code in either case; also UK for GB
    :param overrides: fields of DialPlan that the operator sets otherwise; with
        `idd_prefixes`, these alone are accepted
    :raise ValueError: when no plan of that country is known
    """
    code = str(iso2 or "").strip().upper()
    plan = _plans().get("GB" if code == "UK" else code)
    if plan is None:
        raise ValueError(
            f"No dial plan is known for country {iso2!r}: expected a two-letter"
            " country code such as 'US' or 'GB'."
        )
    if "idd_prefixes" in overrides:
        overrides = {"foreign_idd_prefixes": (), **overrides}
        overrides["idd_prefixes"] = tuple(overrides["idd_prefixes"])
    if "national_lengths" in overrides:
        overrides["national_lengths"] = frozenset(overrides["national_lengths"])
    if "national_prefix" in overrides:
        overrides = {"other_national_prefixes": (), **overrides}
    return replace(plan, **overrides)


def is_dialled_in(iso2):
    """Return whether it is known how numbers are dialled in a country."""
    return str(iso2 or "").strip().upper() in _plans()


@cache
def countries_of(code):
    """Return the countries with a calling code, as a tuple of ISO codes."""
    return tuple(
        row["country"]
        for row in _rows()
        if row["country_code"] == code and row["country"] != NO_COUNTRY
    )


@cache
def national_patterns():
    """Return {calling code: regular expression of the numbers after it}.

    Empty where any number is good: one of the code's countries has no pattern.
    """
    patterns = {}
    for row in _rows():
        patterns.setdefault(row["country_code"], set()).add(row["national_pattern"])
    return {
        code: "" if "" in found else "|".join(sorted(found))
        for code, found in patterns.items()
    }


@cache
def international_lengths():
    """Return {calling code: frozenset of the lengths of the numbers after it}."""
    lengths = {}
    for row in _rows():
        code = row["country_code"]
        lengths[code] = lengths.get(code, frozenset()) | _lengths(row)
    return lengths


@cache
def trunk_zero_codes():
    """Return the calling codes of countries that all dial a 0 before their numbers.

    After the code it is left out: +44 (0)20 7946 0120 is +442079460120. A code some of
    whose countries keep it, as Italy does, is none of them.
    """
    by_code = {}
    for plan in _plans().values():
        by_code.setdefault(plan.country_code, []).append(plan.has_trunk_zero)
    return frozenset(code for code, found in by_code.items() if all(found))


@cache
def _plans():
    return {
        row["country"]: DialPlan(
            country=row["country"],
            country_code=row["country_code"],
            idd_prefixes=tuple(row["idd_prefixes"].split()),
            national_prefix=row["national_prefix"],
            national_lengths=_lengths(row),
            short_code_max=int(row["short_code_max"]),
            keep_national_prefix=row["keep_national_prefix"] == "1",
            national_pattern=row["national_pattern"],
            other_national_prefixes=tuple(row["other_national_prefixes"].split()),
        )
        for row in _rows()
        if row["country"] != NO_COUNTRY
    }


@cache
def _rows():
    with SOURCE.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _lengths(row):
    return frozenset(map(int, row["national_lengths"].split()))
