# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Two imports, a renewal run and a re-rating at the same time, of the same customers.

Each in an Odoo process of its own, as with several cron workers. All bring to, bill or
rate usage of the same days. :func:`measure` starts the processes; run as a script
inside of one, this file works on the job that it is told.
"""

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

# In a process of its own nobody has done that.
sys.path.insert(0, str(Path(__file__).resolve().parent))

import imports  # noqa: E402
import synthetic  # noqa: E402
import workload  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
DUE = "2026-07-01"


@dataclass(frozen=True)
class TogetherFigures:
    """Records a second of an import: alone, and of the slower of two beside others.

    :ivar seconds: list of (name of a job, how long it took beside the others)
    """

    alone: float
    together: float
    seconds: list


def measure(env, operator, folder, records):
    """Measure it; what it makes stays, so it is the last of all.

    :param operator: :class:`workload.Workload`
    :param folder: where files may be written
    :param records: of each file
    :return: :class:`TogetherFigures`
    :raises imports.Disagreement: when something is not done, or sums disagree
    """
    imports.clear(env)

    def make_import(number):
        path = folder / f"together-{number}.csv"
        synthetic.write_calls(str(path), records, operator.numbers, operator.prefixes)
        source = workload.make_source(env, f"Together {number}")
        return imports.take_file(env, source, path)

    [took] = _run(env, [make_import(0)])
    company = env.company
    renewal = env["metered.renewal"].create(
        {"company_id": company.id, "date": DUE, "expected": workload.SUBSCRIPTIONS}
    )
    rerate = env["metered.rerate"].create(
        {
            "company_id": company.id,
            "date_from": workload.START,
            "date_to": DUE,
            "phase": "apply",
        }
    )
    jobs = [make_import(1), make_import(2), renewal, rerate]
    seconds = _run(env, jobs)
    _check(env, jobs)
    return TogetherFigures(
        records / took,
        records / max(seconds[:2]),
        list(zip(("import", "import", "renewals", "re-rating"), seconds, strict=True)),
    )


def _run(env, jobs):
    """Work on jobs, each in a process of its own; the seconds of each."""
    # pylint: disable=import-outside-toplevel
    from odoo.tools import config

    env.cr.commit()
    processes = []
    for job in jobs:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        processes.append(
            subprocess.Popen(
                [
                    *(sys.executable, ROOT / "scripts" / "odoo_env.py"),
                    *("--config", config["config"]),
                    *("--database", env.cr.dbname),
                    *("--http-port", str(port)),
                    *(__file__, job._name, str(job.id)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("begin\n")
        process.stdin.flush()
    seconds = [float(process.communicate()[0]) for process in processes]
    env.invalidate_all()
    env.cr.commit()
    return seconds


def _check(env, jobs):
    env.cr.execute(
        "SELECT (SELECT trim_scale(sum(charge)) FROM metered_cdr)"
        " = (SELECT trim_scale(sum(amount)) FROM metered_usage)"
    )
    [adds_up] = env.cr.fetchone()
    imports.compare(
        [
            *((f"{job._name} is done", job.state, "done") for job in jobs),
            ("renewals", (jobs[2].records, jobs[2].failures), (jobs[2].expected, 0)),
            ("amount of the usage is that of its calls", adds_up, True),
        ]
    )


def work(env, model, job_id):
    """Work on a job as the scheduled action does, and print the seconds."""
    job = env[model].browse(job_id)
    job.mapped("company_id.name")
    env.cr.commit()
    print("ready", flush=True)
    sys.stdin.readline()
    begun = time.monotonic()
    while job.state in ("queued", "running"):
        if job.not_before:
            time.sleep(max(0, (job.not_before - datetime.now()).total_seconds()))
        job._process(commit=env.cr.commit)
    print(time.monotonic() - begun, flush=True)


if __name__ == "__main__":
    os.chdir(ROOT)
    work(env, sys.argv[1], int(sys.argv[2]))  # noqa: F821  (given by who runs this)
