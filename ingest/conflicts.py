# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What passes by itself: others in the way, and a database that is away for a while.

The one list of it, the one loop that tries again, and the commit that no crash takes
back. Speaks to a database cursor and knows nothing of the ORM.
"""

import logging
import random
import sys
import threading
import time
from contextlib import contextmanager

import psycopg2
from psycopg2 import errors

from .disk import is_of_the_disk

#: attempts at a portion in a row; after them its job waits, with nothing locked
ATTEMPTS = 8
#: seconds that the first pause takes at most, doubled each time up to the longest
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2
#: how long a portion waits for a lock: what it saw would be out of date after it
LOCK_WAIT = "250ms"
#: another transaction holds, or has changed, what a portion needs
CONFLICTS = (
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
)
#: how the codes of PostgreSQL's other errors begin that pass
PASSING = (
    "08",  # connection
    "53",  # connections, memory or room on disk are used up
    "57",  # cancelled by a time-out, shut down, starting up
    "25P03",  # idle for too long inside of a transaction
    "25P04",  # the transaction took too long
)
_LASTING = """
    SELECT set_config('synchronous_commit', 'on', TRUE)
     WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')
"""
#: a commit of nothing would not wait for what was committed before
_SOMETHING = "SELECT pg_logical_emit_message(TRUE, 'metered_billing', '')"


class InTheWay(Exception):
    """Another transaction was in the way of a portion: begin it again."""


class StillInTheWay(InTheWay):
    """It was tried often enough for now: its job goes on later."""


def is_conflict(error):
    """Whether the same portion is worth trying again at once.

    :param error: exception
    :return: bool
    """
    return isinstance(error, (*CONFLICTS, InTheWay))


def is_temporary(error):
    """Whether an error passes by itself: what met it is tried again, and no failure.

    :param error: exception, or None
    :return: bool
    """
    if is_conflict(error) or is_of_the_disk(error):
        return True
    if not isinstance(error, psycopg2.Error):
        return False
    if error.pgcode:
        return error.pgcode.startswith(PASSING)
    # Without a code it does not come from the server: the connection is lost.
    return isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) or (
        type(error) is psycopg2.DatabaseError
    )


def pause(tried, first=FIRST_PAUSE, longest=LONGEST_PAUSE):
    """Seconds to wait after some attempts: a random part of a time that doubles.

    Whoever met each other does so no more when each waits for a time of its own.

    :param int tried: attempts so far, from 1
    :param first, longest: seconds
    :return: float
    """
    return random.uniform(0, min(longest, first * 2 ** min(tried, 32)))


def again(cr, work, commit):
    """Do a portion of work, again where others were in its way.

    Between two attempts nothing is locked. Conflicts are no errors in the log.

    :param cr: cursor
    :param work: function of the number of attempts that failed, which commits at its
        end
    :param commit: function that commits; None: the caller's transaction has it all,
        and whoever began that begins again
    :return: what ``work`` returns
    :raises StillInTheWay: after :data:`ATTEMPTS` attempts
    """
    if not commit:
        return work(0)
    failed = 0
    while True:
        try:
            with quietly():
                return work(failed)
        except Exception as error:
            if isinstance(error, StillInTheWay) or not is_conflict(error):
                raise
            # Not of a lost connection: that is no conflict.
            cr.rollback()
            failed += 1
            if failed == ATTEMPTS:
                raise StillInTheWay(str(error).strip()) from error
        time.sleep(pause(failed))


def wait_briefly(cr):
    """Let this transaction give up early where another one holds what it needs.

    What has to wait in a transaction with a snapshot is refused afterwards anyway,
    and all that it holds would have to wait with it.

    :param cr: cursor, at the beginning of a portion
    """
    cr.execute("SET LOCAL lock_timeout = %s", (LOCK_WAIT,))


def make_lasting(cr):
    """Have the next commit reach the disk with all that was committed before.

    Also where the server, the database or the user has ``synchronous_commit`` off. A
    stronger setting than ``on`` stays. For whatever promises something to others: an
    answer, a file that is put away, a cursor that moves on.

    :param cr: cursor; its transaction is committed afterwards
    """
    cr.execute(_LASTING)
    cr.execute(_SOMETHING)


# === THE LOG === #

_now = threading.local()


@contextmanager
def quietly():
    """Have what passes by itself written to the log as information."""
    before = getattr(_now, "quiet", False)
    _now.quiet = True
    try:
        yield
    finally:
        _now.quiet = before


class _Quiet(logging.Filter):
    """Odoo logs each query that fails as an error, also one that is tried again."""

    def filter(self, record):
        if (
            record.levelno > logging.INFO
            and getattr(_now, "quiet", False)
            and is_temporary(sys.exc_info()[1])
        ):
            record.levelno, record.levelname = logging.INFO, "INFO"
            return logging.getLogger(record.name).isEnabledFor(logging.INFO)
        return True


logging.getLogger("odoo.sql_db").addFilter(_Quiet())
