# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rows with a code alone, which belong to the rate above them.

`UK Mobile, 4474, 0.02` and below it only `4475`: one destination, written once.
"""

import re

from .country_list import country_of

_DIGITS = re.compile(r"\+?([0-9]+)")


def continue_rows(texts, lines):
    """Fill rows that have nothing but a code from the row above.

    Only where the destinations have names, no line is between them, and both codes are
    of one country.

    :param texts: DataFrame of cells, a column per meaning
    :param lines: array of the rows' lines
    :return: (the DataFrame, number of rows that were filled)
    """
    if "name" not in texts or len(texts) < 2:
        return texts, 0
    others = [name for name in texts if name != "prefix"]
    is_alone = (texts[others] == "").all(axis=1) & (texts["prefix"] != "")
    places = [place for place in is_alone.to_numpy().nonzero()[0] if place]
    if not places:
        return texts, 0
    filled = texts.copy()
    count = 0
    for place in places:
        above = filled.iloc[place - 1]
        is_next = lines[place] == lines[place - 1] + 1
        if not (is_next and above["name"] and above["price"]):
            continue
        if "country_code" not in texts and not _are_of_one_country(
            above["prefix"], filled["prefix"].iloc[place]
        ):
            continue
        for name in others:
            filled.iat[place, filled.columns.get_loc(name)] = above[name]
        count += 1
    return filled, count


def _are_of_one_country(first, second):
    codes = [_DIGITS.match(text) for text in (first, second)]
    if not all(codes):
        return False
    countries = {country_of(code[1]) for code in codes}
    return len(countries) == 1 and countries != {""}
