# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Storing a chunk while the one before it is still being stored.

A connection keeps one processor of the database busy, and nearly all of what that does
for a chunk is the COPY of its CDRs, which needs nothing of the chunk before. So two
connections take turns: while one copies, the other one copies, too, or adds to usage
and commits. What others wait for is done in the order of the file, one chunk at a time,
and each chunk is committed whole: what is stored always is a beginning of the file.

It is for chunks that are new. Whatever comes up, what is not committed is rolled back
and given back, to be stored one after the other.
"""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc

from .conflicts import is_conflict
from .isolate import is_of_the_data, used_rates
from .reading_store import has_readings
from .store import Storing, lock_source, source_is_wanted


@dataclass(eq=False)
class Lane:
    """A connection that stores. It is used by one thread at a time: by one that copies,
    and, when that is done, by the one that began it.

    :ivar cr: its cursor, with nothing in its transaction
    :ivar on_stored: as in ``run.run_chunks``, in this connection's transaction
    """

    cr: object
    on_stored: object


class KnownRecords(Exception):
    """Some records are known: they are looked for before the chunk is stored."""


@dataclass(eq=False)
class _Flight:
    """A chunk that is being stored.

    :ivar made: future of what :meth:`~.store.Storing.copy_cdrs` tells of new usage
    :ivar copied: future of its :class:`~.store.Storing`, with the CDRs copied
    """

    lane: Lane
    item: tuple
    made: Future = field(default_factory=Future)
    copied: Future | None = None


class Abreast:
    """Stores chunks with several connections.

    :param cr: cursor that holds the source's lock meanwhile, and nothing else
    :param lanes: list of :class:`Lane`
    :param settings: :class:`~.settings.ImportSettings`
    :param batch_id: id of the batch, which other connections see
    :param commit: function that commits ``cr``, called after each chunk as well
    """

    def __init__(self, cr, lanes, settings, batch_id, commit):
        self.cr = cr
        self.lanes = lanes
        self.settings = settings
        self.batch_id = batch_id
        self.commit = commit

    def store(self, ahead, is_late):
        """Store what comes, as long as it can be stored so.

        :param ahead: :class:`~.run.Ahead`
        :param is_late: function: whether to begin no chunk any more
        :return: (number of chunks that were stored, whether the next one has to be
            looked at before it is stored)
        """
        flights = deque()
        with (
            lock_source(self.cr, self.settings.source_id, self.commit),
            ThreadPoolExecutor(len(self.lanes), "metered-copy") as pool,
        ):
            # It holds the lock, and no transaction.
            self.commit()
            try:
                return self._store(ahead, is_late, flights, pool), False
            except BaseException as error:
                done = self._give_back(ahead, flights)
                if not _is_for_one_alone(error):
                    raise
                return done, True

    def _store(self, ahead, is_late, flights, pool):
        self._done, last = 0, False
        while True:
            while not last and len(flights) < len(self.lanes):
                if flights and not ahead.is_ready(flights[0].copied):
                    break
                last = not self._begin_next(ahead, is_late, flights, pool)
            if not flights:
                return self._done
            self._finish(flights)

    def _is_wanted(self):
        """Whether another import of the source waits for its turn."""
        wanted = source_is_wanted(self.cr, self.settings.source_id)
        self.commit()
        return wanted

    def _begin_next(self, ahead, is_late, flights, pool):
        """Begin with the next chunk; False where it is not to be stored now, or so."""
        if (flights or self._done) and (is_late() or self._is_wanted()):
            return False
        if flights and ahead.has_failed():
            # What was prepared before is stored.
            return False
        item = ahead.take()
        if not _suits(item, flights):
            ahead.give_back([item])
            return False
        before = flights[-1] if flights else None
        busy = [flight.lane for flight in flights]
        flight = _Flight(next(lane for lane in self.lanes if lane not in busy), item)
        flights.append(flight)
        flight.copied = pool.submit(self._copy, flight, before)
        return True

    def _copy(self, flight, before):
        """All of a chunk that nobody waits for: its :class:`~.store.Storing`."""
        try:
            cr = flight.lane.cr
            cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            storing = Storing(cr, flight.item[1], self.settings, self.batch_id)
            storing.sort_out(look=False)
            if storing.found:
                raise KnownRecords
            made_beside = before.made.result() if before else None
            storing.copy_cdrs(made_beside, flight.made.set_result)
            return storing
        finally:
            # Who waits for it need not: this has failed, or it is known.
            flight.made.cancel()

    def _finish(self, flights):
        """Add what others wait for of the first chunk, and commit it."""
        flight = flights[0]
        stored = flight.copied.result().finish()
        flight.lane.on_stored(stored, used_rates(flight.item[1]))
        flight.lane.cr.commit()
        flights.popleft()
        self._done += 1
        self.commit()

    def _give_back(self, ahead, flights):
        """Undo what is not committed; the number of chunks that are."""
        for flight in flights:
            flight.made.cancel()
            if flight.copied and not flight.copied.done():
                # It need not copy on; what cannot be told so ends by itself.
                with suppress(psycopg2.Error):
                    flight.lane.cr.connection.cancel()
        for flight in flights:
            if flight.copied:
                wait([flight.copied])
            if not flight.lane.cr.closed:
                flight.lane.cr.rollback()
        ahead.give_back([flight.item for flight in flights])
        return self._done


def _is_for_one_alone(error):
    """Whether a chunk is worth storing again, one after the other."""
    return (
        isinstance(error, KnownRecords) or is_conflict(error) or is_of_the_data(error)
    )


def _suits(item, flights):
    """Whether a chunk can be stored beside the one before it.

    What they have in common is a matter of their order.
    """
    chunk, prepared = item
    if chunk is None or prepared is None or has_readings(prepared):
        return False
    return not flights or not _share_records(prepared, flights[-1].item[1])


def _share_records(one, other):
    """Whether two chunks have an id, or a fingerprint, in common.

    :param one, other: :class:`~.outcome.Prepared`
    """
    return any(
        _overlap(these, those) and pc.any(pc.is_in(these, value_set=those)).as_py()
        for these, those in zip(_told_by(one), _told_by(other), strict=True)
    )


def _overlap(these, those):
    """Whether texts can have one in common: those of many switches only grow."""
    if not len(these) or not len(those):
        return False
    first, last = pc.min_max(these).as_py().values()
    other_first, other_last = pc.min_max(those).as_py().values()
    return first <= other_last and other_first <= last


def _told_by(prepared):
    """What tells a chunk's records: their ids, and their fingerprints."""
    rejected, cdrs = prepared.rejected, prepared.cdrs
    ids = [*rejected.call_id, *(text for text in rejected.record_id if text)]
    for column, more in (("call_id", ids), ("fingerprint", rejected.fingerprint)):
        texts = pa.concat_arrays(
            [cdrs[column].cast(pa.string()), pa.array(more, pa.string())]
        )
        yield texts.drop_null()
