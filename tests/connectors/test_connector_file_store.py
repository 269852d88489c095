# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""File stores: a folder, a real sshd, a real S3 server; the same must hold on all."""

import hashlib
import itertools
import json
import os
import shutil
import tempfile
import unittest
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from odoo.addons.metered_billing.connectors import file_disk
from odoo.addons.metered_billing.connectors.errors import (
    SourceFileError,
    SourceNotFound,
    SourceSettingsError,
    SourceUnreachable,
)
from odoo.addons.metered_billing.connectors.file_folder import Folder
from odoo.addons.metered_billing.connectors.file_ledger import Ledger, StoredFile
from odoo.addons.metered_billing.connectors.file_store import FileStore
from odoo.addons.metered_billing.connectors.file_systems import (
    FOLDERS,
    open_file_system,
)
from odoo.addons.metered_billing.connectors.formats import FileLimits

from ..support.file_servers import S3Server, Sshd

CALLS = b"call_id,start_time,duration,caller,callee\n1,2026-10-01 09:00:00,61,1,2\n"


class StoreCase:
    """What must hold on every kind of store; ``fs`` and ``folder`` are set up."""

    @property
    def nowhere(self):
        return f"{self.folder}/nowhere"

    def setUp(self):
        super().setUp()
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        self.here = Path(kept.name)
        # Files are as old as the clock of the store says; time passes here.
        self.later = datetime.now(UTC) + timedelta(hours=1)
        self.ledger = Ledger()

    def put(self, name, content=CALLS):
        path = f"{self.folder}/{name}"
        self.fs.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.fs.pipe_file(path, content)

    def names(self):
        self.fs.invalidate_cache()
        found = self.fs.find(self.folder)
        return sorted(path[len(self.folder.rstrip("/")) + 1 :] for path in found)

    def store(self, **options):
        options = {"pattern": "*.csv", "unchanged_seconds": 60, **options}
        return FileStore(self.fs, self.folder, **options)

    def ready(self, store, **options):
        look = store.look(self.ledger, now=self.later, **options)
        return [file.name for file in look.ready]

    def take(self, store, file):
        """What an import does."""
        fetched = store.fetch(file, self.here / "copy")
        self.ledger.add(file, fetched.sha256)
        return store.finish(file)

    def test_only_what_matches_and_is_finished(self):
        for name in ("a.csv", "b.txt", ".c.csv", "d.csv.part", "e.csv.TMP", "f.csv~"):
            self.put(name)
        self.put("sub/g.csv")
        self.put("sub/.hidden/h.csv")
        self.assertEqual(self.ready(self.store()), ["a.csv"])
        self.assertEqual(
            self.ready(self.store(pattern="*.csv, *.part, *.TMP, *~")), ["a.csv"]
        )
        self.assertEqual(
            sorted(self.ready(self.store(subfolders=True))), ["a.csv", "sub/g.csv"]
        )

    def test_a_copy_and_its_checksum(self):
        content = os.urandom(3_000_000)
        self.put("a.csv", content)
        store = self.store()
        (file,) = store.look(self.ledger, now=self.later).ready
        self.assertEqual(file.size, len(content))
        fetched = store.fetch(file, self.here / "copy")
        self.assertEqual((self.here / "copy").read_bytes(), content)
        self.assertEqual(fetched.sha256, hashlib.sha256(content).hexdigest())

    def test_the_ledger_survives_as_plain_data(self):
        self.put("a.csv")
        store = self.store()
        (file,) = store.look(self.ledger, now=self.later).ready
        self.assertEqual(self.take(store, file), "kept")
        self.ledger = Ledger(json.loads(json.dumps(self.ledger.rows())))
        look = store.look(self.ledger, now=self.later)
        self.assertEqual((look.ready, look.waiting, look.known), ([], [], [file]))

    def test_a_file_that_grew_comes_again(self):
        self.put("Master.csv")
        store = self.store()
        self.take(store, store.look(self.ledger, now=self.later).ready[0])
        self.put("Master.csv", CALLS * 2)
        self.assertEqual(self.ready(store), ["Master.csv"])

    def test_known_content_under_another_name(self):
        self.put("a.csv")
        store = self.store()
        self.take(store, store.look(self.ledger, now=self.later).ready[0])
        self.put("b.csv")
        (file,) = store.look(self.ledger, now=self.later).ready
        fetched = store.fetch(file, self.here / "copy")
        self.assertEqual(self.ledger.same_content(fetched.sha256), "a.csv")
        self.put("c.csv", CALLS + b"2,2026-10-01 09:00:00,61,1,2\n")
        fetched = store.fetch(
            next(
                f
                for f in store.look(self.ledger, now=self.later).ready
                if f.name == "c.csv"
            ),
            self.here / "copy",
        )
        self.assertEqual(self.ledger.same_content(fetched.sha256), "")

    def test_young_files_wait_until_they_stay_the_same(self):
        self.put("a.csv")
        # The clock of this machine is behind the store's: age says nothing.
        now = datetime.now(UTC) - timedelta(hours=2)
        store = self.store()
        first = store.look(self.ledger, now=now)
        self.assertEqual(([], 1), (first.ready, len(first.waiting)))
        soon = store.look(self.ledger, first.seen, now + timedelta(seconds=59))
        self.assertEqual(len(soon.waiting), 1)
        self.put("a.csv", CALLS * 2)
        seen = json.loads(json.dumps(soon.seen))
        grown = store.look(self.ledger, seen, now + timedelta(seconds=61))
        self.assertEqual(len(grown.waiting), 1)
        same = store.look(self.ledger, grown.seen, now + timedelta(seconds=122))
        self.assertEqual([file.name for file in same.ready], ["a.csv"])

    def test_moved_afterwards_and_nothing_overwritten(self):
        store = self.store(afterwards="move", done_folder="done", subfolders=True)
        for _ in range(2):
            self.put("a.csv")
            self.ledger = Ledger()
            (file,) = store.look(self.ledger, now=self.later).ready
            outcome = self.take(store, file)
        self.assertEqual(outcome, "moved to done/a-2.csv")
        self.assertEqual(self.names(), ["done/a-2.csv", "done/a.csv"])
        self.assertEqual(self.ready(store), [])
        self.assertEqual(store.finish(file), "gone already")

    def test_deleted_afterwards(self):
        self.put("a.csv")
        self.put("b.txt")
        store = self.store(afterwards="delete")
        (file,) = store.look(self.ledger, now=self.later).ready
        self.assertEqual(self.take(store, file), "deleted")
        self.assertEqual(self.names(), ["b.txt"])

    def test_a_file_replaced_meanwhile_is_neither_moved_nor_deleted(self):
        self.put("a.csv")
        store = self.store(afterwards="delete")
        (file,) = store.look(self.ledger, now=self.later).ready
        self.put("a.csv", CALLS * 2)
        self.assertIn("changed in the meantime", store.finish(file))
        self.assertEqual(self.names(), ["a.csv"])
        with self.assertRaisesRegex(SourceUnreachable, "changed while it was copied"):
            store.fetch(file, self.here / "copy")

    def test_a_file_that_is_gone(self):
        store = self.store()
        with self.assertRaises(SourceNotFound):
            store.fetch(StoredFile("gone.csv", 7), self.here / "copy")

    def test_checks(self):
        self.put("a.csv")
        checks = self.store(afterwards="move").check()
        self.assertEqual([check.ok for check in checks], [True] * 3)
        self.assertEqual(self.names(), ["a.csv"])
        (_folder, names) = self.store(pattern="*.xlsx").check()
        self.assertFalse(names.ok)
        self.assertIn("name pattern", names.remedy)
        (folder,) = FileStore(self.fs, self.nowhere).check()
        self.assertFalse(folder.ok)
        self.assertIn("Correct the folder", folder.remedy)


class LinkCase(StoreCase):
    """Stores that know links: whoever may write into the folder plants one anywhere."""

    def setUp(self):
        super().setUp()
        self.outside = self.here / "outside"
        (self.outside / "sub").mkdir(parents=True)

    def files_outside(self):
        return sorted(str(path) for path in self.outside.rglob("*") if path.is_file())

    def check_refused(self, action, *arguments):
        before = self.files_outside()
        with self.assertRaisesRegex(SourceSettingsError, "link points outside"):
            action(*arguments)
        self.assertEqual(self.files_outside(), before)

    def test_nothing_is_moved_through_a_link(self):
        for done in ("done", "done/old", "done/old/sub"):
            for planted in [
                done.rsplit("/", up)[0] for up in range(done.count("/") + 1)
            ]:
                with self.subTest(done=done, planted=planted):
                    self.put("a.csv")
                    link = Path(self.folder, planted)
                    link.parent.mkdir(parents=True, exist_ok=True)
                    os.symlink(self.outside, link)
                    store = self.store(afterwards="move", done_folder=done)
                    (file,) = store.look(self.ledger, now=self.later).ready
                    for digest in ("", hashlib.sha256(CALLS).hexdigest()):
                        self.check_refused(store.finish, file, digest)
                    self.assertFalse(store.check()[-1].ok)
                    self.assertEqual(self.names()[:1], ["a.csv"])
                    os.unlink(link)
                    shutil.rmtree(Path(self.folder, "done"), ignore_errors=True)

    def test_a_link_that_leads_nowhere_yet(self):
        self.put("a.csv")
        os.symlink(self.outside / "made", f"{self.folder}/done")
        store = self.store(afterwards="move")
        (file,) = store.look(self.ledger, now=self.later).ready
        self.check_refused(store.finish, file)
        self.assertFalse((self.outside / "made").exists())

    def test_what_became_a_link_after_the_look(self):
        self.put("sub/a.csv")
        look = {"subfolders": True}
        for afterwards in ("move", "delete"):
            store = self.store(afterwards=afterwards, **look)
            (file,) = store.look(self.ledger, now=self.later).ready
            shutil.move(f"{self.folder}/sub", self.here / "kept")
            shutil.copy2(self.here / "kept" / "a.csv", self.outside / "a.csv")
            os.symlink(self.outside, f"{self.folder}/sub")
            self.check_refused(store.fetch, file, self.here / "copy")
            self.check_refused(store.finish, file)
            os.unlink(f"{self.folder}/sub")
            shutil.move(self.here / "kept", f"{self.folder}/sub")

    def test_links_within_the_folder_are_its_own_business(self):
        self.put("a.csv")
        os.mkdir(f"{self.folder}/archive")
        os.symlink("archive", f"{self.folder}/done")
        store = self.store(afterwards="move")
        (file,) = store.look(self.ledger, now=self.later).ready
        self.assertEqual(store.finish(file), "moved to done/a.csv")
        self.assertTrue(os.path.exists(f"{self.folder}/archive/a.csv"))


class TestLocal(LinkCase, unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.folder = str(self.here / "store")
        os.mkdir(self.folder)
        with mock.patch.dict(os.environ, {FOLDERS: str(self.here)}):
            self.fs, _folder, _redact = open_file_system({"folder": self.folder})

    def swapped_after(self, checks, name, seam):
        """A folder of the store becomes a link after so many checks of paths.

        :param seam: (what has the function that checks, its name)
        :return: context manager; of a list that has an entry for each check
        """
        real, made = getattr(*seam), []

        def checked(*arguments):
            path = real(*arguments)
            made.append(path)
            if len(made) == checks:
                os.rename(f"{self.folder}/{name}", self.here / "kept")
                os.symlink(self.outside / name, f"{self.folder}/{name}")
            return path

        @contextmanager
        def swapping():
            with mock.patch.object(*seam, checked):
                yield made
            if os.path.islink(f"{self.folder}/{name}"):
                os.unlink(f"{self.folder}/{name}")
                os.rename(self.here / "kept", f"{self.folder}/{name}")

        return swapping()

    def test_a_folder_that_becomes_a_link_between_check_and_use(self):
        """Whichever check it is after: nothing outside is read, moved or deleted."""
        secret = CALLS.replace(b"61", b"99")
        for name in ("sub", "done"):
            (self.outside / name).mkdir(exist_ok=True)
            (self.outside / name / "a.csv").write_bytes(secret)
        for (afterwards, name), seam in itertools.product(
            (("keep", "sub"), ("delete", "sub"), ("move", "sub"), ("move", "done")),
            ((Folder, "inside"), (file_disk, "followed")),
        ):
            for checks in itertools.count(1):
                shutil.rmtree(self.folder)
                self.put("sub/a.csv")
                self.put("done/sub/b.csv")
                stamps = os.stat(f"{self.folder}/sub/a.csv")
                os.utime(
                    self.outside / name / "a.csv",
                    ns=(stamps.st_atime_ns, stamps.st_mtime_ns),
                )
                before = self.files_outside()
                store = self.store(afterwards=afterwards, subfolders=True)
                with (
                    self.subTest(afterwards=afterwards, link=name, after=checks),
                    self.swapped_after(checks, name, seam) as made,
                ):
                    try:
                        # The look leaves out what has become a link.
                        for file in store.look(self.ledger, now=self.later).ready:
                            fetched = store.fetch(file, self.here / "copy")
                            store.finish(file, fetched.sha256)
                    except SourceSettingsError as error:
                        self.assertIn("link points outside", str(error))
                    if (self.here / "copy").exists():
                        self.assertNotEqual((self.here / "copy").read_bytes(), secret)
                    self.assertEqual(self.files_outside(), before)
                    for path in self.files_outside():
                        self.assertEqual(Path(path).read_bytes(), secret)
                    if len(made) < checks:
                        break
            self.assertGreater(checks, 3)

    def test_links_are_left_alone(self):
        secret = self.here / "secret.csv"
        secret.write_bytes(b"secret")
        os.symlink(secret, f"{self.folder}/a.csv")
        os.mkdir(self.here / "elsewhere")
        (self.here / "elsewhere" / "b.csv").write_bytes(b"secret")
        os.symlink(self.here / "elsewhere", f"{self.folder}/sub")
        self.assertEqual(self.ready(self.store(subfolders=True)), [])

    def test_names_that_lead_out_of_the_folder(self):
        store = self.store()
        for name in ("../secret.csv", "/etc/passwd", "a/../../b.csv", ""):
            with self.assertRaisesRegex(SourceSettingsError, "is not inside"):
                store.fetch(StoredFile(name, 1), self.here / "copy")
        with self.assertRaisesRegex(SourceSettingsError, "done folder"):
            self.store(afterwards="move", done_folder="../done")
        with self.assertRaisesRegex(SourceSettingsError, "burn"):
            self.store(afterwards="burn")

    def test_files_that_are_too_large(self):
        self.put("a.csv")
        store = self.store(limits=FileLimits(max_bytes=10))
        (file,) = store.look(self.ledger, now=self.later).ready
        with self.assertRaisesRegex(SourceFileError, "a.csv is larger"):
            store.fetch(file, self.here / "copy")

    def test_folders_that_are_too_full(self):
        self.put("a.csv")
        self.put("b.csv")
        name = "odoo.addons.metered_billing.connectors.file_folder.MOST_FILES"
        with (
            mock.patch(name, 1),
            self.assertRaisesRegex(SourceSettingsError, "more than 1 files"),
        ):
            self.ready(self.store())

    def test_whatever_the_store_raises_is_one_clear_error(self):
        class Strange(Exception):
            pass

        for error in (Strange("no route"), OSError("broken pipe"), EOFError()):
            with (
                mock.patch.object(self.fs, "ls", side_effect=error),
                self.assertRaisesRegex(SourceUnreachable, "The file store failed"),
            ):
                self.ready(self.store())


class TestSftp(LinkCase, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = Sshd()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self):
        super().setUp()
        self.fs = self.server.file_system()
        self.addCleanup(self.fs.client.close)
        self.folder = str(self.here / "store")
        os.mkdir(self.folder)

    def test_links_are_left_alone(self):
        (self.here / "secret.csv").write_bytes(b"secret")
        os.symlink(self.here / "secret.csv", f"{self.folder}/a.csv")
        self.assertEqual(self.ready(self.store()), [])

    def test_a_server_that_goes_away(self):
        self.put("a.csv")
        store = self.store()
        self.assertEqual(self.ready(store), ["a.csv"])
        self.fs.client.close()
        with self.assertRaises(SourceUnreachable) as caught:
            self.ready(store)
        self.assertTrue(caught.exception.retry)


class TestS3(StoreCase, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = S3Server()
        cls.addClassCleanup(cls.server.stop)
        cls.fs = cls.server.file_system()

    def setUp(self):
        super().setUp()
        self.folder = f"calls-{uuid.uuid4().hex}"
        self.fs.mkdir(self.folder)

    @property
    def nowhere(self):
        return "no-such-bucket/calls"

    def test_a_server_that_is_gone_is_no_folder_that_is_missing(self):
        gone = type(self.fs)(
            key="test",
            secret="test",
            client_kwargs={"endpoint_url": "http://127.0.0.1:9", "region_name": "x"},
            config_kwargs={"retries": {"max_attempts": 0}},
            skip_instance_cache=True,
        )
        (check,) = FileStore(gone, self.folder).check()
        self.assertIn("The file store failed", check.detail)
        self.assertNotIn("exist", check.detail)

    def test_a_folder_of_a_bucket(self):
        self.folder += "/calls/in"
        self.put("a.csv")
        store = self.store(afterwards="move")
        (file,) = store.look(self.ledger, now=self.later).ready
        self.assertEqual(self.take(store, file), "moved to done/a.csv")
        self.assertEqual(self.names(), ["done/a.csv"])

    def test_a_folder_ends_with_its_last_file_and_is_empty_then(self):
        self.folder += "/calls/in"
        self.put("a.csv")
        store = self.store(afterwards="delete")
        (file,) = store.look(self.ledger, now=self.later).ready
        self.take(store, file)
        self.assertEqual(self.ready(store), [])
        self.assertTrue(store.check()[0].ok)
