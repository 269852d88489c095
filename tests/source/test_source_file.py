# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files that nobody looks at are read as the source says."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase, generic_csv

CALLS = [
    ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199"),
    ("2", "2026-10-05 11:00:00", 90, "+14045550100", "+12125550199"),
]


@tagged("post_install", "-at_install")
class TestSourceFile(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def test_as_set(self):
        # A colon is never found by itself where there are commas.
        text = generic_csv(CALLS).replace(":", ".").replace(",", ":")
        text = "Calls, of October\nby switch, exported\n" + text
        source = self.make_source(
            file_reading="set", file_delimiter=":", file_skip_lines=2
        )
        source.column_ids.filtered(
            lambda c: c.target == "start_time"
        ).style = "%Y-%m-%d %H.%M.%S"
        batch = self.import_text(source, text)
        self.assertEqual((batch.records, batch.exceptions), (2, 0))
        self.assertEqual(batch.file_format["delimiter"], ":")

    def test_remembered(self):
        source = self.make_source()
        for said in (
            {"delimiter": "\t", "skip_lines": 3, "has_header": False},
            {"delimiter": " ", "skip_lines": 0, "has_header": True, "quote": "none"},
            {"positions": [1, 10, 24], "skip_lines": 1, "has_header": True},
        ):
            source._remember_file_format(said)
            override = source._file_override()
            for name, value in said.items():
                if name == "positions":
                    value = ", ".join(map(str, value))
                self.assertEqual(override[name], value)
        source._remember_file_format(None)
        self.assertIsNone(source._file_override())

    def test_refused(self):
        for values in (
            {"file_delimiter": ",,"},
            {"file_positions": "3, 1"},
            {"file_skip_lines": -1},
            {"file_encoding": "rot13"},
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                self.make_source(file_reading="set", **values)

    def test_fixed_positions(self):
        """Columns at fixed positions, from the file to the calls."""
        lines = ["Date       Time  Ext  Number         Seconds"]
        lines += [
            f"{day:10} {clock:5} {'101':4} {number:14} {seconds}"
            for day, clock, number, seconds in (
                ("2026-10-05", "10:00", "+12125550199", 60),
                ("2026-10-05", "11:00", "+442079460120", 90),
            )
        ]
        source = self.make_source(
            preset=False,
            column_ids=[
                (0, 0, {"target": target, "columns": columns, "style": style})
                for target, columns, style in (
                    ("start_time", "Date+Time", "%Y-%m-%d %H:%M"),
                    ("seconds", "Seconds", "s"),
                    ("caller", "Ext", ""),
                    ("callee", "Number", ""),
                )
            ],
            payer_ids=[(0, 0, {"column": "Ext", "kind": "extension"})],
        )
        self.make_identifier(self.customer, "101", "extension")
        batch = self.import_text(source, "\n".join(lines) + "\n", name="smdr.txt")
        self.assertEqual(batch.file_format["kind"], "fixed")
        self.assertEqual((batch.records, batch.exceptions, batch.balance), (2, 0, "ok"))
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [60, 90])
