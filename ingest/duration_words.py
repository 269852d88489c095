# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Units of time by their names: `1m5s`, `PT1M5S`, the heading `Duration (min)`."""

import re
from decimal import Decimal

#: unit -> seconds of it, longest first
SECONDS = {
    "day": Decimal(86_400),
    "h": Decimal(3600),
    "min": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}
#: names that may stand anywhere in a heading; in the languages of files of records
_NAMES = {
    "day": "days tage días dias jours giorni dagen dni",
    "h": "hr hrs hour hours std stunde stunden hora horas heure heures ore uur uren "
    "час часов часы",
    "min": "mn min mins minute minutes minuten minuto minutos minuti minuut minuter "
    "minuty minut мин минута минуты минут",
    "s": "sec secs second seconds sek sekunde sekunden seg segundo segundos seconde "
    "secondes secondo secondi seconden sekunder sekundy sekund сек секунда секунды "
    "секунд",
    "ms": "ms msec msecs millis millisecond milliseconds millisekunden milisegundos "
    "millisecondes millisecondi milliseconden",
}
#: those that are clear beside a number, or at the end of a heading
_SHORT = {"day": "d day tag día dia jour", "h": "h ч", "min": "m м", "s": "s с"}
_LONG = {name: unit for unit, names in _NAMES.items() for name in names.split()}
_UNIT = {name: unit for unit, names in _SHORT.items() for name in names.split()} | _LONG

_NUMBER = r"[0-9]{1,9}(?:(?:\.|,(?![0-9]{3}(?![0-9])))[0-9]{1,9})?"
_PART = re.compile(rf"({_NUMBER})[ \u00a0]?([^\W\d_]+)\.?,?[ \u00a0]?")
_ISO = re.compile(
    r"P(?:([0-9]{1,6})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?"
    r"(?:([0-9]{1,9}(?:[.,][0-9]{1,9})?)S)?)?"
)
# Minutes and seconds of arc: 1'05", 00:01'05".
_MARKED = re.compile(r"(?:([0-9]{1,6})[:h])?([0-9]{1,6})['′]([0-9]{2})(?:\"|''|″)?")
_DAYS_AND_CLOCK = re.compile(
    r"([0-9]{1,4}) ?([^\W\d_]+)\.?,? ([0-9]{1,2}):([0-9]{2}):([0-9]{2}(?:\.[0-9]+)?)"
)
_LONGEST = 60


def worded_seconds(text):
    """Read a duration that names its units.

    :param text: `1h 5m 3s`, `1 min 5 sec`, `PT1M5S`, `1'05"`, `1 day, 0:01:05`
    :return: Decimal, exact; None for what is none
    """
    if len(text) > _LONGEST:
        return None
    if found := _ISO.fullmatch(text):
        return _sum(zip(("day", "h", "min", "s"), found.groups(), strict=True))
    if found := _MARKED.fullmatch(text):
        parts = zip(("h", "min", "s"), found.groups(), strict=True)
        return _sum(parts, is_clock=True)
    if found := _DAYS_AND_CLOCK.fullmatch(text):
        if _UNIT.get(found[2].lower()) != "day":
            return None
        parts = zip(("day", "h", "min", "s"), found.group(1, 3, 4, 5), strict=True)
        return _sum(parts, is_clock=True)
    parts, end = [], 0
    while end < len(text):
        found = _PART.match(text, end)
        if not found:
            return None
        end = found.end()
        parts.append((_UNIT.get(found[2].lower()), found[1]))
    return _sum(parts, is_clock=True)


def _sum(parts, is_clock=False):
    """Add parts up, None unless units fall, and only the last part has a fraction.

    :param parts: iterable of (unit or None, number or None)
    :param is_clock: whether no part but the first goes beyond its measure
    """
    parts = [part for part in parts if part[1]]
    units = [unit for unit, _number in parts]
    if not parts or None in units:
        return None
    ranks = [list(SECONDS).index(unit) for unit in units]
    if ranks != sorted(set(ranks)):
        return None
    total = Decimal(0)
    for place, (unit, number) in enumerate(parts):
        value = Decimal(number.replace(",", "."))
        if value % 1 and place + 1 < len(parts):
            return None
        measure = SECONDS[units[place - 1]] / SECONDS[unit] if place else None
        if is_clock and place and value >= measure:
            return None
        total += value * SECONDS[unit]
    return total


# === HEADINGS === #

OTHER = "?"
"""What a heading names where that is none of the units, or several of them."""

_HOUR, _MINUTE, _SECOND = (
    "(?:h{1,3}|hrs?|hours?|std|stunden|horas|heures)",
    "(?:m{1,3}|mins?|minutes?|minuten|minutos)",
    "(?:s{1,2}|secs?|seconds?|sek|sekunden|seg|segundos|secondes)",
)
_CLOCKS = (
    ("h:mm:ss", re.compile(rf"\b{_HOUR}:{_MINUTE}:{_SECOND}\b", re.IGNORECASE)),
    ("h:mm", re.compile(rf"\b{_HOUR}:{_MINUTE}\b(?!:)", re.IGNORECASE)),
    ("mm:ss", re.compile(rf"(?<!:)\b{_MINUTE}:{_SECOND}\b", re.IGNORECASE)),
    ("hhmmss", re.compile(r"(?<![a-z])h{1,3}mmss(?![a-z])", re.IGNORECASE)),
    ("mmss", re.compile(r"(?<![a-z])m{1,3}ss(?![a-z])", re.IGNORECASE)),
    ("hhmm", re.compile(r"(?<![a-z])hhmm(?![a-z])", re.IGNORECASE)),
)
_TENTH = re.compile(r"(?<![0-9.,/])(?:6 ?-?s(?:ec)?|1/10 ?min)", re.IGNORECASE)
_MULTIPLE = re.compile(
    r"(?<![0-9])(?:1/[0-9]+|0?[.,][0-9]+|[2-9]|[1-9][0-9]+) ?-?"
    r"(?:ms|s(?:ec|ek|eg)?|m(?:in)?|hr?)(?:[^\W\d_]{0,7})(?![^\W\d_])"
    r"|(?<![^\W\d_])(?:tenths?|hundredths?|pulses|ticks|µs|us|usec|microseconds)"
    r"(?![^\W\d_])",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_ENDING = re.compile(
    r"(?:msec|[mµu]secs?|millis|milliseconds?|millisekunden|microsec\w*|"
    r"(?<!milli)(?<!mikro)sekunden|minutes|minuten|minutos|stunden)$"
)
_HUMP = re.compile(r"(?<=[a-zа-я])(?=[A-ZА-Я])")
_AT_THE_END = re.compile(r"(?:[(\[/,_ ]| in )([^\W\d_])\.?\s*[)\]]?\s*$")
_IN_BRACKETS = re.compile(r"[(\[]\s*([^\W\d_])\.?\s*[)\]]")


def named_unit(heading):
    """The unit that the name of a column of durations tells.

    :param heading: `Duration (min)`, `Talk Time (HH:MM)`, `durationMs`
    :return: a key of ``durations.UNITS``; `OTHER` for a unit that is none of them, or
        for several; empty where it names none
    """
    for unit, pattern in _CLOCKS:
        if pattern.search(heading):
            return unit
    if _TENTH.search(heading):
        return "6s"
    if _MULTIPLE.search(heading):
        return OTHER
    words = [word.lower() for word in _WORD.findall(_HUMP.sub(" ", heading))]
    units = {_LONG[word] for word in words if word in _LONG}
    for word in words:
        # billmsec, Gesprächsminuten
        if word not in _LONG and (found := _ENDING.search(word)):
            units.add(_LONG.get(found[0], OTHER))
    letter = _IN_BRACKETS.search(heading) or _AT_THE_END.search(heading)
    if letter and letter[1].lower() in _UNIT:
        units.add(_UNIT[letter[1].lower()])
    if len(units) > 1 or units and words[0] == "min" and len(words) > 1:
        return OTHER  # a minimum?
    return units.pop() if units else ""
