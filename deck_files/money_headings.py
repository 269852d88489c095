# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the name of a column of money says of its amounts: currency, unit, measure."""

import re
import unicodedata

from .amounts import mark_of, unit_seconds

_UNITS = re.compile(
    r"(?:/|\b(?:per|pro|je|por|par)\b) *[0-9]* *(?:[^\W\d_]+)\.?"
    r"|\b[0-9]+ *(?:min|minutes?|minuten|minutos|s|secs?|seconds?|sek|seg)\b"
    r"|\b(?:min|minute|minuto|hour|stunde|hora)\b"
)
#: what a heading says that prices are divided by
_MILLS = re.compile(r"\bmill?s\b|\btenths? of (?:a )?cents?\b")
_TIMES = re.compile(r"(?:\bx|×|\*) ?(10+)\b|\b(10+) ?(?:x\b|×)|\b1 ?/ ?(10+)\b")
#: what a price is without, as it should be
_NET = re.compile(
    r"[(\[]?\s*\b(?:net(?:to)?"
    r"|ex(?:cl?(?:uding|usive)?|kl)?\.? ?(?:of )?(?:vat|tax|mwst)"
    r"|ohne mwst|sin iva|ht)\b\.?\s*[)\]]?"
)
#: one part of a minute, written as a fraction
_PART_OF_MINUTE = re.compile(r"\b1 ?/ ?([2-9]|10|12|15|20|30|60) ?(?:min\w*|m)\b")
_SPACED_CENTS = re.compile(r"\b(us|usd|euro?) ?-?(cents?|ct|cts)\b")
#: a price of something else than time
_PER_CALL = re.compile(
    r"\b(?:per|pro|por|par|je|/) ?(?:call|anruf|llamada|appel|attempt|connection)\b"
    r"|\beach\b"
)
#: words that say how many minutes or units a price is for, or how small they are
_MEASURES = re.compile(
    r"\b(?:half|quarter|milli\w*|micro\w*|nano\w*|kilo\w*|thousand\w*|hundred\w*"
    r"|tens?|tenths?|million\w*|decimals?|implied|basis|points?|bps|k|m|tausend\w*"
    r"|hundert\w*|miles?|mil|halbe?|media|medio)\b|[0-9]k\b|\b[01][.,][0-9]+\b(?![.,])"
    r"|/ ?1?0{2,}\b|\b10{2,}\b"
)


def plain(text):
    """A text in lower case without accents."""
    text = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    return "".join(sign for sign in text if not unicodedata.combining(sign))


def is_per_call(text):
    """Whether the name of a column of prices says that they are for whole calls."""
    return bool(_PER_CALL.search(plain(text)))


def has_unknown_measure(text):
    """Whether the name of a column of prices says a measure that is not understood."""
    rest = re.sub(r" ([.,]) ", r"\1", money_name(plain(text))[0])
    return bool(_MEASURES.search(rest))


def divisor_of(text):
    """What the name of a column says that its prices are divided by; 0 for nothing."""
    plain_text = _PART_OF_MINUTE.sub(" ", plain(text))
    if _MILLS.search(plain_text):
        return 1000
    found = _TIMES.search(plain_text)
    if not found:
        return 0
    times = int(next(filter(None, found.groups()))[:9])
    return times * (100 if money_name(text)[2] else 1)


def money_name(text):
    """(a column's name without currency and unit, seconds, hundredths, currencies)."""
    plain = _NET.sub(" ", _SPACED_CENTS.sub(r"\1\2", text.lower()))
    plain = _PART_OF_MINUTE.sub(lambda one: f"{60 // int(one[1])} s", plain)
    seconds, hundredths, currencies = 0, False, frozenset()
    for unit in _UNITS.findall(plain):
        is_whole = unit.startswith(("/", "per", "pro", "je", "por", "par"))
        said = unit_seconds(unit if is_whole else "/" + unit)
        if said:
            seconds = said
            plain = plain.replace(unit, " ")
    kept = []
    for word in re.findall(r"[^\W\d_]+\$?|[0-9]+|[^\w\s]", plain):
        mark = mark_of(word)
        if word in ("in", "("):
            continue
        if word in ("c", "p") and not seconds and f"({word})" not in plain:
            mark = None
        if mark is None:
            kept.append(word)
        else:
            currencies |= mark[0]
            hundredths |= mark[1]
    return " ".join(kept), seconds, hundredths, currencies
