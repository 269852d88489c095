# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Ids that are one, however they are written; calls that another import brought."""

import unittest
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest import same_facts
from odoo.addons.metered_billing.ingest.same_records import id_key

WRITTEN_ANEW = (
    str.upper,
    lambda text: f"  {text} ",
    lambda text: f"{{{text}}}",
    lambda text: f'"{text}"',
)


class TestIdKey(unittest.TestCase):
    @given(st.uuids().map(str), st.lists(st.sampled_from(WRITTEN_ANEW), max_size=2))
    def test_ids_that_were_written_anew(self, text, changes):
        again = text
        for change in changes:
            again = change(again)
        self.assertEqual(id_key(again), id_key(text))
        # Stored as another call with the same id.
        self.assertEqual(id_key(f"{again}#0123456789abcdef"), id_key(text))
        self.assertEqual(id_key(f"{again}#"), id_key(text))

    @given(st.integers(0, 10**12), st.integers(0, 5), st.booleans())
    def test_numbers(self, number, zeros, is_float):
        again = "0" * zeros + str(number) + ".0" * is_float
        self.assertEqual(id_key(again), id_key(str(number)))

    @given(st.integers(0, 10**12), st.integers(0, 10**12))
    def test_other_numbers_are_others(self, one, other):
        self.assertEqual(id_key(f"{one}.1") == id_key(f"{other}.1"), one == other)
        self.assertEqual(id_key(str(one)) == id_key(str(other)), one == other)

    @given(st.text(max_size=9))
    def test_every_text_has_one(self, text):
        self.assertEqual(id_key(f" {text} "), id_key(text))


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["7", "07", "7.0", "8", "a-1", "content:x"]),
        st.sampled_from([0, 250_000, 1_000_000, 1_500_000, 61_000_000]),
        st.sampled_from(["+4930111222", "101", "102", None]),
        st.sampled_from(["+41441234567", "911", "112"]),
        st.booleans(),
    ),
    max_size=8,
)


def chunk_of(calls):
    """Calls of one length and customer, as they are prepared."""
    prints = ["x" if one[0].startswith("content:") else None for one in calls]
    return {
        "call_id": pa.array([one[0] for one in calls], pa.string()),
        "start_us": np.array([one[1] for one in calls], np.int64),
        "quantity": np.full(len(calls), 60, np.int64),
        "partner_id": np.full(len(calls), 1, np.int64),
        "caller": pa.array([one[2] for one in calls], pa.string()),
        "callee": pa.array([one[3] for one in calls], pa.string()),
        "fingerprint": pa.array(prints, pa.string()),
    }


def known_of(calls):
    """The same, as they are read from the database; and which are of the source."""
    known = chunk_of(calls)
    del known["fingerprint"]
    known["batch_id"] = np.arange(len(calls), dtype=np.int64) + 1
    known["has_id"] = np.array([not one[0].startswith("content:") for one in calls])
    known["has_id"] = known["has_id"].astype(np.int64)
    return known, np.array([one[4] for one in calls], bool)


def all_pairs(_cdrs, rows, known, _is_own):
    count = len(known["start_us"])
    pairs = [
        (row, at)
        for row in rows.tolist()
        for at in range(count)
        if _cdrs["start_us"][row] // same_facts.MINUTE_US
        == known["start_us"][at] // same_facts.MINUTE_US
    ]
    return tuple(np.array(pairs, np.int64).reshape(-1, 2).T)


class TestVerdicts(unittest.TestCase):
    @settings(deadline=None, max_examples=150)
    @given(new=CALLS, there=CALLS)
    def test_representatives_say_what_all_pairs_say(self, new, there):
        cdrs, rows = chunk_of(new), np.arange(len(new))
        known, is_own = known_of(there)
        found = same_facts._verdicts(cdrs, rows, known, is_own)
        with patch.object(same_facts, "_pairs", all_pairs):
            expected = same_facts._verdicts(cdrs, rows, known, is_own)
        self.assertEqual(found.duplicates, expected.duplicates)
        self.assertEqual(found.doubtful.keys(), expected.doubtful.keys())
        self.assertEqual(found.elsewhere, expected.elsewhere)

    def test_thousands_of_equal_calls_are_not_compared_with_each_other(self):
        call = ("+4930111222", "+41441234567", True)
        cdrs = chunk_of([(f"n{number}", 0, *call) for number in range(2000)])
        known, is_own = known_of([(f"k{number}", 0, *call) for number in range(2000)])
        rows, _theirs = same_facts._pairs(cdrs, np.arange(2000), known, is_own)
        self.assertLessEqual(len(rows), 20_000)
