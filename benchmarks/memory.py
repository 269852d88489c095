# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Peak memory of an import, measured in an Odoo process of its own.

:func:`measure` starts the process; run as a script inside it, this file imports the
batch whose id it is given and prints by how much the process grew.
"""

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20
ANSWER = "grown by"


def measure(env, batch):
    """Import a batch that is queued and committed, in another process.

    :return: the largest resident memory while it imported, above that of the idle
        process before, in MiB
    """
    # pylint: disable=import-outside-toplevel
    from odoo.tools import config

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env.cr.commit()
    done = subprocess.run(
        [
            *(sys.executable, ROOT / "scripts" / "odoo_env.py"),
            *("--config", config["config"]),
            *("--database", env.cr.dbname),
            *("--http-port", str(port)),
            *(__file__, str(batch.id)),
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    env.invalidate_all()
    return float(done.stdout.rpartition(ANSWER)[2])


def import_and_print(env, batch_id):
    """Import the batch and print the growth of this process in MiB."""
    batch = env["metered.batch"].browse(batch_id)
    batch.mapped("source_id.name")
    idle = psutil.Process().memory_info().rss
    batch._process(commit=env.cr.commit)
    print(ANSWER, (peak() - idle) / MIB)


def peak():
    """The largest resident memory that this process had, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage says begins with the memory of the process that started us.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    os.chdir(ROOT)
    import_and_print(env, int(sys.argv[1]))  # noqa: F821  (given by who runs this)
