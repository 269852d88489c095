# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Codes written as patterns, spelled out: `44*`, `34[1-3]`, `79(06,07)`, `41: 20, 21`.

What is spelled out here has one reading only; `codes` reads the rest, or refuses it.
"""

import re

from .country_list import COUNTRY_CODES, WITH_ZERO

_FORMULA = re.compile(r'="([^"=]*)"')
_END = r"(?=\s*(?:$|[,;/|&\r\n]))"
# What stands for any digits: of a regular expression, of SQL, of a dial plan.
_ANY_DIGITS = re.compile(rf"(?<=[0-9\])])(?:\.\*|[xX*%]+|[.!])\$?{_END}")
_BEGIN = re.compile(r"(?<![\w.])[\^_](?=\+?[0-9])")
_DOTS = re.compile(r"(?<=[0-9])\s*(?:\.{2,3}|…)\s*(?=[0-9])")
_TRUNK_ZERO = re.compile(r"\+([1-9][0-9]{0,2})\s*\(0\)\s*(?=[1-9])")
_CHOICE = re.compile(
    r"(?P<head>\+?[1-9][0-9]*) ?"
    r"(?:\[(?P<digits>[0-9,-]+)\]|\((?P<codes>[0-9,;/| -]+)\))(?![0-9\[(])"
)
_GROUPED_RANGE = re.compile(
    r"(?<![0-9])\+?(?P<country>[1-9][0-9]{0,2}) (?P<first>[0-9]+)\s*-\s*"
    r"\+?(?P=country) (?P<last>[0-9]+)(?![0-9])"
)
_HEAD = re.compile(r"\+?([1-9][0-9]{0,2})\s*:\s+(\S.*)", re.DOTALL)
_LISTED = re.compile(r"\s*[,;/|\r\n]\s*")
_CODE_OR_RANGE = re.compile(r"([0-9]+)(?:\s*-\s*([0-9]+))?")
# Dialed before a country code, and apart from it.
_ACCESS = re.compile(r"(?:^|(?<=[,;\r\n]))\s*0?011? (?=[1-9])|^00 (?=[1-9])")


def spelled_out(text, national=False):
    """A cell with codes instead of patterns; a text that is none stays what it was.

    :param text: with ASCII blanks and hyphens
    :param national: whether its codes have no country code
    """
    if formula := _FORMULA.fullmatch(text):
        text = formula[1]
    text = text.removeprefix("'").strip()
    text = _ANY_DIGITS.sub("", _BEGIN.sub("", text))
    text = _DOTS.sub(" to ", text)
    text = _TRUNK_ZERO.sub(_without_zero, text)
    text = _CHOICE.sub(_choices, text)
    if national:
        return text
    text = _GROUPED_RANGE.sub(_range, text)
    text = _ACCESS.sub("+", text)
    head = _HEAD.fullmatch(text)
    return _behind(text, *head.groups()) if head else text


def _without_zero(found):
    """+44 (0)20 is +4420; countries that dial their 0 from abroad have it."""
    return found[0] if found[1] in WITH_ZERO else f"+{found[1]}"


def _choices(found):
    """A list of the codes that a pattern stands for; what it was where it is none."""
    inner = found["digits"] or found["codes"]
    parts = [part for part in re.split(r"[,;/|]", inner.replace(" ", "")) if part]
    codes = []
    for part in parts:
        first, dash, last = part.partition("-")
        if dash:
            is_range = first and len(first) == len(last) and first <= last
            if not is_range or (found["digits"] and len(first) > 1):
                return found[0]
            codes += [
                str(number).zfill(len(first))
                for number in range(int(first), int(last) + 1)
            ]
        elif found["digits"] and len(parts) == 1:
            codes += list(part)
        else:
            codes.append(part)
    return "\n".join(found["head"] + code for code in codes) or found[0]


def _range(found):
    """44 20 - 44 29 is 4420 to 4429."""
    country, first, last = found["country"], found["first"], found["last"]
    if country not in COUNTRY_CODES or len(first) != len(last) or first > last:
        return found[0]
    return f"{country}{first} to {country}{last}"


def _behind(text, country, rest):
    """The codes behind a country code and a colon; the text where they are none."""
    parts = [_CODE_OR_RANGE.fullmatch(part) for part in _LISTED.split(rest.strip())]
    if country not in COUNTRY_CODES or not all(parts):
        return text
    if any(part[1].startswith((country, "0")) for part in parts):
        return text
    return "\n".join(
        f"{country}{part[1]}" + (f" to {country}{part[2]}" if part[2] else "")
        for part in parts
    )
