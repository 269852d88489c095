# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Where the time of an import goes: wall clock and processor time of its steps.

Two threads are at it, so the steps of one add up to about the whole, and those of
both to more. Steps that are indented are part of the one above them.
"""

import time
from collections import defaultdict
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import imports

from odoo.addons.metered_billing.connectors import files
from odoo.addons.metered_billing.ingest import mapping, prepare, run, store
from odoo.addons.metered_billing.models import metered_batch

CHUNK = prepare._Chunk
BATCH = metered_batch.MeteredBatch

#: (label, owner, name of the function)
STORING = (
    ("settings", metered_batch, "load_settings"),
    ("wait for the next chunk", Future, "result"),
    ("store", run, "store"),
    ("  exceptions and known records", store, "_without_known_exceptions"),
    ("  usage: upsert", store, "upsert_usage"),
    ("  CDRs: columns", store, "cdr_table"),
    ("  CDRs: text", store, "copy_csv"),
    ("counters", BATCH, "_count"),
    ("rates marked as used", BATCH, "_mark_rates"),
    ("totals verified", BATCH, "_verify"),
)
PREPARING = (
    ("prepare", run, "prepare"),
    ("  call ids", mapping, "call_ids"),
    ("  repeated ids", prepare, "_first_of_each"),
    ("  times", CHUNK, "_times"),
    ("  charging rules", CHUNK, "_rules"),
    ("  durations", CHUNK, "_durations"),
    ("  customers", CHUNK, "_identify"),
    ("  numbers", CHUNK, "_numbers"),
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
    read_chunks, commit = files.read_chunks, env.cr.commit
    copy_expert = env.cr.copy_expert

    def reading(*args, **kwargs):
        chunks = read_chunks(*args, **kwargs)
        while True:
            with timers.measure("read the file"):
                chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    with ExitStack() as stack:
        for label, owner, name in STORING + PREPARING:
            measured = timers.around(getattr(owner, name), label)
            stack.enter_context(patch.object(owner, name, measured))
        stack.enter_context(patch.object(files, "read_chunks", reading))
        env.cr.commit = timers.around(commit, "commits")
        env.cr.copy_expert = timers.around(copy_expert, "  CDRs: COPY")
        try:
            seconds, _check = imports.run_import(env, source, path, totals)
        finally:
            del env.cr.commit, env.cr.copy_expert
    print(f"\nWhere the import spends its time, {seconds:.2f} s in all")
    print(f"    {'':<34}{'seconds':>8}{'processor':>10}")
    print("  thread that stores")
    for label, _owner, _name in STORING[:7]:
        print(timers.line(label))
    print(timers.line("  CDRs: COPY"))
    for label, _owner, _name in STORING[7:]:
        print(timers.line(label))
    print(timers.line("commits"))
    print("  thread that prepares")
    print(timers.line("read the file"))
    for label, _owner, _name in PREPARING:
        print(timers.line(label))
