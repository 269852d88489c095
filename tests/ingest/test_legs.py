# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Legs of one call are known by the id that the switch gives them."""

import csv
from itertools import combinations
from pathlib import Path
from unittest import TestCase

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.ingest.legs import linked_calls, stored_links
from odoo.addons.metered_billing.ingest.mapping import ColumnSpec
from odoo.addons.metered_billing.ingest.presets import PRESETS

MASTER = Path(__file__).parents[2] / "demo" / "asterisk" / "Master.csv"
ids = st.text("ab \0é", max_size=3)


def links_of(source_id=1, columns="a+b", pattern="", **texts):
    strings = pd.ArrowDtype(pa.string())
    frame = pd.DataFrame({name: pd.array(x, strings) for name, x in texts.items()})
    spec = ColumnSpec("linked_id", columns, pattern=pattern)
    return linked_calls(frame, [spec], source_id)


class TestLegs(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(ids, ids), min_size=1, max_size=12))
    def test_a_call_is_a_set_of_ids(self, pairs):
        firsts, seconds = map(list, zip(*pairs, strict=True))
        links = links_of(a=firsts, b=seconds).tolist()
        sets = [tuple(sorted(x.strip() for x in pair)) for pair in pairs]
        for one, other in combinations(range(len(pairs)), 2):
            self.assertEqual(links[one] == links[other], sets[one] == sets[other])
        for link, pair in zip(links, sets, strict=True):
            self.assertEqual(link == 0, not any(pair))

    def test_ids_of_two_sources_are_two_calls(self):
        texts = {"a": ["1", ""]}
        one, other = (links_of(key, "a", **texts).tolist() for key in (1, 2))
        self.assertNotEqual(one[0], other[0])
        self.assertEqual((one[1], other[1]), (0, 0))

    def test_stays_the_same_from_version_to_version(self):
        """Legs of a call are stored before and after an update."""
        [link] = links_of(7, "a", a=["1790832376.0"]).tolist()
        self.assertEqual(link, -1079755853018904196)

    def test_a_part_of_a_text(self):
        links = links_of(1, "a", "^([^@]*)", a=["x@one", "x@other", "y@one"])
        self.assertEqual(links[0], links[1])
        self.assertNotEqual(links[0], links[2])

    def test_a_file_without_the_column(self):
        self.assertIsNone(links_of(1, "linkedid", a=["1"]))

    def test_only_what_lasted_is_stored(self):
        links = links_of(1, "a", a=["1", "1", ""])
        stored = stored_links(links, [5, 0, 5]).to_pylist()
        self.assertEqual(stored, [int(links[0]), None, None])

    def test_calls_of_an_asterisk(self):
        """As many as its own linkedid says."""
        with MASTER.open(encoding="utf-8", newline="") as file:
            told = [row[19] for row in csv.reader(file)]
        frame = pd.DataFrame({"linkedid": pd.array(told, pd.ArrowDtype(pa.string()))})
        links = linked_calls(frame, PRESETS["asterisk"].columns, 3)
        self.assertEqual(len(set(links.tolist())), len(set(told)))
