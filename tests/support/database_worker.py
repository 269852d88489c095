# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Work on jobs in a process of its own, on a database that a test kills under it.

Run by scripts/odoo_env.py with numbers of steps, as ``3,17`` or ``-``, and jobs, as
``metered.batch:5`` or, to take its records back, ``undo:5``. A step is a statement or a
commit; before one of those numbers it prints ``at`` and waits for a line. It prints how
many steps each job took, and ``lost`` when it has to begin again with a new connection,
as a scheduled action does. For ``posted:`` and the id of a source it prints
``listening``, answers what is posted until it reads a line, and works off what came in.
"""

import os
import sys

from odoo import SUPERUSER_ID, api, sql_db

from odoo.addons.metered_billing.ingest.conflicts import is_temporary
from odoo.addons.metered_billing.models.rerate import metered_rerate_run

RECORDS = 40


class Steps:
    """Counts what a cursor does, and halts before some of it."""

    def __init__(self, numbers):
        self.numbers, self.done = numbers, 0

    def take(self):
        """One step."""
        self.done += 1
        if self.done in self.numbers:
            tell(f"at {self.done}")
            sys.stdin.readline()

    def watch(self, name):
        """Count each call of a cursor's method."""
        method = getattr(sql_db.Cursor, name)

        def counted(cr, *arguments, **options):
            self.take()
            return method(cr, *arguments, **options)

        setattr(sql_db.Cursor, name, counted)


def tell(text):
    """A line for the test."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def process(env, model, number, commit):
    """Work on a job, and on what it leaves to others; its state."""
    if model == "undo":
        batch = env["metered.batch"].browse(number)
        batch._process_undo(commit)
        return batch.state
    job = env[model].browse(number)
    job._process(commit=commit)
    if model == "metered.sync" and job.source_id.source_type == "file_store":
        for batch in job.source_id.batch_ids:
            batch._process(commit)
        job.source_id._put_away_imported(commit)
    return job.state


def main(env, numbers, *jobs):
    """Work off all jobs, one after the other."""
    # pylint: disable=invalid-commit
    metered_rerate_run.SLICE_CALLS = RECORDS
    for model, name in (
        ("metered.batch", "_chunk_records"),
        ("metered.batch", "_undo_slice"),
        ("metered.sync", "_chunk_records"),
        ("metered.exception.job", "_slice_records"),
    ):
        setattr(type(env[model]), name, lambda self: RECORDS)
    registry = env.registry
    env.cr.rollback()
    steps = Steps({int(number) for number in numbers.split(",") if number != "-"})
    for method in ("execute", "commit", "copy_expert"):
        if hasattr(sql_db.Cursor, method):
            steps.watch(method)
    for job in jobs:
        model, number = job.split(":")
        before = steps.done
        if model == "posted":
            tell("listening")
            sys.stdin.readline()
            with registry.cursor() as cr:
                sources = api.Environment(cr, SUPERUSER_ID, {})["metered.source"]
                [sync] = sources._start_posted().filtered(
                    lambda sync, number=number: sync.source_id.id == int(number)
                )
                model, number = sync._name, sync.id
        while True:
            try:
                with registry.cursor() as cr:
                    records = api.Environment(cr, SUPERUSER_ID, {})
                    state = process(records, model, int(number), cr.commit)
                    if state not in ("queued", "running", "undoing"):
                        break
            except Exception as error:
                if not is_temporary(error):
                    raise
                sql_db.close_all()
                tell("lost")
        state = state.replace("undone", "done")
        tell(f"steps {steps.done - before} {job} {state}")
    # Its first connection may be one that was lost: there is nothing to roll back.
    os._exit(0)


if __name__ == "__main__":
    main(env, *sys.argv[1:])  # noqa: F821  (given by odoo_env.py)
