# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Blanks behind country codes: what the other codes of a file show of them.

`44 7400` is one code, or the two of the United Kingdom and of a part of Russia. No code
has two prices, so that `44 7400` in a row and `44 7500` in another are one code each.
"""

import re
from collections import defaultdict

from .codes import COUNTRY_CODES

_PARTS = re.compile(r"[,;/|&\r\n]| and ")
_GROUPS = re.compile(r"\+?([0-9]+)((?: +[0-9]+)+)")
_CODE = re.compile(r"\+?([0-9]+)")


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
    shown, against = [], False
    for first, rests in grouped.items():
        if first not in COUNTRY_CODES:
            continue
        if len(rests) > 1 or first in plain:
            shown += rests.values()
        against |= any(
            first + rest in plain
            or (len(first) > 1 and rest.startswith(first))
            or (rest in COUNTRY_CODES and len(rest) == len(first))
            for rest in rests
        )
    if against:
        return "", (), "separate"
    return "group" if shown else "", tuple(shown[:2]), "group"
