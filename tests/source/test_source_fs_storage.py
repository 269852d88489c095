# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files in a storage of fs_storage, in a database that has that module."""

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import skipUnless

from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import config

from ..support import queue_server
from ..support.metered_case import MeteredCase, generic_csv

MODULE = Path(__file__).resolve().parents[2]
PHONE = "+14045550100"


@tagged("post_install", "-at_install")
class TestWithoutFsStorage(MeteredCase):
    """This database does not have it."""

    def test_it_says_what_to_do(self):
        source = self.make_source(source_type="file_store")
        source.store_kind = "fs_storage"
        [check] = source._test_connection()
        self.assertFalse(check.ok)
        self.assertIn("fs_storage is not installed", check.detail)
        self.assertIn("Install it", check.remedy)

    def test_who_may_choose_a_storage(self):
        """It may be this server's own disk, and was set up for other things."""
        source = self.make_source(source_type="file_store")
        administrator = new_test_user(
            self.env,
            "storage-manager",
            "base.group_user,metered_billing.group_metered_administrator",
        )
        with self.assertRaises(AccessError):
            source.with_user(administrator).write({"store_code": "any"})


@tagged("post_install", "-at_install")
@skipUnless(importlib.util.find_spec("odoo.addons.fs_storage"), "needs fs_storage")
class TestWithFsStorage(TransactionCase):
    def test_from_the_storage_to_the_ledger(self):
        database = self.enterContext(
            queue_server.database(self.env.cr.dbname, "fs_storage")
        )
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / "calls").mkdir()
        (folder / "calls/october.csv").write_text(
            generic_csv(
                [
                    ("1", "2026-10-05 10:00:00", 60, PHONE, "+12125550199"),
                    ("2", "2026-10-05 11:00:00", 90, PHONE, "+12125550199"),
                ]
            )
        )
        result = subprocess.run(
            [
                sys.executable,
                MODULE / "scripts/odoo_env.py",
                *("--config", config["config"], "--database", database),
                *("--http-port", str(queue_server.free_port())),
                MODULE / "tests/support/fs_storage_script.py",
                folder,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        self.assertEqual(result.returncode, 0, result.stdout)
        told = json.loads(result.stdout.splitlines()[-1])
        self.assertEqual(set(told["tested"].values()), {True}, told)
        self.assertEqual(told["found"], [2, 2])
        self.assertEqual(told["files"], ["calls/done/october.csv"])
        self.assertEqual(told["gone"], [[False, "No storage selected."]])
