# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Running an import: chunks are prepared beside the one that is being stored.

Rating needs the processor, storing waits for the database: with one thread for each,
an import takes about as long as the slower of the two.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from .conflicts import again
from .isolate import (
    MOST_RECORDS,
    PortionTooLarge,
    parts,
    store_portion,
    try_to_prepare,
)
from .store import lock_source

#: records a chunk: the fewer chunks, the fewer days that several of them add to; little
#: enough for the memory, and to see progress
CHUNK_RECORDS = 200_000
#: records of the first chunk, for which the database has to wait; it grows from there
FIRST_RECORDS = 25_000


def run_chunks(cr, chunks, settings, batch_id, on_stored, commit=None, seconds=None):
    """Prepare and store chunks one after the other.

    :param cr: cursor
    :param chunks: iterator of ``connectors.files.Chunk``
    :param settings: :class:`~.settings.ImportSettings`
    :param batch_id: id of the batch
    :param on_stored: called with each :class:`~.store.Stored` and the rate ids that
        were used, in the transaction that stored it
    :param commit: called after each chunk; None: the caller's transaction has it all
    :param seconds: after this time store no further chunk than the first one, which
        is always stored, so that every call gets on; None: go to the end
    :return: True when all chunks are stored, False when the time was up
    """
    begun = time.monotonic()
    expect_new, stored_one = True, False
    chunks = iter(chunks)

    def late_by_now():
        return stored_one and seconds is not None and time.monotonic() - begun > seconds

    with ThreadPoolExecutor(1, "metered-prepare") as pool:
        ahead = pool.submit(_next_prepared, chunks, settings)
        while True:
            chunk, prepared = ahead.result()
            if chunk is None:
                return True
            if late_by_now():
                return False
            ahead = pool.submit(_next_prepared, chunks, settings)
            try:
                found = _store_chunk(
                    cr,
                    chunk,
                    prepared,
                    settings,
                    batch_id,
                    on_stored,
                    commit,
                    expect_new,
                )
            except PortionTooLarge:
                # Each commits, so that the next run goes on where this one ended.
                for part in parts(chunk, MOST_RECORDS):
                    if late_by_now():
                        return False
                    found = _store_chunk(
                        cr, part, None, settings, batch_id, on_stored, commit, False
                    )
                    stored_one = True
            stored_one = True
            # After the first known record more are likely: look before storing.
            expect_new = not found


def _next_prepared(chunks, settings):
    chunk = next(chunks, None)
    if chunk is None:
        return None, None
    return chunk, try_to_prepare(chunk, settings)


def _store_chunk(
    cr, chunk, prepared, settings, batch_id, on_stored, commit, expect_new
):
    """Store and commit one chunk, again where another transaction was in its way."""

    def work(failed):
        with lock_source(cr, settings.source_id, commit):
            stored, found, rate_ids = store_portion(
                cr, chunk, prepared, settings, batch_id, expect_new and not failed
            )
            on_stored(stored, rate_ids)
            if commit:
                commit()
            return found

    return again(cr, work, commit)
