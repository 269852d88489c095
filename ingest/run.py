# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Running an import: chunks are prepared beside the one that is being stored.

Rating needs the processor, storing waits for the database: with one thread for each,
an import takes about as long as the slower of the two. With further connections the
database has two processors at it, too, see ``abreast``.
"""

import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack

from .abreast import Abreast
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


def run_chunks(
    cr,
    chunks,
    settings,
    batch_id,
    on_stored,
    commit=None,
    seconds=None,
    open_lanes=None,
):
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
    :param open_lanes: function that returns a context of a list of
        :class:`~.abreast.Lane`, which is empty where there can be none; called if
        there is a second chunk. None: store with ``cr`` alone
    :return: True when all chunks are stored, False when the time was up
    """
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(1, "metered-prepare"))
        run = _Run(cr, settings, batch_id, on_stored, commit, seconds)
        ahead = Ahead(pool, chunks, settings)
        if not run.store_next(ahead):
            return run.complete
        if commit and open_lanes and not ahead.is_at_end():
            lanes = stack.enter_context(open_lanes())
            if lanes:
                run.abreast = Abreast(cr, lanes, settings, batch_id, commit)
        while run.store_next(ahead):
            pass
        return run.complete


class Ahead:
    """Prepared chunks in the order of the file: pairs of a chunk and what
    ``isolate.try_to_prepare`` made of it, ``(None, None)`` at the end.

    One is prepared while the one before it is stored.
    """

    def __init__(self, pool, chunks, settings):
        self._pool = pool
        self._chunks = iter(chunks)
        self._settings = settings
        self._back = deque()
        self._next = self._submit()

    def _submit(self):
        return self._pool.submit(_next_prepared, self._chunks, self._settings)

    def take(self):
        """The next pair."""
        if self._back:
            return self._back.popleft()
        pair = self._next.result()
        if pair[0] is not None:
            self._next = self._submit()
        return pair

    def give_back(self, pairs):
        """Have pairs, that were taken in this order, be the next ones again."""
        self._back.extendleft(reversed(pairs))

    def is_ready(self, other):
        """Whether the next pair is there, as soon as it or another future is done."""
        if self._back:
            return True
        wait([self._next, other], return_when=FIRST_COMPLETED)
        return self._next.done()

    def has_failed(self):
        """Whether the next pair, which is ready, is an error."""
        return not self._back and self._next.exception() is not None

    def is_at_end(self):
        """Whether there is no chunk any more; waits for the next one."""
        pair = self.take()
        self.give_back([pair])
        return pair[0] is None


class _Run:
    """What :func:`run_chunks` is at.

    :ivar abreast: :class:`~.abreast.Abreast`; None: with one connection
    :ivar complete: whether all is stored
    """

    def __init__(self, cr, settings, batch_id, on_stored, commit, seconds):
        self._cr = cr
        self._given = (settings, batch_id, on_stored, commit)
        self._seconds = seconds
        self._begun = time.monotonic()
        self._stored_one = False
        self._expect_new = True
        self.abreast = None
        self.complete = False

    def is_late(self):
        """Whether the time is up, and some of it was used."""
        if not self._stored_one or self._seconds is None:
            return False
        return time.monotonic() - self._begun > self._seconds

    def store_next(self, ahead):
        """Store the next chunk, or several; False when there is none, or no time."""
        chunk, prepared = ahead.take()
        if chunk is None:
            self.complete = True
            return False
        if self.is_late():
            return False
        if self.abreast and self._expect_new:
            ahead.give_back([(chunk, prepared)])
            count, has_to_look = self.abreast.store(ahead, self.is_late)
            self._expect_new = not has_to_look
            if count:
                return True
            chunk, prepared = ahead.take()
        try:
            found = self._store(chunk, prepared, self._expect_new)
        except PortionTooLarge:
            # Each commits, so that the next run goes on where this one ended.
            for part in parts(chunk, MOST_RECORDS):
                if self.is_late():
                    return False
                found = self._store(part, None, False)
        # After the first known record more are likely: look before storing.
        self._expect_new = not found
        return True

    def _store(self, chunk, prepared, expect_new):
        found = _store_chunk(self._cr, chunk, prepared, *self._given, expect_new)
        self._stored_one = True
        return found


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
