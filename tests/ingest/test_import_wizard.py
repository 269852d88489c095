# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The upload wizard: preview, the meaning of columns, and what it remembers."""

import base64
from pathlib import Path

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import Form, tagged

from ..support.metered_case import MeteredCase, generic_csv

ABROAD = "011 44 20 7946 0120"
CALL = ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")


@tagged("post_install", "-at_install")
class TestImportWizard(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def wizard(self, content, name="calls.csv", source=None):
        wizard = self.env["metered.import"].create(
            {
                "source_id": (source or self.source).id,
                "file": base64.b64encode(content),
                "file_name": name,
            }
        )
        wizard.action_preview()
        return wizard

    def meanings(self, wizard):
        return {c.name: c.target for c in wizard.column_ids if c.target}

    def reason(self, code):
        reasons = self.env["metered.exception"]._fields["reason"]
        return dict(reasons._description_selection(self.env))[code]

    def run_import(self, wizard):
        action = wizard.action_import()
        self.assertEqual(action["res_model"], "metered.batch")
        batch = self.env["metered.batch"].browse(action["res_id"])
        batch._process()
        return batch

    def test_preview_shows_what_was_detected(self):
        wizard = self.wizard(generic_csv([CALL, ("2", *CALL[1:])]).encode())
        self.assertRecordValues(
            wizard,
            [
                {
                    "state": "preview",
                    "delimiter": ",",
                    "has_header": True,
                    "encoding": "utf-8",
                    "records": 2,
                    "known_batch_id": False,
                }
            ],
        )
        self.assertEqual(
            self.meanings(wizard),
            {
                "call_id": "call_id",
                "start_time": "start_time",
                "duration": "seconds",
                "caller": "caller",
                "callee": "callee",
            },
        )
        ids = wizard.column_ids.filtered(lambda c: c.name == "call_id")
        self.assertEqual(ids.samples, "1 · 2")
        self.assertEqual(self.run_import(wizard).rated, 2)

    def test_preview_tells_who_pays_and_how_much(self):
        rows = [
            CALL,
            ("2", "2026-10-05 11:00:00", 60, "+14045559999", "+12125550199"),
            ("3", "2026-10-05 11:00:00", 60, "+14045550100", "nobody"),
            CALL,
            ("5", "5 October", 60, "+14045550100", "+12125550199"),
        ]
        wizard = self.wizard(generic_csv(rows).encode())
        shown = wizard.preview["rows"]
        self.assertEqual(wizard.preview["zone"], self.source.timezone)
        self.assertEqual(
            [(row["customer"], row["charge"], row["note"]) for row in shown],
            [
                ("Acme", "0.06 USD", False),
                (False, False, self.reason("unknown_customer")),
                ("Acme", False, self.reason("no_destination")),
                (False, False, "Duplicate"),
                (False, False, self.reason("invalid_time")),
            ],
        )
        self.assertIn("+14045559999 (Phone number)", shown[1]["why"])
        # Just what the import makes of it.
        batch = self.run_import(wizard)
        calls = self.env["metered.cdr"].search([("batch_id", "=", batch.id)])
        self.assertEqual(calls.mapped("charge"), [0.06])
        reasons = self.env["metered.exception"].search([("batch_id", "=", batch.id)])
        self.assertEqual(
            reasons.sorted("line").mapped("display_name"),
            [row["note"] for row in shown if row["is_wrong"]],
        )
        self.assertEqual(batch.duplicates, 1)

    def test_preview_does_not_tell_what_it_no_longer_knows(self):
        """Other columns: the file has to be read again before money is named."""
        wizard = self.wizard(generic_csv([CALL]).encode())
        self.assertTrue(wizard.preview["tried"])
        with Form(wizard) as form, form.column_ids.edit(4) as column:
            column.target = False
        self.assertFalse(wizard.preview["tried"])
        self.assertNotIn("charge", wizard.preview["rows"][0])
        wizard.action_refresh()
        [row] = wizard.preview["rows"]
        self.assertEqual(row["note"], self.reason("no_destination"))

    def test_preview_of_other_usage(self):
        """Its price is that of the whole billing period."""
        source = self.make_source(
            preset="usage",
            meter_id=self.env["metered.meter"]
            .create({"name": "Texts", "code": "texts", "kind": "event"})
            .id,
        )
        self.make_identifier(self.customer, "key_acme", "key")
        wizard = self.wizard(
            b"id,time,identifier,quantity\n1,2026-10-05 10:00:00,key_acme,2\n",
            source=source,
        )
        [row] = wizard.preview["rows"]
        self.assertEqual((row["customer"], row["charge"]), ("Acme", "When invoiced"))

    def test_preview_of_what_is_not_charged(self):
        self.source.rule_ids = [
            Command.create({"name": "Tests", "outcome": "not_billable"})
        ]
        wizard = self.wizard(generic_csv([CALL]).encode())
        [row] = wizard.preview["rows"]
        self.assertEqual(
            (row["customer"], row["note"], row["why"]), ("Acme", "Not charged", "Tests")
        )

    def test_the_samples_are_understood(self):
        """What the dialog offers to start from needs no answer."""
        samples = Path(__file__).parents[2] / "static" / "samples"
        usage = self.make_source(preset="usage")
        for name, source in (("calls", self.source), ("usage", usage)):
            with self.subTest(name):
                content = (samples / f"{name}.csv").read_bytes()
                wizard = self.wizard(content, f"{name}.csv", source)
                self.assertFalse(wizard.questions)
                known = source.payer_ids.mapped("column")
                for column in wizard.column_ids:
                    self.assertTrue(column.target or column.name in known, column.name)

    def test_its_words_are_stored_once(self):
        """Odoo keeps all words of what it knows to be text, to search in them."""
        batch = self.run_import(self.wizard(generic_csv([CALL]).encode()))
        content = base64.b64encode(generic_csv([("2", *CALL[1:])]).encode())
        posted = self.env["metered.batch"].import_file(
            self.source.id, "calls.csv", content
        )
        files = (batch | batch.browse(posted)).attachment_id
        self.assertEqual(len(files), 2)
        for file in files:
            self.assertNotIn("+1", file.index_content or "")

    def test_columns_are_remembered_on_the_source(self):
        text = "Ref;When;Secs;A;B\n1;2026-10-05 10:00:00;60;+14045550100;+12125550199\n"
        wizard = self.wizard(text.encode())
        self.assertEqual(wizard.delimiter, ";")
        self.assertFalse(self.meanings(wizard))
        with self.assertRaisesRegex(UserError, "start time, chargeable seconds"):
            wizard.action_import()
        for name, target in (
            ("Ref", "call_id"),
            ("When", "start_time"),
            ("Secs", "seconds"),
            ("A", "caller"),
            ("B", "callee"),
        ):
            wizard.column_ids.filtered(lambda c, n=name: c.name == n).target = target
        self.source.payer_ids.filtered(lambda s: s.column == "caller").column = "A"
        self.assertEqual(self.run_import(wizard).rated, 1)
        again = self.wizard(text.replace("\n1;", "\n2;").encode())
        self.assertEqual(self.meanings(again)["When"], "start_time")
        self.assertEqual(self.run_import(again).rated, 1)

    def test_one_column_a_fact(self):
        wizard = self.wizard(generic_csv([CALL]).encode())
        wizard.column_ids.filtered(lambda c: c.name == "caller").target = "callee"
        with self.assertRaisesRegex(UserError, "caller, callee"):
            wizard.action_import()

    def test_read_again_as_the_user_says(self):
        text = "1|2026-10-05 10:00:00|60|+14045550100|+12125550199\n"
        wizard = self.wizard(text.encode() * 2)
        with Form(wizard) as form:
            form.delimiter = "|"
            form.has_header = False
        wizard.action_refresh()
        self.assertEqual(len(wizard.column_ids), 5)
        self.assertEqual(wizard.records, 2)

    def test_the_same_file_again_is_said(self):
        content = generic_csv([CALL]).encode()
        batch = self.run_import(self.wizard(content))
        again = self.wizard(content, "renamed.csv")
        self.assertEqual(again.known_batch_id, batch)
        self.assertEqual(self.run_import(again).duplicates, 1)
        batch.action_undo()
        self.assertNotEqual(self.wizard(content).known_batch_id, batch)

    def test_a_picture_is_refused(self):
        with self.assertRaises(UserError):
            self.wizard(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4)

    def test_preview_rows(self):
        """The first rows, and what each is understood as."""
        wizard = self.wizard(
            generic_csv(
                [
                    CALL,
                    (
                        "2",
                        "yesterday",
                        "0:01:30",
                        "(404) 555-0100",
                        "011 44 20 7946 0120",
                    ),
                ]
            ).encode()
            + b"3,too short\n"
        )
        preview = wizard.with_context(tz="UTC").preview
        self.assertEqual(
            [(c["name"], c["meaning"]) for c in preview["columns"]],
            [
                ("call_id", "Record ID (unique)"),
                ("start_time", "Start time"),
                ("duration", "Chargeable seconds"),
                ("caller", "Calling number"),
                ("callee", "Called number"),
            ],
        )
        first, second, third = preview["rows"]
        self.assertEqual(first["values"], ["1", CALL[1], "60", CALL[3], CALL[4]])
        self.assertEqual(
            (first["line"], first["start"], first["seconds"]),
            (2, "10/05/2026 10:00:00 AM", 60),
        )
        self.assertEqual(
            (second["start"], second["seconds"], second["caller"], second["callee"]),
            (False, 90, "+14045550100", "+442079460120"),
        )
        self.assertEqual(third["line"], 4)
        self.assertIn("2 columns", third["problem"])

    def test_preview_follows_the_meaning(self):
        """What a row is understood as changes with what its columns are said to be."""
        wizard = self.wizard(generic_csv([CALL]).encode())
        with Form(wizard) as form:
            with form.column_ids.edit(3) as column:
                column.target = "callee"
            with form.column_ids.edit(4) as column:
                column.target = "caller"
            [row] = form.preview["rows"]
        self.assertEqual((row["caller"], row["callee"]), (CALL[4], CALL[3]))
