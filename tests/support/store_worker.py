# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Sync a file store in a process of its own; the durability test runs and kills it.

Run by scripts/odoo_env.py with the id of a sync, the records of a chunk, and a step:
``fetched`` stops when a file was copied and nobody noted it, ``imported`` before a file
is put away, ``moved`` after that and before anybody
noted it, ``copied`` where a store moves by copying, before it removes the original. It
prints the step then, and waits to be killed. A line is printed for each commit, too.
"""

import sys
import threading

from odoo.addons.metered_billing.connectors.file_store import FileStore


def main(env, sync_id, chunk_records, step):
    """Sync, committing chunk by chunk, and work off what imports leave."""
    sync = env["metered.sync"].browse(int(sync_id))
    batches = env["metered.batch"]
    type(batches)._chunk_records = lambda self: int(chunk_records)
    env.cr.commit()
    finish, open_store, fetch = FileStore.finish, FileStore.__init__, FileStore.fetch

    def tell(text):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def stop():
        tell(step)
        threading.Event().wait()

    def commit():
        env.cr.commit()
        tell(f"committed {sum(sync.source_id.batch_ids.mapped('records'))}")

    def fetch_and_stop(store, *arguments, **options):
        fetched = fetch(store, *arguments, **options)
        if step == "fetched":
            stop()
        return fetched

    def finish_and_stop(store, *arguments, **options):
        if step == "imported":
            stop()
        done = finish(store, *arguments, **options)
        if step == "moved":
            stop()
        return done

    def open_and_stop(store, system, *arguments, **options):
        open_store(store, system, *arguments, **options)
        if step == "copied":
            system.rm = lambda *_arguments, **_options: stop()

    FileStore.finish, FileStore.__init__ = finish_and_stop, open_and_stop
    FileStore.fetch = fetch_and_stop
    sync._process(commit=commit)
    # What was killed half way is an import's own affair, and of its scheduled action.
    for batch in sync.source_id.batch_ids:
        batch._process(commit)
    sync.source_id._put_away_imported(commit)


if __name__ == "__main__":
    main(env, *sys.argv[1:])  # noqa: F821  (given by odoo_env.py)
