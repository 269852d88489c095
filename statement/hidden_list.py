# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Lists of numbers that no statement shows: helplines, as authorities publish them.

A list is a text with a number a line; a `*` at its end stands for all numbers that
begin so, and what follows `#` is a remark.
"""

import csv
import io
import re

from ..ingest.numbers import normalise_numbers

_NUMBER = re.compile(r"\+?[0-9(][0-9 ()/.-]{1,40}\*?")
#: fewer would hide the numbers of whole countries
_LEAST_DIGITS = 3
_SEPARATORS = ";,\t"
#: of a file: authorities' lists are a hundredth of it
_MOST_BYTES, _MOST_COLUMNS = 10_000_000, 200


class ListError(ValueError):
    """A file in which numbers cannot be told from the rest.

    - `places`: columns, from 1 on, that hold numbers; none or several
    """

    def __init__(self, places):
        super().__init__(f"{len(places)} columns hold numbers")
        self.places = places


def lines_of_file(content):
    """The lines of a list, of a CSV file with other columns, or of one number a line.

    :param content: bytes, UTF-8 or Windows-1252
    :return: text, as `patterns` takes it
    :raise ListError: not exactly one column holds numbers
    """
    if len(content) > _MOST_BYTES:
        raise ListError([])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        rows = [
            [cell.strip() for cell in row]
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            if any(map(str.strip, row))
        ]
    except csv.Error:
        raise ListError([]) from None
    width = max(map(len, rows), default=0)
    if width > _MOST_COLUMNS:
        raise ListError([])
    # The names of the columns, where they have any.
    if len(rows) > 1 and not any(map(_is_number, rows[0])):
        rows = rows[1:]
    places = [
        place
        for place in range(width)
        if any(map(_is_number, _column(rows, place)))
        and all(_is_number(cell) for cell in _column(rows, place) if cell)
    ]
    if len(places) != 1:
        raise ListError([place + 1 for place in places])
    return "\n".join(cell for cell in _column(rows, places[0]) if cell)


def patterns(text, dialling):
    """What a list hides, as `Masking.never_shown` has it.

    :param text: a number a line
    :param dialling: `DialPlan` of the country whose national numbers may be in it
    :return: (sorted list of texts, digits without plus, with `=` in front of whole
        numbers; lines that are no number)
    """
    found, wrong = set(), []
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    numbers = normalise_numbers([line.rstrip("*") for line in lines], dialling)
    for line, number in zip(lines, numbers.to_pylist(), strict=True):
        is_begin = line.endswith("*")
        digits = _begin(line, dialling) if is_begin else (number or "").lstrip("+")
        if len(digits) < _LEAST_DIGITS or not _is_number(line):
            wrong.append(line)
        else:
            found.add(digits if is_begin else f"={digits}")
    return sorted(found), wrong


def _begin(line, dialling):
    """The digits that numbers begin with; empty where the country is not told.

    What is no whole number is not looked up: `+49800*`, `0049800*`, or `0800*`.
    """
    digits = re.sub(r"\D", "", line)
    if line.startswith("+"):
        return digits
    for prefix in dialling.idd_prefixes:
        if digits.startswith(prefix):
            return digits.removeprefix(prefix)
    national = dialling.national_prefix
    if national and digits.startswith(national):
        kept = digits if dialling.keep_national_prefix else digits[len(national) :]
        return dialling.country_code + kept
    return ""


def _column(rows, place):
    return [row[place] for row in rows if place < len(row)]


def _is_number(cell):
    return bool(_NUMBER.fullmatch(cell))
