# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The sheet with the records is found, or said, and never guessed."""

import io
import tempfile
from pathlib import Path
from unittest import TestCase

import openpyxl
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.files import (
    SourceFileError,
    check_file,
    detect_format,
    preview,
    raw_record,
    read_chunks,
)

COVER = [["Carrier Ltd"], ["Calls of", "October 2026"], ["Page", 1]]
CALLS = [["when", "who", "secs"], ["2026-10-01 09:00", "Ann", 5]]
OTHERS = [["when", "who", "secs"], ["2026-11-01 09:00", "Ben", 7]]
SUMMARY = [["Customer", "Calls"], ["Ann", 1]]
KINDS = {
    "cover": COVER,
    "calls": CALLS,
    "summary": SUMMARY,
    "empty": [],
    "head": CALLS[:1],
}


def fits(names):
    return {"when", "secs"} <= names


def workbook(*sheets):
    """:param sheets: (title, rows, whether it is hidden)"""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows, is_hidden in sheets:
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        if is_hidden:
            sheet.sheet_state = "hidden"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


class TestWorkbookSheets(TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "calls.xlsx")

    def detect(self, *sheets, **said):
        self.path.write_bytes(workbook(*sheets))
        return detect_format(self.path, override=said, fits=fits)

    def rows(self, fmt):
        check_file(self.path, fmt)
        [chunk] = read_chunks(self.path, fmt)
        self.assertEqual(
            preview(self.path, fmt).frame.values.tolist(), chunk.frame.values.tolist()
        )
        return chunk.frame.values.tolist()

    def test_a_cover_comes_first(self):
        fmt = self.detect(("Cover", COVER, False), ("Calls", CALLS, False))
        self.assertEqual((fmt.sheet, fmt.unclear_sheets), ("Calls", ()))
        self.assertEqual(fmt.sheets, (("Cover", False), ("Calls", False)))
        self.assertEqual(self.rows(fmt), [["2026-10-01 09:00", "Ann", "5"]])
        self.assertIn("Ann", raw_record(self.path, fmt, 2))

    def test_a_summary_comes_first(self):
        fmt = self.detect(("Summary", SUMMARY, False), ("Calls", CALLS, False))
        self.assertEqual((fmt.sheet, fmt.unclear_sheets), ("Calls", ()))

    def test_a_hidden_one_comes_first(self):
        fmt = self.detect(("Old", OTHERS, True), ("Calls", CALLS, False))
        self.assertEqual((fmt.sheet, fmt.unclear_sheets), ("Calls", ()))
        self.assertEqual(self.rows(fmt), [["2026-10-01 09:00", "Ann", "5"]])

    def test_only_a_hidden_one_has_records(self):
        fmt = self.detect(("Cover", COVER, False), ("Calls", CALLS, True))
        self.assertEqual((fmt.sheet, fmt.unclear_sheets), ("Calls", ("Calls",)))
        fmt = self.detect(
            ("Cover", COVER, False), ("Calls", CALLS, True), sheet="Calls"
        )
        self.assertEqual((fmt.sheet, fmt.unclear_sheets), ("Calls", ()))

    def test_two_have_records(self):
        sheets = ("October", CALLS, False), ("November", OTHERS, False)
        fmt = self.detect(*sheets)
        self.assertEqual(fmt.unclear_sheets, ("October", "November"))
        fmt = self.detect(*sheets, sheet="November")
        self.assertEqual((fmt.sheet, fmt.unclear_sheets), ("November", ()))
        self.assertEqual(self.rows(fmt), [["2026-11-01 09:00", "Ben", "7"]])

    def test_what_was_said_of_another_workbook(self):
        fmt = self.detect(("Cover", COVER, False), ("May", CALLS, False), sheet="April")
        self.assertEqual((fmt.sheet, fmt.unclear_sheets), ("May", ()))

    def test_two_tables_of_which_nothing_is_known(self):
        sheets = ("A", SUMMARY, False), ("B", SUMMARY, False), ("C", COVER[:2], False)
        self.assertEqual(self.detect(*sheets).unclear_sheets, ("A", "B"))

    def test_one_sheet(self):
        for rows in (COVER, CALLS, SUMMARY, [[5]]):
            fmt = self.detect(("Sheet1", rows, False))
            self.assertEqual((fmt.sheet, fmt.unclear_sheets), ("Sheet1", ()))

    def test_nothing_in_it(self):
        with self.assertRaisesRegex(SourceFileError, "contains empty worksheets only"):
            self.detect(("A", [], False), ("B", [], True))

    @given(
        st.lists(
            st.tuples(st.sampled_from([*KINDS]), st.booleans()), min_size=1, max_size=5
        ).filter(lambda sheets: not all(hidden for _kind, hidden in sheets))
    )
    @settings(deadline=None)
    def test_it_is_clear_where_one_visible_sheet_has_records(self, sheets):
        if {kind for kind, _hidden in sheets} == {"empty"}:
            return
        shown = [
            f"{rank} {kind}"
            for rank, (kind, is_hidden) in enumerate(sheets)
            if kind == "calls" and not is_hidden
        ]
        fmt = self.detect(
            *(
                (f"{rank} {kind}", KINDS[kind], is_hidden)
                for rank, (kind, is_hidden) in enumerate(sheets)
            )
        )
        if len(shown) == 1:
            self.assertEqual((fmt.sheet, fmt.unclear_sheets), (shown[0], ()))
        elif shown:
            self.assertEqual(fmt.unclear_sheets, tuple(shown))
        elif ("calls", True) in sheets:
            self.assertTrue(fmt.unclear_sheets)
