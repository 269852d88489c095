# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Evidence packs, checked as whoever gets one checks it: by a script of its own."""

import base64
import csv
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..statement.test_statements import StatementCase
from ..support.seal_case import SealMakers

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_evidence.py"


@tagged("post_install", "-at_install")
class TestEvidence(SealMakers, StatementCase):
    def pack(self, invoice):
        """The evidence of an invoice, made at once."""
        action = invoice.action_metered_evidence()
        made = self.env["metered.evidence"].browse(action["res_id"])
        made._process()
        self.assertEqual((made.state, made.error), ("done", False))
        return made

    def check(self, pack, change=None, last=""):
        """What the script says.

        :param change: function (name, bytes) -> bytes, what somebody made of a file
        :return: (exit status, text)
        """
        content = base64.b64decode(pack.file)
        with tempfile.NamedTemporaryFile(suffix=".zip") as file:
            with zipfile.ZipFile(io.BytesIO(content)) as old:
                with zipfile.ZipFile(file, "w") as new:
                    for name in old.namelist():
                        data = old.read(name)
                        new.writestr(name, change(name, data) if change else data)
            file.flush()
            arguments = [file.name, last] if last else [file.name]
            done = subprocess.run(
                [sys.executable, "-I", SCRIPT, *arguments],
                capture_output=True,
                text=True,
                check=False,
            )
        self.assertFalse(done.stderr)
        return done.returncode, done.stdout

    def rows(self, pack, name):
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(pack.file))) as archive:
            return list(csv.DictReader(io.StringIO(archive.read(name).decode())))

    def test_everything_fits(self):
        self.deck.rate_ids.write(
            {"connection_fee": 0.01, "initial_increment": 30, "increment": 6}
        )
        invoice = self.invoice()
        self.made(invoice)
        self.seal()
        pack = self.pack(invoice)
        self.assertEqual((pack.records, pack.read_again, pack.rated_again), (7, 7, 7))
        self.assertEqual((pack.unread, pack.as_then, pack.differences), (0, 0, 0))
        status, text = self.check(pack, last=self.company.metered_seal_head)
        self.assertEqual(status, 0, text)
        self.assertIn("records: 7", text)
        self.assertIn("seals: 8", text)
        self.assertIn("lines of calls: 1", text)
        self.assertIn("charges worked out again: 7", text)
        self.assertIn("charges left to the program: 0", text)
        [file] = self.rows(pack, "files.csv")
        self.assertEqual(
            file["sha256"],
            invoice.invoice_line_ids.metered_usage_ids
            and self.env["metered.batch"].browse(int(file["import"])).checksum,
        )
        self.assertTrue(file["engine"])
        self.assertEqual(file["engine"], invoice.metered_engine)
        self.assertIn(f"/{pack.id}/file", pack.action_download()["url"])
        self.assertEqual(pack.action_open_invoice()["res_id"], invoice.id)
        names = zipfile.ZipFile(io.BytesIO(base64.b64decode(pack.file))).namelist()
        self.assertTrue([name for name in names if name.endswith(".pdf")], names)

    def test_what_the_script_finds(self):
        """Whatever somebody changes in the pack does not fit any more."""
        invoice = self.invoice()
        self.seal()
        pack = self.pack(invoice)
        record = self.rows(pack, "records.csv")[0]
        [charged] = {
            line["amount"]
            for line in self.rows(pack, "lines.csv")
            if line["has_usage"] == "true"
        }

        def dearer(text):
            return text.replace(record["charge"], "9.99", 1)

        changes = {
            "sealed/records.txt": dearer,
            "sealed/usage.txt": lambda text: text.replace("2026-10-01", "2026-10-02"),
            "sealed/invoice.txt": lambda text: text.replace(invoice.name, "X/1"),
            "sealed/seals.jsonl": lambda text: text.replace(
                '"records": 1', '"records": 2', 1
            ),
            "records.csv": dearer,
            "lines.csv": lambda text: text.replace(f",{charged},", ",99,"),
            "rates.csv": lambda text: text.replace("0.0333", "0.0334"),
        }
        for name, change in changes.items():
            with self.subTest(name):
                status, text = self.check(
                    pack,
                    lambda found, data, name=name, change=change: (
                        change(data.decode()).encode() if found == name else data
                    ),
                )
                self.assertEqual(status, 1, text)
                self.assertIn("WRONG", text)
        status, text = self.check(pack, last="$1$" + "0" * 64)
        self.assertEqual(status, 1, text)

    def test_what_was_changed_in_the_database(self):
        """A stored record that its file does not say, and a charge of no rate."""
        invoice = self.invoice()
        first, second = self.env["metered.cdr"].search(
            [("usage_id.invoice_line_id.move_id", "=", invoice.id)], limit=2
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE metered_cdr SET callee = '+12125559999' WHERE id = %s", (first.id,)
        )
        self.env.cr.execute(
            "UPDATE metered_cdr SET charge = charge + 1 WHERE id = %s", (second.id,)
        )
        self.env.invalidate_all()
        pack = self.pack(invoice)
        self.assertEqual(pack.differences, 2)
        found = {
            (int(row["record"]), row["what"])
            for row in self.rows(pack, "differences.csv")
        }
        self.assertEqual(found, {(first.id, "callee"), (second.id, "charge_micro")})
        status, text = self.check(pack)
        self.assertEqual(status, 1)
        self.assertIn("2 differences", text)

    def test_prices_of_then(self):
        """Another rate since, and another deck: explained, no difference."""
        invoice = self.invoice()
        self.customer.metered_deck_id = self.make_deck("New")
        self.make_rate(self.customer.metered_deck_id, "", 9)
        pack = self.pack(invoice)
        self.assertEqual((pack.as_then, pack.differences), (7, 0))
        self.assertEqual(self.check(pack)[0], 0)

    def test_without_its_file(self):
        invoice = self.invoice()
        batch = self.env["metered.batch"].search([("source_id", "=", self.source.id)])
        batch.attachment_id = False
        pack = self.pack(invoice)
        self.assertEqual((pack.read_again, pack.unread, pack.rated_again), (0, 7, 7))

    def test_an_invoice_that_is_drafted_meanwhile(self):
        invoice = self.invoice()
        action = invoice.action_metered_evidence()
        made = self.env["metered.evidence"].browse(action["res_id"])
        invoice.button_draft()
        with self.assertRaisesRegex(UserError, "no longer posted"):
            made._process()
        with self.assertRaises(UserError):
            made.action_download()
        made._fail("The invoice is no longer posted.")
        invoice.action_post()
        made.action_resume()
        made._process()
        self.assertEqual(made.state, "done")

    def test_who_may(self):
        invoice = self.invoice()
        user = new_test_user(
            self.env,
            "evidence",
            "metered_billing.group_metered_user,account.group_account_invoice",
        )
        with self.assertRaises(AccessError):
            invoice.with_user(user).action_metered_evidence()
        draft = invoice.copy()
        with self.assertRaises(UserError):
            draft.action_metered_evidence()

    def test_lineage_both_ways(self):
        """From the journal item to the file's line, and back."""
        invoice = self.invoice()
        self.seal()
        line = invoice.invoice_line_ids.filtered("metered_usage_ids")
        found = line.metered_lineage(limit=3)
        json.dumps(found)
        self.assertEqual((found["count"], len(found["records"])), (7, 3))
        amounts = [Decimal(one["amount"]) for one in found["usage"]]
        self.assertEqual(
            round(sum(amounts), 2), Decimal(found["journal_item"]["amount"])
        )
        record = found["records"][0]
        self.assertIn("+12125550000", record["file"]["raw"])
        batch = self.env["metered.batch"].browse(record["file"]["import"])
        self.assertEqual(
            record["file"]["sha256"], sha256(batch.attachment_id.raw).hexdigest()
        )
        self.assertEqual(record["rate"]["deck"], self.deck.name)
        self.assertEqual(record["invoice"]["number"], invoice.name)
        cdr = self.env["metered.cdr"].browse(record["record"]["id"])
        [back] = cdr.metered_lineage()
        self.assertEqual(back["journal_item"]["id"], line.id)
        self.assertEqual(back, record)
        kinds = self.seals.browse(seal["id"] for seal in back["seals"]).mapped("kind")
        self.assertEqual(kinds, ["day", "invoice"])
        for page in ({"offset": -1}, {"limit": 0}, {"limit": 5000}, {"limit": "9"}):
            with self.assertRaises(UserError):
                line.metered_lineage(**page)

    def test_changes_of_charges(self):
        """Re-rating and calling plans leave what was before, who, and why."""
        changes = self.env["metered.charge.change"]
        self.import_calls(
            self.source,
            ("1", "2026-10-01 10:00:00", 60, "+14045550100", "+12125550199"),
        )
        call = self.env["metered.cdr"].search([("source_id", "=", self.source.id)])
        self.assertFalse(changes.search([("cdr_id", "=", call.id)]))
        self.customer.metered_deck_id = self.make_deck("New")
        self.make_rate(self.customer.metered_deck_id, "", 9)
        user = new_test_user(self.env, "rater", "metered_billing.group_metered_user")
        before = call.charge
        run = (
            self.env["metered.rerate.start"]
            .with_user(user)
            .create({"date_from": "2026-10-01", "date_to": "2026-10-31"})
        )
        run = self.env["metered.rerate"].browse(run.action_preview()["res_id"])
        run._process()
        run.action_apply()
        run._process()
        self.assertEqual(run.state, "done")
        [change] = changes.search([("cdr_id", "=", call.id)])
        self.assertEqual(
            (change.reason, change.charge_before, change.charge_after, change.user_id),
            ("rerated", before, 9, user),
        )
        self.assertEqual(change, call.charge_change_ids)
        self.assertTrue(change.rate_before_id != change.rate_after_id)
        [lineage] = call.metered_lineage()
        self.assertEqual(lineage["changes"][0]["by"], user.display_name)
        # The same once more changes nothing, and no row is ever another one.
        call.usage_id._rerate()
        self.assertEqual(len(changes.search([("cdr_id", "=", call.id)])), 1)
        with self.assertRaises(UserError):
            change.sudo().unlink()

    def test_lineage_rights(self):
        invoice = self.invoice()
        line = invoice.invoice_line_ids.filtered("metered_usage_ids")
        stranger = new_test_user(self.env, "stranger", "base.group_user")
        for record in (line, self.env["metered.cdr"].search([], limit=1)):
            with self.assertRaises(AccessError):
                record.with_user(stranger).metered_lineage()
