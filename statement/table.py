# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A statement's records as CSV: one line each, no totals, which break pivots.

Numbers of telephones are without plus: with it a spreadsheet takes them for formulas.
"""

import csv
import io
import re
from itertools import islice

from ..deck_files.sheet_texts import safe_text

#: the names of columns, in their order
CSV_COLUMNS = (
    *("statement", "invoice", "service", "cost_centre", "record_id", "start_local"),
    *("start_utc", "time_zone", "direction", "from", "to", "destination", "country"),
    *("call_type", "duration_s", "billed_s", "allowance_s", "unit", "quantity"),
    *("price", "price_unit", "increment", "tariff", "charge", "currency", "note"),
)
#: records that are written at a time
_BLOCK = 1_000
#: a text that is written as it is: no formula, no cell of other separators, no quotes
_AS_IT_IS = re.compile(r"(?:[^\W_][^,;\"\t\r\n]*)?")


def write_csv(rows, file):
    """Write records.

    Column by column, as each has few texts, or such that are written as they are: a
    statement has millions of cells.

    :param rows: iterable of lists of texts, as `CSV_COLUMNS`
    :param file: open for writing bytes
    :return: number of records
    """
    file.write(b"\xef\xbb\xbf" + ",".join(CSV_COLUMNS).encode() + b"\r\n")
    rows, count = iter(rows), 0
    while block := list(islice(rows, _BLOCK)):
        columns = map(_cells, zip(*block, strict=True))
        lines = map(",".join, zip(*columns, strict=True))
        file.write("".join(f"{line}\r\n" for line in lines).encode())
        count += len(block)
    return count


def _cells(texts):
    """The texts of a column as they stand in the file."""
    odd = {one: _cell(one) for one in set(texts) if not _AS_IT_IS.fullmatch(one)}
    return [odd.get(one, one) for one in texts] if odd else texts


def _cell(text):
    line = io.StringIO(newline="")
    writer = csv.writer(line, lineterminator="\r\n", quoting=csv.QUOTE_MINIMAL)
    # Not alone: an empty line would be no record.
    writer.writerow(["", safe_text(text)])
    return line.getvalue()[len(",") : -len("\r\n")]
