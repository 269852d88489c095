# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What comes from outside is made harmless before anything is done with it."""

import decimal
import json
import unittest
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import psycopg2
import pyarrow as pa
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.errors import SourceError
from odoo.addons.metered_billing.connectors.formats import BadLine, Chunk
from odoo.addons.metered_billing.connectors.harmless import (
    MOST_CHARACTERS,
    MOST_COLUMNS,
    MOST_KEY,
    OTHER_FIELDS,
    key_text,
)
from odoo.addons.metered_billing.connectors.interface import Account, Identifier
from odoo.addons.metered_billing.connectors.records import join_frames, text_frame
from odoo.addons.metered_billing.ingest import isolate
from odoo.addons.metered_billing.ingest.mapping import call_ids
from odoo.addons.metered_billing.ingest.prepare import prepare
from odoo.addons.metered_billing.ingest.settings import ColumnSpec

from ..support.plain_settings import make_frame, make_settings

NUMBER = "+14045550100"
SETTINGS = make_settings([NUMBER])
GOOD = ("good", "2026-10-05 10:00:00", "60", NUMBER, "+12125550199")
ID = (ColumnSpec("call_id", "id"),)

poison = st.sampled_from(["\0", "\ud800", "\udfff", "\\ud800", "\ufffd"])
hostile = st.one_of(
    st.text(st.characters(), max_size=20),
    st.tuples(st.text(max_size=5), poison, st.text(max_size=5)).map("".join),
    st.tuples(st.text(min_size=1, max_size=3), st.integers(80, 90_000)).map(
        lambda pair: (pair[0] * pair[1])[: 3 * MOST_CHARACTERS]
    ),
    st.integers(0, 10**40).map(str),
    st.sampled_from(["NaN", "Infinity", "-1", "1e999", "9" * 5000, "0x7f", "²", "٤٤"]),
)


def storable(text):
    return text is None or ("\0" not in text and bool(text.encode() or True))


class TestKeys(unittest.TestCase):
    @given(st.lists(hostile, unique=True, max_size=8))
    def test_different_ones_stay_different(self, texts):
        keys = [key_text(text) for text in texts]
        self.assertEqual(len(set(keys)), len(texts))
        self.assertEqual(keys, [key_text(text) for text in texts])
        for key in keys:
            self.assertTrue(storable(key))
            # Of an index of 2,704 bytes.
            self.assertLess(len(key.encode()), 1200)

    def test_no_short_text_is_the_key_of_a_long_one(self):
        key = key_text("x" * 300)
        self.assertGreater(len(key), MOST_KEY)
        self.assertNotEqual(key_text(key), key)
        self.assertEqual(key_text("x" * MOST_KEY), "x" * MOST_KEY)

    def test_ids_that_differ_at_their_ends(self):
        long = "x" * 100_000
        records = [{"id": long + end} for end in ("a", "b", "a", "\0", "\ud800")]
        records[-1]["n"] = "1"
        ids = call_ids(text_frame(records), ID).to_pylist()
        self.assertEqual(ids[0], ids[2])
        self.assertEqual(len(set(ids)), 4)

    def test_an_id_that_was_replaced_is_told_by_its_record(self):
        """Two calls whose ids differ in what cannot be stored are two calls."""
        one = {"id": "a\ud800", "start": "1"}
        two = {"id": "a\ud801", "start": "2"}
        ids = call_ids(text_frame([one, two, one]), ID).to_pylist()
        self.assertEqual((ids[0], len(set(ids))), (ids[2], 2))
        # Whatever else comes in together with them.
        other = call_ids(text_frame([{"more": "x"}, two]), ID).to_pylist()
        self.assertEqual(other[1], ids[1])

    def test_what_a_switch_lists(self):
        account = Account("a\0" * 5000, "n\ud800" * 5000)
        identifier = Identifier("number", "\ud800" + "1" * 5000, "\0")
        for text in (account.key, account.name, identifier.value, identifier.name):
            self.assertTrue(storable(text))
            self.assertLess(len(text.encode()), 1200)

    def test_what_a_server_says_of_an_error(self):
        error = SourceError("It says \ud800\0" * 5000, "GET \ud800", "Ask.")
        self.assertTrue(storable(str(error)))
        self.assertLess(len(str(error)), 3000)


class TestColumns(unittest.TestCase):
    def test_a_record_of_thousands_of_fields(self):
        many = {f"X-{n}": str(n) for n in range(5_000)}
        frame = text_frame(
            [{"id": "1"}, {**many, "id": "2", "own": "o"}], ["id"], ["own", "X-4999"]
        )
        self.assertLessEqual(len(frame.columns), MOST_COLUMNS)
        row = frame.iloc[1]
        self.assertEqual((row["id"], row["own"], row["X-4999"]), ("2", "o", "4999"))
        rest = json.loads(row[OTHER_FIELDS])
        told = {n: v for n, v in row.items() if v and n != OTHER_FIELDS}
        self.assertEqual({**told, **rest}, {**many, "id": "2", "own": "o"})
        self.assertEqual(frame.iloc[0][OTHER_FIELDS], "")

    def test_what_most_records_have_keeps_its_column(self):
        records = [
            {
                **{f"X-{n}-{at}": "x" for at in range(30)},
                "id": str(n),
                "account": "acme",
            }
            for n in range(100)
        ]
        frame = text_frame(records)
        self.assertEqual(set(frame["account"]), {"acme"})
        joined = join_frames([text_frame(records[:30]), text_frame(records[30:])])
        self.assertLessEqual(len(joined.columns), MOST_COLUMNS)
        self.assertEqual(set(joined["account"]), {"acme"})

    def test_names_that_cannot_be_stored(self):
        frame = text_frame(
            [{"a\0": "1", "a\ud800": "2", "n" * 100_000: "3", "id": "4"}]
        )
        self.assertEqual([*frame.iloc[0]], ["1", "2", "3", "4"])
        self.assertTrue(all(storable(name) for name in frame.columns))


class TestDoor(unittest.TestCase):
    @settings(deadline=None)
    @given(st.integers(0, 4), hostile, st.sampled_from(["60", "0"]))
    @example(3, "x" * 5000, "0")
    @example(3, "9" * 5000, "0")
    @example(4, "\0" * 5000, "0")
    def test_a_hostile_value_in_any_column(self, position, value, seconds):
        call = ["bad", *GOOD[1:]]
        call[2] = seconds
        call[position] = value
        frame = text_frame(
            [
                dict(zip(make_frame([GOOD]).columns, row, strict=True))
                for row in (GOOD, call)
            ]
        )
        prepared = prepare(frame, np.arange(2), [], SETTINGS)
        self.assertEqual(
            prepared.records,
            prepared.cdr_count + len(prepared.rejected) + prepared.duplicates,
        )
        self.assertIn("good", prepared.cdrs["call_id"].to_pylist())
        for name in ("call_id", "caller", "callee"):
            for text in prepared.cdrs[name].to_pylist():
                self.assertTrue(storable(text))
                self.assertLess(len((text or "").encode()), 1200)
        for raw in prepared.rejected.raw:
            self.assertTrue(all(map(storable, json.loads(raw).values())))
            self.assertTrue(storable(raw))

    def test_what_is_cut_says_so(self):
        call = ("1", "2026-10-05 10:00:00", "60", NUMBER, "x" * 10**6)
        prepared = prepare(make_frame([GOOD, call]), np.arange(2), [], SETTINGS)
        [raw] = prepared.rejected.raw
        self.assertLess(len(raw), 2 * MOST_CHARACTERS)
        self.assertIn("(cut: 1,000,000 characters)", raw)

    def test_plain_frames_are_left_alone(self):
        frame = make_frame([GOOD])
        from odoo.addons.metered_billing.ingest.door import harmless_frame

        self.assertIs(harmless_frame(frame), frame)


class FakeCursor:
    def __init__(self):
        self.statements = []

    def execute(self, statement, _params=None):
        self.statements.append(statement)


class TestIsolate(unittest.TestCase):
    """Halving, with a database that refuses what the test says."""

    def chunk(self, count, bad=()):
        lines = np.array([n for n in range(count) if n not in bad], np.int64)
        calls = [(str(n), *GOOD[1:]) for n in lines]
        return Chunk(
            make_frame(calls), lines, 0, [BadLine(n, f"bad {n}", "x", "y") for n in bad]
        )

    def run_portion(self, chunk, refused, error=ValueError):
        kept = []

        def store(_cr, prepared, _settings, _batch, _expect_new):
            ids = prepared.cdrs["call_id"].to_pylist()
            if {*ids} & {*refused}:
                raise error("refused")
            kept.append((ids, list(prepared.rejected.call_id)))
            return (
                isolate.Stored(
                    prepared.records, len(ids), 0, 0, len(prepared.rejected)
                ),
                False,
            )

        cr = FakeCursor()
        with patch.object(isolate, "store", store):
            stored, _found, _rates = isolate.store_portion(
                cr, chunk, isolate.try_to_prepare(chunk, SETTINGS), SETTINGS, 1
            )
        return stored, kept, cr.statements

    def test_the_one_to_blame_and_no_other(self):
        for refused in ([], ["0"], ["999"], ["500"], ["3", "4", "700"]):
            stored, kept, statements = self.run_portion(self.chunk(1000), refused)
            self.assertEqual(stored.records, 1000)
            self.assertEqual(stored.rated, 1000 - len(refused))
            self.assertEqual(stored.exceptions, len(refused))
            ids = [call_id for own, _rejected in kept for call_id in own]
            self.assertEqual(len(ids), len(set(ids)))
            points = [s for s in statements if s.startswith("SAVEPOINT")]
            # Two for each halving, and one for the exception itself.
            self.assertLessEqual(len(points), 1 + 23 * len(refused))

    def test_lines_that_cannot_be_read_stay_in_their_order(self):
        chunk = self.chunk(101, bad=(0, 7, 50, 51, 100))
        found = [*isolate.parts(chunk, 10)]
        self.assertEqual([part.records for part in found], [10] * 10 + [1])
        lines = [sorted([*part.line, *(b.line for b in part.bad)]) for part in found]
        self.assertEqual(sum(lines, []), list(range(101)))
        stored, _kept, _statements = self.run_portion(chunk, ["42"])
        self.assertEqual(
            (stored.records, stored.rated, stored.exceptions), (101, 95, 6)
        )

    def test_a_defect_and_the_machine_blame_no_record(self):
        for error in (
            *(TypeError, AttributeError, NameError, LookupError, KeyError, IndexError),
            *(pa.ArrowKeyError, MemoryError, OSError, AssertionError),
            *(psycopg2.ProgrammingError, psycopg2.OperationalError),
        ):
            with self.subTest(error), self.assertRaises(error):
                self.run_portion(self.chunk(10), ["3"], error)

    def test_a_record_that_cannot_be_prepared(self):
        chunk = self.chunk(10)
        real = isolate.prepare

        def failing(frame, *args):
            if "4" in frame["call_id"].tolist():
                raise OverflowError("too much")
            return real(frame, *args)

        with patch.object(isolate, "prepare", failing):
            stored, kept, _statements = self.run_portion(chunk, [])
        self.assertEqual((stored.rated, stored.exceptions), (9, 1))
        self.assertIn(([], ["4"]), kept)

    def test_a_portion_that_is_too_large_to_be_halved(self):
        chunk = self.chunk(isolate.MOST_RECORDS + 1)
        with self.assertRaises(isolate.PortionTooLarge):
            self.run_portion(chunk, ["3"])


class TestClasses(unittest.TestCase):
    def test_what_arrow_and_pandas_raise_of_data(self):
        import pandas as pd

        for error in (
            *(pa.ArrowInvalid("x"), pd.errors.OutOfBoundsDatetime("x")),
            *(OverflowError("x"), decimal.InvalidOperation("x"), RecursionError("x")),
            UnicodeDecodeError("utf-8", b"x", 0, 1, "x"),
            json.JSONDecodeError("x", "x", 0),
            *(psycopg2.DataError("x"), psycopg2.errors.NumericValueOutOfRange("x")),
            *(psycopg2.errors.CheckViolation("x"), psycopg2.errors.UniqueViolation()),
        ):
            self.assertTrue(isolate.is_of_the_data(error))
        self.assertFalse(isolate.is_of_the_data(SimpleNamespace()))
