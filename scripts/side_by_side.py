# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What ./dev test adds to pytest, with pytest-xdist's workers or without.

- A worker has a database of its own, a log of its own and, as pytest-odoo chooses it
  by itself, a port of its own. Everything else that is shared has the database's name:
  the filestore, the sessions' database, advisory locks.
- The files that take longest begin first, so that no worker waits for another one in
  the end; `SECONDS` and `A_TEST` say which these are.
- What is loaded before the first test is garbage of none: it is not searched again.
- How long each test took is written to the file that METERED_DURATIONS names.
"""

import csv
import gc
import os
from collections import Counter
from pathlib import Path

import freezegun
import pytest

#: CSV with the columns file and seconds, of the files that take longer than their tests
#: of these kinds would
SECONDS = Path(__file__).resolve().parent.parent / "tests" / "data" / "seconds.csv"
#: base class -> seconds of a test: in a browser, with a database; another one's
A_TEST = {"HttpCase": 8, "BaseCase": 0.7}
LEAST = 0.1

# Tests that stop the clock would otherwise stop the one by which they are timed.
freezegun.configure(extend_ignore_list=["_pytest.timing"])


def of_worker(name: str, worker: str) -> str:
    """The name of a worker's own database: `test_KEY_PID` -> `test_KEY_gw0_PID`."""
    head, _line, pid = name.rpartition("_")
    return f"{head}_{worker}_{pid}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config):
    """In a worker, before pytest-odoo gives Odoo its configuration."""
    if hasattr(config, "workerinput"):
        # By this pytest-odoo would make databases, and share one filestore among them.
        worker = os.environ.pop("PYTEST_XDIST_WORKER")
        option = config.option
        if getattr(option, "odoo_database", None):
            option.odoo_database = of_worker(option.odoo_database, worker)
        if option.log_file:
            option.log_file += f".{worker}"
    return (yield)


def expected_seconds(items):
    """How long each file, by its name, will take: as listed, or by kinds of tests."""
    found = Counter()
    for item in items:
        kinds = {kind.__name__ for kind in getattr(item.cls, "__mro__", ())}
        found[item.path.name] += next(
            (seconds for kind, seconds in A_TEST.items() if kind in kinds), LEAST
        )
    with SECONDS.open(encoding="utf-8", newline="") as file:
        listed = {row["file"]: float(row["seconds"]) for row in csv.DictReader(file)}
    return {name: listed.get(name, seconds) for name, seconds in found.items()}


def pytest_collection_modifyitems(items):
    """Have the files that take longest first."""
    seconds = expected_seconds(items)
    items.sort(key=lambda item: -seconds[item.path.name])


def pytest_collection_finish():
    """Leave modules, tests and strategies out of each further collection of garbage."""
    gc.collect()
    gc.freeze()


class Durations:
    """Adds up what a test, with what it sets up and tears down, takes."""

    def __init__(self, path):
        self.path = path
        self.seconds = Counter()

    def pytest_runtest_logreport(self, report):
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self):
        with self.path.open("a", encoding="utf-8") as file:
            for test, seconds in self.seconds.items():
                file.write(f"{seconds:.2f}\t{test}\n")


def pytest_configure(config):
    path = os.environ.get("METERED_DURATIONS")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations(Path(path)))
