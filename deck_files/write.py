# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Writing a deck in the layout that `rows` and `parse` read back without loss."""

import csv
import gzip
import io

import xlsxwriter

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
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows)
    content = text.getvalue().encode()
    return gzip.compress(content, mtime=0) if packed else content


def write_xlsx(rows, title):
    """Write a deck as a workbook of texts, so that no digit is lost.

    :param rows: iterable of texts, as `HEADER`
    :param title: of the sheet
    :return: bytes
    """
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"constant_memory": True})
    write_rows(book, title, rows)
    book.close()
    return content.getvalue()


def write_rows(book, title, rows):
    """Add a sheet with rates to a workbook, as texts.

    :param book: ``xlsxwriter.Workbook``
    :param title: of the sheet
    :param rows: iterable of texts, as `HEADER`
    """
    # The characters that a sheet's name may not have.
    sheet = book.add_worksheet("".join(c for c in title if c not in "[]:*?/\\")[:31])
    bold = book.add_format({"bold": True})
    sheet.write_row(0, 0, HEADER, bold)
    for place, row in enumerate(rows, start=1):
        for column, text in enumerate(row):
            sheet.write_string(place, column, text)
    sheet.freeze_panes(1, 0)
    sheet.set_column(1, 1, 40)
