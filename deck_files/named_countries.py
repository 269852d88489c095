# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Destinations whose names say that they are in North America, country code 1."""

import re
from functools import cache

from babel import Locale

#: in these languages are the names of columns understood, too
_LANGUAGES = ("en", "de", "es")
#: countries and territories of the country code 1, ISO 3166
_COUNTRIES = (
    "AG AI AS BB BM BS CA DM DO GD GU JM KN KY LC MP MS PR SX TC TT US VC VG VI"
).split()
_ALIASES = ("US", "USA", "U.S.A.", "U.S.", "United States of America")
_AND = frozenset(("and", "the", "und", "y"))
_APART = re.compile(r"[\W_]+")


def is_in_north_america(name):
    """Whether a destination's name begins with that of a country with the code 1.

    `USA - Miami`, `Dominican Republic Mobile`, `Kanada`; not `New Mexico`, nor
    `American Samoans`, as a name ends where its word does.

    :param name: text of a rate file
    """
    words = _words(name)
    longest = max(map(len, _names()))
    return any(words[:count] in _names() for count in range(1, longest + 1))


def _words(name):
    """The words that tell names apart: Saint is St., and `and` is left out."""
    words = _APART.sub(" ", name).casefold().split()
    return tuple({"saint": "st"}.get(word, word) for word in words if word not in _AND)


@cache
def _names():
    """The names, each as a tuple of words."""
    names = [
        Locale(language).territories[country]
        for language in _LANGUAGES
        for country in _COUNTRIES
    ]
    return frozenset(map(_words, [*names, *_ALIASES]))
