# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A statement as PDF, XLSX and CSV: complete, the same again, safe to open."""

import csv
import datetime
import io
import unittest
from collections import namedtuple
from decimal import Decimal
from zoneinfo import ZoneInfo

import openpyxl
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.deck_files.sheet_texts import safe_text
from odoo.addons.metered_billing.statement import (
    CSV_COLUMNS,
    Column,
    Document,
    Formats,
    Section,
    write_csv,
    write_pdf,
    write_xlsx,
)
from odoo.addons.metered_billing.statement.call_rows import CallRows, plain
from odoo.addons.metered_billing.statement.formats import duration
from odoo.addons.metered_billing.statement.pages import (
    BOLD,
    REGULAR,
    FontError,
    check_font,
)

COLUMNS = [
    Column("Start", "time", 2),
    Column("To", "text", 2),
    Column("Duration", "seconds"),
    Column("Charge", "money", 1, 4),
]
BEGIN = datetime.datetime(2026, 10, 1, tzinfo=datetime.UTC)


def calls(count):
    return [
        [
            BEGIN + datetime.timedelta(minutes=number),
            f"+4420{number:08d}",
            number,
            Decimal(number).scaleb(-4),
        ]
        for number in range(count)
    ]


def document(count, said=None):
    rows = calls(count)
    total = ["Total", None, count, sum((row[3] for row in rows), Decimal(0))]
    return Document(
        "Usage Statement",
        ["Example Telecom", "Street 1"],
        ["Χρήστης", "Улица 5"],
        [("Period", "10/01/2026 – 10/31/2026")],
        [
            Section("Summary", COLUMNS[1:], [["Calls", count, total[3]]], 1),
            Section("Calls", COLUMNS, rows, count if said is None else said, total),
        ],
        ["If you disagree with a charge, tell us."],
    )


def pdf(*given, **more):
    file = io.BytesIO()
    pages = write_pdf(document(*given), Formats(), file, **more)
    return pages, file.getvalue()


def workbook(made, **more):
    file = io.BytesIO()
    write_xlsx(made, file, **more)
    return file.getvalue()


class TestPages(unittest.TestCase):
    def test_pages_are_counted_before_they_are_drawn(self):
        for count in (0, 1, 40, 49, 50, 51, 52, 53, 300):
            pages, content = pdf(count)
            # Each page object, and the tree of them, says what it is.
            self.assertEqual(content.count(b"/Type /Page\n"), pages, count)
        self.assertGreater(pages, 4)

    def test_the_same_again(self):
        self.assertEqual(pdf(60), pdf(60))
        self.assertNotEqual(pdf(60), pdf(61))

    def test_rows_are_as_many_as_is_said(self):
        with self.assertRaisesRegex(ValueError, "Calls: 2 of 7 rows are missing"):
            pdf(5, 7)
        with self.assertRaisesRegex(ValueError, "Calls: more rows than 3"):
            pdf(5, 3)

    def test_no_font(self):
        with self.assertRaisesRegex(FontError, "nothing"):
            pdf(1, regular="nothing.ttf")
        for content in (b"", b"no font at all" * 9, REGULAR.read_bytes()[:5000]):
            with self.assertRaisesRegex(FontError, "font"):
                check_font(content)

    def test_font_of_its_own(self):
        content = BOLD.read_bytes()
        check_font(content)
        pages, made = pdf(1, regular=content, bold=content)
        self.assertEqual((pages, made), pdf(1, regular=content, bold=content))
        self.assertNotEqual(made, pdf(1)[1])


class TestWorkbook(unittest.TestCase):
    def test_values_are_kept(self):
        content = workbook(document(5))
        self.assertEqual(content, workbook(document(5)))
        book = openpyxl.load_workbook(io.BytesIO(content))
        self.assertEqual(book.sheetnames, ["Usage Statement", "Calls"])
        rows = list(book["Calls"].iter_rows(values_only=True))
        self.assertEqual(rows[0], ("Start", "To", "Duration", "Charge"))
        self.assertEqual(rows[3][1], "+442000000002")
        self.assertEqual(rows[3][0], datetime.datetime(2026, 10, 1, 0, 2))
        self.assertEqual(sum(row[3] for row in rows[1:-1]), rows[-1][3])

    def test_further_sheets(self):
        book = openpyxl.load_workbook(
            io.BytesIO(workbook(document(25), most_rows=10)), read_only=True
        )
        self.assertEqual(
            book.sheetnames, ["Usage Statement", "Calls", "Calls (2)", "Calls (3)"]
        )
        # Each has its head, and the last one the total.
        self.assertEqual([sheet.max_row for sheet in book], [14, 11, 11, 7])

    def test_what_a_number_cannot_hold_is_a_text(self):
        made = document(0)
        made.sections[1].rows.append([BEGIN, "1", 1, Decimal("12345678901234.5678")])
        object.__setattr__(made.sections[1], "count", 1)
        book = openpyxl.load_workbook(io.BytesIO(workbook(made)))
        self.assertEqual(book["Calls"]["D2"].value, "12345678901234.5678")


class TestTable(unittest.TestCase):
    @given(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), max_size=5))
    def test_no_cell_is_a_formula(self, texts):
        rows = [[text] * len(CSV_COLUMNS) for text in texts]
        file = io.BytesIO()
        self.assertEqual(write_csv(rows, file), len(rows))
        text = io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")
        head, *read = csv.reader(text)
        self.assertEqual(tuple(head), CSV_COLUMNS)
        self.assertEqual(len(read), len(rows))
        for row in read:
            for cell in row:
                self.assertFalse(cell.strip().startswith(("=", "@")), ascii(cell))

    @given(
        st.lists(
            st.lists(
                st.text(st.sampled_from("aé0.-+=@ ,;\"\t\r\n\v\u3000\0'")),
                min_size=len(CSV_COLUMNS),
                max_size=len(CSV_COLUMNS),
            ),
            max_size=3,
        )
    )
    def test_as_the_library_writes_it(self, rows):
        """What is known to need no quotes is what the library writes without."""
        file, text = io.BytesIO(), io.StringIO(newline="")
        write_csv(rows, file)
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(CSV_COLUMNS)
        writer.writerows(map(safe_text, row) for row in rows)
        self.assertEqual(file.getvalue().decode("utf-8-sig"), text.getvalue())

    def test_more_than_is_written_at_a_time(self):
        rows = [[str(number)] * len(CSV_COLUMNS) for number in range(2_500)]
        file = io.BytesIO()
        self.assertEqual(write_csv(iter(rows), file), 2_500)
        text = io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")
        self.assertEqual(list(csv.reader(text))[1:], rows)


class TestCallRows(unittest.TestCase):
    CALL = {
        "service": "+49301234567",
        "contact": "Ann",
        "record_id": "r1",
        "start_time": datetime.datetime(2026, 10, 1, 22, 30),
        "direction": "outbound",
        "destination": "UK",
        "call_type": "International",
        "seconds": "61.500",
        "billed": "66.0",
        "covered": "0",
        "price": "0.0220",
        "per_seconds": 60,
        "initial": 60,
        "increment": 6,
        "deck": "Retail",
        "charge": "0.024200",
        "currency": "EUR",
    }

    def row(self, zone="Europe/Berlin", **values):
        values = {**self.CALL, **values}
        call = namedtuple("Call", values)(**values)
        rows = CallRows("ST/1", "INV/1", ZoneInfo(zone))
        # The second one is made of what the first one left.
        rows.row(call, "", "")
        row = rows.row(call, "+49301234567", "+44201234xxx")
        return dict(zip(CSV_COLUMNS, row, strict=True))

    def test_each_column(self):
        self.assertEqual(
            self.row(),
            {
                "statement": "ST/1",
                "invoice": "INV/1",
                "service": "49301234567",
                "cost_centre": "Ann",
                "record_id": "r1",
                "start_local": "2026-10-02T00:30:00+02:00",
                "start_utc": "2026-10-01T22:30:00Z",
                "time_zone": "Europe/Berlin",
                "direction": "outbound",
                "from": "49301234567",
                "to": "44201234xxx",
                "destination": "UK",
                "country": "",
                "call_type": "International",
                "duration_s": "61.5",
                "billed_s": "66",
                "allowance_s": "0",
                "unit": "s",
                "quantity": "66",
                "price": "0.022",
                "price_unit": "60 s",
                "increment": "60/6",
                "tariff": "Retail",
                "charge": "0.0242",
                "currency": "EUR",
                "note": "",
            },
        )
        row = self.row(price=None, per_seconds=None, initial=None, increment=None)
        told = [row[name] for name in ("price", "price_unit", "increment")]
        self.assertEqual(told, ["", "", ""])

    @given(
        st.datetimes(),
        st.sampled_from(
            ("UTC", "Asia/Kolkata", "Europe/Berlin", "Australia/Lord_Howe")
            + ("America/St_Johns", "Pacific/Apia", "Africa/Monrovia")
        ),
    )
    def test_local_times(self, start, zone):
        """The same as if each was converted on its own."""
        try:
            expected = start.replace(tzinfo=datetime.UTC).astimezone(ZoneInfo(zone))
        except OverflowError:
            return
        row = self.row(zone, start_time=start)
        self.assertEqual(row["start_local"], expected.isoformat())

    def test_days_on_which_the_clock_is_changed(self):
        for zone, day in (
            ("Europe/Berlin", (2026, 10, 25)),
            ("Australia/Lord_Howe", (2026, 4, 4)),
            ("Pacific/Apia", (2011, 12, 30)),
        ):
            found = set()
            for minute in range(0, 1_440, 15):
                start = datetime.datetime(*day) + datetime.timedelta(minutes=minute)
                local = start.replace(tzinfo=datetime.UTC).astimezone(ZoneInfo(zone))
                found.add(local.utcoffset())
                row = self.row(zone, start_time=start)
                self.assertEqual(row["start_local"], local.isoformat())
            self.assertEqual(len(found), 2, zone)

    def test_numbers(self):
        for text, expected in (("1.500", "1.5"), ("100", "100"), ("0.00", "0")):
            self.assertEqual(plain(text), expected)


class TestFormats(unittest.TestCase):
    def test_numbers(self):
        german = Formats(",", ".", (3,), "%d.%m.%Y", "%H:%M:%S")
        indian = Formats(".", ",", (3, 2))
        for formats, value, least, expected in (
            (german, Decimal("1234567.5"), 2, "1.234.567,50"),
            (german, Decimal("-0.00"), 2, "0,00"),
            (german, Decimal("-1234.5678"), 2, "-1.234,5678"),
            (indian, Decimal("12345678"), 0, "1,23,45,678"),
            (Formats(), Decimal("1E+3"), 0, "1,000"),
            (Formats(thousands=""), Decimal(1234), 0, "1234"),
            (Formats(grouping=(3, -1)), Decimal(1234567), 0, "1234,567"),
        ):
            self.assertEqual(formats.number(value, least), expected)

    @given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
    def test_no_digit_is_lost(self, value):
        text = Formats().number(value, 2).replace(",", "")
        self.assertEqual(Decimal(text), value)

    def test_durations(self):
        for seconds, expected in (
            (0, "0:00:00"),
            (3661, "1:01:01"),
            (-75, "-0:01:15"),
            (Decimal("61.5"), "0:01:01.5"),
            (360000, "100:00:00"),
        ):
            self.assertEqual(duration(seconds), expected)
