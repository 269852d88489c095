# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Number keys and longest-prefix matching against a plain string comparison."""

from unittest import TestCase

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.addons.metered_billing.rating import PrefixIndex, number_keys, prefix_range

CASES = {
    "+44": 440_000_000_000_000,
    "+14046058270": 140_460_582_700_000,
    "+123456789012345": 123_456_789_012_345,
    "+0": 0,
    "911": 10**15 + 3 * 10**9 + 911,
    "0911": 10**15 + 4 * 10**9 + 911,
    "123456789": 10**15 + 9 * 10**9 + 123_456_789,
    "1234567890": -1,
    "+1234567890123456": -1,
    "+": -1,
    "": -1,
    "+44 20": -1,
    "+44\n": -1,
    "911\n": -1,
    "*97": -1,
    "+٤٤": -1,
    "anonymous": -1,
    None: -1,
}


def starts_with(number, prefix):
    """Say what `prefix` means, in words that need no keys."""
    if prefix == "":
        return True
    if prefix.startswith("="):
        return number == prefix[1:]
    return number is not None and number.startswith("+" + prefix)


class TestNumberKeys(TestCase):
    def test_defined_cases(self):
        self.assertEqual(number_keys(list(CASES)).tolist(), list(CASES.values()))

    def test_any_container_gives_the_same(self):
        texts, expected = list(CASES), list(CASES.values())
        chunked = pa.chunked_array([texts[:5], texts[5:]])
        for numbers in (
            pa.array(texts),
            pa.array(texts, pa.large_string()),
            chunked,
            pa.array(texts).dictionary_encode(),
            pd.Series(texts),
            pd.Series(texts, dtype=pd.ArrowDtype(pa.string())),
            pd.Series(texts, index=range(50, 50 + len(texts))),
            np.array(texts, dtype=object),
        ):
            with self.subTest(container=type(numbers)):
                keys = number_keys(numbers)
                self.assertEqual(keys.dtype, np.int64)
                self.assertEqual(keys.tolist(), expected)

    def test_nothing_in_nothing_out(self):
        self.assertEqual(number_keys([]).tolist(), [])
        self.assertEqual(number_keys([None]).tolist(), [-1])
        self.assertEqual(number_keys(pa.array([], pa.string())).tolist(), [])

    def test_a_slice_of_a_column(self):
        numbers = pa.array(["911", "+44", None, "+1"])
        self.assertEqual(number_keys(numbers[1:3]).tolist(), [44 * 10**13, -1])


class TestPrefixRange(TestCase):
    def test_defined_cases(self):
        self.assertEqual(prefix_range("44"), (44 * 10**13, 45 * 10**13))
        self.assertEqual(prefix_range("0"), (0, 10**14))
        self.assertEqual(
            prefix_range("123456789012345"), (123456789012345, 123456789012346)
        )
        short = 10**15 + 3 * 10**9 + 911
        self.assertEqual(prefix_range("=911"), (short, short + 1))

    def test_catch_all_covers_every_key_even_unusable(self):
        low, high = prefix_range("")
        self.assertEqual(low, -1)
        self.assertGreater(high, number_keys(["999999999"])[0])

    def test_malformed_prefixes_are_refused(self):
        for prefix in (
            *("+44", "44*", " 44", "^44", "4 4", "٤٤", "a", "1234567890123456"),
            *("=", "=+44", "==9", "=1234567890", "=a", None),
        ):
            with self.subTest(prefix=prefix):
                with self.assertRaisesRegex(ValueError, "is not a prefix"):
                    prefix_range(prefix)

    def test_the_wrong_one_is_named(self):
        with self.assertRaisesRegex(ValueError, r"'49x'"):
            PrefixIndex([0, 0], ["44", "49x"], [1, 2])


class TestPrefixIndex(TestCase):
    def find(self, index, table, number):
        node = index.lookup(table, number_keys([number]))
        return int(index.first_payload(node)[0])

    def test_longest_wins_whatever_the_order(self):
        rows = [("1", 1), ("1234", 2), ("12", 3), ("", 4), ("=911", 5)]
        for shift in range(len(rows)):
            rotated = rows[shift:] + rows[:shift]
            index = PrefixIndex([0] * 5, *zip(*rotated, strict=True))
            expected = {
                "+1234999": 2,
                "+1235": 3,
                "+13": 1,
                "+2": 4,
                "911": 5,
                "9111": 4,
                "nonsense": 4,
                "+911": 4,
            }
            for number, payload in expected.items():
                self.assertEqual(self.find(index, 0, number), payload, number)

    def test_parents_go_up_to_the_catch_all(self):
        index = PrefixIndex([7] * 3, ["", "49", "49171"], [1, 2, 3])
        node = index.lookup(7, number_keys(["+4917112345"]))
        lengths = []
        while node[0] >= 0:
            lengths.append(int(index.length[node[0]]))
            node = index.parent(node)
        self.assertEqual(lengths, [5, 2, 0])
        self.assertEqual(index.parent(np.array([-1])).tolist(), [-1])

    def test_tables_do_not_see_each_other(self):
        index = PrefixIndex([10, 20, 20], ["44", "4", "447"], [1, 2, 3])
        keys = number_keys(["+447", "+447", "+447", "+49", "+49"])
        nodes = index.lookup(np.array([10, 20, 30, 10, 20]), keys)
        self.assertEqual(index.first_payload(nodes).tolist(), [1, 3, -1, -1, 2])
        self.assertEqual(index.lookup(5, keys).tolist(), [-1] * 5)

    def test_equal_prefixes_share_a_node(self):
        index = PrefixIndex([0, 0, 0], ["44", "1", "44"], [5, 6, 4])
        self.assertEqual(len(index), 2)
        node = int(index.lookup(0, number_keys(["+44"]))[0])
        start, end = index.payload_start[node : node + 2]
        self.assertEqual(index.payloads[start:end].tolist(), [5, 4])
        self.assertEqual(index.node_of_row.tolist(), [node, 1 - node, node])

    def test_siblings_that_touch(self):
        index = PrefixIndex([0] * 4, ["1", "10", "11", "2"], [1, 10, 11, 2])
        found = [self.find(index, 0, n) for n in ("+10", "+11", "+12", "+2", "+0")]
        self.assertEqual(found, [10, 11, 1, 2, -1])

    def test_empty_index_and_no_keys(self):
        index = PrefixIndex([], [], [])
        self.assertEqual(index.lookup(0, number_keys(["+1"])).tolist(), [-1])
        self.assertEqual(index.first_payload(np.array([-1])).tolist(), [-1])
        index = PrefixIndex([0], ["1"], [1])
        self.assertEqual(index.lookup(0, number_keys([])).tolist(), [])

    digits = st.text("012", min_size=1, max_size=5)
    prefixes = st.one_of(digits, digits.map("={}".format), st.just(""))
    numbers = st.one_of(
        st.text("0123", min_size=8, max_size=8).map("+{}".format), digits, st.none()
    )

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(st.tuples(st.integers(0, 3), prefixes), max_size=25),
        st.lists(st.tuples(st.integers(0, 4), numbers), min_size=1, max_size=20),
        st.booleans(),
        st.sampled_from([1, 100, -7]),
    )
    def test_agrees_with_string_comparison(self, rows, calls, dense, step):
        tables = [table * step for table, _prefix in rows]
        prefixes = [prefix for _table, prefix in rows]
        index = PrefixIndex(tables, prefixes, list(range(len(rows))))
        if not dense:
            index._direct = None
        call_tables = np.array([table * step for table, _number in calls])
        texts = [number for _table, number in calls]
        nodes = index.lookup(call_tables, number_keys(texts))
        for table, number, node in zip(call_tables, texts, nodes, strict=True):
            matches = sorted(
                {
                    len(prefix.removeprefix("="))
                    for of_table, prefix in zip(tables, prefixes, strict=True)
                    if of_table == table and starts_with(number, prefix)
                }
            )
            lengths = []
            while node >= 0:
                lengths.insert(0, int(index.length[node]))
                self.assertEqual(index.table[node], table)
                node = index.parent_node[node]
            self.assertEqual(lengths, matches)
