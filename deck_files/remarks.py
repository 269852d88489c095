# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Texts around a table of rates that may decide what the rates are.

A day from which they hold, how calls are rounded, cents, a title above codes that end:
no column says it, so that a person looks at it before anything is applied.
"""

import re

from .columns import plain
from .words import ends

_DAY = re.compile(
    r"\b(?:effective|valid (?:from|as of|since)|starting|as of|gultig (?:ab|von)"
    r"|gueltig ab|wirksam ab|vigente|vigencia|valid[oa]s? desde)\b.*[0-9]"
)
_ROUNDED = re.compile(
    r"\b(?:billing|billed|increments?|rounding|rounded|pulse|\w*takt\w*|facturacion"
    r"|tarificacion|incrementos?)\b.*[0-9] ?[/+:-] ?[0-9]"
)
_UNIT = re.compile(
    r"\b(?:cents?|eurocents?|pence|mills?|centavos?|centimos?|ct)\b|¢"
    r"|\b(?:per|pro|por) (?:hour|second|stunde|sekunde|hora|segundo)\b"
)
#: words of a title; sentences say something else
_MOST_WORDS = 4
_INCREMENTS = {"first_increment", "next_increment", "increments"}


def open_remarks(notes, columns, headings, last_line):
    """The texts that say something which no column says.

    :param notes: list of (line, text), passed over
    :param columns: dict meaning -> position
    :param headings: list of names of the columns with prices
    :param last_line: of the last rate
    :return: list of (line, text)
    """
    unit_is_said = any(_UNIT.search(plain(name)) for name in headings)
    return [
        (line, text)
        for line, text in notes
        if ("valid_from" not in columns and _DAY.search(plain(text)))
        or (_INCREMENTS.isdisjoint(columns) and _ROUNDED.search(plain(text)))
        or (not unit_is_said and _UNIT.search(plain(text)))
        or (line < last_line and _is_end(text))
    ]


def _is_end(text):
    """Whether a title says that the codes below it end."""
    words = re.findall(r"[^\W\d_]+", text)
    return len(words) <= _MOST_WORDS and ends([text, *words])
