# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A workbook to fill in: rates as examples, and what each column means."""

import io

import xlsxwriter

from .columns import COLUMNS
from .write import HEADER, write_rows

#: column -> what stands in it
COLUMN_HELP = {
    "prefix": "First digits of the international number, without +. Ranges and lists "
    "are read, too: 447400-447409; 447500. =911 is a short code, dialled exactly so. "
    "* is for all numbers that nothing else fits. Needed.",
    "name": "Where it leads to.",
    "call type": "Only for calls of this type: its name or code. Empty: for all.",
    "time band": "Only in this time band: its name. Empty: at any time.",
    "price": "In the currency of the deck, with up to 8 decimals. Needed.",
    "per seconds": "The seconds that the price is for. Empty: 60.",
    "first increment": "A call costs at least so many seconds. Empty: as the next one.",
    "next increment": "After them it is counted in steps of so many. Empty: 1.",
    "connection fee": "For each call, once.",
    "minimum charge": "What a call costs at least.",
    "maximum charge": "What a call costs at most. Empty: no limit.",
    "grace seconds": "Calls that are shorter cost nothing.",
    "tiers": "Other prices from a second of the call on: 60: 0.02/60 6; 600: 0.01/60 6 "
    "means that from second 60 on it costs 0.02 per 60 seconds, in steps of 6, and "
    "from second 600 on 0.01. What is left out is per 60 seconds, in steps of 1.",
    "valid from": "First day, such as 2026-10-01. Empty: the day that is asked for "
    "when the file is imported.",
    "valid before": "First day on which it no longer holds: 2026-11-01 where "
    "2026-10-31 is its last one. Empty: until further notice. Columns that carriers "
    "call valid until, end date or the like name the last day.",
}
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
    sheet = book.add_worksheet("Columns")
    bold = book.add_format({"bold": True})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.write_row(0, 0, ("Column", "What stands in it", "Also called"), bold)
    meanings = {names[0]: names for names in COLUMNS.values()}
    for place, name in enumerate(HEADER, start=1):
        others = ", ".join(meanings.get(name, (name,))[1:])
        sheet.write_row(place, 0, (name, COLUMN_HELP[name], others), wrapped)
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 2, 60)
    book.close()
    return content.getvalue()
