# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Times without a day, and units, as the cells of a workbook show them."""

import datetime
import io
import tempfile
from pathlib import Path
from unittest import TestCase

import openpyxl

from odoo.addons.metered_billing.connectors.files import detect_format, read_chunks


class TestWorkbookClocks(TestCase):
    def read_cells(self, *cells):
        """The texts of a column of cells.

        :param cells: (value, number format)
        """
        book = openpyxl.Workbook()
        book.active.append(["id", "length", "start"])
        for row, (value, code) in enumerate(cells, 2):
            book.active.cell(row, 1, f"a{row}")
            book.active.cell(row, 3, datetime.datetime(2026, 10, 5))
            book.active.cell(row, 2, value).number_format = code
        out = io.BytesIO()
        book.save(out)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "upload")
            path.write_bytes(out.getvalue())
            chunks = list(read_chunks(path, detect_format(path)))
        return [text for chunk in chunks for text in chunk.frame["length"]]

    def test_clocks(self):
        clock, long = datetime.time, datetime.timedelta
        for cells, texts in (
            # As a spreadsheet takes 1:05, 0:30 and 75:10.
            ([(clock(1, 5), "h:mm"), (clock(0, 30), "h:mm")], ["01:05", "00:30"]),
            (
                [(clock(1, 5), "h:mm"), (long(hours=75, minutes=10), "[h]:mm:ss")],
                ["01:05", "75:10"],
            ),
            ([(clock(0, 5), "h:mm")], ["00:05"]),
            ([(clock(0, 5), '[$-409]h:mm "s"')], ["00:05"]),
            ([(clock(1, 5), "h:mm:ss"), (clock(0, 30), "h:mm:ss")], ["01:05", "00:30"]),
            # It may be that short.
            ([(clock(0, 5), "h:mm:ss")], ["00:05:00"]),
            (
                [(clock(0, 5), "h:mm:ss"), (clock(0, 0), "h:mm:ss")],
                ["00:05:00", "00:00:00"],
            ),
            (
                [(clock(0, 5), "h:mm"), (clock(0, 0, 7), "h:mm:ss")],
                ["00:05:00", "00:00:07"],
            ),
            (
                [(datetime.datetime(2026, 10, 5, 14), "yyyy-mm-dd h:mm")],
                ["2026-10-05 14:00:00"],
            ),
        ):
            self.assertEqual(self.read_cells(*cells), texts)

    def test_units(self):
        for code, text in (
            ('0" min"', "2 min"),
            ('0\\ "min."', "2 min"),
            ('#,##0.0" Sek"', "2 Sek"),
            ('0_-"ms"', "2 ms"),
            ('0" kWh"', "2"),
            ('"min "0', "2"),
            ("0.00", "2"),
            ("General", "2"),
        ):
            self.assertEqual(self.read_cells((2, code)), [text], code)
