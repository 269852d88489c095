# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Work on one retention run in a process of its own; durability tests kill it.

Run by scripts/odoo_env.py with the id of a run and the calls of a portion. Prints a
line for each portion that it committed.
"""

import sys

from odoo.addons.metered_billing.models.retention import metered_retention_run


def main(env, run_id, calls):
    """Delete or mask, committing portion by portion."""
    metered_retention_run.FIRST_CALLS = metered_retention_run.MOST_CALLS = calls
    run = env["metered.retention.run"].browse(run_id)
    env.cr.commit()

    def commit():
        env.cr.commit()
        sys.stdout.write(f"committed {run.records}\n")
        sys.stdout.flush()

    run._process(commit=commit)


if __name__ == "__main__":
    main(env, *map(int, sys.argv[1:]))  # noqa: F821  (given by odoo_env.py)
