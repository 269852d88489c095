# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""File stores whose sync is killed, in a process of its own: real servers and disks."""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

import getpass
import os
import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

from odoo.tests import tagged

from ..support.committed_case import CommittedCase
from ..support.file_servers import S3Server, Sshd
from ..support.metered_case import generic_csv

RECORDS = 900
CHUNK = 100
NAME = "calls.csv"


class StoreDurability:
    """A store with one file; each test kills a sync of it at another moment."""

    def setUp(self):
        super().setUp()
        deck = self.make_deck("Store", price=0.0371, initial_increment=6)
        self.customer = self.make(
            "res.partner", name="Durable Store", metered_deck_id=deck.id
        )
        self.make(
            "metered.identifier",
            partner_id=self.customer.id,
            value="+14045550170",
            date_from="2026-01-01 00:00:00",
        )
        calls = [
            (
                f"call-{number}",
                f"2026-10-{number % 28 + 1:02d} 10:{number % 60:02d}:00",
                number % 300 if number % 50 else "broken",
                f"+1404555017{number % 2}",
                f"+1212555{number:04d}",
            )
            for number in range(RECORDS)
        ]
        self.content = generic_csv([*calls, *calls[::10]]).encode()
        self.total = len(calls) + len(calls[::10])

    def make_sync(self, name, **values):
        """A sync that waits, of a source of its own, with a file in its folder."""
        source = self.make_source(name)
        source.write(
            {
                "source_type": "file_store",
                "store_settle_seconds": 0,
                "store_afterwards": "move",
                **self.settings(name),
                **values,
            }
        )
        self.put(name, NAME, self.content)
        sync = self.make(
            "metered.sync",
            source_id=source.id,
            kind="manual",
            date_from="2026-10-01 00:00:00",
            date_to="2026-10-31 00:00:00",
        )
        self.cr.commit()
        return sync

    def start_sync(self, sync, step="whole"):
        return self.start("store_worker.py", sync.id, CHUNK, step)

    def kill_at(self, sync, line, step="whole"):
        """Start the sync, and kill it when it printed this line or a later one."""
        worker = self.start_sync(sync, step)
        for printed in worker.stdout:
            if printed.startswith(line) or (
                line.isdecimal()
                and printed.startswith("committed")
                and int(printed.split()[-1]) >= int(line)
            ):
                break
        else:
            self.fail(f"it came to its end without: {line}")
        self.kill(worker)
        self.keep(sync)

    def keep(self, sync):
        """Have what a sync made removed at the end."""
        source = sync.source_id
        new = [*source.batch_ids.attachment_id, *source.batch_ids, *source.file_ids]
        self.made += [record for record in new if record not in self.made]

    def stored(self, source):
        """Rows and sums of a source."""
        self.cr.execute(
            """
            SELECT call_id, line, start_time, quantity::text, billed_quantity::text,
                   caller, callee, state, partner_id, charge::text
              FROM metered_cdr WHERE source_id = %s ORDER BY line
            """,
            (source.id,),
        )
        rows = self.cr.fetchall()
        batch = source.batch_ids
        self.assertEqual(len(batch), 1)
        counters = ("state", "balance", "records", "rated", "duplicates", "exceptions")
        return rows, [batch[name] for name in counters]

    def check_whole(self, sync, afterwards="moved to done/calls.csv"):
        """The sync, started again, ends as if nobody had killed it."""
        self.finish(self.start_sync(sync))
        self.keep(sync)
        source = sync.source_id
        self.assertEqual(sync.state, "done", sync.error)
        self.assertEqual(source.batch_ids.records, self.total)
        self.assertRecordValues(
            source.file_ids,
            [
                {
                    "name": NAME,
                    "size": len(self.content),
                    "batch_id": source.batch_ids.id,
                    "afterwards": afterwards,
                    "same_as": False,
                    "error": False,
                }
            ],
        )
        if afterwards.startswith("moved"):
            self.assertEqual(self.files(source.name), {f"done/{NAME}": self.content})
        else:
            self.assertEqual(self.files(source.name), {})
        return self.stored(source)

    def check_killed_fetching(self, calm):
        fetched = self.make_sync("Fetched")
        self.kill_at(fetched, "fetched", "fetched")
        self.assertFalse(fetched.source_id.batch_ids or fetched.source_id.file_ids)
        self.assertEqual(self.files("Fetched"), {NAME: self.content})
        self.assertEqual(self.check_whole(fetched), calm)

    def check_killed_importing(self, calm):
        importing = self.make_sync("Importing")
        self.kill_at(importing, "300")
        batch = importing.source_id.batch_ids
        self.assertEqual(batch.state, "running")
        self.assertTrue(300 <= batch.records < self.total, batch.records)
        self.assertEqual(self.files("Importing"), {NAME: self.content})
        self.assertEqual(self.check_whole(importing), calm)

    def check_killed_imported(self, calm):
        imported = self.make_sync("Imported")
        self.kill_at(imported, "imported", "imported")
        self.assertEqual(imported.source_id.batch_ids.state, "done")
        self.assertEqual(self.files("Imported"), {NAME: self.content})
        self.assertEqual(self.check_whole(imported), calm)

    def check_killed_moved(self, calm):
        moved = self.make_sync("Moved")
        self.kill_at(moved, "moved", "moved")
        self.assertFalse(moved.source_id.file_ids.afterwards)
        self.assertEqual(self.files("Moved"), {f"done/{NAME}": self.content})
        self.assertEqual(self.check_whole(moved), calm)

    def check_killed_deleted(self, calm):
        deleted = self.make_sync("Deleted", store_afterwards="delete")
        self.kill_at(deleted, "moved", "moved")
        self.assertEqual(self.files("Deleted"), {})
        self.assertEqual(self.check_whole(deleted, "gone already"), calm)


class FolderDurability(StoreDurability):
    """The folder is one of this machine, whoever serves it."""

    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.enterContext(patch.dict(os.environ, {"METERED_FOLDERS": str(self.folder)}))

    def settings(self, name):
        return {"store_kind": "local", "store_folder": str(self.folder / name)}

    def put(self, name, file, content):
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / file).write_bytes(content)

    def files(self, name):
        """Names and contents of everything in the folder of a source."""
        folder = self.folder / name
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }


@tagged("post_install", "-at_install")
class TestFolderDurability(FolderDurability, CommittedCase):
    def test_killed_at_every_step(self):
        calm = self.check_whole(self.make_sync("Calm"))
        self.assertEqual(calm[1][:2], ["done", "ok"])
        self.check_killed_fetching(calm)
        self.check_killed_importing(calm)
        self.check_killed_imported(calm)
        self.check_killed_moved(calm)
        self.check_killed_deleted(calm)


@tagged("post_install", "-at_install")
class TestSftpDurability(FolderDurability, CommittedCase):
    def test_killed_while_it_imports_and_while_it_moves(self):
        calm = self.check_whole(self.make_sync("Calm"))
        self.check_killed_fetching(calm)
        self.check_killed_importing(calm)
        self.check_killed_moved(calm)

    def setUp(self):
        super().setUp()
        self.server = Sshd()
        self.addCleanup(self.server.stop)

    def settings(self, name):
        return {
            "store_kind": "sftp",
            "host": "127.0.0.1",
            "port": self.server.port,
            "allowed_networks": "127.0.0.1",
            "username": getpass.getuser(),
            "private_key": (self.server.folder / "user_key").read_text(),
            "store_host_key": (self.server.folder / "host_key.pub").read_text(),
            "store_folder": str(self.folder / name),
        }


@tagged("post_install", "-at_install")
class TestS3Durability(StoreDurability, CommittedCase):
    def setUp(self):
        super().setUp()
        self.server = S3Server()
        self.addCleanup(self.server.stop)
        self.system = self.server.file_system()
        self.system.mkdir("calls")

    def settings(self, name):
        return {
            "store_kind": "s3",
            "address": f"http://127.0.0.1:{self.server.port}",
            "allowed_networks": "127.0.0.1",
            "store_region": "eu-central-1",
            "username": "test",
            "password": "test",
            "store_folder": f"calls/{name}",
        }

    def put(self, name, file, content):
        self.system.pipe_file(f"calls/{name}/{file}", content)

    def files(self, name):
        self.system.invalidate_cache()
        return {
            path.removeprefix(f"calls/{name}/"): self.system.cat_file(path)
            for path in self.system.find(f"calls/{name}")
        }

    def test_killed_between_copying_and_removing(self):
        """An object store moves by copying: between that and removing is a moment."""
        calm = self.check_whole(self.make_sync("Calm"))
        copied = self.make_sync("Copied")
        self.kill_at(copied, "copied", "copied")
        self.assertEqual(len(self.files("Copied")), 2)
        self.assertEqual(self.check_whole(copied), calm)
