# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Short codes that several countries have, and most have not.

The module's destinations without a country (``scripts/build_destinations.py``) hold
what is the same in several countries. The codes of three digits among them that are no
emergency calls are extensions anywhere else: they count at home only, as all short
codes of one country do.
"""

from .dial_plans import countries_of

#: 211 community, 311 municipal, 411 directory, 511 traffic, 711 relay, 811 digging and
#: 988 crisis are North America's; 114 is emergency by text in France, for children in
#: Italy
NORTH_AMERICAN = ("211", "311", "411", "511", "711", "811", "988")
OF_COUNTRIES = {"114": ("FR", "IT")}


def by_country(prefixes):
    """Part prefixes that count everywhere from those of some countries.

    :param prefixes: tuple of prefixes as destinations write them
    :return: (tuple of those that count everywhere, dict ISO country -> tuple of those
        that count there)
    """
    everywhere, of_country = [], {}
    for prefix in prefixes:
        code = prefix.removeprefix("=")
        countries = OF_COUNTRIES.get(code, ())
        if code in NORTH_AMERICAN:
            countries = countries_of("1")
        if not countries or code == prefix:
            everywhere.append(prefix)
        for country in countries if code != prefix else ():
            of_country[country] = (*of_country.get(country, ()), prefix)
    return tuple(everywhere), of_country
