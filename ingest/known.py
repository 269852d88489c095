# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records that are known already: stored, or waiting as exceptions.

A record with the id of a known one is its duplicate where it says the same, and
otherwise an exception, *same id, other call*. Without id, one with the facts of a
known one is a duplicate where that came in another import and for the same customer;
in the same one, two records that differ in what is not mapped may be two calls, and a
person says so.
"""

import json
from collections import defaultdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .frames import copy_out
from .kept_samples import known_prints, known_samples, newest_kept
from .mapping import CONTENT
from .same_facts import KnownCalls, known_calls
from .same_records import Comparable, details, of_frame

_CDRS = """
    SELECT known.call_id, floor(extract(epoch FROM known.start_time))::bigint,
           trim_scale(known.quantity)::text, known.caller, known.callee, known.content
      FROM metered_cdr known
      JOIN unnest(%s::text[]) AS new (call_id) USING (call_id)
     WHERE known.source_id = %s
"""
_CDR_TYPES = {
    "call_id": pa.string(),
    "second": pa.int64(),
    "quantity": pa.string(),
    "caller": pa.string(),
    "callee": pa.string(),
    "content": pa.string(),
}
_EXCEPTIONS = """
    SELECT known.call_id, known.readable AND left(known.call_id, 8) != 'content:',
           coalesce(known.original, known.raw)
      FROM metered_exception known
      JOIN unnest(%s::text[]) AS new (call_id) USING (call_id)
     WHERE known.source_id = %s
"""
_PRINTS = """
    SELECT known.fingerprint,
           bool_or(known.batch_id = %s), bool_or(known.batch_id != %s),
           array_agg(coalesce(known.partner_id, 0))
      FROM {table} known
      JOIN unnest(%s::text[]) AS new (fingerprint) USING (fingerprint)
     WHERE known.source_id = %s
     GROUP BY known.fingerprint
"""


class Verdicts:
    """What of some records is known, table by table.

    :param ids: pyarrow strings: their ids; of records that have another one's, that
    :param prints: pyarrow strings: fingerprints, null where there is none
    :param of_rows: function (int64 array of rows) -> :class:`Comparable`
    :param partner_id: int64 array: who pays, 0 where that is not known
    :param is_read: bool array: which have columns that can be compared; None: all

    ``duplicate`` and ``other`` are bool arrays; ``detail`` tells of the others what was
    there first.
    """

    def __init__(self, ids, prints, of_rows, partner_id, is_read=None):
        self.ids = ids
        self.prints = prints
        self._of_rows = of_rows
        self._partner_id = partner_id
        self._is_read = np.ones(len(ids), bool) if is_read is None else is_read
        self.duplicate = np.zeros(len(ids), bool)
        self._differs = np.zeros(len(ids), bool)
        self.detail = {}
        #: what other imports have of them, see :meth:`look_for_facts`
        self.calls = KnownCalls()

    @property
    def other(self):
        """Which say something else than all known ones of their id."""
        return self._differs & ~self.duplicate

    @property
    def found(self):
        """Whether anything is known."""
        return bool(self.duplicate.any() or self._differs.any())

    def look(self, cr, table, settings, batch_id, rows=None):
        """Compare with what a table holds.

        :param table: ``metered_cdr`` or ``metered_exception``
        :param rows: int64 array; None: all
        """
        if rows is None:
            rows = np.arange(len(self.ids))
        if not len(rows):
            return
        ids = self.ids.take(pa.array(rows))
        old = self._maybe_thinned(cr, table, settings, rows)
        if table == "metered_cdr":
            thinned = ids.filter(pa.array(old)).to_pylist()
            known, comparable = _known_cdrs(cr, settings, ids.to_pylist(), thinned)
        else:
            known, comparable = _known_exceptions(cr, settings, ids.to_pylist())
        at = pc.fill_null(pc.index_in(ids, known), -1).to_numpy(zero_copy_only=False)
        mine = np.flatnonzero(at >= 0)
        if len(mine):
            self._compare(rows[mine], ids.take(pa.array(mine)), comparable, at[mine])
        self._look_for_prints(
            cr, table, settings, batch_id, rows[at < 0], rows[(at < 0) & old]
        )

    def _maybe_thinned(self, cr, table, settings, rows):
        """Which records are not newer than what was thinned, bool array."""
        newest = None
        if table == "metered_cdr" and settings.record_kind == "usage":
            newest = newest_kept(cr, settings.source_id)
        if newest is None:
            return np.zeros(len(rows), bool)
        return self._of_rows(rows).second <= newest

    def look_for_facts(self, cr, cdrs, settings, batch_id, rows=None):
        """Compare with the calls of other imports, whatever their ids.

        :param cdrs: dict of the records' columns, see :class:`~.outcome.Prepared`
        :param rows: int64 array; None: all
        """
        among = ~(self.duplicate | self._differs)
        if rows is not None:
            among &= np.isin(np.arange(len(among)), rows)
        if not among.any():
            return
        self.calls = known_calls(cr, cdrs, settings, batch_id, among)
        self.duplicate[self.calls.duplicates] = True
        self._differs[[*self.calls.doubtful]] = True
        self.detail.update(self.calls.doubtful)

    def _compare(self, rows, ids, comparable, at):
        is_read = self._is_read[rows]
        self.duplicate[rows[~is_read]] = True
        rows, at = rows[is_read], at[is_read]
        ids = ids.filter(pa.array(is_read))
        theirs = comparable.take(at)
        own = self._of_rows(rows)
        same = own.same_as(theirs)
        # Of these the id itself says that all is the same.
        same |= pc.starts_with(ids, CONTENT).to_numpy(zero_copy_only=False)
        same |= theirs.second == UNREADABLE
        self.duplicate[rows[same]] = True
        differ = np.flatnonzero(~same)
        self._differs[rows[differ]] = True
        texts = details(
            ids.take(pa.array(differ)).to_pylist(),
            theirs.take(differ),
            own.take(differ),
        )
        self.detail.update(zip(rows[differ].tolist(), texts, strict=True))

    def _look_for_prints(self, cr, table, settings, batch_id, rows, old):
        prints = self.prints.take(pa.array(rows))
        if prints.null_count == len(prints):
            return
        cr.execute(
            _PRINTS.format(table=table),
            (
                batch_id,
                batch_id,
                pc.drop_null(prints).to_pylist(),
                settings.source_id,
            ),
        )
        known = {text: places for text, *places in cr.fetchall()}
        thinned = pc.drop_null(self.prints.take(pa.array(old))).to_pylist()
        if thinned:
            for text, *places in known_prints(cr, settings.source_id, thinned):
                known.setdefault(text, places)
        if not known:
            return
        alike = []
        for row, text in zip(rows.tolist(), prints.to_pylist(), strict=True):
            here, elsewhere, partners = known.get(text, (False, False, ()))
            partner = int(self._partner_id[row])
            # Whoever is not known to pay does not tell them apart.
            if elsewhere and (not partner or 0 in partners or partner in partners):
                self.duplicate[row] = True
            elif here or elsewhere:
                self._differs[row] = True
                alike.append(row)
        if alike:
            own = self._of_rows(np.array(alike)).describe()
            self.detail.update(zip(alike, own, strict=True))


#: second of an exception whose columns cannot be told apart: its id is of its text
UNREADABLE = -2


def _known_cdrs(cr, settings, ids, thinned):
    """Stored records with these ids: (their ids, :class:`Comparable`).

    :param thinned: those of the ids that samples may have which were thinned
    """
    table = copy_out(cr, _CDRS, (ids, settings.source_id), _CDR_TYPES)
    if thinned:
        kept = known_samples(cr, settings.source_id, thinned, _CDR_TYPES)
        table = pa.concat_tables([table, kept])
    column = {
        name: table.column(name).combine_chunks() if table.num_rows else _none(kind)
        for name, kind in _CDR_TYPES.items()
    }
    return column["call_id"], Comparable(
        column["second"].to_numpy(zero_copy_only=False),
        column["quantity"],
        column["caller"],
        column["callee"],
        column["content"],
    )


def _known_exceptions(cr, settings, ids):
    """Exceptions with these ids, as their records came and are read today."""
    cr.execute(_EXCEPTIONS, (ids, settings.source_id))
    known, alike = [], defaultdict(list)
    for call_id, readable, raw in cr.fetchall():
        record = json.loads(raw) if readable else {}
        alike[tuple(record)].append((call_id, record))
    parts = []
    dtype = pd.ArrowDtype(pa.string())
    for names, rows in alike.items():
        known += [call_id for call_id, _record in rows]
        if not names:
            parts.append(_unreadable(len(rows)))
            continue
        frame = pd.DataFrame(
            {
                name: pd.array([record[name] for _id, record in rows], dtype=dtype)
                for name in names
            }
        )
        part = of_frame(frame, settings)
        if part.content is None:
            part.content = pa.nulls(len(rows), pa.string())
        parts.append(part)
    if not parts:
        return _none(pa.string()), _unreadable(0)
    return pa.array(known, pa.string()), Comparable(
        np.concatenate([part.second for part in parts]),
        *(
            pa.concat_arrays([getattr(part, name) for part in parts])
            for name in ("quantity", "caller", "callee", "content")
        ),
    )


def _unreadable(count):
    nothing = pa.nulls(count, pa.string())
    return Comparable(np.full(count, UNREADABLE, np.int64), *[nothing] * 4)


def _none(kind):
    return pa.array([], kind)
