# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Process one sync in a process of its own; the durability test runs and kills it.

Run by scripts/odoo_env.py with the id of a sync and the records of a chunk. Prints a
line for each commit after which more is stored.
"""

import sys


def main(env, sync_id, chunk_records):
    """Sync, committing chunk by chunk."""
    sync = env["metered.sync"].browse(sync_id)
    type(sync)._chunk_records = lambda self: chunk_records
    env.cr.commit()

    def commit():
        env.cr.commit()
        sys.stdout.write(f"committed {sync.records}\n")
        sys.stdout.flush()

    sync._process(commit=commit)


if __name__ == "__main__":
    main(env, *map(int, sys.argv[1:]))  # noqa: F821  (given by odoo_env.py)
