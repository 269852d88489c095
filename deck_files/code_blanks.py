# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Blanks behind country codes: what the other codes of a file show of them.

`44 7400` is one code, or the two of the United Kingdom and of a part of Russia. No code
has two prices, so that `44 7400` in a row and `44 7500` in another are one code each.
"""

import re
from collections import defaultdict

from .country_list import COUNTRY_CODES, NEVER_DOUBLED, country_of, may_be_code

_PARTS = re.compile(r"[,;/|&\r\n]| and ")
_GROUPS = re.compile(r"\+?([0-9]+)((?: +[0-9]+)+)")
_CODE = re.compile(r"\+?([0-9]+)")
_DASHED = re.compile(r"\+?([0-9]+) *[-\u2013] *([0-9]+)")


def shown_blanks(texts):
    """What the codes of a file show of the blanks behind country codes.

    :param texts: texts of its cells with codes
    :return: (`group` where it is proven that they are part of the code, else empty; the
        texts that show it; what is likelier)
    """
    grouped, plain = defaultdict(dict), set()
    for text in texts:
        for part in map(str.strip, _PARTS.split(text)):
            if groups := _GROUPS.fullmatch(part):
                grouped[groups[1]][groups[2].replace(" ", "")] = part
            elif code := _CODE.fullmatch(part):
                plain.add(code[1])
    shown, against, is_list, grouped_elsewhere = [], False, False, False
    for first, rests in grouped.items():
        if first not in COUNTRY_CODES:
            continue
        if len(rests) > 1 or first in plain:
            shown += rests.values()
        against |= any(
            first + rest in plain or (first in NEVER_DOUBLED and rest.startswith(first))
            for rest in rests
        )
        is_list |= any(rest in COUNTRY_CODES for rest in rests)
        grouped_elsewhere |= not all(map(may_be_code, rests))
    if against:
        return "", (), "" if grouped_elsewhere else "separate"
    if shown:
        return "group", tuple(shown[:2]), "group"
    return "", (), "group" if grouped_elsewhere and not is_list else ""


def likely_separate(cells):
    """Whether blanks stand between codes: codes of one country and of one length."""
    for text in cells:
        parts = text.split()
        countries = {country_of(part) for part in parts}
        if len(countries | {""}) != 2 or len(set(map(len, parts))) != 1:
            return ""
    return "separate"


def likely_lists(cells):
    """What the shorter codes of lists are, where they can be nothing else.

    :return: `ending` or `country` where none of them can be a code of its own
    """
    parts = [[part.strip() for part in _PARTS.split(text)] for text in cells]
    are_countries = all(first in COUNTRY_CODES for first, *_others in parts)
    if any(
        may_be_code(part.replace(" ", ""))
        or (not are_countries and len(part) >= len(first))
        for first, *others in parts
        for part in others
    ):
        return ""
    return "country" if are_countries else "ending"


def likely_joined(cells):
    """Whether hyphens stand within codes: another one of the file is no range."""
    rests = defaultdict(set)
    for text in cells:
        if found := _DASHED.fullmatch(text.strip()):
            rests[found[1]].add(found[2])
    for first, ends in rests.items():
        if first in COUNTRY_CODES and (
            len(ends) > 1 or any(len(end) > len(first) for end in ends)
        ):
            return "join"
    return ""
