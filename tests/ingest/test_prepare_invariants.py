# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Order, batching and duplication of the input change no charge (decision 3)."""

import unittest
from collections import Counter, defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.outcome import USAGE_KEYS
from odoo.addons.metered_billing.ingest.prepare import prepare

from ..support.plain_settings import make_frame, make_settings

NUMBERS = ["+14045550100", "+14045550101", "+14045550102"]
SETTINGS = make_settings(
    NUMBERS,
    rates=(
        {"price_e8": 1_234_567, "initial_increment": 30, "increment": 6},
        {"rate_id": 2, "prefix": "44", "price_e8": 333, "connection_fee_e8": 7},
        {"rate_id": 3, "prefix": "4477", "price_e8": 41, "min_charge_e8": 99_999},
    ),
)

call = st.tuples(
    st.integers(0, 25).map(str),
    st.tuples(st.integers(1, 28), st.integers(0, 23)).map(
        lambda t: f"2026-10-{t[0]:02d} {t[1]:02d}:00:00"
    ),
    st.one_of(st.integers(0, 4000).map(str), st.sampled_from(["-1", "x", ""])),
    st.sampled_from([*NUMBERS, "+14045559999"]),
    st.sampled_from(
        ["+442079460120", "07700900123", "+447700900123", "12125550199", "911", "", "x"]
    ),
)
# The same id is the same record: two different calls never share one.
calls = st.lists(call, max_size=30, unique_by=lambda c: c[0])


def run(batches):
    """What an import of these batches stores: charges per id, usage, rejected."""
    charges, rejected, usage = {}, {}, defaultdict(Counter)
    known = set()
    counts = Counter()
    for batch in batches:
        prepared = prepare(make_frame(batch), np.arange(len(batch)), [], SETTINGS)
        ids = np.array(prepared.cdrs["call_id"].to_pylist(), object)
        # What the database does: records that are stored already are left out.
        prepared = prepared.select(np.array([i not in known for i in ids], bool))
        cdrs = prepared.cdrs
        ids = cdrs["call_id"].to_pylist()
        known.update(ids)
        for position, call_id in enumerate(ids):
            charges[call_id] = (
                int(cdrs["charge_micro"][position]),
                int(cdrs["billed_seconds"][position]),
                int(cdrs["rate_id"][position]),
                int(cdrs["partner_id"][position]),
                int(cdrs["meter_id"][position]),
            )
        fresh = 0
        for call_id, reason in zip(
            prepared.rejected.call_id, prepared.rejected.reason, strict=True
        ):
            fresh += call_id not in rejected
            rejected[call_id] = reason
        for row in prepared.usage.to_dict("records"):
            key = tuple(row[name] for name in USAGE_KEYS)
            for name in ("records", "quantity", "billed_quantity", "charge_micro"):
                usage[key][name] += row[name]
        counts["records"] += prepared.records
        counts["cdrs"] += prepared.cdr_count
        counts["exceptions"] += fresh
        counts["duplicates"] += prepared.duplicates + len(prepared.rejected) - fresh
    return charges, rejected, dict(usage), counts


class TestPrepareInvariants(unittest.TestCase):
    @settings(deadline=None, max_examples=60)
    @given(calls, st.randoms(use_true_random=False))
    def test_order(self, batch, random):
        shuffled = list(batch)
        random.shuffle(shuffled)
        self.assertEqual(run([batch])[:3], run([shuffled])[:3])

    @settings(deadline=None, max_examples=60)
    @given(calls, st.integers(1, 10))
    def test_batching(self, batch, size):
        parts = [batch[n : n + size] for n in range(0, len(batch), size)]
        self.assertEqual(run([batch])[:3], run(parts)[:3])

    @settings(deadline=None, max_examples=60)
    @given(calls, st.data())
    def test_duplication(self, batch, data):
        again = []
        if batch:
            again = data.draw(st.lists(st.sampled_from(batch), max_size=20))
        self.assertEqual(run([batch])[:3], run([batch + again])[:3])
        self.assertEqual(run([batch])[:3], run([batch, again])[:3])

    @settings(deadline=None, max_examples=60)
    @given(st.lists(call, max_size=30), st.integers(1, 10))
    def test_control_totals(self, batch, size):
        """Records in = CDRs + duplicates + exceptions, whatever comes (decision 5)."""
        parts = [batch[n : n + size] for n in range(0, len(batch), size)]
        counts = run(parts)[3]
        self.assertEqual(counts["records"], len(batch))
        self.assertEqual(
            counts["records"],
            counts["cdrs"] + counts["exceptions"] + counts["duplicates"],
        )

    @settings(deadline=None, max_examples=60)
    @given(calls)
    def test_usage_is_the_sum_of_its_calls(self, batch):
        charges, _rejected, usage, _counts = run([batch])
        self.assertEqual(
            sum(charge for charge, *_rest in charges.values()),
            sum(sums["charge_micro"] for sums in usage.values()),
        )
        self.assertEqual(len(charges), sum(s["records"] for s in usage.values()))
