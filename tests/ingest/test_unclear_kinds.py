# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Durations and times that only look clear wait, and those that are clear do not."""

import base64
import datetime
import io

import openpyxl

from odoo.fields import Command
from odoo.tests import tagged

from ..support.metered_case import MeteredCase, generic_csv

NUMBERS = ("+14045550100", "+12125550199")
START = "2026-10-05 10:00:00"
NEW_YORK = "America/New_York"


@tagged("post_install", "-at_install")
class TestUnclearKinds(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", NUMBERS[0])

    def column(self, target):
        return self.source.column_ids.filtered(lambda c: c.target == target)

    def import_rows(self, *rows):
        """Import calls.

        :param rows: (start, duration)
        """
        return self.import_calls(
            self.source,
            *((f"{rows[0]}{rank}", *row, *NUMBERS) for rank, row in enumerate(rows)),
        )

    def durations(self, *texts):
        return self.import_rows(*((START, text) for text in texts))

    def wizard(self, content, name="calls.csv"):
        content = content.encode() if isinstance(content, str) else content
        wizard = self.env["metered.import"].create(
            {
                "source_id": self.source.id,
                "file": base64.b64encode(content),
                "file_name": name,
            }
        )
        wizard.action_preview()
        return wizard

    def run_import(self, wizard):
        action = wizard.action_import()
        self.assertEqual(action["res_model"], "metered.batch", wizard.questions)
        batch = self.env["metered.batch"].browse(action["res_id"])
        batch._process()
        return batch

    def cure(self):
        self.env.flush_all()
        self.env["metered.cure"]._cure_what_waits()

    def test_durations_that_are_no_seconds(self):
        for texts, unit, seconds in (
            (("000105", "000030", "010203"), "hhmmss", [65, 30, 3723]),
            (("65000", "1500", "120000"), "ms", [65, 1, 120]),
        ):
            self.column("seconds").unit = False
            batch = self.durations(*texts)
            self.assertEqual((batch.rated, batch.exceptions), (0, 3))
            self.exceptions(batch).action_retry()
            self.assertEqual(
                self.exceptions(batch).mapped("reason"), ["unclear_duration"] * 3
            )
            self.column("seconds").unit = unit
            self.cure()
            self.assertEqual(self.cdrs(batch).mapped("quantity"), seconds)
            self.env["metered.cdr"].search([]).unlink()

    def test_durations_that_name_their_units(self):
        batch = self.durations("65s", "1m5s", "PT1M5S", "1 min 5 sec", "00:01'05\"")
        self.assertEqual(batch.exceptions, 0)
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [65] * 5)

    def test_a_heading_that_names_the_unit(self):
        text = generic_csv([("1", START, 2, *NUMBERS), ("2", START, 30, *NUMBERS)])
        text = text.replace("duration", "Duration (min)", 1)
        self.column("seconds").columns = "Duration (min)"
        wizard = self.wizard(text)
        self.assertFalse(wizard.questions)
        self.assertIn("Minutes", wizard.assumptions)
        self.assertEqual(
            [row["seconds"] for row in wizard.preview["rows"]], [120, 1800]
        )
        batch = self.env["metered.batch"].browse(wizard.action_import()["res_id"])
        batch._process()
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [120, 1800])

    def test_the_records_show_the_order_of_days(self):
        batch = self.import_rows(("10/05/26 14:00", 60), ("10/13/26 14:00", 60))
        self.assertEqual(batch.rated, 2)
        self.assertEqual(
            self.cdrs(batch).mapped(lambda c: c.start_time.date().isoformat()),
            ["2026-10-05", "2026-10-13"],
        )

    def test_orders_that_the_records_leave_open(self):
        for rows in (
            ("10.05.2026 14:00", "10.13.2026 14:00"),
            ("26/10/05 14:00", "26/10/31 14:00"),
            ("13/10/2026 14:00", "2026-05-10 14:00:00"),
        ):
            batch = self.import_rows(*((row, 60) for row in rows))
            self.assertEqual(
                self.exceptions(batch).mapped("reason"), ["unclear_time"] * 2, rows
            )

    def test_dates_that_a_spreadsheet_exchanged(self):
        book = openpyxl.Workbook()
        book.active.append(["call_id", "start_time", "duration", "caller", "callee"])
        for rank, start in enumerate(
            ("13/10/2026 14:00", datetime.datetime(2026, 5, 10, 14))
        ):
            book.active.append([f"c{rank}", start, 60, *NUMBERS])
        out = io.BytesIO()
        book.save(out)
        wizard = self.wizard(out.getvalue(), "calls.xlsx")
        self.assertTrue(wizard.questions)
        self.assertEqual(wizard.date_order, "dmy-swapped")
        wizard.action_refresh()
        batch = self.env["metered.batch"].browse(wizard.action_import()["res_id"])
        batch._process()
        self.assertEqual(
            self.cdrs(batch).mapped(lambda c: c.start_time.date().isoformat()),
            ["2026-10-13", "2026-10-05"],
        )
        self.assertEqual(self.column("start_time").style, "dmy-swapped")

    def test_columns_that_contradict_the_source(self):
        """A unit, a zone and another duration in headings are pointed out."""
        meter = self.env["metered.meter"].create(
            {"name": "Energy", "code": "kwh", "kind": "event", "unit": "kWh"}
        )
        self.source = self.make_source("usage", name="Meters", meter_id=meter.id)
        self.make_identifier(self.customer, "key-1", "meter")
        self.column("quantity").columns = "quantity (MWh)"
        text = f"id,time,identifier,quantity (MWh)\n1,{START},key-1,7\n"
        wizard = self.wizard(text)
        self.assertIn("7 MWh", wizard.questions)
        self.assertEqual(wizard.factor, "1000")
        batch = self.run_import(self.wizard(text))
        self.assertEqual(self.exceptions(batch).reason, "unclear_quantity")
        self.assertIn("multiply quantities by", self.exceptions(batch).message)
        wizard = self.wizard(text.replace("1,", "2,", 1))
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        again = self.run_import(wizard)
        self.assertEqual(self.cdrs(again).quantity, 7000)
        self.assertEqual(self.column("quantity").factor, "1000")
        self.cure()
        self.assertEqual({*self.exceptions(batch).mapped("state")}, {"resolved"})

    def test_columns_of_zones_and_shorter_durations(self):
        self.source = self.make_source(name="Calls", timezone=NEW_YORK)
        self.column("start_time").columns = "start (UTC)"
        text = (
            "call_id,start (UTC),duration,billsec,caller,callee\n"
            f"1,{START},75,60,{','.join(NUMBERS)}\n"
        )
        wizard = self.wizard(text)
        self.assertIn("start (UTC)", wizard.questions)
        self.assertIn("billsec", wizard.questions)
        batch = self.run_import(wizard)
        self.assertEqual(self.exceptions(batch).reason, "unclear_duration")
        self.assertIn("billsec = 60", self.exceptions(batch).message)
        self.column("seconds").columns = "billsec"
        self.exceptions(batch).action_retry()
        self.assertEqual(self.exceptions(batch).reason, "unclear_time")
        self.source.timezone = "UTC"
        self.cure()
        self.assertEqual(self.cdrs(batch).quantity, 60)
        self.assertEqual(self.cdrs(batch).start_time.hour, 10)

    def test_a_quantity_of_another_name(self):
        """Nothing is proposed: a column of numbers may be anything."""
        meter = self.env["metered.meter"].create(
            {"name": "Energy", "code": "kwh", "kind": "event"}
        )
        self.source = self.make_source("usage", name="Meters", meter_id=meter.id)
        self.make_identifier(self.customer, "key-1", "meter")
        text = f"id;time;identifier;volume\n1;{START};key-1;1 536\n"
        wizard = self.wizard(text)
        self.assertIn("volume", wizard.questions)
        wizard.action_refresh()
        self.assertIn("volume", wizard.questions)
        batch = self.run_import(wizard)
        self.assertEqual(self.exceptions(batch).reason, "unclear_quantity")
        again = self.wizard(text)
        again.column_ids.filtered(lambda c: c.name == "volume").target = "quantity"
        again.action_refresh()
        self.assertFalse(again.questions)
        self.run_import(again)
        self.cure()
        self.assertEqual(self.cdrs(batch).quantity, 1536)

    def test_a_zone_above_the_columns(self):
        self.source = self.make_source(name="Calls", timezone=NEW_YORK)
        text = "Report;;;;\nTime zone: UTC;;;;\n" + generic_csv(
            [("1", START, 60, *NUMBERS), ("2", f"{START}Z", 60, *NUMBERS)]
        ).replace(",", ";")
        wizard = self.wizard(text)
        self.assertIn("Time zone: UTC", wizard.questions)
        batch = self.run_import(wizard)
        self.assertEqual((batch.rated, batch.exceptions), (1, 1))
        self.assertEqual(self.exceptions(batch).reason, "unclear_time")
        self.exceptions(batch).action_retry()
        self.assertEqual(self.exceptions(batch).state, "open")
        self.source.timezone = "UTC"
        self.cure()
        self.assertEqual(self.cdrs(batch).mapped(lambda c: c.start_time.hour), [10, 10])
        self.assertFalse(self.wizard(text.replace("1;2", "3;2")).questions)

    def test_calls_that_were_not_answered(self):
        text = "call_id,start_time,duration,caller,callee,status\n" + "".join(
            f"{word},{START},{seconds},{','.join(NUMBERS)},{word}\n"
            for word, seconds in (
                ("ANSWERED", 60),
                ("NO ANSWER", 25),
                ("BUSY", 12),
                ("FAILED", 0),
            )
        )
        batch = self.run_import(self.wizard(text))
        self.assertEqual((batch.rated, batch.exceptions), (2, 2))
        self.assertEqual(
            self.exceptions(batch).mapped("detail"),
            ["status = NO ANSWER", "status = BUSY"],
        )
        wizard = self.wizard(text.replace("\nA", "\nB"))
        self.assertIn("NO ANSWER", wizard.questions)
        self.assertIn("Answered or not", wizard.questions)
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual(
            [row["seconds"] for row in wizard.preview["rows"]], [60, 0, 0, 0]
        )
        self.run_import(wizard)
        self.assertEqual(self.column("answered").columns, "status")
        self.cure()
        self.assertEqual({*self.exceptions(batch).mapped("state")}, {"resolved"})
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [60, 0, 0, 0])

    def test_records_that_are_no_calls(self):
        waiting = self.env["metered.exception"]
        cases = (
            ("Type", ("Voice", "SMS", "Data"), 2),
            ("Record Type", ("Charge", "Reversal", "Charge"), 1),
            ("kind", ("call", "Anything", "test"), 1),
            ("leg", ("A", "B", "A"), 1),
            ("Test Call", ("N", "Y", ""), 1),
            ("what", ("Voice", "MMS", "Voice"), 1),
            ("what", ("London", "sms", "Paris"), 0),
            ("Class", ("1", "2", "3"), 0),
        )
        for day, (name, kinds, odd) in enumerate(cases, 11):
            ends = ",".join(NUMBERS)
            rows = "".join(
                f"{day}{rank},2026-10-{day} 1{rank}:00:00,60,{ends},{kind}\n"
                for rank, kind in enumerate(kinds)
            )
            text = f"call_id,start_time,duration,caller,callee,{name}\n{rows}"
            with self.subTest(name):
                self.assertEqual(name in (self.wizard(text).questions or ""), odd > 0)
                batch = self.import_text(self.source, text)
                waiting |= self.exceptions(batch)
                self.assertEqual(batch.exceptions, odd)
                self.assertEqual(
                    {*self.exceptions(batch).mapped("reason")},
                    {"unclear_duration"} if odd else set(),
                )
        self.source.rule_ids = [
            Command.create(
                {
                    "name": "No calls",
                    "outcome": "not_billable",
                    "sequence": 0,
                    "condition_ids": [
                        Command.create(
                            {
                                "column": "Type",
                                "operator": "one of",
                                "value": "SMS,Data",
                            }
                        )
                    ],
                }
            )
        ]
        waiting.action_retry()
        self.assertEqual(
            waiting.filtered(lambda one: one.state == "resolved").mapped("detail"),
            ["Type = SMS", "Type = Data"],
        )
        self.assertFalse(
            self.wizard(
                f"call_id,start_time,duration,caller,callee,Type\n9,{START},60,"
                f"{','.join(NUMBERS)},SMS\n"
            ).questions
        )

    def test_an_hour_that_the_clock_shows_twice(self):
        self.source.timezone = NEW_YORK
        self.source.max_age_days = 0
        rows = [("2025-11-02 01:30:00", 60), ("2025-11-02 01:30:00 EST", 60)]
        batch = self.import_rows(*rows)
        self.assertEqual(batch.rated, 1)
        exception = self.exceptions(batch)
        self.assertEqual(exception.reason, "repeated_hour")
        self.assertIn(rows[0][0], exception.message)
        self.source.repeated_hour = "first"
        self.cure()
        self.assertEqual(
            self.cdrs(batch).sorted("call_id").mapped(lambda c: c.start_time.hour),
            [5, 6],
        )
