# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Where the time of an import goes: wall clock and processor time of its steps.

Several threads are at it, so all steps add up to more than the whole. Those of a chunk
that is being stored are of two connections at a time, but for the first chunk. Steps
that are indented are part of the one above them.
"""

import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import imports

from odoo.addons.metered_billing.connectors import files
from odoo.addons.metered_billing.ingest import (
    abreast,
    isolate,
    mapping,
    prepare,
    run,
    store,
    usage_store,
)
from odoo.addons.metered_billing.models.job import ir_attachment
from odoo.addons.metered_billing.models.record import metered_batch_job
from odoo.addons.metered_billing.models.source import metered_source

CHUNK = prepare._CallChunk
BATCH = metered_batch_job.MeteredBatch

COMMITS = "commits"
READING, WAITING = "read the file", "wait for the next chunk"

#: (label, owner, name of the function); without an owner see :func:`_measured`
STORING = (
    ("settings", metered_source, "load_settings"),
    (WAITING, None, ""),
    ("  for one that is prepared", run.Ahead, "is_ready"),
    ("end of a chunk, from its COPY on", abreast.Abreast, "_finish"),
    ("copied", abreast.Abreast, "_copy"),
    ("the first chunk", isolate, "store"),
    ("  exceptions and known records", store._Known, "new_exceptions"),
    ("  stored and known records", store._Known, "new_cdrs"),
    ("  usage: found, ids for the rest", usage_store.UsageRows, "__init__"),
    ("  usage: new rows", usage_store.UsageRows, "add_new"),
    ("  usage: added to", usage_store.UsageRows, "add_to_known"),
    ("  CDRs: COPY", store, "copy_text"),
    ("counters", BATCH, "_count"),
    ("the stored file's digest", ir_attachment, "file_digest"),
    ("rates marked as used", BATCH, "_mark_rates"),
    ("totals verified", BATCH, "_verify"),
    (COMMITS, None, ""),
)
WRITING = (
    ("CDRs: columns", store, "cdr_table"),
    ("CDRs: text", store, "copy_csv"),
)
PREPARING = (
    (READING, None, ""),
    ("prepare", isolate, "prepare"),
    ("  made harmless", prepare, "harmless_frame"),
    ("  call ids", mapping, "record_ids"),
    ("  repeated ids", prepare, "without_repeats"),
    ("  times", CHUNK, "_times"),
    ("  directions", CHUNK, "_directions"),
    ("  charging rules", CHUNK, "_rules"),
    ("  durations", CHUNK, "_durations"),
    ("  customers", CHUNK, "_identify"),
    ("  numbers", CHUNK, "_numbers"),
    ("  internal calls", CHUNK, "_internal"),
    ("  destinations", CHUNK, "_classify"),
    ("  rates and charges", CHUNK, "_rate"),
    ("  days", CHUNK, "_days"),
    ("  usage summed", prepare, "sum_usage"),
)


class Timers:
    """Seconds by label: wall clock and processor time of the calling thread."""

    def __init__(self):
        self.wall = defaultdict(float)
        self.processor = defaultdict(float)

    @contextmanager
    def measure(self, label):
        wall, processor = time.perf_counter(), time.thread_time()
        try:
            yield
        finally:
            self.wall[label] += time.perf_counter() - wall
            self.processor[label] += time.thread_time() - processor

    def around(self, function, label):
        """The same function, measured."""

        def measured(*args, **kwargs):
            with self.measure(label):
                return function(*args, **kwargs)

        return measured

    def line(self, label):
        """A line of the table."""
        return f"    {label:<34}{self.wall[label]:>8.2f}{self.processor[label]:>10.2f}"


def print_breakdown(env, source, path, totals):
    """Import once more, with timers around every step, and print them."""
    imports.clear(env)
    timers = Timers()
    with _measured(env.cr, timers):
        effort, _check = imports.run_import(env, source, path, totals)
    print(f"\n  Where the import spends its time, {effort} in all")
    print(f"    {'':<34}{'seconds':>8}{'processor':>10}")
    for thread, steps in (
        ("that stores", STORING),
        ("that writes the rows out while usage is stored", WRITING),
        ("that prepares", PREPARING),
    ):
        print(f"  thread {thread}")
        for label, _owner, _name in steps:
            print(timers.line(label))


@contextmanager
def _measured(cr, timers):
    """Put timers around all steps."""
    read_chunks, commit = files.read_chunks, cr.commit

    def reading(*args, **kwargs):
        chunks = read_chunks(*args, **kwargs)
        while True:
            with timers.measure(READING):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    class Executor(ThreadPoolExecutor):
        def submit(self, *args, **kwargs):
            future = super().submit(*args, **kwargs)
            future.result = timers.around(future.result, WAITING)
            return future

    with ExitStack() as stack:
        for label, owner, name in STORING + WRITING + PREPARING:
            if owner:
                measured = timers.around(getattr(owner, name), label)
                stack.enter_context(patch.object(owner, name, measured))
        stack.enter_context(patch.object(files, "read_chunks", reading))
        stack.enter_context(patch.object(run, "ThreadPoolExecutor", Executor))
        cr.commit = timers.around(commit, COMMITS)
        try:
            yield
        finally:
            del cr.commit
