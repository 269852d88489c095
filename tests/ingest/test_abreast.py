# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Chunks that several connections store, whatever fails: each once, in their order."""

import threading
import unittest
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg2 import errors

from odoo.addons.metered_billing.ingest import abreast, run
from odoo.addons.metered_billing.ingest.abreast import Lane
from odoo.addons.metered_billing.ingest.outcome import Prepared, Rejected

from ..support.plain_settings import make_settings

SETTINGS = make_settings(["+14045550100"])
#: what can be stored again, one after the other, and what ends the run
PASSING = (errors.DeadlockDetected, errors.UniqueViolation, ValueError)
ENDING = (RuntimeError, errors.AdminShutdown, KeyError)
STEPS = ("prepare", "find", "copy", "finish", "count", "commit")


@dataclass
class Chunk:
    number: int
    ids: tuple = ()
    records: int = 1


@dataclass
class Database:
    """What is committed.

    :ivar failures: dict (step, number) -> error, where it fails
    :ivar shared: numbers of chunks with records of the one before
    """

    failures: dict = field(default_factory=dict)
    shared: set = field(default_factory=set)
    committed: list = field(default_factory=list)
    taken: int = 0
    most_ahead: int = 0
    abreast: int = 0

    def reach(self, step, number):
        """Fail here, once."""
        error = self.failures.pop((step, number), None)
        if error is not None:
            raise error


class Cursor:
    """Refuses to be used by two threads at a time."""

    closed = False

    def __init__(self, database):
        self.database = database
        self.pending = []
        self._used = threading.Lock()
        self.connection = self

    @contextmanager
    def used(self):
        if not self._used.acquire(blocking=False):
            raise AssertionError("Two threads use one cursor.")
        try:
            yield
        finally:
            self._used.release()

    def execute(self, _statement):
        with self.used():
            if self.pending:
                raise AssertionError("The transaction has something in it.")

    def cancel(self):
        """The one thing that another thread may do."""

    def commit(self):
        with self.used():
            for number in self.pending:
                self.database.reach("commit", number)
            self.database.committed += self.pending
            self.pending = []

    def rollback(self):
        with self.used():
            self.pending = []


class Storing:
    found = False

    def __init__(self, cr, prepared, _settings, _batch_id):
        self.cr = cr
        self.number = prepared.number

    def sort_out(self, look):
        with self.cr.used():
            self.cr.database.reach("find", self.number)

    def copy_cdrs(self, made_beside, on_made):
        database = self.cr.database
        with self.cr.used():
            # What the chunk before makes is known, or was committed.
            if made_beside is None:
                before = [*range(self.number)]
                if database.committed[: self.number] != before:
                    raise AssertionError("The chunk before is not known.")
            elif made_beside != self.number - 1:
                raise AssertionError("Not of the chunk before.")
            elif self.number in database.shared:
                raise AssertionError("It has records of the one beside.")
            on_made(self.number)
            self.cr.pending.append(self.number)
            database.reach("copy", self.number)

    def finish(self):
        with self.cr.used():
            self.cr.database.reach("finish", self.number)
        return self.number


def prepared_of(ids, rejected=(), prints=()):
    """A chunk of CDRs with these ids, and of rejected records."""
    out = Rejected(
        call_id=list(rejected),
        record_id=[None] * len(rejected),
        fingerprint=[None] * len(rejected),
    )
    prints = [*prints, *[None] * (len(ids) - len(prints))]
    cdrs = {
        "call_id": pa.array(ids, pa.string()),
        "fingerprint": pa.array(prints, pa.string()),
    }
    return Prepared(len(ids), cdrs, np.zeros(len(ids)), None, out, 0)


class TestAbreast(unittest.TestCase):
    def run_all(self, database, count, late=None, wanted=()):
        """Store so many chunks; whether all were.

        :param late: the time is up when so many are committed
        :param wanted: numbers of committed chunks after which others want the source
        """
        main = Cursor(database)
        lanes = [Lane(Cursor(database), None), Lane(Cursor(database), None)]
        for lane in lanes:
            lane.on_stored = lambda number, _rates: database.reach("count", number)

        def prepare(chunk, _settings):
            database.reach("prepare", chunk.number)
            chunk.taken = True
            database.taken += 1
            ahead = database.taken - len(database.committed)
            database.most_ahead = max(ahead, database.most_ahead)
            return chunk

        def store_alone(cr, chunk, _prepared, _settings, _batch, _on, _commit, _new):
            if [*range(chunk.number)] != database.committed:
                raise AssertionError("Not the next one.")
            database.committed.append(chunk.number)
            return False

        def finish(self, flights):
            database.abreast += 1
            return original(self, flights)

        def share(one, _other):
            return one.number in database.shared

        original = abreast.Abreast._finish
        wanted = set(wanted)

        def is_wanted(_cr, _source):
            number = len(database.committed)
            found = number in wanted
            wanted.discard(number)
            return found

        with ExitStack() as stack:
            for owner, name, value in (
                (run, "try_to_prepare", prepare),
                (run, "_store_chunk", store_alone),
                (abreast, "Storing", Storing),
                (abreast, "lock_source", lambda *_given: nullcontext()),
                (abreast, "source_is_wanted", is_wanted),
                (abreast, "has_readings", lambda _prepared: False),
                (abreast, "used_rates", lambda _prepared: set()),
                (
                    abreast,
                    "_share_records",
                    lambda one, _other: one.number in database.shared,
                ),
                (abreast.Abreast, "_finish", finish),
            ):
                stack.enter_context(patch.object(owner, name, value))
            if late is not None:
                late_now = property(
                    lambda _run: lambda: len(database.committed) >= max(late, 1)
                )
                stack.enter_context(patch.object(run._Run, "is_late", late_now))
            try:
                return run.run_chunks(
                    main,
                    (Chunk(number) for number in range(count)),
                    SETTINGS,
                    1,
                    None,
                    main.commit,
                    None,
                    lambda: nullcontext(lanes),
                )
            finally:
                # Nothing is half done.
                self.assertFalse(main.pending)
                self.assertFalse([lane for lane in lanes if lane.cr.pending])
                done = database.committed
                self.assertEqual(done, [*range(len(done))])

    @settings(max_examples=300, deadline=None)
    @given(
        st.integers(0, 9),
        st.dictionaries(
            st.tuples(st.sampled_from(STEPS), st.integers(0, 8)),
            st.sampled_from(PASSING),
            max_size=4,
        ),
        st.sets(st.integers(0, 8)),
        st.sets(st.integers(0, 8)),
    )
    def test_what_passes(self, count, failures, shared, wanted):
        failures = {
            (step, number): error("passes")
            for (step, number), error in failures.items()
            # What cannot be prepared is none of these.
            if step != "prepare"
        }
        database = Database(failures, shared)
        self.assertTrue(self.run_all(database, count, wanted=wanted))
        self.assertEqual(database.committed, [*range(count)])

    @settings(max_examples=300, deadline=None)
    @given(
        st.integers(2, 9),
        st.sampled_from(STEPS),
        st.integers(0, 8),
        st.sampled_from(ENDING),
    )
    def test_what_ends_it(self, count, step, number, error):
        """All before it is committed, nothing of it or after it; then it goes on."""
        number %= count
        database = Database({(step, number): error("ends")})
        try:
            self.run_all(database, count)
        except error:
            self.assertEqual(database.committed, [*range(number)])
        else:
            # The first one is stored alone, without these steps.
            self.assertEqual(number, 0)
            self.assertNotEqual(step, "prepare")
            self.assertEqual(database.committed, [*range(count)])

    def test_with_two_connections(self):
        database = Database()
        self.run_all(database, 9)
        self.assertEqual(database.abreast, 8)
        # Two are stored, one waits, and one is being prepared.
        self.assertLessEqual(database.most_ahead, 4)

    @settings(deadline=None)
    @given(st.integers(2, 9), st.integers(0, 9))
    def test_time_that_is_up(self, count, late):
        database = Database()
        complete = self.run_all(database, count, late)
        done = len(database.committed)
        self.assertEqual(complete, done == count)
        # What is begun is stored.
        self.assertLessEqual(done, max(late, 1) + 1)
        self.assertGreaterEqual(done, min(max(late, 1), count))

    def test_records_in_common(self):
        for one, other, shared in (
            (prepared_of(["a", "b"]), prepared_of(["c"]), False),
            (prepared_of(["a", "b"]), prepared_of(["c", "b"]), True),
            (prepared_of(["a"], ["x"]), prepared_of(["x"]), True),
            (prepared_of(["x"]), prepared_of(["a"], ["x"]), True),
            (prepared_of(["a"], ["x"]), prepared_of(["b"], ["y"]), False),
            (prepared_of(["a"], (), ["f"]), prepared_of(["b"], (), ["f"]), True),
            (prepared_of(["f"]), prepared_of(["b"], (), ["f"]), False),
            (prepared_of(["a", "b"]), prepared_of(["c", "d"]), False),
            (prepared_of(["c", "d"]), prepared_of(["b", "a"]), False),
            (prepared_of(["a", "c"]), prepared_of(["b", "d"]), False),
            (prepared_of(["c", "a"]), prepared_of(["d", "c"]), True),
            (prepared_of(["d", "c"]), prepared_of(["a", "c"]), True),
            (prepared_of([]), prepared_of([]), False),
        ):
            with self.subTest(one=ascii(one.cdrs), other=ascii(other.cdrs)):
                self.assertIs(bool(abreast._share_records(one, other)), shared)

    def test_records_that_have_the_id_of_another(self):
        one, other = prepared_of(["a"], ["b:digest"]), prepared_of(["b"])
        one.rejected.record_id = ["b"]
        self.assertTrue(abreast._share_records(one, other))
        one.rejected.record_id = [None]
        one.rejected.fingerprint = ["print"]
        self.assertFalse(abreast._share_records(one, other))
        other.cdrs["fingerprint"] = pa.array(["print"])
        self.assertTrue(abreast._share_records(one, other))
