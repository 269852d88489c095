# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Records with one id: whatever the portions, the same ones are duplicates."""

import unittest

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.mapping import record_ids
from odoo.addons.metered_billing.ingest.prepare import prepare
from odoo.addons.metered_billing.ingest.same_records import (
    Comparable,
    fingerprints,
    national,
    of_cdrs,
    of_frame,
    own_ids,
)

from ..support.plain_settings import make_frame, make_settings

NUMBERS = ["+14045550100", "+14045550101"]
SETTINGS = make_settings(NUMBERS)

call = st.tuples(
    st.sampled_from(["1", "2", "3"]),
    st.sampled_from(["2026-10-05 10:00:00", "2026-10-05 10:00:01", "x"]),
    st.sampled_from(["60", "60.5", "61", "", "1e3"]),
    st.sampled_from([*NUMBERS, "+14045559999", "404-555-0100"]),
    st.sampled_from(["+442079460120", "011442079460120", "+442079460121", "911"]),
)
#: the same, each text written in other ways
WAYS = {
    "2026-10-05 10:00:00": ("2026-10-05T10:00:00Z", "1791194400"),
    "60": ("0:01:00", "60"),
    "+14045550100": ("404-555-0100", "1 404 555 0100"),
    "+442079460120": ("011442079460120", "+44 (0)20 7946 0120"),
}


def stored(portions):
    """What is stored of portions, as records and exceptions: id -> facts."""
    known = {}
    for portion in portions:
        frame = make_frame(portion)
        prepared = prepare(frame, np.arange(len(frame)), [], SETTINGS)
        ids = prepared.cdrs["call_id"].to_pylist()
        rows = [
            (text, of_frame(prepared.frame.iloc[[row]], SETTINGS))
            for text, row in zip(ids, prepared.cdrs["row"], strict=True)
        ]
        rejected = prepared.rejected
        rows += [
            (plain or text, of_frame(prepared.frame.iloc[[row]], SETTINGS))
            for text, plain, row in zip(
                rejected.call_id, rejected.record_id, rejected.row, strict=True
            )
        ]
        # In the order of the file, as the first one is what others are compared with.
        places = [*prepared.cdrs["row"], *rejected.row]
        for at in np.argsort(places, kind="stable"):
            text, facts = rows[at]
            if text not in known:
                known[text] = facts
            elif not facts.same_as(known[text])[0]:
                known.setdefault(own_ids([text], facts)[0], facts)
    return {text: facts.describe() for text, facts in known.items()}


class TestSameRecords(unittest.TestCase):
    @settings(deadline=None, max_examples=25)
    @given(st.lists(call, max_size=12), st.integers(1, 5))
    def test_portions(self, calls, size):
        portions = [calls[at : at + size] for at in range(0, len(calls), size)]
        self.assertEqual(stored(portions), stored([calls]))

    @settings(deadline=None, max_examples=25)
    @given(st.lists(call, max_size=12))
    def test_all_once_more(self, calls):
        self.assertEqual(stored([calls, calls]), stored([calls]))
        self.assertEqual(stored([calls + calls]), stored([calls]))

    @settings(deadline=None, max_examples=25)
    @given(st.lists(call, max_size=12))
    def test_records_add_up(self, calls):
        frame = make_frame(calls)
        prepared = prepare(frame, np.arange(len(frame)), [], SETTINGS)
        ids = [*prepared.cdrs["call_id"].to_pylist(), *prepared.rejected.call_id]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(len(ids) + prepared.duplicates, len(calls))

    @settings(deadline=None, max_examples=25)
    @given(st.data())
    def test_written_in_another_way(self, data):
        plain = ("", *WAYS)
        other = ("", *(data.draw(st.sampled_from(ways)) for ways in WAYS.values()))
        frame = make_frame([plain, other])
        self.assertEqual(len(set(fingerprints(frame, SETTINGS))), 1)
        facts = of_frame(frame, SETTINGS)
        self.assertTrue(facts.take(np.array([0])).same_as(facts.take(np.array([1])))[0])

    def test_every_fact_counts(self):
        one = ("", "2026-10-05 10:00:00", "60", *NUMBERS)
        others = (
            ("", "2026-10-05 10:00:00.5", "60", *NUMBERS),
            ("", "2026-10-05 10:00:00", "61", *NUMBERS),
            ("", "2026-10-05 10:00:00", "60", *reversed(NUMBERS)),
            ("", "2026-10-05 10:00:00", "60", NUMBERS[0], "anonymous"),
            ("", "2026-10-05 10:00:00", "60", NUMBERS[0], "unknown"),
        )
        found = fingerprints(make_frame([one, *others]), SETTINGS)
        self.assertEqual(len(set(found)), len(found))

    def test_finished_and_raw_records_say_the_same(self):
        calls = [
            (str(at), "2026-10-05 10:00:00", "60", NUMBERS[0], callee)
            for at, callee in enumerate(("2125550199", "911", "+442079460120"))
        ]
        prepared = prepare(make_frame(calls), np.arange(3), [], SETTINGS)
        raw = of_frame(prepared.frame, SETTINGS)
        self.assertTrue(of_cdrs(prepared.cdrs).same_as(raw).all())

    def test_numbers_read_in_another_country(self):
        texts = pa.array(["+442079460120", "+12079460120", "+390612345", "911", None])
        self.assertEqual(
            national(texts).to_pylist(),
            ["2079460120", "2079460120", "612345", "911", None],
        )

    def test_what_is_no_number_is_any(self):
        def facts(callee):
            return Comparable(
                np.zeros(1, np.int64),
                pa.array(["60"]),
                pa.nulls(1, pa.string()),
                callee,
            )

        known = facts(pa.array(["+442079460120"]))
        self.assertTrue(known.same_as(facts(pa.nulls(1, pa.string())))[0])
        self.assertFalse(known.same_as(facts(pa.array(["+442079460121"])))[0])
        self.assertFalse(known.same_as(facts(pa.array(["+441139460120"])))[0])

    def test_which_records_have_an_id(self):
        frame = make_frame(
            [(text, "", "", "", "") for text in ("1", "", " ", "-", "a")]
        )
        _ids, has_id = record_ids(frame, SETTINGS.columns)
        self.assertEqual(has_id.tolist(), [True, False, False, False, True])
