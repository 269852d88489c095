# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The table in a deck's file: CSV or XLSX, with whatever carriers write around it."""

import hashlib
import re
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from sys import intern

from ..connectors.budget import Budget
from ..connectors.files import SourceFileError, detect_format
from ..connectors.spreadsheet import Workbook
from ..connectors.unpack import Unpacked
from ..connectors.workbook_cells import NumberText, TypedText
from ..rating.errors import _lt
from . import price_bands
from .amounts import understand
from .cells import WrongCell
from .choices import Choices, Question
from .columns import (
    HARMLESS,
    NEEDED,
    candidates,
    is_better,
    is_country_code,
    is_header,
)
from .fixed_rows import fixed_rows
from .row_kinds import fill_merged, is_rule, is_total
from .text_rows import LIMITS, DeckFileError, text_rows
from .unread import ask_unread
from .words import ends
from .write import HEADER

#: how far down the header may stand, below titles and notes
HEADER_ROWS = 60
MAX_RATES = 500_000
#: what every file may have, however small it is
FREE_RATES = 50_000
MAX_NOTES = 1000
NOTE_CHARACTERS = 200
DELIMITERS = ",;\t|"
ROWS = "rows"
_CODES = re.compile(r"\+?[0-9][0-9 ,;/+\r\n-]*")
# Of any script: what they are, the cells are asked for.
_DIGIT = re.compile(r"\d")
NO_CHOICES = Choices()
_SEVERAL_SHEETS = _lt(
    "Several worksheets have prefixes and prices: %(sheets)s. Choose the one to import."
)
_HIDDEN_SHEET = _lt(
    "Only a hidden worksheet has prefixes and prices: %(sheets)s. Choose whether to "
    "import it."
)
_ONE_SHEET = _lt("The worksheet %(sheet)s was read. Not read: %(others)s.")
_REPEATED = _lt("Skipped rows that repeat the column names: %(count)s.")
_HIDDEN_ROWS = _lt("Rows that are hidden in the worksheet but were read: %(count)s.")
_PASSED_OVER = _lt("Skipped rows without a price that are not rates: %(count)s.")
_TWO_COLUMNS = {
    True: _lt(
        "Several columns may contain the prices or prefixes: %(columns)s. Choose one."
    ),
    False: _lt("Several columns have the same meaning: %(columns)s. Choose one."),
}
_NO_COLUMNS = {
    ("prefix", "price"): _lt(
        "The columns with prefixes and prices could not be detected. Choose them."
    ),
    ("prefix",): _lt("The column with prefixes could not be detected. Choose it."),
    ("price",): _lt("The column with prices could not be detected. Choose it."),
}
_TOO_LONG = _lt(
    "The row has %(found)s values, but only %(expected)s columns have names. Put "
    "quotes around values that contain the delimiter, such as a decimal comma, or name "
    "all columns."
)


@dataclass(frozen=True)
class DeckRows:
    """The table of a deck's file.

    - `header`: names of the columns, or their numbers where the file names none
    - `columns`: dict meaning -> position, see `columns.COLUMNS`
    - `headings`: list of `columns.Heading` or None, by position
    - `rows`: list of (line, tuple of texts, as long as the header)
    - `notes`: texts around the table that were passed over, with their lines
    - `most`: how many rates it may stand for
    - `line`: of the header, 0 without one
    - `sheet`: title of the sheet; `sheets`: list of (title, whether it is hidden)
    - `bands`: dict position -> name of the time band, where prices are in several
      columns; None as a name: nobody has said it
    - `choices`: `choices.Choices`
    - `questions`: list of `choices.Question` that the table leaves open
    - `assumptions`: list of `cells.WrongCell`: sentences about what was passed over
    - `wrong`: list of (line, `cells.WrongCell`): rows that do not fit the names
    """

    header: list
    columns: dict
    rows: list
    notes: list
    most: int = MAX_RATES
    headings: tuple = ()
    line: int = 0
    sheet: str = ""
    sheets: tuple = ()
    bands: dict = field(default_factory=dict)
    choices: Choices = NO_CHOICES
    questions: tuple = ()
    assumptions: tuple = ()
    wrong: tuple = ()

    @property
    def unread(self):
        """Texts of the header that name nothing a rate has: not read from the file."""
        known = {*self.columns.values(), *self.bands}
        return [
            text
            for place, text in enumerate(self.header)
            if text and place not in known
        ]

    @property
    def doubtful(self):
        """Positions of columns whose meaning a person has to choose, or leave out."""
        open_ = [one for one in self.questions if one.key == "columns"]
        return {place for one in open_ if not one.proposal for place in one.places}

    @property
    def key(self):
        """Return what files with the same names of columns have in common."""
        return header_key(self.header)

    @property
    def is_own(self):
        """Whether it has the names of columns of our own files, all of them."""
        return tuple(self.header) == HEADER


def header_key(header):
    """A short text that is the same for the same names of columns."""
    names = "\x1f".join(text.strip().lower() for text in header)
    return hashlib.sha256(names.encode()).hexdigest()[:32]


def read_rows(path, file_name="", choices=NO_CHOICES, lenient=False, known=()):
    """Read the table of a deck's file.

    :param path: of a CSV, TSV or XLSX file, CSV and TSV gzipped or not
    :param file_name: as the user knows it
    :param choices: `choices.Choices`: what a person has said about it
    :param lenient: whether a table without known names of columns is one, too: a
        person is asked for them
    :param known: `header_key` of headers that a person has chosen before
    :return: `DeckRows`
    :raise DeckFileError: it is no such file, or no header names prefixes and prices
    """
    path = Path(path)
    try:
        # More than a rate for each byte on the disk no deck has, however packed.
        most = min(MAX_RATES, max(FREE_RATES, _size(path)))
        fmt = _format(path, file_name)
        table = _Table(file_name, most, choices, lenient, frozenset(known))
        if fmt.kind == "xlsx":
            with Workbook(path, fmt.compression, LIMITS, typed=True) as workbook:
                sheet = table.choose_sheet(workbook)
                return table.rows(_sheet_lines(workbook, sheet), workbook)
        if fmt.kind == "fixed":
            return table.rows(iter(fixed_rows(path, fmt)))
        return table.rows(text_rows(path, fmt, _delimiter(path, fmt)))
    except SourceFileError as error:
        raise DeckFileError(
            "%(problem)s",
            problem=str(error)
            .replace("call records", "rates")
            .replace(", or choose the delimiter", ""),
        ) from error


class _Table:
    """The table in rows; none of it is read before it is wanted.

    :param most: rows that it may have
    """

    def __init__(self, file_name, most, choices, lenient, known):
        self.file_name = file_name
        self.most = most
        self.choices = choices
        self.lenient = lenient
        self.known = known
        self.notes, self.questions, self.assumptions = [], [], []
        self.sheet, self.sheets = "", ()
        self.bands = {}
        self.is_text = True
        self.wrong = []

    # === SHEETS === #

    def choose_sheet(self, workbook):
        """The sheet with the table: the one that was chosen, or that has one."""
        self.is_text = False
        sheets = workbook.sheets
        self.sheets = tuple((sheet.title, sheet.is_hidden) for sheet in sheets)
        for sheet in sheets:
            if sheet.title == self.choices.sheet:
                self.sheet = sheet.title
                return sheet
        filled, tables = [], []
        for sheet in sheets:
            rows = self._first_rows(workbook, sheet, len(sheets) == 1)
            if rows:
                filled.append(sheet)
            if rows and find_header(rows):
                tables.append(sheet)
        shown = [sheet for sheet in tables if not sheet.is_hidden]
        visible = [sheet for sheet in filled if not sheet.is_hidden]
        found = (shown or tables or visible or filled or list(sheets))[:1]
        if not found:
            raise DeckFileError(_lt("All worksheets of the workbook are empty."))
        self.sheet = found[0].title
        if len(shown) > 1 or tables and not shown:
            names = ", ".join(sheet.title for sheet in shown or tables)
            error = WrongCell(_SEVERAL_SHEETS if shown else _HIDDEN_SHEET, sheets=names)
            self.questions.append(
                Question("sheet", error, 1, len(shown or tables), (names,))
            )
        elif len(filled) > 1 and (found[0] is not filled[0] or len(tables) > 1):
            names = ", ".join(sheet.title for sheet in filled if sheet is not found[0])
            self.assumptions.append(
                WrongCell(_ONE_SHEET, sheet=self.sheet, others=names)
            )
        return found[0]

    def _first_rows(self, workbook, sheet, is_only):
        try:
            return list(islice(_sheet_lines(workbook, sheet), HEADER_ROWS))
        except SourceFileError:
            if is_only:
                raise
            return []

    # === THE TABLE === #

    def rows(self, lines, workbook=None):
        """Read the table.

        :param lines: iterator of (line, texts)
        :param workbook: `connectors.spreadsheet.Workbook` of the lines
        :return: `DeckRows`
        """
        first = list(islice(lines, HEADER_ROWS))
        place, size, header = self._header(first)
        line = first[place][0] if size else 0
        for other, texts in first[:place]:
            if any(texts):
                self.notes.append((other, _note(texts)))
        rest = chain(first[place + size :], lines)
        found, headings = candidates(header)
        rows = self._rows(rest, header, found)
        if not rows:
            raise DeckFileError(_lt("The file has a header but no rates below it."))
        if workbook is not None:
            rows = fill_merged(rows, workbook.merged)
            hidden = sum(line in workbook.hidden for line, _texts in rows)
            if hidden:
                self.assumptions.append(WrongCell(_HIDDEN_ROWS, count=hidden))
        columns = self._columns(found, headings, header, rows, line)
        return DeckRows(
            header,
            columns,
            rows,
            self.notes,
            self.most,
            tuple(headings),
            line,
            self.sheet,
            self.sheets,
            self.bands,
            self.choices,
            tuple(self.questions),
            tuple(self.assumptions),
            tuple(self.wrong),
        )

    def _header(self, first):
        """(place of the header among the first rows, its rows, its texts)."""
        chosen = self.choices.header_line
        if chosen:
            for place, (line, texts) in enumerate(first):
                if line == chosen:
                    found = find_header(first[place : place + 2])
                    if found and not found[0]:
                        return place, *found[1:]
                    return place, 1, list(texts)
        elif chosen is None:
            for place, (_line, texts) in enumerate(first if self.known else ()):
                if header_key(texts) in self.known:
                    return place, 1, list(texts)
            found = find_header(first)
            if found:
                return found
        filled = [place for place, (_line, texts) in enumerate(first) if any(texts)]
        seen = first[filled[0]][1] if filled else ()
        if chosen is None and not self.lenient or not filled:
            raise DeckFileError(
                _lt(
                    "No row of the file '%(file)s' contains the column names. Name "
                    "the columns prefix and price. The first row is: %(row)s"
                )
                if self.file_name
                else _lt(
                    "No row of the file contains the column names. Name the columns "
                    "prefix and price. The first row is: %(row)s"
                ),
                file=self.file_name,
                row=_note(seen),
            )
        return self._guessed_header(first, filled)

    def _guessed_header(self, first, filled):
        """A header that a person has to look at."""
        width = max(len(texts) for _line, texts in first)
        wide = [place for place in filled if sum(map(bool, first[place][1])) > 1]
        place = (wide or filled)[0]
        texts = first[place][1]
        if self.choices.header_line == 0 or any(map(_is_number, texts)):
            # The first row is a rate already.
            start = place if self.choices.header_line is None else filled[0]
            return start, 0, [str(number) for number in range(1, width + 1)]
        return place, 1, list(texts)

    def _rows(self, lines, header, found):
        """The rows below the header; what is no rate is passed over and counted."""
        budget = Budget({ROWS: self.most}, _too_many)
        width = len(header)
        named = max((n for n, text in enumerate(header, 1) if text), default=width)
        chosen = self.choices.columns
        places = chosen if chosen is not None else {n: p[0] for n, p in found.items()}
        prefix, country = places.get("prefix"), places.get("country_code")
        prices = (
            [places["price"], *self._chosen_bands(header)]
            if chosen and "price" in chosen
            else found.get("price", ())
        )
        statuses = found.get("change", ())
        headings = [text.lower() for text in header]
        rows, texts_of, repeated, passed = [], {}, 0, 0
        numbers = [str(n) for n in range(1, width + 1)] if width > 2 else None
        for line, texts in lines:
            if not any(texts):
                continue
            budget.spend(ROWS)
            padded = texts[:width] + [""] * (width - len(texts))
            if padded[0].lower() == headings[0] and headings == [
                text.lower() for text in padded
            ]:
                repeated += 1
                continue
            if not rows and padded == numbers:
                # A row that numbers the columns.
                passed += 1
                continue
            is_note = prefix is not None and self._is_note(
                padded, prefix, country, prices
            )
            if is_note and not ends(padded[place] for place in statuses):
                passed += 1
                if len(self.notes) < MAX_NOTES:
                    self.notes.append((line, _note(texts)))
                continue
            if self.is_text and any(texts[named:]):
                error = WrongCell(_TOO_LONG, found=len(texts), expected=named)
                self.wrong.append((line, error))
            # Most texts of a deck are in many of its rows, and take memory once.
            rows.append((line, tuple(_once(text, texts_of) for text in padded)))
        if repeated:
            self.assumptions.append(WrongCell(_REPEATED, count=repeated))
        if passed:
            self.assumptions.append(WrongCell(_PASSED_OVER, count=passed))
        return rows

    def _is_note(self, texts, prefix, country, prices):
        """Whether a row is no rate: a title, a total, a remark."""
        is_code = texts[prefix][:1].isdecimal()
        if not is_code and (is_rule(texts) or is_total(texts, prefix, country)):
            return True
        if any(texts[place] for place in prices):
            return False
        if sum(map(bool, texts)) == 1:
            return not _CODES.fullmatch(texts[prefix])
        if country is not None and texts[country]:
            return False
        return not _has_digit(texts[prefix])

    # === COLUMNS === #

    def _columns(self, found, headings, header, rows, line):
        """dict meaning -> position; what is not clear is a question."""
        chosen = self.choices.columns
        columns = {}
        if chosen is not None:
            self.bands = self._chosen_bands(header)
            columns = {
                meaning: place
                for meaning, place in chosen.items()
                if place < len(header)
            }
        said = {*columns.values(), *self.bands, *self.choices.left_out}
        found = {meaning: list(places) for meaning, places in found.items()}
        if chosen is None:
            self._place_bands(found, headings, rows)
        for meaning, places in found.items():
            if chosen is not None and (meaning in columns or said.issuperset(places)):
                continue
            if chosen is None:
                columns[meaning] = places[0]
            if len(places) == 1 or meaning in HARMLESS:
                continue
            filled = [p for p in places if any(row[p] for _line, row in rows)]
            if chosen is None:
                columns[meaning] = (filled or places)[0]
            country = found.get("country_code") if meaning == "prefix" else None
            differ = sum(
                not _are_same(
                    [row[place] for place in filled], country and row[country[0]]
                )
                for _line, row in rows
            )
            times = meaning == "price" and price_bands.question(
                header, filled, headings, line, differ
            )
            if differ and times:
                self.questions.append(times)
                self.bands = dict.fromkeys(filled)
            elif differ:
                names = ", ".join(header[place] for place in filled)
                self.questions.append(
                    Question(
                        "columns",
                        WrongCell(_TWO_COLUMNS[meaning in NEEDED], columns=names),
                        line,
                        differ,
                        (names,),
                        header[filled[0]] if is_better(headings, filled) else "",
                        tuple(filled),
                    )
                )
        self._ask_missing(columns, rows, line)
        known = {*columns.values(), *self.bands, *said}
        known |= {place for places in found.values() for place in places}
        may_be_codes = is_country_code(headings, columns.get("prefix"))
        if columns.keys() >= set(NEEDED):
            self.questions += ask_unread(header, rows, known, line, may_be_codes)
        return columns

    def _ask_missing(self, columns, rows, line):
        missing = tuple(meaning for meaning in NEEDED if meaning not in columns)
        if missing:
            error = WrongCell(_NO_COLUMNS[missing])
            self.questions.append(Question("columns", error, line, len(rows)))

    def _chosen_bands(self, header):
        """dict position of a price -> time band, as a person has said it."""
        bands = {int(place): name for place, name in self.choices.bands.items()}
        return {place: name for place, name in bands.items() if place < len(header)}

    def _place_bands(self, found, headings, rows):
        """A column named peak has prices, or the names of time bands."""
        for place in list(found.get("price", ())):
            texts = [row[place] for _line, row in rows[:HEADER_ROWS] if row[place]]
            if not headings[place].of_band or any(map(_is_number, texts)) or not texts:
                continue
            found["price"].remove(place)
            found.setdefault("band", []).append(place)
        if not found.get("price", True):
            del found["price"]


def _are_same(texts, country):
    """Whether texts of columns with one meaning say the same.

    :param country: the country code of the row; a code may be without it
    """
    plain = {text.lstrip("+") for text in texts}
    if len(plain) > 1 and country:
        country = country.lstrip("+")
        longest = max(plain, key=len)
        plain = {text if text == longest else country + text for text in plain}
    return len(plain) <= 1


def find_header(rows):
    """Find the row, or the two rows, that name the columns of a deck.

    :param rows: list of (line, texts)
    :return: (place of the first, number of rows, texts), None where there is none
    """
    for place, (_line, texts) in enumerate(rows):
        below = rows[place + 1][1] if place + 1 < len(rows) else []
        both = _both(texts, below)
        if is_header(texts):
            goes_on = both and is_header(both) and _goes_on(texts, below)
            return (place, 2, both) if goes_on else (place, 1, list(texts))
        if both and is_header(both) and not is_header(below):
            return place, 2, both
    return None


def _both(above, below):
    """The texts of two rows of a header; what is above may reach over several.

    :return: None where they are no header together
    """
    if not any(below) or any(map(_has_digit, below)) or any(map(_is_number, above)):
        return None
    width = max(len(above), len(below))
    above = [*above, *[""] * (width - len(above))]
    below = [*below, *[""] * (width - len(below))]
    texts, over = [], ""
    for upper, lower in zip(above, below, strict=True):
        over = upper or (over if lower else "")
        texts.append(f"{over} {lower}".strip() if lower else upper)
    return texts


def _goes_on(above, below):
    """Whether the row below a header belongs to it: it has names where prices are."""
    places = candidates(above)[0]
    prefix, price = places["prefix"][0], places["price"][0]
    below = [*below, *[""] * len(above)]
    return bool(below[price]) and (not below[prefix] or len(set(below)) > 2)


def _is_number(text):
    """Whether a text is a number, as prices and prefixes are and names are not."""
    if isinstance(text, NumberText):
        return True
    if not _has_digit(text):
        return False
    try:
        understand(text)
    except WrongCell:
        return bool(re.fullmatch(r"\+?[0-9][0-9 .,;/-]*", text))
    return True


def _has_digit(text):
    return _DIGIT.search(text) is not None


def _once(text, known):
    """The same text, one object for all that are alike; kinds of cells apart."""
    if type(text) is str:
        return intern(text)
    return known.setdefault((type(text), text), text)


def _size(path):
    with Unpacked(path) as file:
        return file.size


def _note(texts):
    return ", ".join(filter(None, texts))[:NOTE_CHARACTERS]


def _too_many(_what, most):
    return DeckFileError(
        _lt(
            "The file has more than %(most)s rows, which is the maximum for one "
            "import. Split the file."
        ),
        most=most,
    )


def _sheet_lines(workbook, sheet):
    """Yield (line, texts) of every row of a sheet."""
    for line, values, _width in workbook.sheet_rows(sheet):
        yield (
            line,
            [text if isinstance(text, TypedText) else text.strip() for text in values],
        )


def _format(path, file_name):
    """The format of a file; its kind is `fixed` where blanks are between columns."""
    said = {"has_header": False}
    try:
        return detect_format(path, file_name, LIMITS, said, fixed_width=False)
    except SourceFileError:
        try:
            said = {**said, "delimiter": "|"}
            fmt = detect_format(path, file_name, LIMITS, said, fixed_width=False)
        except SourceFileError:
            fmt = None
        if fmt is None or fmt.kind == "xlsx" or not fixed_rows(path, fmt):
            raise
        return replace(fmt, kind="fixed")


def _delimiter(path, fmt):
    """What separates the columns: what is found, or with what there is a header."""
    others = [sign for sign in DELIMITERS if sign != fmt.delimiter]
    for delimiter in (fmt.delimiter, *others):
        try:
            first = list(islice(text_rows(path, fmt, delimiter), HEADER_ROWS))
        except DeckFileError:
            continue
        if find_header(first):
            return delimiter
    return fmt.delimiter
