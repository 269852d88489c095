# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Process syncs in a process of its own, and tell how much memory each of them took.

Run by scripts/odoo_env.py with ids of syncs. Prints a line for each: its id, and by how
many MiB the process was larger than before at its largest.
"""

import re
import sys
from pathlib import Path

PROCESS = Path("/proc/self")


def memory(name):
    """A line of the process's memory, in MiB."""
    found = re.search(rf"{name}:\s+(\d+) kB", (PROCESS / "status").read_text())
    return int(found[1]) / 1024


def main(env, *sync_ids):
    """Sync as the scheduled action does; see the module."""
    for sync in env["metered.sync"].browse(sync_ids):
        (PROCESS / "clear_refs").write_text("5")  # the peak begins anew
        before = memory("VmRSS")
        sync._process(commit=env.cr.commit)
        sys.stdout.write(f"{sync.id} {memory('VmHWM') - before:.0f}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(env, *map(int, sys.argv[1:]))  # noqa: F821  (given by odoo_env.py)
