# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rows of a table that are no rates, and cells that several rows share."""

import re

_RULE = re.compile(r"[-=_:+~ ]{3,}")
_TOTAL = re.compile(
    r"(?:grand |sub ?-?)?totals?|sum|summe|gesamt(?:summe)?|suma|average|avg|mean"
    r"|durchschnitt|mittelwert|promedio|count|anzahl|number of (?:rates|codes|rows)",
    re.IGNORECASE,
)
_CODES = re.compile(r"\+?[0-9][0-9 ,;/+\r\n-]*")


def is_rule(texts):
    """Whether a row is a line of signs: `|---|---|`."""
    filled = [text.strip() for text in texts if text.strip()]
    return bool(filled) and all(map(_RULE.fullmatch, filled))


def is_total(texts, prefix, country):
    """Whether a row sums the others up.

    :param prefix, country: positions of their columns; `country` may be None
    """
    filled = [text for text in texts if text]
    if country is not None and texts[country] and not _is_word(texts[country]):
        return False
    if not filled or not _is_word(filled[0]):
        return False
    return not _CODES.fullmatch(texts[prefix])


def _is_word(text):
    return _TOTAL.fullmatch(re.split(r"[:(\d]", text.strip())[0].strip()) is not None


def fill_merged(rows, merged):
    """The rows with what cells say that reach down over several of them.

    :param rows: list of (line, tuple of texts)
    :param merged: list of (first line, last line, column from 1 on)
    """
    if not merged:
        return rows
    places = {line: place for place, (line, _texts) in enumerate(rows)}
    found = list(rows)
    for first, last, column in merged:
        if first not in places or last - first > len(rows):
            continue
        texts = found[places[first]][1]
        if column > len(texts) or not texts[column - 1]:
            continue
        for line in range(first + 1, last + 1):
            place = places.get(line)
            if place is not None and not found[place][1][column - 1]:
                below = list(found[place][1])
                below[column - 1] = texts[column - 1]
                found[place] = line, tuple(below)
    return found
