# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Columns whose names mean nothing here, and whose cells may decide about the rates.

A column of days, of units, or of other prices is asked about: without it rates would
apply from the wrong day, or at another column's price.
"""

import re

from ..notation.days import NUMERIC_DAY
from ..rating.errors import _lt
from .cells import WrongCell
from .choices import Question
from .columns import plain

_ROWS = 200
_ISO_DAY = re.compile(r"[0-9]{4}([/.-])[0-9]{1,2}\1[0-9]{1,2}(?:[ T].*)?")
_NAMED_DAY = re.compile(
    r"[0-9]{1,2}[ .-]+[^\W\d_]{3,10}\.?[ ,.-]+(?:[0-9]{4}|[0-9]{2})"
)
_UNIT = re.compile(
    r"(?:(?:per|pro|por|/) ?)?(?:m|min|mins|minutes?|s|secs?|seconds?|h|hours?|calls?"
    r"|anruf|minuto|segundo|llamada|sekunde)\.?"
)
_MINUTE = re.compile(r"(?:(?:per|pro|por|/) ?)?(?:m|min|mins|minutes?|minuto)\.?")
_PRICE = re.compile(
    r"\b(?:sell(?:ing)?|sale|retail|wholesale|buy|venta|verkauf|rates?|prices?|cost"
    r"|tariff?|preis|precio|tarifa)\b"
)
#: what is no price that is to apply
_NO_PRICE = re.compile(
    r"\b(?:old|previous|prev|current|last|alt|bisher|anterior|actual|id|type|name|plan"
    r"|change|changes|diff|difference|status|class|group|code|sheet|table|deck)\b|%"
)
_NUMBER = re.compile(r"[^0-9]{0,8}[0-9]+(?:[.,][0-9]+)*[^0-9]{0,12}")
_CODE = re.compile(r"\+?[0-9]{1,12}")
_SECONDS = re.compile(r"[0-9]{1,5}(?:[/+:-][0-9]{1,5})?(?: ?[a-zA-Z]{1,7}\.?)?")
_LENGTH = re.compile(
    r"\b(?:minim\w*|increments?|incr|interval\w*|rounding|pulse|step|takt\w*|mindest\w*"
    r"|chunk|block size|billing|incremento\w*|duration|dauer)\b"
)
_ORIGIN = re.compile(
    r"(?:origins?|originations?|origin (?:group|set|zone|country|code)s?"
    r"|from (?:zone|country|group)|a number(?: (?:group|zone|origin))?|cli|caller"
    r"|calling (?:party|country|zone)|surcharge group|ursprung|herkunft|origen)"
)
_FEE = re.compile(
    r"\b(?:fees?|charges?|surcharges?|flag ?falls?|set ?up|grund\w*|geb[uü]hr\w*"
    r"|zuschl[aä]ge?|recargos?|cargos?|cuotas?|minimos?)\b"
)
_NO_FEE = re.compile(
    r"\b(?:old|previous|prev|current|last|id|type|name|code|group|class|status|change"
    r"|changes|band|unit|units)\b"
)
_EXCLUDED = re.compile(
    r"\b(?:exclud\w*|exclusions?|except(?:ions?)?|ausnahmen?|ausgenommen|excepto"
    r"|excluidos?)\b"
)
_CODE_LIST = re.compile(r"\+?[0-9]{1,12}(?:[ ,;/|-]+[0-9]{1,12})*")
_ANY_ORIGIN = re.compile(r"all(?: origins?)?|any|\*|world(?:wide)?|default|-|n/a|alle")
_CODES = _lt(
    "The column %(column)s contains numbers that may be prefixes following the country "
    "code. Choose its meaning, or leave it out."
)
_LENGTHS = _lt(
    "The column %(column)s may specify how calls are rounded. Choose its meaning, or "
    "leave it out."
)
_ORIGINS = _lt(
    "The column %(column)s limits prices to certain callers, such as %(example)s, but "
    "is not read: all prices would apply to all callers. Import these rates one origin "
    "at a time, or leave the column out."
)
_DAYS = _lt(
    "The column %(column)s contains dates, and it is unclear what they mean. Choose "
    "its meaning, or leave it out."
)
_UNITS = _lt(
    "The column %(column)s specifies what the prices are for, such as %(example)s, "
    "but is not read: all prices would be per minute. Import these rates one unit at "
    "a time, or leave the column out."
)
_FEES = _lt(
    "The column %(column)s seems to contain a fee or surcharge, such as %(example)s, "
    "and is not read. Choose its meaning, or leave it out."
)
_EXCLUSIONS = _lt(
    "The column %(column)s seems to list codes that a price is not for, such as "
    "%(example)s, and is not read. Add rows for these codes, or leave the column out."
)
_PRICES = _lt(
    "The column %(column)s seems to contain other prices. Choose the column with the "
    "price."
)


def ask_unread(header, rows, known, line, may_be_codes=False):
    """What is open about the columns that are not read.

    :param header: names of the columns
    :param rows: list of (line, texts)
    :param known: set of the positions that are read
    :param line: of the header
    :param may_be_codes: whether a column of digits may be what follows country codes
    :return: list of `choices.Question`
    """
    found = []
    for place, name in enumerate(header):
        if place in known or not name:
            continue
        texts = {str(row[place]).strip() for _line, row in rows[:_ROWS]} - {""}
        error = texts and _doubt(name, texts)
        if texts and may_be_codes and all(map(_CODE.fullmatch, texts)):
            error = WrongCell(_CODES, column=name)
        if error:
            found.append(
                Question("columns", error, line, len(rows), (name,), "", (place,))
            )
    return found


def _doubt(name, texts):
    """The `WrongCell` that says what a column may decide; None."""
    simple = re.sub(r"[\W_]+", " ", plain(name)).strip()
    origins = {text for text in texts if not _ANY_ORIGIN.fullmatch(text.lower())}
    if _ORIGIN.fullmatch(simple) and origins:
        return WrongCell(_ORIGINS, column=name, example=min(origins))
    if _LENGTH.search(simple) and all(map(_SECONDS.fullmatch, texts)):
        return WrongCell(_LENGTHS, column=name)
    if all(map(_is_day, texts)):
        return WrongCell(_DAYS, column=name)
    words = {text.lower() for text in texts}
    if all(map(_UNIT.fullmatch, words)) and not all(map(_MINUTE.fullmatch, words)):
        example = min(word for word in words if not _MINUTE.fullmatch(word))
        return WrongCell(_UNITS, column=name, example=example)
    if _FEE.search(simple) and not _NO_FEE.search(simple):
        charged = {text for text in texts if re.search("[1-9]", text)}
        if charged and all(map(_NUMBER.fullmatch, texts)):
            return WrongCell(_FEES, column=name, example=min(charged))
    if _EXCLUDED.search(simple) and all(map(_CODE_LIST.fullmatch, texts)):
        return WrongCell(_EXCLUSIONS, column=name, example=min(texts))
    if is_priced(name) and all(map(_NUMBER.fullmatch, texts)):
        return WrongCell(_PRICES, column=name)
    return None


def is_priced(name):
    """Whether a column's name is that of prices, whatever else it says."""
    heading = re.sub(r"[^a-z%]+", " ", plain(name))
    return bool(_PRICE.search(heading) and not _NO_PRICE.search(heading))


def _is_day(text):
    return any(p.fullmatch(text) for p in (_ISO_DAY, NUMERIC_DAY, _NAMED_DAY))
