# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A workbook to fill in: rates as examples, and what each column means."""

import io

import xlsxwriter

from .write import HEADER, write_columns, write_rows

#: texts of the columns of `HEADER`
EXAMPLES = (
    {"prefix": "1", "name": "North America", "price": "0.012"},
    {
        "prefix": "44",
        "name": "United Kingdom",
        "price": "0.02",
        "per seconds": "60",
        "first increment": "60",
        "next increment": "6",
        "connection fee": "0.05",
    },
    {
        "prefix": "447",
        "name": "United Kingdom Mobile: the first minute, then less",
        "price": "0.06",
        "first increment": "60",
        "next increment": "6",
        "tiers": "60: 0.04/60 6; 600: 0.03/60 6",
    },
    {"prefix": "=911", "name": "Emergency", "price": "0"},
)


def write_template():
    """Write the workbook: bytes of an XLSX file."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content)
    rows = [[row.get(name, "") for name in HEADER] for row in EXAMPLES]
    write_rows(book, "Rates", rows)
    write_columns(book)
    book.close()
    return content.getvalue()
