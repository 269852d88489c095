# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A portion that cannot be stored: all of it is, but the record that is to blame.

It is halved until that record is alone, which becomes an exception; the rest is stored.
All of it happens in one transaction, with a savepoint for each half that is tried: what
is counted adds up, and a process that is killed has stored all of it or nothing.
"""

import logging
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import psycopg2

from ..connectors.formats import Chunk
from . import mapping
from .causes import cause_key
from .door import harmless_frame
from .outcome import Rejected
from .prepare import prepare
from .prepare_rejected import UNKNOWN_OF_BAD_LINES
from .store import Stored, store

_logger = logging.getLogger(__name__)

#: records that are halved in one transaction; of more the caller makes several portions
MOST_RECORDS = 2_000
#: SQL states of limits of PostgreSQL that a value exceeds, such as an index row's size
TOO_MUCH = "54"
OF_THE_DATA = (
    psycopg2.DataError,
    psycopg2.errors.NotNullViolation,
    psycopg2.errors.CheckViolation,
    psycopg2.errors.UniqueViolation,
)


class PortionTooLarge(Exception):
    """A portion fails, and is too large to be halved: store it as several."""


def is_of_the_data(error):
    """Whether something failed because of what a record says.

    All else is the machine's, another transaction's or the program's fault: the same
    records may be stored the next time. A key, an index, an attribute or a type that is
    not there is the program's: told of a record it would be wrong.
    """
    if isinstance(error, psycopg2.Error):
        return isinstance(error, OF_THE_DATA) or (error.pgcode or "").startswith(
            TOO_MUCH
        )
    # Those of Arrow and pandas, and of JSON and of texts' encodings, are among these.
    return isinstance(error, ValueError | ArithmeticError | RecursionError)


@contextmanager
def undone_when_it_fails(cr):
    """What fails inside is undone, so that the transaction can go on."""
    cr.execute("SAVEPOINT metered_portion")
    try:
        yield
    except Exception:
        cr.execute("ROLLBACK TO SAVEPOINT metered_portion")
        cr.execute("RELEASE SAVEPOINT metered_portion")
        raise
    cr.execute("RELEASE SAVEPOINT metered_portion")


def try_to_prepare(chunk, settings):
    """A prepared chunk; None where its data do not allow it."""
    try:
        return prepare(chunk.frame, chunk.line, chunk.bad, settings)
    except Exception as error:
        if not is_of_the_data(error):
            raise
        return None


def store_portion(cr, chunk, prepared, settings, batch_id, expect_new=True):
    """Store all records of a chunk; see above.

    :param cr: cursor; the source's lock is held, and the caller commits
    :param chunk: ``connectors.formats.Chunk``
    :param prepared: what :func:`try_to_prepare` made of it
    :param expect_new: see ``store.store``
    :return: (:class:`~.store.Stored`, whether known records were found, ids of the
        rates that were used)
    :raises PortionTooLarge: it is too large to be halved
    """
    try:
        with undone_when_it_fails(cr):
            if prepared is None:
                prepared = prepare(chunk.frame, chunk.line, chunk.bad, settings)
            stored, found = store(cr, prepared, settings, batch_id, expect_new)
            return stored, found, used_rates(prepared)
    except Exception as error:
        if not is_of_the_data(error):
            raise
        if chunk.records > MOST_RECORDS:
            raise PortionTooLarge from error
        if chunk.records == 1:
            _logger.info("Batch %s: a record is set aside: %r", batch_id, error)
            return _set_aside(cr, chunk, error, settings, batch_id), False, set()
    total, rates = Stored(0, 0, 0, 0, 0), set()
    for half in parts(chunk, -(-chunk.records // 2)):
        stored, _found, used = store_portion(cr, half, None, settings, batch_id, False)
        total, rates = total + stored, rates | used
    return total, True, rates


def parts(chunk, size):
    """A chunk as chunks of so many records, in the order of its lines."""
    lines = np.sort(
        np.concatenate([chunk.line, np.array([b.line for b in chunk.bad], np.int64)])
    )
    good = bad = 0
    for end in range(size, len(lines) + size, size):
        last = lines[min(end, len(lines)) - 1]
        good_end = int(np.searchsorted(chunk.line, last, side="right"))
        bad_end = min(end, len(lines)) - good_end
        yield Chunk(
            chunk.frame.iloc[good:good_end],
            chunk.line[good:good_end],
            chunk.first_record + good + bad,
            chunk.bad[bad:bad_end],
        )
        good, bad = good_end, bad_end


def used_rates(prepared):
    """Ids of the rates that a chunk's records were rated with."""
    rates = prepared.cdrs["rate_id"]
    return {int(rate) for rate in set(rates[rates > 0])}


def failure_text(error):
    """What a database or a library says of a record, in one line."""
    diag = getattr(error, "diag", None)
    text = (diag and diag.message_primary) or str(error) or type(error).__name__
    return text.splitlines()[0]


def _set_aside(cr, chunk, error, settings, batch_id):
    """Store a single record as an exception; once more without its text if need be."""
    nothing = prepare(chunk.frame.iloc[:0], chunk.line[:0], [], settings)
    for keep_text in (True, False):
        rejected = _rejected(chunk, error, settings, keep_text)
        try:
            with undone_when_it_fails(cr):
                prepared = replace(nothing, records=1, rejected=rejected)
                return store(cr, prepared, settings, batch_id, False)[0]
        except Exception as failure:
            if not keep_text or not is_of_the_data(failure):
                raise
    return None


def _rejected(chunk, error, settings, keep_text):
    """The one record of a chunk as :class:`~.outcome.Rejected`."""
    rejected = Rejected()
    readable = not chunk.bad
    if readable:
        [raw] = mapping.raw_texts(harmless_frame(chunk.frame), np.array([0]))
        line = int(chunk.line[0])
    else:
        raw, line = chunk.bad[0].raw, chunk.bad[0].line
    call_id = mapping.digest(raw)
    if readable and keep_text:
        try:
            [call_id] = mapping.call_ids(chunk.frame, settings.columns).to_pylist()
        except Exception as failure:
            if not is_of_the_data(failure):
                raise
    rejected.line.append(line)
    rejected.call_id.append(call_id)
    rejected.record_id.append(None)
    rejected.fingerprint.append(None)
    rejected.reason.append("unstorable")
    rejected.detail.append(failure_text(error))
    rejected.raw.append(raw if keep_text else ascii(raw))
    rejected.readable.append(readable and keep_text)
    rejected.row.append(-1)
    rejected.tried.append([])
    rejected.cause.append(
        cause_key(
            "unstorable", settings.source_id, failure_text(error), (), None, 0, 0, 0
        )
    )
    for name in UNKNOWN_OF_BAD_LINES:
        getattr(rejected, name).append(None)
    return rejected
