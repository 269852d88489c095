# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What counts as passing by itself, and how it is tried again."""

import logging
import unittest
from unittest.mock import Mock, patch

import psycopg2
from psycopg2 import errorcodes, errors

from odoo.addons.metered_billing.ingest import conflicts
from odoo.addons.metered_billing.ingest.conflicts import (
    ATTEMPTS,
    StillInTheWay,
    again,
    is_conflict,
    is_temporary,
    pause,
)
from odoo.addons.metered_billing.ingest.usage_store import UsageTaken

AT_ONCE = ("SERIALIZATION_FAILURE", "DEADLOCK_DETECTED", "LOCK_NOT_AVAILABLE")
LATER = (
    "QUERY_CANCELED",
    "ADMIN_SHUTDOWN",
    "CRASH_SHUTDOWN",
    "CANNOT_CONNECT_NOW",
    "CONNECTION_FAILURE",
    "CONNECTION_EXCEPTION",
    "TOO_MANY_CONNECTIONS",
    "DISK_FULL",
    "OUT_OF_MEMORY",
    "IDLE_IN_TRANSACTION_SESSION_TIMEOUT",
)
NEVER = (
    "UNIQUE_VIOLATION",
    "FOREIGN_KEY_VIOLATION",
    "CHECK_VIOLATION",
    "UNDEFINED_TABLE",
    "UNDEFINED_COLUMN",
    "SYNTAX_ERROR",
    "NUMERIC_VALUE_OUT_OF_RANGE",
    "CHARACTER_NOT_IN_REPERTOIRE",
    "IN_FAILED_SQL_TRANSACTION",
    "INSUFFICIENT_PRIVILEGE",
    "READ_ONLY_SQL_TRANSACTION",
)


def raised(name):
    """An error as PostgreSQL raises it, with its code."""
    code = getattr(errorcodes, name)
    return type(name, (errors.lookup(code),), {"pgcode": code})("said so")


class TestConflicts(unittest.TestCase):
    def test_every_error(self):
        """One list: what is tried at once, later, and never."""
        for name in AT_ONCE:
            with self.subTest(name=name):
                self.assertTrue(is_conflict(raised(name)))
                self.assertTrue(is_temporary(raised(name)))
        for name in LATER:
            with self.subTest(name=name):
                self.assertFalse(is_conflict(raised(name)))
                self.assertTrue(is_temporary(raised(name)))
        for name in NEVER:
            with self.subTest(name=name):
                self.assertFalse(is_temporary(raised(name)))
        for error in (ValueError("08"), KeyError("40001"), OSError("57"), None):
            self.assertFalse(is_temporary(error), error)

    def test_a_lost_connection_has_no_code(self):
        for error in (
            psycopg2.OperationalError("server closed the connection unexpectedly"),
            psycopg2.InterfaceError("connection already closed"),
            psycopg2.DatabaseError("error with status PGRES_TUPLES_OK"),
        ):
            self.assertTrue(is_temporary(error), error)
            self.assertFalse(is_conflict(error), error)

    def test_pauses_are_random_and_bounded(self):
        for tried in (1, 2, 5, 1000):
            found = {pause(tried, 5, 60) for _number in range(50)}
            self.assertGreater(len(found), 40)
            self.assertTrue(0 <= min(found) and max(found) <= min(60, 5 * 2**tried))

    def test_again(self):
        """Nothing is locked while it waits, and a real error comes through at once."""
        calls = Mock()
        with patch.object(conflicts.time, "sleep", calls.sleep):
            calls.work.side_effect = [UsageTaken(), raised("DEADLOCK_DETECTED"), "done"]
            self.assertEqual(again(calls.cr, calls.work, calls.commit), "done")
        self.assertEqual(
            [call[0] for call in calls.mock_calls],
            ["work", "cr.rollback", "sleep", "work", "cr.rollback", "sleep", "work"],
        )
        self.assertEqual(
            [call.args for call in calls.work.mock_calls], [(0,), (1,), (2,)]
        )

        calls = Mock()
        calls.work.side_effect = raised("UNIQUE_VIOLATION")
        with self.assertRaises(errors.UniqueViolation):
            again(calls.cr, calls.work, calls.commit)
        self.assertEqual(calls.work.call_count, 1)

    def test_what_was_tried_is_not_tried_again_around_it(self):
        """Loops inside of each other are one: no attempts times attempts."""
        calls = Mock()
        calls.work.side_effect = raised("SERIALIZATION_FAILURE")
        with patch.object(conflicts.time, "sleep"), self.assertRaises(StillInTheWay):
            again(
                calls.cr,
                lambda _failed: again(calls.cr, calls.work, calls.commit),
                calls.commit,
            )
        self.assertEqual(calls.work.call_count, ATTEMPTS)

    def test_inside_of_another_transaction_it_is_for_who_began_that(self):
        work = Mock(side_effect=raised("SERIALIZATION_FAILURE"))
        with self.assertRaises(errors.SerializationFailure):
            again(Mock(), work, None)
        self.assertEqual(work.call_count, 1)

    def test_only_what_is_tried_again_is_quiet(self):
        """Odoo logs each query that fails as an error."""
        logger, found = logging.getLogger("odoo.sql_db"), []

        def work(error):
            try:
                raise error
            except Exception:
                record = logger.makeRecord(
                    logger.name, logging.ERROR, "", 0, "bad query", (), None
                )
                logger.filter(record)
                found.append(record.levelname)
                raise

        for name in ("SERIALIZATION_FAILURE", "UNIQUE_VIOLATION", "QUERY_CANCELED"):
            with (
                patch.object(conflicts, "ATTEMPTS", 1),
                self.assertRaises((StillInTheWay, psycopg2.Error)),
            ):
                again(Mock(), lambda _failed, n=name: work(raised(n)), Mock())
        with self.assertRaises(errors.SerializationFailure):
            work(raised("SERIALIZATION_FAILURE"))
        self.assertEqual(found, ["INFO", "ERROR", "INFO", "ERROR"])
