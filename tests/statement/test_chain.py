# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A log in which no row can be changed unnoticed: whatever is done to it is found."""

import unittest

from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.statement.chain import broken, link

texts = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.one_of(st.none(), st.integers(), texts, st.lists(texts, max_size=2))
records = st.lists(
    st.dictionaries(st.sampled_from("abcd"), values, min_size=1), min_size=1, max_size=6
)


def log(made):
    """Rows as they are written: list of lists."""
    rows, before = [], ""
    for position, record in enumerate(made, 1):
        digest = link(before, record)
        rows.append([position, before, digest, dict(record), 1])
        before = digest
    return rows


def found(rows, whole):
    return broken(rows, len(whole), whole[-1][2])


class TestChain(unittest.TestCase):
    @given(records)
    def test_what_was_written_fits(self, made):
        self.assertEqual(found(log(made), log(made)), [])

    @given(records, st.data())
    def test_a_changed_row_is_named(self, made, data):
        rows, whole = log(made), log(made)
        place = data.draw(st.integers(0, len(rows) - 1))
        rows[place][3]["a"] = "another value"
        self.assertEqual(found(rows, whole), [(place + 1, "changed")])

    @given(records, st.data())
    def test_a_new_digest_does_not_help(self, made, data):
        rows, whole = log(made), log(made)
        place = data.draw(st.integers(0, len(rows) - 1))
        row = rows[place]
        row[3]["a"] = "another value"
        row[2] = link(row[1], row[3])
        last = place == len(rows) - 1
        self.assertEqual(
            found(rows, whole),
            [(place + 1, "head")] if last else [(place + 2, "detached")],
        )

    @given(records, st.data())
    def test_a_missing_row_is_named(self, made, data):
        rows, whole = log(made), log(made)
        place = data.draw(st.integers(0, len(rows) - 1))
        del rows[place]
        self.assertIn((place + 1, "missing"), found(rows, whole))

    @given(records)
    def test_an_added_row_is_named(self, made):
        rows = log([*made, {"a": "added"}])
        self.assertEqual(found(rows, log(made)), [(len(rows), "added")])

    def test_the_order_of_names_means_nothing(self):
        self.assertEqual(link("", {"a": 1, "b": 2}), link("", {"b": 2, "a": 1}))

    def test_what_a_log_cannot_hold(self):
        for value in (float("nan"), object(), {1, 2}):
            with self.assertRaises(ValueError):
                link("", {"a": value})
        with self.assertRaisesRegex(ValueError, "version 9"):
            link("", {}, 9)
        self.assertEqual(broken([(1, "", "$9$x", {}, 9)], 1, "$9$x"), [(1, "changed")])
