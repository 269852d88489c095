# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Try exceptions again, or undo an import, in a process of its own that tests kill.

Run by scripts/odoo_env.py with "retry" and the id of a job, or "undo" and the id of a
batch, and the records of a slice. Prints a line for each slice that it committed.
"""

import sys


def main(env, what, record_id, slice_records):
    """Work on the record, committing slice by slice."""
    retry = what == "retry"
    record = env["metered.exception.job" if retry else "metered.batch"].browse(
        record_id
    )
    name = "_slice_records" if retry else "_undo_slice"
    setattr(type(record), name, lambda self: slice_records)
    env.cr.commit()

    def commit():
        env.cr.commit()
        sys.stdout.write("committed\n")
        sys.stdout.flush()

    process = record._process if retry else record._process_undo
    process(commit=commit)


if __name__ == "__main__":
    main(env, sys.argv[1], *map(int, sys.argv[2:]))  # noqa: F821  (by odoo_env.py)
