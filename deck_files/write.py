# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Writing a deck in the layout that `rows` and `parse` read back without loss."""

import csv
import functools
import gzip
import io
from decimal import Decimal

import xlsxwriter

from .columns import COLUMNS
from .sheet_texts import MOST_CHARACTERS, safe_text, sheet_title

HEADER = (
    "prefix",
    "name",
    "call type",
    "time band",
    "price",
    "per seconds",
    "first increment",
    "next increment",
    "connection fee",
    "minimum charge",
    "maximum charge",
    "grace seconds",
    "free up to and including",
    "tiers",
    "valid from",
    "valid before",
)


def write_csv(rows, packed=False):
    """Write a deck as CSV.

    :param rows: iterable of texts, as `HEADER`
    :param packed: with gzip
    :return: bytes, UTF-8
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    writer.writerows([safe_text(text) for text in row] for row in rows)
    content = text.getvalue().encode()
    return gzip.compress(content, mtime=0) if packed else content


#: column -> what stands in it
COLUMN_HELP = {
    "prefix": "First digits of the international number, without +. You can also "
    "enter ranges and lists: 447400-447409; 447500. =911 is a short code "
    "that must be dialed exactly. * means all other numbers. Required.",
    "name": "Name of the destination.",
    "call type": "Name or code of a call type, if the rate applies to it only. Empty "
    "for all.",
    "time band": "Name of a time band, if the rate applies to it only. Empty for any "
    "time.",
    "price": "In the currency of the deck, with up to 8 decimals. Required.",
    "per seconds": "Number of seconds the price is for. Empty for 60.",
    "first increment": "Minimum number of seconds charged. Empty for the same as the "
    "next increment.",
    "next increment": "Length of each following increment in seconds. Empty for 1.",
    "connection fee": "Charged once per call.",
    "minimum charge": "Minimum charge per call.",
    "maximum charge": "Maximum charge per call. Empty for no limit.",
    "grace seconds": "Shorter calls are free.",
    "free up to and including": "Instead of grace seconds: calls of this many seconds "
    "or fewer are free.",
    "tiers": "Prices that apply from a certain second of the call on. 60: 0.02/60 6; "
    "600: 0.01/60 6 means 0.02 per 60 seconds in steps of 6 seconds from "
    "second 60 on, and 0.01 from second 600 on. If left out, the price is "
    "per 60 seconds, in steps of 1 second.",
    "valid from": "First day, for example 2026-10-01. Empty for the day you enter "
    "when importing the file.",
    "valid before": "First day the rate is no longer valid, for example 2026-11-01 if "
    "2026-10-31 is the last day. Empty for no end date. Columns named "
    "valid until, end date or similar contain the last day instead.",
}
#: title of the sheet that says what the columns mean
COLUMNS_TITLE = "Columns"
#: columns that a workbook holds as numbers
NUMBERS = frozenset(
    {
        "price",
        "per seconds",
        "first increment",
        "next increment",
        "connection fee",
        "minimum charge",
        "maximum charge",
        "grace seconds",
        "free up to and including",
    }
)


def write_xlsx(rows, title):
    """Write a deck as a workbook, with a sheet that says what the columns mean.

    :param rows: iterable of texts, as `HEADER`
    :param title: of the sheet
    :return: bytes
    """
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"constant_memory": True})
    write_rows(book, title, rows)
    write_columns(book)
    book.close()
    return content.getvalue()


def write_rows(book, title, rows):
    """Add a sheet with rates to a workbook.

    Prices and seconds are numbers where a workbook's number is that one exactly;
    prefixes and all else are texts.

    :param book: ``xlsxwriter.Workbook``
    :param title: of the sheet
    :param rows: iterable of texts, as `HEADER`
    """
    sheet = book.add_worksheet(sheet_title(title, "Rates", [COLUMNS_TITLE]))
    bold = book.add_format({"bold": True})
    # A text that somebody edits in a spreadsheet would become a formula otherwise.
    quoted = book.add_format({"quote_prefix": True})
    sheet.write_row(0, 0, HEADER, bold)
    numbers = {place for place, name in enumerate(HEADER) if name in NUMBERS}
    for place, row in enumerate(rows, start=1):
        for column, text in enumerate(row):
            number = _as_number(text) if column in numbers else None
            if number is None:
                is_safe = safe_text(text) == text
                text = text[:MOST_CHARACTERS]
                sheet.write_string(place, column, text, None if is_safe else quoted)
            else:
                sheet.write_number(place, column, number)
    sheet.freeze_panes(1, 0)
    sheet.set_column(1, 1, 40)


def write_columns(book):
    """Add a sheet that says what each column means, and how else it may be called."""
    sheet = book.add_worksheet(COLUMNS_TITLE)
    bold = book.add_format({"bold": True})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 2, 60)
    sheet.write_row(0, 0, ("Column", "Contents", "Also called"), bold)
    meanings = {names[0]: names for names in COLUMNS.values()}
    for place, name in enumerate(HEADER, start=1):
        others = ", ".join(meanings.get(name, (name,))[1:])
        sheet.write_row(place, 0, (name, COLUMN_HELP[name], others), wrapped)


@functools.lru_cache(maxsize=2**16)
def _as_number(text):
    """The float that is the same decimal in every workbook, or None.

    Spreadsheets have 15 digits.
    """
    if not text or len(Decimal(text).as_tuple().digits) > 15:
        return None
    return float(text)
