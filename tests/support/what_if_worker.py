# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Work on one simulation in a process of its own; a durability test runs and kills it.

Run by scripts/odoo_env.py with the id of a simulation and a number of portions. Each
portion is committed by itself. The one after that number is worked out, but before it
is committed the process says so and waits to be killed; 0: it works to the end.
"""

import signal
import sys

from odoo.addons.metered_billing.models.what_if import (
    metered_what_if_run,
    metered_what_if_tried,
)


def main(env, run_id, portions):
    """Work on the simulation."""
    metered_what_if_run.PORTION_SECONDS = 0
    metered_what_if_tried.FAMILIES = 1
    run = env["metered.simulation"].browse(run_id)
    env.cr.commit()
    seen = set()

    def commit():
        if portions and len(seen) == portions and run.records not in seen:
            sys.stdout.write(f"halted {run.phase}\n")
            sys.stdout.flush()
            signal.pause()
        env.cr.commit()
        if run.records:
            seen.add(run.records)

    run._process(commit=commit)


if __name__ == "__main__":
    main(env, *map(int, sys.argv[1:]))  # noqa: F821  (given by odoo_env.py)
