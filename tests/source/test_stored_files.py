# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files that are read later: whole or not at all; and a disk that is full."""

import ast
import base64
import errno
import io
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from unittest.mock import patch

import psycopg2

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.metered_billing.ingest import disk
from odoo.addons.metered_billing.models.job.ir_attachment import (
    DiskError,
    StoredFileError,
)

from ..support.metered_case import MODULE, MeteredCase, generic_csv


class StoredFileCase(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")

    def setUp(self):
        super().setUp()
        # A file store of the test's own: what is cut here is nobody else's.
        self.store = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.store, ignore_errors=True)
        self.patch(
            type(self.env["ir.attachment"]), "_filestore", lambda _self: str(self.store)
        )

    def content(self, count=3000, first=0):
        return generic_csv(
            (str(n), "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199")
            for n in range(first, first + count)
        ).encode()

    def queue(self, content):
        batch_id = self.env["metered.batch"].import_file(
            self.source.id, "calls.csv", base64.b64encode(content).decode()
        )
        return self.env["metered.batch"].browse(batch_id)

    def path(self, attachment):
        return Path(attachment._full_path(attachment.store_fname))

    def cut(self, path, at_line=1500):
        """Cut a file at the end of a line, as a disk that was full leaves it."""
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:at_line]))

    def damages(self):
        """name -> function that damages a file of a path."""
        return {
            "missing": Path.unlink,
            "cut at a line": self.cut,
            "empty": lambda path: path.write_bytes(b""),
            "another digit": lambda path: path.write_bytes(
                path.read_bytes().replace(b",60,", b",61,", 1)
            ),
            "longer": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
        }


@tagged("post_install", "-at_install")
class TestDamagedFiles(StoredFileCase):
    def test_before_the_import_begins(self):
        for first, (what, damage) in enumerate(self.damages().items()):
            with self.subTest(what):
                content = self.content(first=first * 3000)
                batch = self.queue(content)
                damage(self.path(batch.attachment_id))
                batch._process()
                self.assertRecordValues(
                    batch, [{"state": "failed", "records": 0, "balance": "wrong"}]
                )
                self.assertIn("Upload the same file again", batch.error)
                self.assertFalse(self.cdrs(batch))
                # The same file again: it goes on with what is missing, as one import.
                again = self.queue(content)
                self.assertEqual(again, batch)
                self.assertEqual(batch.state, "queued")
                batch._process()
                self.assertRecordValues(
                    batch, [{"state": "done", "rated": 3000, "balance": "ok"}]
                )

    def test_between_two_slices(self):
        for first, (what, damage) in enumerate(self.damages().items()):
            with self.subTest(what):
                content = self.content(first=first * 3000)
                batch = self.queue(content)
                self.patch(type(batch), "_chunk_records", lambda self: 1000)
                self.assertFalse(batch._process(seconds=0))
                self.assertEqual(batch.records, 1000)
                damage(self.path(batch.attachment_id))
                batch._process()
                self.assertEqual((batch.state, batch.records), ("failed", 1000))
                self.assertIn("record 1001", batch.error)
                batch.action_resume()
                batch._process()
                self.assertEqual((batch.state, batch.records), ("failed", 1000))
                # Uploaded anywhere, it lies where the import looks for it.
                self.env["ir.attachment"].create({"name": "x", "raw": content})
                batch.action_resume()
                batch._process()
                self.assertRecordValues(
                    batch, [{"state": "done", "rated": 3000, "balance": "ok"}]
                )
                self.assertFalse(batch.file_missing)

    def test_while_it_is_read(self):
        batch = self.queue(self.content())
        path = self.path(batch.attachment_id)
        self.patch(type(batch), "_chunk_records", lambda self: 1000)
        real = type(batch)._count

        def count(batch, **added):
            real(batch, **added)
            if batch.records == 1000:
                os.truncate(path, 1000)

        with patch.object(type(batch), "_count", count):
            batch._process()
        self.assertEqual(batch.state, "failed")
        self.assertIn("incomplete or was changed", batch.error)

    def test_records_that_the_reader_leaves_out(self):
        """Read to its end, the file has to have been read: as many as it holds."""
        batch = self.queue(self.content(30))
        target = (
            "odoo.addons.metered_billing.models.record.metered_batch_job.run_chunks"
        )
        with patch(target, return_value=True):
            batch._process()
        self.assertEqual(batch.state, "failed")
        self.assertIn("30 records, but only 0", batch.error)
        batch.action_resume()
        batch._process()
        self.assertEqual((batch.state, batch.balance), ("done", "ok"))

    def test_expected_is_part_of_the_balance(self):
        batch = self.queue(self.content(30))
        batch._process()
        self.assertEqual(batch.balance, "ok")
        batch.expected = 31
        self.assertEqual(batch.balance, "wrong")

    def test_blank_lines_and_values_of_several_lines(self):
        rows = self.content(4).splitlines(keepends=True)
        content = b"".join([rows[0], b"\n\n", *rows[1:], b"\n"]).replace(
            b"\n3,", b'\n"3\n3",'
        )
        batch = self.queue(content)
        self.assertGreater(batch.expected, 4)
        batch._process()
        self.assertRecordValues(
            batch,
            [{"state": "done", "records": 4, "expected": 4, "balance": "ok"}],
        )

    def test_a_file_is_hashed_once_and_then_looked_at(self):
        batch = self.queue(self.content(40))
        self.patch(type(batch), "_chunk_records", lambda self: 10)
        disk._digest.cache_clear()
        while not batch._process(seconds=0):
            pass
        self.assertEqual(disk._digest.cache_info().misses, 1)
        self.assertGreaterEqual(disk._digest.cache_info().hits, 3)

    def test_what_is_shown_of_a_call(self):
        batch = self.queue(self.content(3))
        batch._process()
        cdr = self.cdrs(batch)[:1]
        self.assertIn("2026-10-05", cdr.raw_record)
        self.path(batch.attachment_id).unlink()
        cdr.invalidate_recordset()
        self.assertIn("missing from the server's disk", cdr.raw_record)
        self.assertEqual(batch._raw_texts([2]), {})

    def test_a_deck(self):
        deck = self.make_deck("Carrier")
        wizard = self.env["metered.deck.import"].create(
            {
                "deck_id": deck.id,
                "file": base64.b64encode(b"prefix,price\n1,0.01\n44,0.02\n"),
                "file_name": "rates.csv",
            }
        )
        wizard.action_preview()
        path = self.path(wizard.attachment_id)
        whole = path.read_bytes()
        path.write_bytes(b"prefix,price\n1,0.01\n")
        with self.assertRaisesRegex(StoredFileError, "incomplete or was changed"):
            wizard.action_apply()
        self.assertFalse(deck.rate_count)
        path.write_bytes(whole)
        wizard.action_apply()
        path.unlink()
        with self.assertRaisesRegex(StoredFileError, "missing"):
            deck.version_ids.action_download()

    def test_everything_is_read_by_the_one_helper(self):
        """No file of an attachment is read without being compared."""
        found = set()
        for path in [*MODULE.glob("models/**/*.py"), *MODULE.glob("wizards/*.py")]:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and (
                    node.attr in ("_full_path", "_file_read", "datas", "db_datas")
                    or (
                        node.attr == "raw"
                        and "attachment" in ast.unparse(node.value).lower()
                    )
                ):
                    found.add(f"{path.name}: {ast.unparse(node)}")
        self.assertEqual(
            found,
            {
                # where files are compared and written
                "ir_attachment.py: self._full_path",
                # compared right before
                "metered_deck_check.py: self.sudo().file_id.datas",
            },
        )

    def test_what_is_in_the_database(self):
        self.env["ir.config_parameter"].set_param("ir_attachment.location", "db")
        batch = self.queue(self.content(30))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE ir_attachment SET db_datas = substring(db_datas FROM 1 FOR 800)"
            " WHERE id = %s",
            (batch.attachment_id.id,),
        )
        self.env.invalidate_all()
        batch._process()
        self.assertEqual(batch.state, "failed")
        again = self.queue(self.content(30))
        self.assertEqual(again, batch)
        batch._process()
        self.assertEqual((batch.state, batch.balance), ("done", "ok"))

    def test_another_source_does_not_take_over(self):
        batch = self.queue(self.content(30))
        self.path(batch.attachment_id).unlink()
        batch._process()
        other = self.env["metered.batch"].import_file(
            self.make_source().id, "c.csv", base64.b64encode(self.content(30)).decode()
        )
        self.assertNotEqual(other, batch.id)
        self.assertEqual(batch.state, "failed")


@tagged("post_install", "-at_install")
class TestPutAway(StoredFileCase):
    """Nothing outside is moved or deleted before its records are safe."""

    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        patcher = patch.dict(os.environ, {"METERED_FOLDERS": str(self.folder)})
        patcher.start()
        self.addCleanup(patcher.stop)
        self.source = self.make_source(
            source_type="file_store",
            store_kind="local",
            store_folder=str(self.folder),
            store_settle_seconds=0,
            store_afterwards="delete",
        )

    def sync(self, **options):
        [sync] = self.source._start_syncs("manual")
        sync._process(**options)
        return sync

    def test_a_file_whose_copy_is_lost_stays(self):
        original = self.folder / "a.csv"
        copy = self.folder / "b.csv"
        original.write_bytes(self.content(30))
        copy.write_bytes(self.content(30))
        Batch = type(self.env["metered.batch"])
        with patch.object(Batch, "_process", lambda *args: False):
            self.sync()
        batch = self.source.batch_ids
        self.path(batch.attachment_id).unlink()
        batch._process()
        self.assertEqual(batch.state, "failed")
        self.sync()
        self.env["metered.source"]._put_away_imported(None)
        # Nor is the other one, whose content it has.
        self.assertTrue(original.exists() and copy.exists())
        self.queue(self.content(30))._process()
        self.assertEqual((batch.state, batch.balance), ("done", "ok"))
        self.sync()
        self.assertFalse(original.exists() or copy.exists())

    def test_what_does_not_add_up_stays(self):
        original = self.folder / "a.csv"
        original.write_bytes(self.content(30))
        self.source.store_afterwards = "keep"
        Batch = type(self.env["metered.batch"])
        with patch.object(Batch, "_process", lambda *args: False):
            self.sync()
        self.source.store_afterwards = "delete"
        self.source.batch_ids._process()
        self.source.batch_ids.expected = 31
        self.env["metered.source"]._put_away_imported(None)
        self.assertTrue(original.exists())

    def test_a_name_that_cannot_be_stored_keeps_no_other_away(self):
        with open(os.fsencode(self.folder) + b"/bad\xff.csv", "wb") as file:
            file.write(self.content(3))
        (self.folder / "good.csv").write_bytes(self.content(30))
        sync = self.sync()
        self.assertEqual((sync.state, self.source.batch_ids.rated), ("done", 30))
        [line] = sync.line_ids.filtered(lambda line: line.level == "error")
        self.assertIn("bad\ufffd.csv", line.message)
        self.assertIn(b"bad\xff.csv", os.listdir(os.fsencode(self.folder)))

    def test_a_full_disk_is_tried_again(self):
        (self.folder / "a.csv").write_bytes(self.content(30))
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        Attachment = type(self.env["ir.attachment"])
        with patch.object(Attachment, "_mark_for_gc", side_effect=full):
            sync = self.sync()
        self.assertEqual((sync.state, sync.attempts), ("queued", 1))
        message = sync.line_ids[-1].message
        self.assertIn("disk is full", message)
        self.assertIn("The next attempt is in", message)
        self.assertFalse(self.source.file_ids.filtered("error"))
        sync._process()
        self.assertEqual(self.source.batch_ids.rated, 30)


@tagged("post_install", "-at_install")
class TestFullDisk(StoredFileCase):
    def fill(self, after):
        """Let a write fail after so many bytes, as on a disk that is full."""
        real = open

        class Filling(io.FileIO):
            # It ends with an error, and returns nothing.
            def write(self, data):  # pylint: disable=missing-return
                super().write(data[:after])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def opening(path, mode="r", *args, **kwargs):
            if mode == "wb" and str(path).startswith(str(self.store)):
                return Filling(path, "w")
            return real(path, mode, *args, **kwargs)

        target = "odoo.addons.base.models.ir_attachment.open"
        return patch(target, opening, create=True)

    def test_nothing_half_written_is_left(self):
        content = self.content()
        with (
            self.fill(5000),
            mute_logger("odoo.addons.base.models.ir_attachment"),
            self.assertRaisesRegex(DiskError, "disk is full.*try again"),
            self.cr.savepoint(),
        ):
            self.queue(content)
        self.assertFalse([p for p in self.store.rglob("*") if p.is_file()])
        batch = self.queue(content)
        batch._process()
        self.assertEqual((batch.state, batch.rated), ("done", 3000))

    def test_what_a_killed_process_left_is_replaced(self):
        content = self.content()
        attachment = self.env["ir.attachment"].create({"name": "x", "raw": content})
        path = self.path(attachment)
        for half in (content[:5000], b"", content + b"x"):
            path.write_bytes(half)
            batch = self.queue(content)
            self.assertEqual(path.read_bytes(), content)
            self.assertEqual(attachment.raw, content)
            batch.attachment_id.raw = content
        # Nothing is left beside it.
        self.assertEqual([*path.parent.iterdir()], [path])

    def test_a_full_disk_while_it_is_replaced(self):
        content = self.content()
        attachment = self.env["ir.attachment"].create({"name": "x", "raw": content})
        path = self.path(attachment)
        path.write_bytes(content[:5000])
        full = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        with (
            patch("os.replace", side_effect=full),
            self.assertRaisesRegex(DiskError, "quota"),
        ):
            self.queue(content)
        self.assertEqual([*path.parent.iterdir()], [path])

    def test_a_real_collision_is_one(self):
        content = self.content(3)
        attachment = self.env["ir.attachment"].create({"name": "x", "raw": content})
        path = self.path(attachment)
        with (
            patch.object(
                type(attachment), "_same_content", lambda *args: False, create=True
            ),
            self.assertRaisesRegex(UserError, "collides"),
        ):
            attachment.create({"name": "y", "raw": content})
        self.assertEqual(path.read_bytes(), content)

    def test_a_file_system_that_is_really_full(self):
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(self.store)]
        if os.geteuid() or subprocess.run(mount, check=False).returncode:
            self.skipTest("only root can mount a file system")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.store)], check=False)
        small, large = self.content(100), self.content(9000)
        with (
            mute_logger("odoo.addons.base.models.ir_attachment"),
            self.assertRaisesRegex(DiskError, "No space left"),
            self.cr.savepoint(),
        ):
            self.queue(large)
        batch = self.queue(small)
        batch._process()
        self.assertEqual((batch.state, batch.rated), ("done", 100))
        subprocess.run(["mount", "-o", "remount,size=8m", str(self.store)], check=True)
        batch = self.queue(large)
        batch._process()
        self.assertEqual((batch.state, batch.records), ("done", 9000))

    def test_what_is_of_the_disk(self):
        for code in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
            self.assertTrue(disk.is_of_the_disk(OSError(code, "x")))
        self.assertTrue(disk.is_of_the_disk(psycopg2.errors.DiskFull("x")))
        for error in (FileNotFoundError(errno.ENOENT, "x"), ValueError("x")):
            self.assertFalse(disk.is_of_the_disk(error))

    def test_a_job_says_it_in_words(self):
        batch = self.queue(self.content(3))
        for error in (
            OSError(errno.EIO, os.strerror(errno.EIO)),
            psycopg2.errors.DiskFull("could not extend file: No space left\nHINT: x"),
        ):
            text = batch._failure_text(error)
            self.assertIn("Free up some space, then try again.", text)
            self.assertNotIn("Errno", text)
            self.assertNotIn("HINT", text)
