# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Process one import in a process of its own; the durability tests run and kill it.

Run by scripts/odoo_env.py with the id of a batch and the records of a chunk. Prints a
line for each chunk that it committed.
"""

import sys


def main(env, batch_id, chunk_records):
    """Import the batch, committing chunk by chunk."""
    batch = env["metered.batch"].browse(batch_id)
    type(batch)._chunk_records = lambda self: chunk_records
    env.cr.commit()

    def commit():
        env.cr.commit()
        sys.stdout.write(f"committed {batch.records}\n")
        sys.stdout.flush()

    batch._process(commit=commit)


if __name__ == "__main__":
    main(env, *map(int, sys.argv[1:]))  # noqa: F821  (given by odoo_env.py)
