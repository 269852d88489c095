# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Taking exceptions through the pipeline once more.

Speaks SQL through a database cursor. Whoever calls holds the source's lock and commits
afterwards: a record's CDR, its usage, its exception's state and its batch's counters
change in one transaction, so that a process that is killed loses and doubles nothing.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from ..connectors.harmless import shown
from . import mapping
from .causes import cause_key
from .direction_columns import UNREAD
from .exception_store import update_exceptions
from .isolate import failure_text, is_of_the_data, undone_when_it_fails
from .prepare import prepare
from .reading_store import has_readings, take_readings
from .same_id import cdr_verdicts, rejected_cdrs
from .same_records import MARK
from .shifted_calls import SHIFTED
from .store import store_cdrs
from .told_zone import TITLE


@dataclass
class Retried:
    """What became of the exceptions of one batch."""

    rated: int = 0
    not_billable: int = 0
    duplicates: int = 0
    rate_ids: set = field(default_factory=set)
    #: of toll fraud: :class:`~.fraud_store.Suspicion`
    suspicions: tuple = ()

    @property
    def cured(self):
        """Records that are no exceptions any more."""
        return self.rated + self.not_billable + self.duplicates

    def __iadd__(self, other):
        self.rated += other.rated
        self.not_billable += other.not_billable
        self.duplicates += other.duplicates
        self.rate_ids |= other.rate_ids
        self.suspicions += other.suspicions
        return self


def retry_exceptions(cr, settings, ids):
    """Rate exceptions of one source again, as of ``settings``.

    What is cured becomes CDRs of the original import. What is not stays open, with the
    reason as it is now. Left alone is what is not open any more, whose columns could
    not be told apart, and what belongs to an import that is being undone.

    :param cr: cursor; the source's lock is held
    :param settings: :class:`~.settings.ImportSettings` of the source
    :param ids: ids of the exceptions
    :return: dict batch id -> :class:`Retried`; the caller counts them on the batches
    """
    cr.execute(
        """
        SELECT exception.id, exception.batch_id, exception.line, exception.raw,
               exception.call_id, exception.record_id, exception.is_other,
               exception.reason = 'unclear_duration' AND exception.original IS NULL
               AND position(%s IN coalesce(exception.detail, '')) = 0,
               exception.reason = 'unknown_direction' AND exception.original IS NULL,
               exception.reason = 'same_id' AND exception.detail LIKE %s,
               CASE WHEN exception.reason = 'unclear_time'
                     AND exception.original IS NULL AND exception.detail LIKE %s
                    THEN exception.detail ELSE '' END
          FROM metered_exception exception
          JOIN metered_batch batch ON batch.id = exception.batch_id
         WHERE exception.id = ANY(%s) AND exception.source_id = %s
           AND exception.state = 'open' AND exception.readable
           AND batch.state NOT IN ('undoing', 'undone')
         ORDER BY exception.batch_id, exception.id
           FOR UPDATE OF exception
        """,
        (UNREAD, f"%{SHIFTED}%", f"{TITLE}%", list(ids), settings.source_id),
    )
    # Of several with one id the first is stored, and the others are compared with it.
    alike, turns = defaultdict(list), Counter()
    for row in cr.fetchall():
        record, target = json.loads(row[3]), _target_id(row)
        alike[turns[target], row[1], tuple(record), row[7:]].append((row, record))
        turns[target] += 1
    outcome = defaultdict(Retried)
    for (_turn, batch_id, _names, doubted), rows in sorted(
        alike.items(), key=lambda item: item[0][0]
    ):
        # A whole number that was doubted among decimals is, alone, no clearer. Nor is
        # a record without direction, or a call of a file that came at other times.
        as_then = replace(
            settings,
            doubts_durations=doubted[0],
            doubts_directions=doubted[1],
            doubts_times=doubted[2],
            titles=doubted[3],
        )
        outcome[batch_id] += _retry_each(cr, as_then, batch_id, rows)
    return dict(outcome)


def _retry_each(cr, settings, batch_id, rows):
    """The same as :func:`_retry_alike`; what cannot be stored stays open by itself."""
    try:
        with undone_when_it_fails(cr):
            return _retry_alike(cr, settings, batch_id, rows)
    except Exception as error:
        if not is_of_the_data(error):
            raise
        if len(rows) == 1:
            _note_failure(cr, settings, rows[0][0][0], error)
            return Retried()
    half = len(rows) // 2
    retried = _retry_each(cr, settings, batch_id, rows[:half])
    retried += _retry_each(cr, settings, batch_id, rows[half:])
    return retried


def _note_failure(cr, settings, exception_id, error):
    detail = shown(failure_text(error))
    cause = cause_key("unstorable", settings.source_id, detail, (), None, 0, 0, 0)
    cr.execute(
        """
        UPDATE metered_exception
           SET reason = 'unstorable', detail = %s, cause = %s,
               attempts = coalesce(attempts, 0) + 1,
               write_date = now() AT TIME ZONE 'UTC'
         WHERE id = %s
        """,
        (detail, cause, exception_id),
    )


def _retry_alike(cr, settings, batch_id, rows):
    """Retry exceptions of one batch whose records have the same columns."""
    dtype = pd.ArrowDtype(pa.string())
    frame = pd.DataFrame(
        {
            name: pd.array([record[name] for _row, record in rows], dtype=dtype)
            for name in rows[0][1]
        }
    )
    # Their own ids, of which each is there once; what they are stored with comes later.
    exception_of = {row[4]: row[0] for row, _record in rows}
    call_ids = list(exception_of)
    targets = {row[4]: _target_id(row) for row, _record in rows}
    prepared = prepare(
        frame,
        np.array([row[2] for row, _record in rows], np.int64),
        [],
        settings,
        ids=pa.array(call_ids, pa.string()),
        has_id=np.array(
            [
                row[6] or not targets[row[4]].startswith(mapping.CONTENT)
                for row, _record in rows
            ],
            bool,
        ),
    )
    own_ids = prepared.cdrs["call_id"].to_pylist()
    prepared.cdrs["call_id"] = pa.array(
        [targets[own_id] for own_id in own_ids], pa.string()
    )
    verdicts = cdr_verdicts(prepared)
    verdicts.look(cr, "metered_cdr", settings, batch_id)
    # Nor before the record that had the id first, while that waits itself.
    record_ids = {row[4]: row[5] for row, _record in rows if not row[6]}
    renamed = [bool(record_ids.get(own_id)) for own_id in own_ids]
    verdicts.look(cr, "metered_exception", settings, batch_id, np.flatnonzero(renamed))
    # Unless a person said that it is another call.
    said = {row[4] for row, _record in rows if row[6]}
    asked = [own_id not in said for own_id in own_ids]
    verdicts.look_for_facts(
        cr, prepared.cdrs, settings, batch_id, np.flatnonzero(asked)
    )
    others = np.flatnonzero(verdicts.other)
    details = [verdicts.detail[at] for at in others.tolist()]
    same = rejected_cdrs(prepared, others, details, settings)
    left = prepared.select(~(verdicts.duplicate | verdicts.other), len(others))
    if has_readings(left):
        left = take_readings(cr, left, settings)
    suspicions = store_cdrs(cr, left, settings, batch_id)
    rejected = left.rejected
    open_ids = [exception_of[call_ids[row]] for row in rejected.row]
    update_exceptions(cr, open_ids, rejected, settings)
    other_ids = [exception_of[own_ids[at]] for at in others.tolist()]
    update_exceptions(cr, other_ids, same, settings)
    open_ids += other_ids
    cured = {row[0] for row, _record in rows} - set(open_ids)
    cr.execute(
        """
        UPDATE metered_exception
           SET state = 'resolved', attempts = coalesce(attempts, 0) + 1,
               write_date = now() AT TIME ZONE 'UTC'
         WHERE id = ANY(%s)
        """,
        (list(cured),),
    )
    rated = int(left.cdrs["billable"].sum())
    rates = left.cdrs["rate_id"]
    return Retried(
        rated=rated,
        not_billable=left.cdr_count - rated,
        duplicates=len(cured) - left.cdr_count,
        rate_ids={int(rate) for rate in set(rates[rates > 0])},
        suspicions=suspicions,
    )


def _target_id(row):
    """The id that an exception's record is stored with."""
    call_id, record_id, is_other = row[4:7]
    if not is_other:
        return record_id or call_id
    has_own = record_id or call_id.startswith(mapping.CONTENT)
    return call_id if has_own else call_id + MARK


def corrected_id(record, settings):
    """The call id that a record has once its columns can be told apart.

    :param record: dict column -> text
    :return: str
    """
    dtype = pd.ArrowDtype(pa.string())
    frame = pd.DataFrame(
        {name: pd.array([text], dtype=dtype) for name, text in record.items()}
    )
    return mapping.call_ids(frame, settings.columns)[0].as_py()
