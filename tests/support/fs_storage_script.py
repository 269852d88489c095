# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the test of storages of fs_storage does inside Odoo.

Run by scripts/odoo_env.py with the folder of the files. Prints a line of JSON.
"""

import json
import os
import sys

from odoo.tests import Form


def run(env, folder):
    """A file from a storage into Odoo, put away, and a storage that is gone."""
    env["fs.storage"].create(
        {
            "name": "Carrier Files",
            "code": "carrier",
            "protocol": "file",
            "directory_path": folder,
            "options": "{}",
        }
    )
    customer = env["res.partner"].create({"name": "Storage Customer"})
    env["metered.identifier"].create(
        {"partner_id": customer.id, "value": "+14045550100"}
    )
    form = Form(env["metered.source"])
    form.name = "Files of a carrier"
    form.source_type = "file_store"
    form.preset = "generic"
    form.timezone = "UTC"
    form.country_id = env.ref("base.us")
    form.store_kind = "fs_storage"
    form.store_code = "carrier"
    form.store_folder = "calls"
    form.store_pattern = "*.csv"
    form.store_afterwards = "move"
    form.store_settle_seconds = 0
    source = form.save()
    source.max_age_days = 0
    # The scheduled actions have transactions of their own.
    env.cr.commit()  # pylint: disable=invalid-commit
    tested = {check.name: check.ok for check in source._test_connection()}
    found = []
    for _again in range(2):
        source.action_sync()
        env.cr.commit()  # pylint: disable=invalid-commit
        for _slice in range(3):
            for action in ("ir_cron_sync", "ir_cron_process_batches"):
                env.ref(f"metered_billing.{action}").method_direct_trigger()
                env.cr.commit()  # pylint: disable=invalid-commit
        found.append(
            env["metered.cdr"].search_count([("source_id", "=", source.id)])
            + env["metered.exception"].search_count([("source_id", "=", source.id)])
        )
    source.store_code = False
    gone = source._test_connection()
    return {
        "tested": tested,
        "found": found,
        "files": sorted(
            os.path.relpath(os.path.join(where, name), folder)
            for where, _folders, names in os.walk(folder)
            for name in names
            if not name.startswith(".")
        ),
        "gone": [[check.ok, check.detail] for check in gone],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(env, *sys.argv[1:])) + "\n")  # noqa: F821
