# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Storing a prepared chunk: its usage, then CDRs by COPY.

Speaks SQL through a database cursor and knows nothing of the ORM. Whoever calls holds
the source's lock (see :func:`lock_source`), so that two imports of one source take
turns chunk by chunk, and commits afterwards.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from .exception_store import store_exceptions
from .frames import COPY_BUFFER, copy_csv, decimals, ids_or_null
from .fraud_store import watch
from .kept_samples import newest_kept
from .legs import stored_links
from .marks import mark_alerts, mark_levels, mark_plans, note_change
from .quantities import quantity_column
from .reading_store import has_readings, store_readings, take_readings
from .same_facts import note_elsewhere, note_span
from .same_id import cdr_verdicts, note_others, rejected_cdrs, rejected_verdicts
from .usage_store import UsageRows, as_array

#: first key of the advisory locks of this module ("mbil")
LOCK_CLASS = 0x6D62696C

#: records that are written out, and copied, together
COPY_RECORDS = 25_000

CDR_COLUMNS = (
    "company_id",
    "source_id",
    "batch_id",
    "line",
    "call_id",
    "start_time",
    "duration",
    "quantity",
    "billed_quantity",
    "direction",
    "caller",
    "callee",
    "state",
    "rule_id",
    "meter_id",
    "destination_id",
    "partner_id",
    "identifier_id",
    "usage_id",
    "rate_id",
    "band_id",
    "charge",
    "currency_id",
    "properties",
    "fingerprint",
    "content",
    "linked_call",
)


@dataclass(frozen=True)
class Stored:
    """What became of a chunk's records; the four add up to the records read.

    :ivar suspicions: of toll fraud: :class:`~.fraud_store.Suspicion`
    """

    records: int
    rated: int
    not_billable: int
    duplicates: int
    exceptions: int
    suspicions: tuple = ()

    def __add__(self, other):
        names = self.__dataclass_fields__
        return Stored(*(getattr(self, n) + getattr(other, n) for n in names))


@contextmanager
def lock_source(cr, source_id, commit):
    """Hold a source for one chunk, across its commit.

    A lock of the session, taken in a transaction of its own: the transaction that
    stores begins after it was granted, and so sees what others stored before. Of usage
    that imports of other sources add to, it sees what they committed meanwhile, too:
    sums are added to whatever is there, and what was billed is looked at as it is.

    :param commit: function that commits; None inside a test, where the surrounding
        transaction has to do
    """
    if commit is None:
        cr.execute("SELECT pg_advisory_xact_lock(%s, %s)", (LOCK_CLASS, source_id))
        yield
        return
    cr.execute("SELECT pg_advisory_lock(%s, %s)", (LOCK_CLASS, source_id))
    commit()
    try:
        if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield
    except BaseException:
        # Or what is half done would be committed with the lock's release. The locks of
        # a connection that is lost are gone with it.
        if not cr.closed:
            cr.rollback()
            _unlock(cr, source_id, commit)
        raise
    _unlock(cr, source_id, commit)


def source_is_wanted(cr, source_id):
    """Whether another transaction waits for the source that this session holds."""
    cr.execute(
        """
        SELECT EXISTS (
            SELECT 1 FROM pg_locks
             WHERE locktype = 'advisory' AND NOT granted
               AND classid = %s AND objid = %s AND objsubid = 2
               AND database = (SELECT oid FROM pg_database
                                WHERE datname = current_database()))
        """,
        (LOCK_CLASS, source_id),
    )
    return cr.fetchone()[0]


def _unlock(cr, source_id, commit):
    cr.execute("SELECT pg_advisory_unlock(%s, %s)", (LOCK_CLASS, source_id))
    commit()


def store(cr, prepared, settings, batch_id, expect_new=True):
    """Store a chunk: CDRs, usage and exceptions.

    :param cr: cursor; the caller commits
    :param prepared: :class:`~.outcome.Prepared`
    :param settings: :class:`~.settings.ImportSettings`
    :param batch_id: id of the batch
    :param expect_new: True: try without looking for known records first, which costs
        nothing when there are none. The unique index finds them otherwise, and the
        chunk is stored once more without them.
    :return: (:class:`Stored`, whether known records were found)
    """
    storing = Storing(cr, prepared, settings, batch_id)
    # A ledger is asked about readings that are new.
    storing.sort_out(look=has_readings(prepared) or not expect_new)
    try:
        with _savepoint(cr):
            storing.copy_cdrs()
    except psycopg2.errors.UniqueViolation:
        storing.sort_out_again()
        if not storing.found:
            raise
        storing.copy_cdrs()
    return storing.finish(), storing.found


class Storing:
    """A chunk on its way into the database, in this order: :meth:`sort_out` what is
    known, :meth:`copy_cdrs`, :meth:`finish` with all that others wait for.

    Before :meth:`finish` it adds CDRs alone, for which no other transaction waits that
    does not import the same records.
    """

    def __init__(self, cr, prepared, settings, batch_id):
        self.cr = cr
        self.prepared = prepared
        self.settings = settings
        self.batch_id = batch_id
        self._known = _Known(cr, settings, batch_id)

    @property
    def found(self):
        """Whether any record is known already."""
        return self._known.found

    def sort_out(self, look):
        """Leave out what is known.

        :param look: whether to look among the stored CDRs, too
        """
        self._leave_out(look)
        self._exceptions, self._repeated = self._known.new_exceptions(self._left)

    def sort_out_again(self):
        """The same among stored CDRs, of which the unique index found one."""
        self._leave_out(True)

    def _leave_out(self, look):
        left, self._others = self._known.new_cdrs(self.prepared, look)
        if has_readings(self.prepared):
            left = take_readings(self.cr, left, self.settings)
        self._left = left

    def copy_cdrs(self, made_beside=None, on_made=None):
        """Find the usage of the chunk, and copy its CDRs.

        :param made_beside: ``made`` of the chunk before, while that is being stored
        :param on_made: called with that of this chunk as soon as it is known; None
            where there is none
        :raises psycopg2.errors.UniqueViolation: when a record is stored already
        """
        self._rows = copy_cdrs(
            self.cr, self._left, self.settings, self.batch_id, made_beside, on_made
        )

    def finish(self):
        """Add usage and exceptions: :class:`Stored`."""
        left, settings, batch_id = self._left, self.settings, self.batch_id
        suspicions = add_usage(self.cr, left, self._rows, settings, batch_id)
        note_elsewhere(self.cr, self._known.calls, batch_id)
        store_exceptions(self.cr, self._exceptions, settings, batch_id)
        fresh, known = self._known.without_known_keys(self._others)
        store_exceptions(self.cr, fresh, settings, batch_id)
        rated = int(left.cdrs["billable"].sum())
        return Stored(
            records=left.records,
            rated=rated,
            not_billable=left.cdr_count - rated,
            duplicates=left.duplicates + self._repeated + known,
            exceptions=len(self._exceptions) + len(fresh),
            suspicions=suspicions,
        )


@contextmanager
def _savepoint(cr):
    """Undo what fails inside, so that the transaction can go on."""
    cr.execute("SAVEPOINT metered_chunk")
    try:
        yield
    except psycopg2.Error:
        cr.execute("ROLLBACK TO SAVEPOINT metered_chunk")
        cr.execute("RELEASE SAVEPOINT metered_chunk")
        raise
    cr.execute("RELEASE SAVEPOINT metered_chunk")


def exceptions_exist(cr, source_id):
    """Whether any record of the source ever became an exception."""
    cr.execute(
        "SELECT EXISTS (SELECT 1 FROM metered_exception WHERE source_id = %s)",
        (source_id,),
    )
    return cr.fetchone()[0]


class _Known:
    """What of a chunk is known already.

    ``found`` tells whether any record was.
    """

    def __init__(self, cr, settings, batch_id):
        self.cr = cr
        self.settings = settings
        self.batch_id = batch_id
        self.found = False
        self._has_exceptions = exceptions_exist(cr, settings.source_id)
        # No unique index finds these.
        self._keeps_samples = (
            settings.record_kind == "usage"
            and newest_kept(cr, settings.source_id) is not None
        )

    def new_cdrs(self, prepared, look):
        """The chunk without the CDRs that are known, and those that are other records.

        :param look: whether to look among the stored ones, too
        :return: (:class:`~.outcome.Prepared`, :class:`~.outcome.Rejected`)
        """
        verdicts = cdr_verdicts(prepared)
        look = look or self._keeps_samples
        if self._has_exceptions:
            self._look(verdicts, "metered_exception")
            if not look:
                self._look(verdicts, "metered_cdr", np.flatnonzero(verdicts.other))
        if look:
            self._look(verdicts, "metered_cdr")
        verdicts.look_for_facts(self.cr, prepared.cdrs, self.settings, self.batch_id)
        self.calls = verdicts.calls
        self.found = self.found or verdicts.found
        others = np.flatnonzero(verdicts.other)
        left = prepared.select(~(verdicts.duplicate | verdicts.other), len(others))
        details = [verdicts.detail[row] for row in others.tolist()]
        return left, rejected_cdrs(prepared, others, details, self.settings)

    def _look(self, verdicts, table, rows=None):
        verdicts.look(self.cr, table, self.settings, self.batch_id, rows)

    def new_exceptions(self, prepared):
        """The rejected records that are not known yet, and how many were."""
        rejected = prepared.rejected
        if not len(rejected):
            return rejected, 0
        verdicts = rejected_verdicts(prepared, self.settings)
        for table in ("metered_exception", "metered_cdr"):
            self._look(verdicts, table)
        # The chunk itself stays as it is: it may have to be stored once more.
        rejected = note_others(rejected, verdicts, prepared.frame, self.settings)
        rejected, known = self.without_known_keys(rejected, ~verdicts.duplicate)
        return rejected, known

    def without_known_keys(self, rejected, mask=None):
        """Rejected records that are no exceptions yet, and how many are left out.

        :param mask: bool array: which of them to keep at most
        """
        if mask is None:
            mask = np.ones(len(rejected), bool)
        keys = [text for text, kept in zip(rejected.call_id, mask, strict=True) if kept]
        known = set()
        if keys:
            self.cr.execute(
                "SELECT call_id FROM metered_exception"
                " WHERE source_id = %s AND call_id = ANY(%s)",
                (self.settings.source_id, keys),
            )
            known.update(row[0] for row in self.cr.fetchall())
        new, seen = [], set()
        for text, kept in zip(rejected.call_id, mask, strict=True):
            new.append(bool(kept) and text not in known and text not in seen)
            seen.add(text)
        rejected = copy(rejected)
        rejected.keep(new)
        return rejected, new.count(False)


def store_cdrs(cr, prepared, settings, batch_id):
    """Copy a chunk's CDRs and add its usage.

    :return: as :func:`add_usage`
    :raises psycopg2.errors.UniqueViolation: when a record is stored already
    """
    rows = copy_cdrs(cr, prepared, settings, batch_id)
    return add_usage(cr, prepared, rows, settings, batch_id)


def copy_cdrs(cr, prepared, settings, batch_id, made_beside=None, on_made=None):
    """The first half of :func:`store_cdrs`; see :meth:`Storing.copy_cdrs`.

    :return: :class:`~.usage_store.UsageRows`; None where there is no CDR
    """
    if not prepared.cdr_count:
        if on_made:
            on_made(None)
        return None
    if has_readings(prepared):
        store_readings(cr, prepared, settings, batch_id)
    rows = UsageRows(
        cr,
        prepared.usage,
        settings.company_id,
        _first_cdrs(prepared.usage_of, len(prepared.usage)),
        made_beside,
    )
    if on_made:
        on_made(rows.made)
    usage_id = np.append(rows.ids, 0)[prepared.usage_of]
    table = cdr_table(prepared.cdrs, usage_id, settings, batch_id)
    for text in _texts(table):
        copy_text(cr, text)
    return rows


def copy_text(cr, text):
    """Copy CDRs, written as :func:`~.frames.copy_csv` does."""
    cr.copy_expert(
        f"COPY metered_cdr ({', '.join(CDR_COLUMNS)}) FROM STDIN (FORMAT csv)",
        text,
        size=COPY_BUFFER,
    )


def add_usage(cr, prepared, rows, settings, batch_id):
    """The second half of :func:`store_cdrs`: what others wait for.

    :param rows: what :func:`copy_cdrs` returned
    :return: tuple of :class:`~.fraud_store.Suspicion`
    """
    if rows is None:
        return ()
    stored = rows.ids.copy()
    note_span(cr, prepared.cdrs, batch_id)
    # Others wait for these, so they come last.
    rows.add_new()
    if settings.plan_partners:
        mark_plans(cr, prepared.usage, settings)
    if settings.alert_partners:
        mark_alerts(cr, prepared.usage, settings)
    rows.add_to_known()
    if settings.sealed:
        note_change(cr, rows.ids.tolist(), "imported", f"import {batch_id}")
    if settings.record_kind == "usage":
        mark_levels(cr, rows.ids.tolist())
    moved = np.flatnonzero(rows.ids != stored)
    if len(moved):
        of_moved = np.isin(prepared.usage_of, moved)
        _move(
            cr,
            settings.source_id,
            prepared.cdrs["call_id"].filter(pa.array(of_moved)),
            rows.ids[prepared.usage_of[of_moved]],
        )
    return watch(cr, prepared.cdrs, settings)


def _first_cdrs(usage_of, count):
    """Position of the first CDR of each usage row, int64 array."""
    first = np.zeros(count + 1, np.int64)
    # What is written last stays; without usage, -1, is the place after all rows.
    first[usage_of[::-1]] = np.arange(len(usage_of))[::-1]
    return first[:count]


def _texts(table):
    """A table in parts, as text; one is written while the one before is stored."""
    with ThreadPoolExecutor(1, "metered-text") as pool:
        written = None
        for first in range(0, table.num_rows, COPY_RECORDS):
            ahead = pool.submit(copy_csv, table.slice(first, COPY_RECORDS))
            if written:
                yield written.result()
            written = ahead
        if written:
            yield written.result()


def _move(cr, source_id, call_ids, usage_ids):
    """Tell CDRs that were just stored the usage that has them instead."""
    cr.execute(
        """
        UPDATE metered_cdr cdr SET usage_id = new.usage_id
          FROM unnest(%s::text[], %s::int[]) AS new (call_id, usage_id)
         WHERE cdr.source_id = %s AND cdr.call_id = new.call_id
        """,
        (call_ids.to_pylist(), as_array(usage_ids), source_id),
    )


def _states(cdrs):
    """Whether records are charged, by themselves or as readings of a counter."""
    states = pc.if_else(pa.array(cdrs["billable"]), "rated", "not_billable")
    if "is_reading" in cdrs:
        states = pc.if_else(pa.array(cdrs["is_reading"]), "reading", states)
    return states


def cdr_table(cdrs, usage_id, settings, batch_id):
    """The rows of ``metered_cdr`` as an Arrow table in the order of the COPY.

    :param cdrs: dict of columns as in :class:`~.outcome.Prepared`
    :param usage_id: int64 array, 0 for none
    """
    billable = cdrs["billable"]
    count = len(billable)
    # What is priced on the aggregate of a period has no charge of its own.
    rated = cdrs.get("charged", billable)

    def constant(value):
        return pa.repeat(pa.scalar(value, pa.int32()), count)

    def charged(values):
        """Null where nothing is charged, so that no average counts these."""
        return pa.array(values, mask=~rated)

    columns = {
        "company_id": constant(settings.company_id),
        "source_id": constant(settings.source_id),
        "batch_id": constant(batch_id),
        "line": pa.array(cdrs["line"]),
        "call_id": cdrs["call_id"],
        "start_time": pa.array(cdrs["start_us"].view("datetime64[us]")),
        "duration": pa.array(cdrs["duration"]),
        "quantity": quantity_column(cdrs["quantity"]),
        "billed_quantity": charged(cdrs["billed_seconds"]),
        "direction": cdrs["direction"],
        "caller": cdrs["caller"],
        "callee": cdrs["callee"],
        "state": _states(cdrs),
        "rule_id": ids_or_null(cdrs["rule_id"]),
        "meter_id": ids_or_null(cdrs["meter_id"]),
        "destination_id": ids_or_null(cdrs["destination_id"]),
        "partner_id": ids_or_null(cdrs["partner_id"]),
        "identifier_id": ids_or_null(cdrs["identifier_id"]),
        "usage_id": ids_or_null(usage_id),
        "rate_id": ids_or_null(cdrs["rate_id"]),
        "band_id": ids_or_null(cdrs["band_id"]),
        "charge": decimals(cdrs["charge_micro"], 6, ~rated),
        "currency_id": ids_or_null(cdrs["currency_id"]),
        "properties": cdrs.get("properties", pa.nulls(count, pa.string())),
        "fingerprint": cdrs["fingerprint"],
        "content": cdrs.get("content", pa.nulls(count, pa.string())),
        "linked_call": pa.nulls(count, pa.int64()),
    }
    if "linked_call" in cdrs:
        links = stored_links(cdrs["linked_call"], cdrs["quantity"])
        columns["linked_call"] = links
    return pa.table({name: columns[name] for name in CDR_COLUMNS})
