# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A statement's records as CSV: one line each, no totals, which break pivots.

Numbers of telephones are without plus: with it a spreadsheet takes them for formulas.
"""

import csv
import io

from ..deck_files.sheet_texts import safe_text

#: the names of columns, in their order
CSV_COLUMNS = (
    *("statement", "invoice", "service", "cost_centre", "record_id", "start_local"),
    *("start_utc", "time_zone", "direction", "from", "to", "destination", "country"),
    *("call_type", "duration_s", "billed_s", "allowance_s", "unit", "quantity"),
    *("price", "price_unit", "increment", "tariff", "charge", "currency", "note"),
)
_BUFFER = 1 << 18


def write_csv(rows, file):
    """Write records.

    :param rows: iterable of lists of texts, as `CSV_COLUMNS`
    :param file: open for writing bytes
    :return: number of records
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    file.write(b"\xef\xbb\xbf")
    writer.writerow(CSV_COLUMNS)
    count = 0
    for row in rows:
        count += 1
        writer.writerow(map(safe_text, row))
        if text.tell() > _BUFFER:
            file.write(text.getvalue().encode())
            text.seek(0)
            text.truncate()
    file.write(text.getvalue().encode())
    return count
