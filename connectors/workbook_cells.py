# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The cells of a sheet as text, row by row.

A cell costs something where it holds a value only: sheets are formatted to their last
row and column, and so are files that mean no good.
"""

import datetime
import re
from math import isfinite

from openpyxl.utils.datetime import from_excel, from_ISO8601

from . import budget as budgets
from .errors import SourceFileError
from .workbook_archive import SAVE
from .workbook_parts import kinds, unescaped

MAX_ROWS = 1_048_576  # what Excel itself can hold
MAX_COLUMNS = 16_384
_EXACT_INTEGERS = 2**53  # beyond it a float does not tell which integer it was
SHOWN_DIGITS = 15  # of a number that a spreadsheet shows
_MAX_DIGITS = 300  # of a number; more are kept as they stand
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DIGITS = "0123456789"
_KINDS = kinds("row", "c", "v", "is", "t", "rPh", "f", "mergeCell")
_MERGED = re.compile(r"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})")
_MOST_MERGED = 100_000


class TypedText(str):
    """The text of a cell that is none in its workbook."""

    __slots__ = ()


class NumberText(TypedText):
    """The text of a number, with the 15 digits that a spreadsheet shows."""

    __slots__ = ()


class MarkedText(NumberText):
    """A number with what its cell shows beside it: `1.5¢`, `5%`, `1201`."""

    __slots__ = ()


class DateText(TypedText):
    """The text of a cell that is shown as a time."""

    __slots__ = ()


class FlagText(TypedText):
    """`TRUE` or `FALSE`."""

    __slots__ = ()


class ErrorText(TypedText):
    """What stands where a formula failed: `#DIV/0!`."""

    __slots__ = ()


class UnsavedText(ErrorText):
    """What stands where a formula was saved without its value."""

    __slots__ = ()


class ClockText(DateText):
    """The text of a cell with a time but no day, `01:05:00`; in all sheets."""

    __slots__ = ()


class ShortClockText(ClockText):
    """The same where the cell shows no seconds."""

    __slots__ = ()


class SheetReader:
    """Reads rows; ``rows`` are those read and not taken yet.

    Each is (number, values, width): values without empty ones at the end and none
    beyond ``most_columns``; the width tells how many there would be.

    ``done``: the number of the last row that was read.

    :param texts: ``workbook_parts.SharedTexts``
    :param styles: ``workbook_parts.Styles``
    :param epoch: datetime that dates are counted from
    :param most_columns: values of a row that are kept
    :param typed: whether values that are no texts are `TypedText`

    ``hidden``: numbers of rows that are not shown; ``merged``: list of (first row, last
    row, column from 1 on) of cells that are one, as far as read
    """

    parser = None

    def __init__(self, texts, styles, epoch, most_columns, budget, typed=False):
        self.rows = []
        self.done = self._row = 0
        self._texts = texts
        self._styles = styles
        self._epoch = epoch
        self._most_columns = most_columns
        self._budget = budget
        self._typed = typed
        self.hidden, self.merged = set(), []
        self._is_formula = False
        self._columns = {}  # letters -> number
        self._values = []
        self._width = 0
        self._column = 0
        self._kind = self._style = ""
        self._text = []
        self._in_sound = 0
        self._shared = 0  # characters of shared texts in this row

    def start(self, name, attributes):
        kind = _KINDS.get(name)
        if kind == "c":
            get = attributes.get
            place = get("r")
            if place:
                self._column = self._column_of(place)
            else:
                self._column += 1
            self._kind = get("t", "n")
            self._style = get("s", "0")
            self._is_formula = False
        elif kind == "f":
            self._is_formula = self._typed
        elif kind == "v":
            # A text that is empty is a result.
            self._is_formula = self._is_formula and self._kind != "str"
            if self._kind != "inlineStr":
                self.parser.CharacterDataHandler = self._text.append
        elif kind == "row":
            number = attributes.get("r")
            number = self._row + 1 if number is None else int(float(number))
            if number <= self._row:
                raise ValueError("rows out of order")
            if number > MAX_ROWS:
                raise SourceFileError(
                    f"The sheet has more than {MAX_ROWS:,} rows, the maximum of"
                    f" spreadsheets. {SAVE}"
                )
            self._row = number
            self._column = 0
            if self._typed and attributes.get("hidden") in ("1", "true"):
                self.hidden.add(number)
        elif kind == "mergeCell":
            if self._typed:
                self._merge(attributes.get("ref", ""))
        elif kind == "t":
            if self._kind == "inlineStr" and not self._in_sound:
                self.parser.CharacterDataHandler = self._text.append
        elif kind == "rPh":
            self._in_sound += 1

    def end(self, name):
        kind = _KINDS.get(name)
        if kind == "c":
            if self._text:
                text = "".join(self._text)
                self._text.clear()
                self._put(self._read(text))
            elif self._is_formula:
                self._put(UnsavedText("="))
        elif kind == "v" or kind == "t":
            self.parser.CharacterDataHandler = None
        elif kind == "row":
            self._end_row()
        elif kind == "rPh":
            self._in_sound -= 1

    def _merge(self, place):
        found = _MERGED.fullmatch(place)
        if found and found[2] != found[4] and len(self.merged) < _MOST_MERGED:
            column = self._column_of(found[1])
            self.merged.append((int(found[2]), int(found[4]), column))

    def _put(self, text):
        values, column = self._values, self._column
        if column > self._most_columns:
            if text.strip():
                self._width = max(self._width, column)
        elif column == len(values) + 1:
            values.append(text)
        elif text:
            values.extend([""] * (column - len(values)))
            values[column - 1] = text

    def _end_row(self):
        self.done = self._row
        values = self._values
        if self._width:
            values.extend([""] * (self._most_columns - len(values)))
        else:
            while values and not values[-1].strip():
                values.pop()
        if not values:
            return
        self._budget.spend(budgets.CELLS, len(values))
        self._budget.spend(budgets.CHARACTERS, self._shared)
        self.rows.append((self._row, values, self._width or len(values)))
        self._values = []
        self._width = self._shared = 0

    def _column_of(self, place):
        letters = place.rstrip(_DIGITS)
        column = self._columns.get(letters)
        if column is None:
            column = 0
            for letter in letters:
                column = column * 26 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(letter) + 1
                if column > MAX_COLUMNS:
                    break
            if not 0 < column <= MAX_COLUMNS:
                raise ValueError(f"a cell at {place}")
            self._columns[letters] = column
        return column

    def _read(self, text):
        kind = self._kind
        if kind == "s":
            text = self._texts[int(text)]
            self._shared += len(text)
            return text
        if kind == "n":
            return self._number(text)
        if kind == "b":
            return self._as(FlagText, cell_text(bool(int(text))))
        if kind == "d":
            return self._as(DateText, cell_text(from_ISO8601(text)))
        text = unescaped(text)
        return self._as(ErrorText, text) if kind == "e" else text

    def _as(self, kind, text):
        return kind(text) if self._typed else text

    def _number(self, text):
        if len(text) > _MAX_DIGITS:
            if not _NUMBER.fullmatch(text):
                raise ValueError("no number")
            return text
        if _INTEGER.fullmatch(text):
            value = int(text)
        elif _NUMBER.fullmatch(text):
            value = float(text)
            if not isfinite(value):
                return text
        else:
            raise ValueError("no number")
        style = int(self._style)
        unit = self._styles.units.get(style)
        if unit and not self._typed:
            return f"{cell_text(value)} {unit}"
        if style not in self._styles.dates:
            if self._typed and isinstance(value, float):
                value = float(format(value, f".{SHOWN_DIGITS}g"))
            shown = self._typed and self._styles.shown.get(style)
            if shown:
                return MarkedText(shown.text(cell_text(value)))
            return self._as(NumberText, cell_text(value))
        try:
            duration = style in self._styles.durations
            value = from_excel(value, self._epoch, timedelta=duration)
            text = cell_text(value)
        except (OverflowError, ValueError):
            return self._as(ErrorText, "#VALUE!")
        if isinstance(value, datetime.time | datetime.timedelta):
            is_short = style in self._styles.without_seconds
            return ShortClockText(text) if is_short else ClockText(text)
        return self._as(DateText, text)


def cell_text(value):
    """The value of a cell as a CSV file would have it.

    Times are ISO (`2026-10-01 05:26:16`, microseconds only where there are any), whole
    numbers have no decimals (phone numbers in spreadsheets are numbers), a duration is
    hours:minutes:seconds.

    :param value: None, text, number, bool or one of ``datetime``
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        whole = abs(value) <= _EXACT_INTEGERS and value.is_integer()
        return str(int(value)) if whole else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")
    if isinstance(value, datetime.timedelta):
        seconds, rest = divmod(abs(value), datetime.timedelta(seconds=1))
        sign = "-" if value < datetime.timedelta() else ""
        fraction = f".{rest.microseconds:06}" if rest else ""
        hours, minutes = seconds // 3600, seconds // 60 % 60
        return f"{sign}{hours:02}:{minutes:02}:{seconds % 60:02}{fraction}"
    return str(value)
