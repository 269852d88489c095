# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A statement as a workbook: the summary first, then the rows, in constant memory."""

import datetime
from decimal import Decimal

import xlsxwriter

from ..deck_files.sheet_texts import MOST_CHARACTERS, sheet_title
from ..rating.exact import exact_text

#: rows of a sheet, of 1,048,576 that there can be
MOST_ROWS = 1_000_000
#: digits that a workbook's number holds
MOST_DIGITS = 15
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_NO_TIME = datetime.datetime(2000, 1, 1)
_SECONDS_A_DAY = 86_400


def write_xlsx(document, file, most_rows=MOST_ROWS):
    """Write a statement as a workbook; the same content becomes the same bytes.

    The first section is on the first sheet, below the facts; the others follow each
    other on sheets of their own, further ones where there are too many rows.

    :param document: `content.Document`; its rows are read once
    :param file: open for writing bytes
    :param most_rows: of a sheet
    """
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        book.set_properties({"title": document.title, "created": _NO_TIME})
        writer = _Writer(book, most_rows)
        summary, *others = document.sections
        writer.summary(document, summary)
        for section in others:
            writer.section(section)


class _Writer:
    def __init__(self, book, most_rows):
        self.book, self.most_rows = book, most_rows
        bold = {"bold": True}
        self.bold = book.add_format(bold)
        self.title = book.add_format({**bold, "font_size": 16})
        self.text = book.add_format({"num_format": "@"})
        self.time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.seconds = book.add_format({"num_format": "[h]:mm:ss"})
        self.titles = []

    def summary(self, document, section):
        sheet = self._sheet(document.title)
        sheet.write_string(0, 0, document.title, self.title)
        line = 2
        for text in [*document.sender, "", *document.receiver, ""]:
            sheet.write_string(line, 0, text)
            line += 1
        for label, value in document.facts:
            sheet.write_string(line, 0, label, self.bold)
            sheet.write_string(line, 1, value, self.text)
            line += 1
        line = self._table(sheet, line + 1, section, section.rows)
        for sentence in document.closing:
            line += 1
            sheet.write_string(line, 0, sentence)

    def section(self, section):
        """Write a section on as many sheets as it needs."""
        rows = iter(section.rows)
        left = section.count
        while True:
            many = min(left, self.most_rows)
            sheet = self._sheet(section.title)
            some = (row for _number, row in zip(range(many), rows, strict=False))
            is_last = left <= many
            self._table(sheet, 0, section, some, is_last)
            sheet.freeze_panes(1, 0)
            left -= many
            if is_last:
                break

    def _sheet(self, wanted):
        title = sheet_title(wanted, "Sheet", self.titles)
        self.titles.append(title)
        return self.book.add_worksheet(title)

    def _table(self, sheet, line, section, rows, has_total=True):
        """Write a table from a line on; the line below it."""
        for place, column in enumerate(section.columns):
            sheet.set_column(place, place, 10 + 6 * column.width)
            sheet.write_string(line, place, column.title, self.bold)
        for row in rows:
            line += 1
            self._row(sheet, line, section.columns, row)
        if section.total and has_total:
            line += 1
            self._row(sheet, line, section.columns, section.total, self.bold)
        return line + 1

    def _row(self, sheet, line, columns, row, style=None):
        for place, (column, value) in enumerate(zip(columns, row, strict=True)):
            if value is None:
                continue
            if isinstance(value, str):
                value = value[:MOST_CHARACTERS]
                sheet.write_string(line, place, value, style or self.text)
            elif column.kind == "time":
                value = value.replace(tzinfo=None)
                sheet.write_datetime(line, place, value, self.time)
            elif column.kind == "day":
                sheet.write_datetime(line, place, value, self.day)
            elif column.kind == "seconds":
                days = float(Decimal(value) / _SECONDS_A_DAY)
                sheet.write_number(line, place, days, self.seconds)
            else:
                self._number(sheet, line, place, value, style)

    def _number(self, sheet, line, place, value, style):
        """A number where a workbook's number is that one exactly; else its text."""
        text = exact_text(value)
        if len(text.strip("-").replace(".", "").strip("0")) <= MOST_DIGITS:
            sheet.write_number(line, place, float(text), style)
        else:
            sheet.write_string(line, place, text, self.text)
