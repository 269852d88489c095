# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What may be read in two ways waits, the rest goes in, and saying it cures."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ...ingest.durations import UNITS
from ...ingest.presets import PRESETS
from ..support.metered_case import MeteredCase

NUMBERS = ("+14045550100", "+12125550199")
START = "2026-10-05 10:00:00"
USAGE = "id,time,identifier,quantity\n"


@tagged("post_install", "-at_install")
class TestUnclearRecords(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", NUMBERS[0])

    def column(self, target, source=None):
        return (source or self.source).column_ids.filtered(
            lambda column: column.target == target
        )

    def import_durations(self, *texts):
        return self.import_calls(
            self.source,
            *(
                (f"{text}#{rank}", START, text, *NUMBERS)
                for rank, text in enumerate(texts)
            ),
        )

    def reasons(self, batch):
        return [(e.reason, e.detail) for e in self.exceptions(batch)]

    def cure(self):
        self.env.flush_all()
        self.env["metered.cure"]._cure_what_waits()

    def test_durations(self):
        batch = self.import_durations("60", "0:04", "1.5", "0:01:30", "0:00")
        self.assertEqual((batch.rated, batch.exceptions), (3, 2))
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [60, 90, 0])
        self.assertEqual(
            self.reasons(batch),
            [("unclear_duration", "0:04"), ("unclear_duration", "1.5")],
        )
        for exception in self.exceptions(batch):
            self.assertIn(exception.detail, exception.message)
            self.assertIn("in several units", exception.message)

    def test_whole_numbers_among_decimals_wait_with_them(self):
        batch = self.import_durations("1.5", "0.25", "2")
        self.assertEqual((batch.rated, batch.exceptions), (0, 3))
        whole = self.exceptions(batch).filtered(lambda e: e.detail == "2")
        # Alone it is no clearer.
        whole.action_retry()
        self.assertEqual((whole.state, whole.reason), ("open", "unclear_duration"))
        self.column("seconds").unit = "min"
        self.cure()
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [90, 15, 120])

    def test_the_unit_cures(self):
        for unit, text, seconds in (
            ("h:mm", "0:04", 240),
            ("mm:ss", "0:04", 4),
            ("min", "1.5", 90),
            ("s", "1.5", 1),
            ("day", "0.00104166667", 90),
        ):
            with self.subTest(unit=unit):
                self.column("seconds").unit = False
                batch = self.import_durations(text + " " * len(unit + text))
                self.assertEqual(batch.exceptions, 1)
                self.column("seconds").unit = unit
                self.cure()
                self.assertEqual(self.column("seconds").style, unit)
                self.assertEqual(self.cdrs(batch).mapped("quantity"), [seconds])
                self.env["metered.cdr"].search([]).unlink()

    def test_what_is_remembered_is_checked(self):
        """Whatever is entered as a format is refused or can be imported with."""
        styles = ("min", "h:mm", "point", "dmy", "%d/%m/%Y", "nonsense", "%d%d", "s")
        for preset in PRESETS:
            source = self.make_source(preset, name=f"Checked {preset}")
            for column in source.column_ids:
                was = column.style
                for style in styles:
                    with self.subTest(target=column.target, style=style):
                        try:
                            with self.cr.savepoint():
                                column.style = style
                                column.flush_recordset()
                        except ValidationError as error:
                            self.assertIn(column.columns, str(error))
                            column.invalidate_recordset()
                        else:
                            self.assertIn(
                                column.target,
                                (
                                    *("start_time", "answer_time", "end_time"),
                                    *("seconds", "duration", "quantity"),
                                ),
                            )
                        column.style = was

    def test_every_unit_imports(self):
        for unit in UNITS:
            self.column("seconds").unit = unit
            batch = self.import_durations(f"0:00:{UNITS.index(unit):02}", f"x{unit}")
            self.assertEqual((batch.rated, batch.exceptions), (1, 1), unit)

    def test_days_in_digits(self):
        rows = [("1", "03/04/2026 10:00", 60, *NUMBERS), ("2", "x", 60, *NUMBERS)]
        batch = self.import_calls(self.source, *rows)
        self.assertEqual(
            self.reasons(batch),
            [("unclear_time", rows[0][1]), ("invalid_time", "x")],
        )
        self.column("start_time").style = "dmy"
        self.cure()
        [call] = self.cdrs(batch)
        self.assertEqual(f"{call.start_time:%Y-%m-%d}", "2026-04-03")

    def test_duration_of_two_times(self):
        self.source.write(
            {
                "column_ids": [
                    (2, self.column("seconds").id),
                    (0, 0, {"target": "answer_time", "columns": "answer"}),
                    (0, 0, {"target": "end_time", "columns": "end"}),
                ]
            }
        )
        batch = self.import_text(
            self.source,
            "call_id,start_time,answer,end,caller,callee\n"
            f"1,{START},2026-10-05 10:00:10,2026-10-05 10:01:40,{','.join(NUMBERS)}\n"
            f"2,{START},2026-10-05 10:00:10,2026-10-05 09:59:00,{','.join(NUMBERS)}\n"
            f"3,{START},2026-10-05 10:00:10,,{','.join(NUMBERS)}\n",
        )
        [call] = self.cdrs(batch)
        self.assertEqual((call.quantity, call.duration), (90, 100))
        self.assertEqual(
            self.exceptions(batch).mapped("reason"), ["invalid_duration"] * 2
        )

    def test_quantities(self):
        meter = self.env["metered.meter"].create(
            {"name": "Energy", "code": "kwh", "kind": "event"}
        )
        source = self.make_source("usage", name="Meters", meter_id=meter.id)
        self.make_identifier(self.customer, "key-1", kind="key")

        def imported(first, *texts):
            rows = "".join(
                f'{first}{rank},{START},key-1,"{text}"\n'
                for rank, text in enumerate(texts)
            )
            return self.import_text(source, USAGE + rows)

        batch = imported("a", "1,234", "7")
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [7])
        self.assertEqual(self.reasons(batch), [("unclear_quantity", "1,234")])
        shown = imported("b", "1,234", "0,5", "1.234,56")
        self.assertEqual(self.cdrs(shown).mapped("quantity"), [1.234, 0.5, 1234.56])
        self.column("quantity", source).style = "comma"
        self.cure()
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [1.234, 7])
        self.assertEqual(
            self.reasons(imported("c", "1.5")), [("invalid_quantity", "1.5")]
        )
