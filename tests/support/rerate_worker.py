# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Work on one re-rating in a process of its own; a durability test runs and kills it.

Run by scripts/odoo_env.py with the id of a run and the calls of a slice. Prints a line
for each slice that it committed.
"""

import sys

from odoo.addons.metered_billing.models.rerate import metered_rerate_run


def main(env, run_id, slice_calls):
    """Rate again, committing slice by slice."""
    metered_rerate_run.SLICE_CALLS = slice_calls
    run = env["metered.rerate"].browse(run_id)
    env.cr.commit()

    def commit():
        env.cr.commit()
        sys.stdout.write(f"committed {run.records}\n")
        sys.stdout.flush()

    run._process(commit=commit)


if __name__ == "__main__":
    main(env, *map(int, sys.argv[1:]))  # noqa: F821  (given by odoo_env.py)
